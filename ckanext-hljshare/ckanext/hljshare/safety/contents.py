"""What a file really is, by its content (no CKAN import)."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Callable, Collection, Iterator
from typing import Any, BinaryIO, NamedTuple
from xml.parsers import expat

from ckanext.hljshare.safety import archives
from ckanext.hljshare.safety.archives import Budget, RefusedError

__all__ = ["ACTIVE_TYPES", "TYPES", "RefusedError", "check"]

CHUNK = 1 << 16
HEAD = 4096  # how much of a file's beginning and end is looked at for what browsers would run
DEPTH = 500  # elements in one another
ACTIVE_TYPES = frozenset(
    (
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/javascript",
        "application/javascript",
        "application/x-sh",
        "application/x-msdownload",
        "application/x-httpd-php",
    )
)
# At the beginning of a text file: markup that a browser lays out, and programs.
_MARKUP = re.compile(
    r"<(!doctype|html|head|body|script|iframe|svg|style|title|table|img|a|div|font|h1|br|b|p|object"
    r"|embed|form|meta|link)[\s>/]|<\?php|#!",
    re.IGNORECASE,
)
# In a file that is no text: the same, anywhere at its beginning or end.
_HIDDEN = re.compile(rb"<script[\s>]|<html[\s>]|<svg[\s>]|<iframe[\s>]|<\?php", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ZIP_END = b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_CODEPAGES = {"gbk", "gb2312", "gb18030", "gb_2312-80", "cp936"}


class Source(NamedTuple):
    """A file that is looked at, and what bounds the look."""

    file: BinaryIO
    size: int
    kind: str
    allowed: Collection[str]
    budget: Budget
    depth: int


class Type(NamedTuple):
    """A type of files: its media type, and the check of its content."""

    media_type: str
    check: Callable[[Source], None]


def check(
    file: BinaryIO,
    size: int,
    kind: str,
    allowed: Collection[str],
    budget: Budget,
    depth: int = 0,
) -> None:
    """Refuse a file whose content is not what its extension says, or that can do harm.

    :param file: seekable, of `size` bytes
    :param kind: the extension, one of `TYPES`
    :param allowed: which extensions files in an archive may have
    :param depth: how many archives it lies in
    :raises RefusedError: with the reason's code
    """
    TYPES[kind].check(Source(file, size, kind, allowed, budget, depth))


# ---------------------------------------------------------------- text


def _decoded(source: Source) -> Iterator[str]:
    """Give the text in pieces: UTF-8 or GB18030, whichever the whole file is."""
    encoding = "utf-8-sig" if _is(source.file, "utf-8") else "gb18030"
    decoder = codecs.getincrementaldecoder(encoding)()
    source.file.seek(0)
    try:
        while chunk := source.file.read(CHUNK):
            yield decoder.decode(chunk)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise RefusedError("encoding") from None


def _is(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _text(source: Source) -> None:
    """Text without control characters that does not begin as markup or a program."""
    start = ""
    for piece in _decoded(source):
        if _CONTROL.search(piece):
            raise RefusedError("content", extension=source.kind)
        if len(start) < HEAD:
            start += piece[:HEAD]
    if _MARKUP.match(_after_comments(start)):
        raise RefusedError("active")


def _after_comments(text: str) -> str:
    """Text without the blanks and comments that a browser skips at its beginning."""
    text = text.lstrip("\ufeff \t\r\n\f")
    while text.startswith("<!--"):
        text = text.partition("-->")[2].lstrip("\ufeff \t\r\n\f")
    return text


def _json(source: Source) -> None:
    """JSON by its first and last character; it is not parsed, which could take any memory."""
    _text(source)
    first = last = ""
    for piece in _decoded(source):
        stripped = piece.strip()
        if stripped:
            first, last = first or stripped[0], stripped[-1]
    if first + last not in ("{}", "[]"):
        raise RefusedError("content", extension=source.kind)


def _xml(source: Source) -> None:
    """Well-formed XML without a document type, so without entities; no page and no picture."""
    parser = expat.ParserCreate("utf-8", "\x1f")  # the declared encoding does not count
    depth = 0

    def start(name: str, attributes: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH:
            raise RefusedError("content", extension=source.kind)
        if name.rpartition("\x1f")[2].lower() in ("html", "svg", "script"):
            raise RefusedError("active")

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: Any) -> None:
        raise RefusedError("xml-entities")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    try:
        for number, piece in enumerate(_xml_text(source)):
            parser.Parse((piece if number else piece.lstrip("\ufeff \t\r\n")).encode(), False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError):
        raise RefusedError("content", extension=source.kind) from None


def _xml_text(source: Source) -> Iterator[str]:
    source.file.seek(0)
    head = source.file.read(200)
    found = _DECLARED.search(head)
    declared = found[1].decode().lower() if found else "utf-8"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or declared not in (
        _CODEPAGES | {"utf-8", "us-ascii"}
    ):
        raise RefusedError("encoding")
    return _decoded(source)


# ---------------------------------------------------------------- other files


def _starts(*magics: bytes, at: int = 0) -> Callable[[Source], None]:
    """Return a check of a file by the bytes it begins with."""

    def look(source: Source) -> None:
        source.file.seek(at)
        head = source.file.read(max(map(len, magics)))
        if not head.startswith(magics):
            raise RefusedError("content", extension=source.kind)
        _nothing_hidden(source)

    return look


def _nothing_hidden(source: Source) -> None:
    """Refuse what is also a page or an archive: read by another program it is another file."""
    source.file.seek(0)
    ends = source.file.read(HEAD)
    source.file.seek(max(0, source.size - HEAD))
    tail = source.file.read(HEAD)
    if _HIDDEN.search(ends) or _HIDDEN.search(tail):
        raise RefusedError("active")
    if _ZIP_END in tail:
        raise RefusedError("polyglot")


def _png(source: Source) -> None:
    """A PNG whose chunks follow one another to the last, with nothing behind it."""
    _starts(b"\x89PNG\r\n\x1a\n")(source)
    place, name = 8, b""
    while name != b"IEND":
        source.file.seek(place)
        head = source.file.read(8)
        if len(head) < 8 or (place == 8 and head[4:] != b"IHDR"):
            raise RefusedError("content", extension=source.kind)
        length, name = struct.unpack(">I4s", head)
        place += length + 12
    if place != source.size:
        raise RefusedError("polyglot" if place < source.size else "content", extension="png")


def _dbf(source: Source) -> None:
    """A dBase table: its header says where the rows begin, how many there are, and how long."""
    source.file.seek(0)
    head = source.file.read(32)
    if len(head) < 32 or head[0] & 0x07 not in (3, 4, 5):
        raise RefusedError("content", extension=source.kind)
    rows, start, width = struct.unpack("<IHH", head[4:12])
    if start < 33 or not 0 <= source.size - (start + rows * width) <= 1:
        raise RefusedError("content", extension=source.kind)


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def _ole(source: Source) -> None:
    """A document of the older office programs, without macros.

    The names of its streams stand whole in its directory, so that looking for them is enough.
    """
    source.file.seek(0)
    if source.file.read(8) != _OLE:
        raise RefusedError("content", extension=source.kind)
    _no_macros(source)


def _no_macros(source: Source) -> None:
    wanted = {
        _utf16("_VBA_PROJECT"): "macro",
        _utf16("EncryptedPackage"): "encrypted",
    }
    longest = max(map(len, wanted))
    source.file.seek(0)
    before = b""
    while chunk := source.file.read(CHUNK):
        window = before + chunk
        for name, code in wanted.items():
            if name in window:
                raise RefusedError(code)
        before = window[-longest:]


def _office(main: str) -> Callable[[Source], None]:
    """Return a check of an office document that is a ZIP of XML, by its main part."""

    def look(source: Source) -> None:
        source.file.seek(0)
        if source.file.read(8) == _OLE:
            _no_macros(source)  # a password makes a ZIP into this
            raise RefusedError("content", extension=source.kind)
        names = archives.office(source.file, source.size, source.budget, source.depth)
        if main.lower() not in names:
            raise RefusedError("content", extension=source.kind)

    return look


def _zip(source: Source) -> None:
    """An archive whose files would each be taken by themselves."""
    for name, kind, file, size in archives.entries(
        source.file, source.size, source.budget, source.depth
    ):
        if kind not in TYPES or kind not in source.allowed:
            raise RefusedError("entry-extension", entry=name)
        try:
            check(file, size, kind, source.allowed, source.budget, source.depth + 1)
        except RefusedError as refused:
            refused.params.setdefault("entry", name)
            raise


TYPES: dict[str, Type] = {
    "pdf": Type("application/pdf", _starts(b"%PDF-1.", b"%PDF-2.")),
    "png": Type("image/png", _png),
    "jpg": Type("image/jpeg", _starts(b"\xff\xd8\xff")),
    "jpeg": Type("image/jpeg", _starts(b"\xff\xd8\xff")),
    "tif": Type("image/tiff", _starts(b"II*\0", b"MM\0*")),
    "tiff": Type("image/tiff", _starts(b"II*\0", b"MM\0*")),
    "mp4": Type("video/mp4", _starts(b"ftyp", at=4)),
    "xlsx": Type(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _office("xl/workbook.xml"),
    ),
    "docx": Type(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _office("word/document.xml"),
    ),
    "ofd": Type("application/ofd", _office("OFD.xml")),
    "xls": Type("application/vnd.ms-excel", _ole),
    "et": Type("application/vnd.ms-excel", _ole),
    "doc": Type("application/msword", _ole),
    "wps": Type("application/msword", _ole),
    "csv": Type("text/csv", _text),
    "txt": Type("text/plain", _text),
    "prj": Type("text/plain", _text),
    "cpg": Type("text/plain", _text),
    "json": Type("application/json", _json),
    "geojson": Type("application/geo+json", _json),
    "xml": Type("application/xml", _xml),
    "rdf": Type("application/rdf+xml", _xml),
    "dbf": Type("application/vnd.dbf", _dbf),
    "shp": Type("application/vnd.shp", _starts(b"\0\0\x27\x0a")),
    "shx": Type("application/vnd.shx", _starts(b"\0\0\x27\x0a")),
    "zip": Type("application/zip", _zip),
}
