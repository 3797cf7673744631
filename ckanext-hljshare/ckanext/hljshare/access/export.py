"""A table of the DataStore as a file: CSV, XLSX, JSON or XML, row by row at flat memory."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import openpyxl
from openpyxl.cell import WriteOnlyCell

BATCH = 2000
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}
# A cell that begins so is run as a formula by spreadsheet programs (CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Characters that XML 1.0, and so XLSX, cannot hold.
CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)}

Search = Callable[[dict[str, Any]], dict[str, Any]]


def harmless(value: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet would run; numbers stay as they are."""
    if not isinstance(value, str) or not value.startswith(FORMULA_STARTS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def columns(fields: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (column id, heading) of the table's own columns, without the DataStore's `_id`."""
    return [
        (field["id"], (field.get("info") or {}).get("label") or field["id"])
        for field in fields
        if not field["id"].startswith("_")
    ]


def rows(search: Search, resource_id: str, names: list[str]) -> Iterator[list[Any]]:
    """Yield every row of a table in its order, `BATCH` at a time."""
    offset = 0
    while True:
        records = search(
            {
                "resource_id": resource_id,
                "fields": names,
                "records_format": "lists",
                "sort": "_id",
                "limit": BATCH,
                "offset": offset,
                "include_total": False,
            }
        )["records"]
        yield from records
        if len(records) < BATCH:
            return
        offset += BATCH


def to_csv(heading: list[str], table: Iterator[list[Any]]) -> Iterator[bytes]:
    """CSV (RFC 4180) in UTF-8 with a byte order mark, which Excel needs for Chinese."""
    output = io.StringIO()
    writer = csv.writer(output)
    output.write("\ufeff")
    writer.writerow(harmless(name) for name in heading)
    for count, row in enumerate(table, 1):
        writer.writerow("" if value is None else harmless(value) for value in row)
        if count % BATCH == 0:
            yield output.getvalue().encode()
            output.seek(0)
            output.truncate()
    yield output.getvalue().encode()


def to_json(heading: list[str], table: Iterator[list[Any]]) -> Iterator[bytes]:
    """JSON: a list of objects, one a line."""
    yield b"["
    separator = b"\n"
    for row in table:
        record = dict(zip(heading, row, strict=True))
        yield separator + json.dumps(record, ensure_ascii=False, default=str).encode()
        separator = b",\n"
    yield b"\n]\n"


def to_xml(heading: list[str], table: Iterator[list[Any]]) -> Iterator[bytes]:
    """XML: <rows><row><value column="…">…</value></row></rows>; empty values are left out."""
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<rows>\n'
    names = [quoteattr(name.translate(CONTROLS)) for name in heading]
    for row in table:
        cells = "".join(
            f"<value column={name}>{escape(str(value).translate(CONTROLS))}</value>"
            for name, value in zip(names, row, strict=True)
            if value is not None
        )
        yield f"<row>{cells}</row>\n".encode()
    yield b"</rows>\n"


def to_xlsx(heading: list[str], table: Iterator[list[Any]]) -> IO[bytes]:
    """XLSX as a temporary file at its start; text is written as text, never as a formula."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("数据")

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        written = WriteOnlyCell(sheet, value=value.translate(CONTROLS))
        written.data_type = "s"
        return written

    sheet.append([cell(name) for name in heading])
    for row in table:
        sheet.append([cell(value) for value in row])
    target = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    book.save(target)
    target.seek(0)
    return target


def stream(fmt: str, heading: list[str], table: Iterator[list[Any]]) -> Iterator[bytes] | IO[bytes]:
    """Return the bytes of a table in a format of `CONTENT_TYPES`. Raises KeyError for others."""
    writers: dict[str, Callable[..., Iterator[bytes] | IO[bytes]]] = {
        "csv": to_csv,
        "xlsx": to_xlsx,
        "json": to_json,
        "xml": to_xml,
    }
    return writers[fmt](heading, table)
