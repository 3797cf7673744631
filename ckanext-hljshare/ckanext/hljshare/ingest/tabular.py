"""Tables out of files: CSV, XLSX and JSON to headers, types and rows. Pure: standard library and
openpyxl.

A file is read twice: once to infer the types over all rows, once to give the rows. Values come
out as text ready for
PostgreSQL, None for empty. What has a leading zero, or is long enough to be a number of somebody
or something, stays text.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO

import openpyxl

from . import text, workbooks

MAX_ROWS = 500_000
MAX_COLUMNS = 500
MAX_JSON_BYTES = 64 * 1024 * 1024
MAX_UNZIPPED_BYTES = 1024 * 1024 * 1024
HEADER_ROWS_LOOKED_AT = 10
WORKBOOK = workbooks.Limits(
    inflated=MAX_UNZIPPED_BYTES, sheet_tags=40_000_000, text_tags=6_000_000, row_tags=80_000
)
csv.field_size_limit(16 * 1024 * 1024)

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,14})")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,12})?")
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_TIME = re.compile(_DATE.pattern + r"[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")
_NUMBERS_THAT_NAME = re.compile(
    r"电话|手机|传真|邮编|邮政编码|代码|编码|编号|号码|证号|注册号|账号|卡号|区划"
)


class TableError(ValueError):
    """The file is not a table this portal can read; the message says why, without content."""


@dataclass(frozen=True)
class Table:
    """Headers as written, a DataStore type for each, the number of rows, and the rows themselves
    (once per call).
    """

    headers: tuple[str, ...]
    types: tuple[str, ...]
    count: int
    rows: Callable[[], Iterator[tuple[str | None, ...]]]


def read(path: Path, file_format: str, max_rows: int = MAX_ROWS) -> Table:
    """Read a file as a table. Raises TableError."""
    readers: dict[str, Callable[[Path], Iterable[tuple[str | None, ...]]]] = {
        "CSV": _csv_rows,
        "TSV": _csv_rows,
        "XLSX": _xlsx_rows,
        "JSON": _json_rows,
    }
    if file_format not in readers:
        raise TableError(f"format {file_format}")
    reader = readers[file_format]
    headers, width, flags, count = _survey(_guarded(reader(path)), max_rows)
    types = tuple(flag.name for flag in flags)

    def rows() -> Iterator[tuple[str | None, ...]]:
        lines = iter(_guarded(reader(path)))
        next(lines)
        for cells in lines:
            padded = (*cells[:width], *(None,) * (width - len(cells)))
            if any(cell is not None for cell in padded):
                yield tuple(_value(cell, kind) for cell, kind in zip(padded, types, strict=True))

    return Table(headers, types, count, rows)


def sniff_format(path: Path) -> str:
    """What a file is by its first bytes: XLSX XLS PDF ZIP XML HTML JSON CSV (any other text), or ""
    (other binary).
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    for mark, name in (
        (b"%PDF", "PDF"),
        (b"\xd0\xcf\x11\xe0", "XLS"),
        (b"\x89PNG", "PNG"),
        (b"\xff\xd8\xff", "JPEG"),
    ):
        if head.startswith(mark):
            return name
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith(b"<"):
        return "XML"
    return "JSON" if start.startswith((b"[", b"{")) else "CSV"


