"""Rows of workbooks and CSV files from strangers: what is on the sheets, in bounded memory.

A workbook is looked through before it is opened, then read row by row. Formulas count by the values
they last had; macros, links and pictures are never opened.
"""

from __future__ import annotations

import csv
import io
import itertools
import warnings as python_warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import openpyxl

from ckanext.hljshare.ingest import envelope, tabular, text, workbooks
from ckanext.hljshare.ingest.fetch import SourceError

MAX_ROWS = 300_000
MAX_COLUMNS = 500
MAX_CELLS = 6_000_000
LIMITS = workbooks.Limits()
_ERRORS = frozenset({"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"})

Cell = object
Row = tuple[Cell, ...]


@dataclass
class Sheet:
    """Rows of a sheet with merged cells filled, and which rows are one merged cell across (titles
    and notes). Rows end at their last value.
    """

    rows: list[Row]
    across: set[int] = field(default_factory=set)


def read_sheets(data: bytes) -> list[Sheet]:
    """The visible sheets of a workbook, or a CSV file as one. Raises SourceError."""
    if data.startswith(b"PK\x03\x04"):
        return _read_workbook(data)
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise SourceError("not-a-catalog: XLS, save it as XLSX")
    if data.lstrip()[:1] == b"<":
        raise SourceError(envelope.page_instead(data[:200_000].decode("utf-8", "replace")))
    try:
        words, _encoding = text.decode(data)
    except ValueError as error:
        raise SourceError(f"not-a-catalog: {error}") from None
    delimiter = tabular.sniff_delimiter(words[: 64 * 1024])
    try:
        rows = _bounded(csv.reader(io.StringIO(words), delimiter=delimiter))
    except csv.Error:
        raise SourceError("not-a-catalog: CSV") from None
    return [Sheet([tuple(row) for row in rows])]


def _read_workbook(data: bytes) -> list[Sheet]:
    try:
        merged = workbooks.look_through(io.BytesIO(data), LIMITS)
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(
                io.BytesIO(data), read_only=True, data_only=True, keep_links=False
            )
            return [
                _read_sheet(sheet, merged)
                for sheet in book.worksheets
                if sheet.sheet_state == "visible"
            ]
    except SourceError:
        raise
    except workbooks.WorkbookError as error:
        raise SourceError(f"not-a-catalog: {error}") from None
    except Exception:
        # A hostile or broken workbook makes its libraries raise just about anything.
        raise SourceError("not-a-catalog: broken workbook") from None


def _read_sheet(sheet: Any, merged: Mapping[str, list[workbooks.Area]]) -> Sheet:
    sheet.reset_dimensions()  # what the file says of its own extent may be anything
    place = str(sheet._worksheet_path).lstrip("/")  # no public name; merged cells need it
    rows = _bounded(itertools.islice(sheet.iter_rows(values_only=True), workbooks.LAST_ROW + 1))
    return _filled(rows, merged.get(place, []))


def _bounded(given: Iterable[Sequence[Cell]]) -> list[list[Cell]]:
    """Rows up to the last one that holds something, each up to its last value. Raises SourceError
    where they are too many: half a catalog would look as if the rest had been withdrawn.
    """
    rows: list[list[Cell]] = []
    blanks = cells = number = 0
    for row in given:
        number += 1
        values = [None if cell in _ERRORS else cell for cell in row[:MAX_COLUMNS]]
        while values and values[-1] in (None, ""):
            values.pop()
        cells += len(values)
        if not values and number <= workbooks.LAST_ROW:
            blanks += 1
            continue
        if number > workbooks.LAST_ROW or len(rows) + blanks >= MAX_ROWS or cells > MAX_CELLS:
            raise SourceError("not-a-catalog: too large")
        rows += ([] for _ in range(blanks))
        rows.append(values)
        blanks = 0
    return rows


def _filled(rows: list[list[Cell]], areas: Sequence[workbooks.Area]) -> Sheet:
    """The rows with each merged area filled by its first cell, and those merged nearly across."""
    width = max((len(row) for row in rows), default=0)
    across: set[int] = set()
    filled = 0
    for top, left, bottom, right in areas:
        bottom, right_edge = min(bottom, len(rows)), min(right, MAX_COLUMNS)
        if top > len(rows) or left > right_edge:
            continue
        if right - left + 1 > max(2, width // 2):
            across.add(top - 1)
        first = rows[top - 1]
        value = first[left - 1] if left <= len(first) else None
        if value in (None, ""):
            continue
        filled += (bottom - top + 1) * (right_edge - left + 1)
        if filled > MAX_CELLS:
            raise SourceError("not-a-catalog: too large")
        for row in rows[top - 1 : bottom]:
            row += [None] * (right_edge - len(row))
            row[left - 1 : right_edge] = [value] * (right_edge - left + 1)
    return Sheet([tuple(row) for row in rows], across)
