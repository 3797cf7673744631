"""Bytes of the demo's files: CSV (several encodings), XLSX, JSON. The same bytes each time."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import openpyxl
import rows
from catalog import DataFile, Dataset

MEDIA = {
    "csv": "text/csv",
    "json": "application/json; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BOM = "\ufeff"


def media_type(file: DataFile) -> str:
    """Content-Type of a file, for CSV with its true charset."""
    if file.format != "csv":
        return MEDIA[file.format]
    return f"text/csv; charset={'gb18030' if file.encoding.startswith('gb') else 'utf-8'}"


def content(dataset: Dataset, file: DataFile) -> bytes:
    """The whole file."""
    make = {"csv": _csv, "json": _json, "xlsx": _xlsx}[file.format]
    return make(dataset, file)


def _csv(dataset: Dataset, file: DataFile) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(rows.header(dataset))
    writer.writerows(rows.table(dataset))
    if file.encoding == "gb18030-bom":
        return (BOM + out.getvalue()).encode("gb18030")
    return out.getvalue().encode(file.encoding)


def _json(dataset: Dataset, file: DataFile) -> bytes:
    names = [c.field for c in dataset.columns] if dataset.seed % 3 == 0 else rows.header(dataset)
    records = [dict(zip(names, row, strict=True)) for row in rows.table(dataset)]
    return json.dumps(records, ensure_ascii=False, indent=1).encode()


def _xlsx(dataset: Dataset, file: DataFile) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("数据")
    sheet.append(rows.header(dataset))
    for row in rows.table(dataset):
        sheet.append(row)
    return workbook_bytes(book)


def workbook_bytes(book: openpyxl.Workbook) -> bytes:
    """A workbook that does not say when it was written: fixed dates in zip and properties.

    Not compressed: zlib's output differs from version to version.
    """
    raw, out = io.BytesIO(), io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-11-20T00:00:00Z", data)
            target.writestr(zipfile.ZipInfo(name, (2026, 11, 20, 0, 0, 0)), data)
    return out.getvalue()
