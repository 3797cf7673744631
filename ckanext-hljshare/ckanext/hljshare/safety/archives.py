"""ZIP archives, read as an attacker would have made them (no CKAN import).

Sizes that an archive states are not believed: each entry is unpacked, in pieces, against a budget
that all levels of the archive share. What programs read differently (bytes before or behind the
archive, entries over one another, two entries of one name, a size that is not the real one) is
refused, so that what was checked here is what anybody else will see.
"""

from __future__ import annotations

import re
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ckanext.hljshare.safety.filenames import extension

CHUNK = 1 << 16
SPOOL = 1 << 20
FREE = 10 * 1024 * 1024  # bytes that may always be unpacked, whatever the ratio
NAME_LENGTH = 400
END = struct.Struct("<4s4H2IH")  # the end of the central directory
END_MAGIC = b"PK\x05\x06"
LOCAL = struct.Struct("<4s5H3I2H")
LOCAL_MAGIC = b"PK\x03\x04"
DIRECTORY_BYTES = 600  # of the central directory for an entry, on average at most
ZIP64_LOCATOR = b"PK\x06\x07"

_ENTITIES = tuple(
    word.encode(code)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for code in ("utf-8", "utf-16-le", "utf-16-be")
)
_OUTSIDE_TEMPLATE = re.compile(
    rb"<[^>]*attachedTemplate[^>]*External|<[^>]*External[^>]*attachedTemplate"
)


class RefusedError(Exception):
    """A file that is not taken: why, as a code, and what goes into the words for it."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass
class Budget:
    """What the archives in one upload may still take, all levels together; sizes in bytes."""

    entries: int
    unpacked: int
    ratio: int
    depth: int

    def take(self, size: int) -> None:
        """Count unpacked bytes. Raises RefusedError."""
        self.unpacked -= size
        if self.unpacked < 0:
            raise RefusedError("archive-size")


@dataclass(frozen=True)
class Entry:
    """A file in an archive: its place and sizes as they stand in it."""

    name: str
    start: int  # of its packed bytes
    packed: int
    size: int
    deflated: bool
    checksum: int


def entries(
    file: BinaryIO, size: int, budget: Budget, depth: int
) -> Iterator[tuple[str, str, BinaryIO, int]]:
    """Give an archive's files one after another: name, extension, content, size in bytes.

    :raises RefusedError: for an archive that is broken, too much, or made to deceive
    """
    for entry in _listed(file, size, budget, depth):
        with tempfile.SpooledTemporaryFile(max_size=SPOOL) as content:
            for piece in _unpacked(file, entry, budget):
                content.write(piece)
            if not entry.size:
                raise RefusedError("empty", entry=entry.name)
            yield entry.name, extension(entry.name), content, entry.size  # type: ignore[misc]


def office(file: BinaryIO, size: int, budget: Budget, depth: int) -> frozenset[str]:
    """The names in an office document (lower case), after a look at each part.

    :raises RefusedError: as `entries`; also for macros, a template elsewhere, and XML with a
        document type
    """
    names = set()
    for entry in _listed(file, size, budget, depth):
        name = entry.name.lower()
        names.add(name)
        if name.endswith("vbaproject.bin") or "/activex/" in name or "/macrosheets/" in name:
            raise RefusedError("macro")
        is_xml, before = name.endswith((".xml", ".rels")), b""
        for piece in _unpacked(file, entry, budget):
            if not is_xml:
                continue
            window = before + piece
            if any(word in window for word in _ENTITIES):
                raise RefusedError("xml-entities")
            macro = name == "[content_types].xml" and b"macroenabled" in window.lower()
            if macro or (name.endswith(".rels") and _OUTSIDE_TEMPLATE.search(window)):
                raise RefusedError("macro")
            before = window[-2000:]
    return frozenset(names)


def _listed(file: BinaryIO, size: int, budget: Budget, depth: int) -> list[Entry]:
    """The files of an archive, all of it checked but their content."""
    if depth >= budget.depth:
        raise RefusedError("archive-nested")
    directory = _directory(file, size, budget.entries)
    try:
        found = zipfile.ZipFile(file).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError, struct.error):
        raise RefusedError("archive-broken") from None
    budget.entries -= len(found)
    if budget.entries < 0:
        raise RefusedError("archive-entries")
    if not found:
        raise RefusedError("empty")
    names = [_name(info, info.orig_filename) for info in found]
    for info, name in zip(found, names, strict=True):
        # Some programs show the name of an extra field instead.
        if extension(_name(info, info.filename)) != extension(name):
            raise RefusedError("archive-broken")
    if len({name.lower().rstrip("/") for name in names}) < len(names):
        raise RefusedError("archive-broken")
    placed = [_entry(file, info, name) for info, name in zip(found, names, strict=True)]
    end = 0
    order = sorted(
        zip((info.header_offset for info in found), placed, strict=True), key=lambda pair: pair[0]
    )
    for begin, entry in order:  # the first begins the file, and none lies in another
        if begin < end or (end == 0 and begin != 0):
            raise RefusedError("archive-broken")
        end = entry.start + entry.packed
    if end > directory:
        raise RefusedError("archive-broken")
    return [
        entry
        for entry, info in zip(placed, found, strict=True)
        if not (info.is_dir() and entry.size == 0)
    ]


def _directory(file: BinaryIO, size: int, most: int) -> int:
    """Where the central directory begins; refuses one that is large before it is read."""
    tail = min(size, END.size + 0xFFFF)
    file.seek(size - tail)
    data = file.read(tail)
    found = data.rfind(END_MAGIC)
    if found < 0 or len(data) - found < END.size:
        raise RefusedError("archive-broken")
    _, disk, first, here, total, length, offset, comment = END.unpack_from(data, found)
    large = 0xFFFF in (here, total) or 0xFFFFFFFF in (length, offset)
    if large or data[max(0, found - 20) : found].startswith(ZIP64_LOCATOR):
        raise RefusedError("archive-entries")
    if length > (max(0, most) + 1) * DIRECTORY_BYTES or total > most:
        raise RefusedError("archive-entries")
    place = size - tail + found
    if disk or first or here != total or place + END.size + comment != size:
        raise RefusedError("archive-broken")
    if offset + length != place:  # something stands before the archive
        raise RefusedError("polyglot")
    return int(offset)


def _name(info: zipfile.ZipInfo, name: str) -> str:
    """An entry's name; refuses one that leads out of the folder it is unpacked in."""
    stated = name
    if not info.flag_bits & 0x800:  # no mark of UTF-8: Chinese programs write GBK
        try:
            name = name.encode("cp437").decode("gb18030")
        except UnicodeError:
            name = stated
    parts = name.split("/")
    if (
        not name
        or len(name) > NAME_LENGTH
        or re.search(r"[\x00-\x1f\x7f\\:]", name)
        or name.startswith("/")
        or ".." in parts
        or stat.S_ISLNK(info.external_attr >> 16)
    ):
        raise RefusedError("archive-name", entry=re.sub(r"[\x00-\x1f\x7f]", "?", name)[:100])
    return name


