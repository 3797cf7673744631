"""Looking through a workbook before any parser sees it. Pure: standard library.

A file of a few kilobytes may inflate to gigabytes, hold a row of ten million empty cells, or
declare entities that expand without end; its parser would keep some hundred bytes for each tag. So
its parts are read once as bytes and their tags are counted, whatever the parts are called:
relations inside the file say which of them is a sheet.
"""

from __future__ import annotations

import itertools
import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LAST_ROW = 1_048_576  # of a sheet, by Excel's own limits
Area = tuple[int, int, int, int]  # first row, first column, last row, last column; from 1

_CHUNK = 1024 * 1024
_LONGEST_TAG = 400
_MERGED = re.compile(
    rb"<(?:\w+:)?mergeCell\s[^>]{0,200}?ref=[\"']"
    rb"([A-Za-z]{1,3})(\d{1,7}):([A-Za-z]{1,3})(\d{1,7})[\"']"
)
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_NO_SHEET = re.compile(rb"<(?:\w+:)?(?:si|xf)[\s/>]")  # texts and styles posing as a sheet


class WorkbookError(ValueError):
    """The workbook is not to be opened; the message says why, without content."""


@dataclass(frozen=True)
class Limits:
    """What a workbook may hold: parts, bytes when inflated, tags of a sheet, of its texts, of any
    other part and of one row, and merged areas of a sheet.
    """

    parts: int = 2_000
    inflated: int = 256 * 1024 * 1024
    sheet_tags: int = 10_000_000
    text_tags: int = 4_000_000
    other_tags: int = 400_000
    row_tags: int = 200_000
    merged: int = 300_000


def look_through(file: BinaryIO | Path, limits: Limits) -> dict[str, list[Area]]:
    """The merged areas of each sheet, by its place in the archive.

    :raises WorkbookError: it is larger than the limits, declares a document type, or hides in
        another encoding than UTF-8
    :raises zipfile.BadZipFile: it is no archive
    """
    merged: dict[str, list[Area]] = {}
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        size = sum(entry.file_size for entry in entries)
        if len(entries) > limits.parts or size > limits.inflated:
            raise WorkbookError("too large")
        for entry in entries:
            with archive.open(entry) as part:
                first = part.read(_CHUNK)
                if _is_markup(first):
                    rest = iter(lambda: part.read(_CHUNK), b"")
                    chunks = itertools.chain([first], rest)
                    areas = _look_at(chunks, entry.filename.casefold(), limits)
                    merged[entry.filename.lstrip("/")] = areas
    return merged


def _is_markup(start: bytes) -> bool:
    words = start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x00 \t\r\n")  # UTF-16 begins so
    return not words or words.startswith((b"<", b"\xff\xfe", b"\xfe\xff"))


def _look_at(chunks: Iterable[bytes], name: str, limits: Limits) -> list[Area]:
    is_sheet = "worksheets" in name
    limit = limits.text_tags if "sharedstrings" in name else limits.other_tags
    limit = limits.sheet_tags if is_sheet else limit
    tags = in_row = 0
    areas: list[Area] = []
    tail = b""
    for chunk in chunks:
        if b"\x00" in chunk:
            raise WorkbookError("workbook not in UTF-8")
        tags += chunk.count(b"<")
        window = tail + chunk
        if b"<!DOCTYPE" in window:
            raise WorkbookError("workbook with a DOCTYPE")
        if is_sheet:
            if _NO_SHEET.search(window):
                raise WorkbookError("broken workbook")
            in_row = _longest_row(chunk, in_row, limits.row_tags)
            areas += (_area(found) for found in _MERGED.finditer(window) if found.end() > len(tail))
            tail = window[max(0, len(window) - _LONGEST_TAG) :]
        else:
            tail = window[-16:]
        if tags > limit or in_row > limits.row_tags or len(areas) > limits.merged:
            raise WorkbookError("too large")
    return areas


def _longest_row(chunk: bytes, before: int, limit: int) -> int:
    """Tags since the last row began; more than the limit as soon as one row has them."""
    start, count = 0, before
    for found in _ROW.finditer(chunk):
        count += chunk.count(b"<", start, found.start())
        if count > limit:
            return count
        start, count = found.start(), 0
    return count + chunk.count(b"<", start)


def _area(found: re.Match[bytes]) -> Area:
    left, top, right, bottom = (part.decode("ascii") for part in found.groups())
    columns = sorted((_column(left), _column(right)))
    rows = sorted((int(top), int(bottom)))
    return max(1, rows[0]), columns[0], rows[1], columns[1]


def _column(letters: str) -> int:
    """The number of a column, from 1: A, B … Z, AA …"""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