def sniff_encoding(path: Path) -> str:
    """BOM, strict UTF-8, then strict GB18030, over the whole file. Raises TableError."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for name in ("utf-8", "gb18030"):
        decoder = codecs.getincrementaldecoder(name)("strict")
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    decoder.decode(chunk)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise TableError("neither UTF-8 nor GB18030")


def sniff_delimiter(sample: str) -> str:
    """The delimiter of the first lines: the one of , tab ; | that splits the header into most
    cells.
    """
    first = next((line for line in sample.splitlines() if line.strip()), "")
    widths = {mark: len(next(csv.reader([first], delimiter=mark), [])) for mark in ",\t;|"}
    return max(widths, key=lambda mark: widths[mark])


class _Kind:
    """The narrowest type that still fits all values of a column so far."""

    def __init__(self, header: str) -> None:
        self.kinds = (
            ["text"]
            if _NUMBERS_THAT_NAME.search(header)
            else ["int", "numeric", "date", "timestamp", "text"]
        )
        self.empty = True

    def take(self, value: str | None) -> None:
        if value is None:
            return
        self.empty = False
        while not _fits(value, self.kinds[0]):
            self.kinds.pop(0)

    @property
    def name(self) -> str:
        return "text" if self.empty else self.kinds[0]


def _fits(value: str, kind: str) -> bool:
    if kind == "int":
        return bool(_INTEGER.fullmatch(value)) and abs(int(value)) < 2**31
    if kind == "numeric":
        return bool(_NUMBER.fullmatch(value))
    if kind == "text":
        return True
    return _as_time(value, kind) is not None


def _as_time(value: str, kind: str) -> str | None:
    match = (_DATE if kind == "date" else _TIME).fullmatch(value) or (
        kind == "timestamp" and _DATE.fullmatch(value)
    )
    if not match:
        return None
    try:
        moment = datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    return moment.strftime("%Y-%m-%d") if kind == "date" else moment.isoformat()


def _value(value: str | None, kind: str) -> str | None:
    if value is None or kind not in ("date", "timestamp"):
        return value
    return _as_time(value, kind)


def _survey(
    lines: Iterable[tuple[str | None, ...]], max_rows: int
) -> tuple[tuple[str, ...], int, list[_Kind], int]:
    iterator = iter(lines)
    first = next(iterator, None)
    if first is None:
        raise TableError("empty")
    cells = list(first)
    while cells and cells[-1] is None:
        cells.pop()
    headers = tuple(text.line(cell) or f"列{number}" for number, cell in enumerate(cells, start=1))
    if not headers or len(headers) > MAX_COLUMNS:
        raise TableError(f"{len(headers)} columns")
    flags, count = [_Kind(header) for header in headers], 0
    for row in iterator:
        if not any(cell is not None for cell in row):
            continue
        count += 1
        if count > max_rows:
            raise TableError(f"more than {max_rows} rows")
        for flag, cell in zip(flags, row, strict=False):
            flag.take(cell)
    return headers, len(headers), flags, count


def _guarded(lines: Iterable[tuple[str | None, ...]]) -> Iterator[tuple[str | None, ...]]:
    """Library errors of broken files as TableError."""
    try:
        yield from lines
    except TableError:
        raise
    except (
        csv.Error,
        UnicodeError,
        zipfile.BadZipFile,
        OSError,
        ValueError,
        TypeError,
        SyntaxError,  # XML parsers'
        RecursionError,
        LookupError,
        AttributeError,
        RuntimeError,  # a password
        NotImplementedError,
    ) as error:
        raise TableError(type(error).__name__) from error


def _cell(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime(
            "%Y-%m-%d" if value.time() == datetime.min.time() else "%Y-%m-%dT%H:%M:%S"
        )
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    plain = str(value).replace("\x00", "").strip()
    return plain or None


def _csv_rows(path: Path) -> Iterator[tuple[str | None, ...]]:
    with path.open(encoding=sniff_encoding(path), newline="") as file:
        sample = file.read(64 * 1024)
        file.seek(0)
        lines = csv.reader(file, delimiter=sniff_delimiter(sample))
        yield from _from_header(tuple(_cell(cell) for cell in line) for line in lines)


def _xlsx_rows(path: Path) -> Iterator[tuple[str | None, ...]]:
    _zip_kind(path)
    with path.open("rb") as file:  # by its content: stored files have no ending
        yield from _sheet_rows(file)


def _sheet_rows(file: BinaryIO) -> Iterator[tuple[str | None, ...]]:
    try:
        workbooks.look_through(file, WORKBOOK)
    except workbooks.WorkbookError as error:
        raise TableError(str(error)) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                continue
            sheet.reset_dimensions()  # some writers state a wrong extent
            given = itertools.islice(sheet.iter_rows(values_only=True), workbooks.LAST_ROW)
            rows = (tuple(_cell(cell) for cell in row) for row in given)
            lines = _from_header(rows)
            first = next(lines, None)
            if first is not None:
                yield first
                yield from lines
                return
        raise TableError("empty")
    finally:
        book.close()


def _from_header(lines: Iterable[tuple[str | None, ...]]) -> Iterator[tuple[str | None, ...]]:
    """Drop blank rows and title rows above the header: the header is the first row at least half as
    wide as the widest.
    """
    iterator = iter(lines)
    head = list(itertools.islice(iterator, HEADER_ROWS_LOOKED_AT))
    widths = [sum(cell is not None for cell in line) for line in head]
    widest = max(widths, default=0)
    start = next((n for n, width in enumerate(widths) if width and width * 2 >= widest), len(head))
    yield from head[start:]
    yield from iterator


def _json_rows(path: Path) -> Iterator[tuple[str | None, ...]]:
    if path.stat().st_size > MAX_JSON_BYTES:
        raise TableError("too large")
    records = _records(json.loads(path.read_text(encoding=sniff_encoding(path))))
    headers: dict[str, None] = {}
    for record in records:
        headers.update(dict.fromkeys(record))
    yield tuple(headers)
    for record in records:
        yield tuple(_cell(record.get(header)) for header in headers)


def _records(data: object) -> list[dict[str, object]]:
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        if len(lists) == 1:
            data = lists[0]
        elif (
            not lists
            and len(inner := [value for value in data.values() if isinstance(value, dict)]) == 1
        ):
            return _records(inner[0])
    if not isinstance(data, list) or not data or not all(isinstance(item, dict) for item in data):
        raise TableError("not a list of objects")
    return data


def _zip_kind(path: Path) -> str:
    """XLSX or ZIP; refuses archives that unpack to more than this portal reads."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > MAX_UNZIPPED_BYTES:
                raise TableError("too large")
            return "XLSX" if "xl/workbook.xml" in archive.namelist() else "ZIP"
    except zipfile.BadZipFile as error:
        raise TableError("broken archive") from error


def copy_text(rows: Iterable[tuple[str | None, ...]]) -> Iterator[str]:
    """Lines of PostgreSQL's COPY text format."""
    escape = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
    for row in rows:
        yield "\t".join("\\N" if cell is None else cell.translate(escape) for cell in row) + "\n"


class LineReader(io.TextIOBase):
    """A file made of lines as they are asked for, so that COPY never needs a table in memory."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._rest = ""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int | None = -1) -> str:
        """At least one line, up to about ``size`` characters; "" at the end."""
        wanted = size if size and size > 0 else 1 << 62
        parts, length = [self._rest], len(self._rest)
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if length >= wanted:
                break
        whole = "".join(parts)
        self._rest = whole[wanted:]
        return whole[:wanted]