def _entry(file: BinaryIO, info: zipfile.ZipInfo, name: str) -> Entry:
    if info.flag_bits & 0x1:
        raise RefusedError("encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError("archive-method", entry=name)
    file.seek(info.header_offset)
    head = file.read(LOCAL.size)
    if len(head) < LOCAL.size or not head.startswith(LOCAL_MAGIC):
        raise RefusedError("archive-broken")
    unpacked = LOCAL.unpack(head)
    method, name_length, extra_length = unpacked[3], unpacked[9], unpacked[10]
    raw = file.read(name_length)
    code = "utf-8" if info.flag_bits & 0x800 else "cp437"
    if method != info.compress_type or raw != info.orig_filename.encode(code, "replace"):
        raise RefusedError("archive-broken")
    start = info.header_offset + LOCAL.size + name_length + extra_length
    deflated = info.compress_type == zipfile.ZIP_DEFLATED
    return Entry(name, start, info.compress_size, info.file_size, deflated, info.CRC)


def _unpacked(file: BinaryIO, entry: Entry, budget: Budget) -> Iterator[bytes]:
    """Unpack one entry in pieces, to its real end."""
    whole, checksum = 0, 0
    packed = _packed(file, entry)
    for piece in _inflated(packed) if entry.deflated else packed:
        whole += len(piece)
        budget.take(len(piece))
        if whole > FREE and whole > entry.packed * budget.ratio:
            raise RefusedError("archive-ratio")
        checksum = zlib.crc32(piece, checksum)
        yield piece
    if whole != entry.size or checksum != entry.checksum:
        raise RefusedError("archive-broken")


def _packed(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    place, end = entry.start, entry.start + entry.packed
    while place < end:
        file.seek(place)
        data = file.read(min(CHUNK, end - place))
        if not data:
            raise RefusedError("archive-broken")
        place += len(data)
        yield data


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate in pieces of at most `CHUNK`; the stream must end where its packed bytes end."""
    inflate = zlib.decompressobj(-15)
    try:
        for data in pieces:
            rest = data
            while rest:
                yield inflate.decompress(rest, CHUNK)
                rest = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error:
        raise RefusedError("archive-broken") from None
    if not inflate.eof or inflate.unused_data:
        raise RefusedError("archive-broken")
