"""The list as a nameless temporary file: CSV, JSON, XML, XLSX, row by row at flat memory. Pure.

It is written whole before any of it is sent: whoever reads slowly then holds a file, not the
database as it stood when they began.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import IO
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

from ckanext.hljshare.access import export

from . import notes
from .columns import columns, load

Row = Sequence[str]
ROWS_AT_ONCE = 500
# A text that begins as an escaped one does; see :func:`harmless`.
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True)
class Head:
    """What a list says of itself: its title, when it was made, the address it stands at, and its
    filters, as parameters and in words (name of the filter → chosen value)."""

    title: str
    made: datetime
    address: str
    filters: dict[str, str]
    words: dict[str, str]


def harmless(value: str) -> str:
    """Text that no spreadsheet runs as a formula: with an apostrophe before it, which reading the
    list takes off again. What begins so by itself gets one more."""
    return str(export.harmless(escaped(value)))


def escaped(value: str) -> str:
    """Text in which reading a list finds no apostrophe to take off that belongs to it."""
    return f"'{value}" if _ESCAPED.match(value) else value


def to_csv(head: Head, table: Iterable[Row]) -> Iterator[bytes]:
    """CSV (RFC 4180) in UTF-8 with a byte order mark, which spreadsheets need for Chinese."""
    output = io.StringIO()
    writer = csv.writer(output)
    output.write("\ufeff")
    writer.writerow(column.heading for column in columns())
    for count, row in enumerate(table, 1):
        writer.writerow(map(harmless, row))
        if count % ROWS_AT_ONCE == 0:
            yield output.getvalue().encode()
            output.seek(0)
            output.truncate()
    yield output.getvalue().encode()


def _dumps(value: object) -> str:
    """JSON that stays harmless where somebody puts it into a page."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")


def to_json(head: Head, table: Iterable[Row]) -> Iterator[bytes]:
    """An object: what the list says of itself, ``columns`` and ``entries``, one a line. Entries
    have the columns' keys; what is empty is left out."""
    keys = [column.key for column in columns()]
    about = {
        "title": head.title,
        "basis": load()["basis"],
        "version": load()["version"],
        "generated": head.made.isoformat(timespec="seconds"),
        "address": head.address,
        "filters": head.filters,
        "columns": [
            {"key": column.key, "heading": column.heading, "element": column.element or None}
            for column in columns()
        ],
    }
    start = _dumps(about).removesuffix("}")
    pieces = [f'{start}, "entries": [']
    separator = "\n"
    for count, row in enumerate(table, 1):
        entry = {key: cell for key, cell in zip(keys, row, strict=True) if cell}
        pieces.append(separator + _dumps(entry))
        separator = ",\n"
        if count % ROWS_AT_ONCE == 0:
            yield "".join(pieces).encode()
            pieces = []
    yield ("".join(pieces) + "\n]}\n").encode()


def to_xml(head: Head, table: Iterable[Row]) -> Iterator[bytes]:
    """``catalog`` with ``columns`` and ``entries``; an entry has an element for each column that is
    not empty, named by its key."""
    about = {
        "title": head.title,
        "basis": str(load()["basis"]),
        "version": str(load()["version"]),
        "generated": head.made.isoformat(timespec="seconds"),
        "address": head.address,
    }
    pieces = ['<?xml version="1.0" encoding="UTF-8"?>\n', f"<catalog{_attributes(about)}>\n"]
    pieces += [
        f"<filter{_attributes({'name': name, 'value': value})}/>\n"
        for name, value in head.filters.items()
    ]
    pieces.append("<columns>\n")
    for column in columns():
        said = {"key": column.key, "element": column.element, "heading": column.heading}
        pieces.append(f"<column{_attributes(said)}/>\n")
    pieces.append("</columns>\n<entries>\n")
    tags = [(f"<{column.key}>", f"</{column.key}>") for column in columns()]
    for count, row in enumerate(table, 1):
        cells = (
            f"{tag}{escape(cell)}{end}" for (tag, end), cell in zip(tags, row, strict=True) if cell
        )
        pieces.append(f"<entry>{''.join(cells)}</entry>\n")
        if count % ROWS_AT_ONCE == 0:
            yield "".join(pieces).encode()
            pieces = []
    yield ("".join(pieces) + "</entries>\n</catalog>\n").encode()


def _attributes(values: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items() if value)


def to_xlsx(target: IO[bytes], head: Head, table: Iterable[Row]) -> None:
    """XLSX. Every cell is text: nothing is run as a formula, no code loses its zeros."""
    # One row in memory; the rest waits in temporary files of the library's own.
    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    made = head.made.astimezone(timezone.utc)
    book.set_properties({"title": head.title, "subject": load()["basis"], "created": made})
    _entries(book, head, table)
    _explained(book, head)
    book.close()


def _entries(book: xlsxwriter.Workbook, head: Head, table: Iterable[Row]) -> None:
    sheet = book.add_worksheet("目录")
    for number, column in enumerate(columns()):
        sheet.set_column(number, number, column.width)
    national, own = (
        book.add_format(
            {"bold": True, "bg_color": color, "border": 1, "text_wrap": True, "valign": "vcenter"}
        )
        for color in ("#DCE6F1", "#EBF1DE")
    )
    sheet.set_row(0, 32)
    for number, column in enumerate(columns()):
        sheet.write_string(0, number, column.heading, national if column.element else own)
    sheet.freeze_panes(1, 2)
    write, last = sheet.write_string, 0
    for last, row in enumerate(table, 1):
        for number, cell in enumerate(row):
            if cell:
                write(last, number, escaped(cell))
    sheet.autofilter(0, 0, last, len(columns()) - 1)


def _explained(book: xlsxwriter.Workbook, head: Head) -> None:
    sheet = book.add_worksheet("说明")
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
    for number, width in enumerate((8, 22, 18, 64)):
        sheet.set_column(number, number, width, wrapped)
    for number, (heading, cells) in enumerate(notes.rows(head.title, head.made, head.words)):
        for place, cell in enumerate(cells):
            sheet.write_string(number, place, cell, bold if heading else wrapped)


STREAMS = {"csv": to_csv, "json": to_json, "xml": to_xml}


def to_file(ending: str, head: Head, table: Iterable[Row]) -> IO[bytes]:
    """The list in the format of this ending, for the caller to close; read from its start."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        if ending == "xlsx":
            to_xlsx(target, head, table)
        else:
            target.writelines(STREAMS[ending](head, table))
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target
