"""What stands in the demo's files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import catalog as demo
import files
import openpyxl
import rows
import values

DEMO = Path(demo.__file__).parent
ALL = demo.province()
SAMPLE = ALL[::14]
HASH = """
import sys, hashlib; sys.path.insert(0, sys.argv[1])
import catalog, files
h = hashlib.sha256()
for d in catalog.province()[::140]:
    for f in d.files: h.update(files.content(d, f))
print(h.hexdigest())
"""
ID_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])[1-9]\d{5}(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![0-9A-Za-z])"
)
MOBILE = re.compile(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])")
PLATE = re.compile(r"黑[A-HJ-NPR][·•]?[A-HJ-NP-Z0-9]{5}")
PHONE = re.compile(r"04\d{2}-8\d{6,7}")


def test_files_are_the_same_bytes_in_every_process() -> None:
    out = [
        subprocess.run(
            [sys.executable, "-c", HASH, str(DEMO)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert out[0] == out[1]


def test_rows_are_as_many_as_real_ones() -> None:
    counts = [len(rows.table(d)) for d in SAMPLE]
    assert sum(1 for c in counts if 100 <= c <= 720) >= 0.85 * len(counts)
    assert min(counts) >= 5


def test_rows_fit_their_columns() -> None:
    for dataset in SAMPLE:
        for row in rows.table(dataset):
            assert len(row) == len(dataset.columns)
            for value, column in zip(row, dataset.columns, strict=True):
                if column.letter in "NI":
                    assert isinstance(value, (int, float)), (dataset.title, column.name, value)
                if column.kind == "longitude":
                    assert 121 <= float(value) <= 136
                if column.kind == "latitude":
                    assert 43 <= float(value) <= 54
                if column.kind == "phone":
                    assert PHONE.fullmatch(str(value).split("（")[0])


def test_no_identity_number_mobile_or_plate_anywhere() -> None:
    for dataset in SAMPLE:
        text = json.dumps(rows.table(dataset), ensure_ascii=False)
        for pattern in (ID_NUMBER, MOBILE, PLATE):
            assert not pattern.search(text), (dataset.title, pattern.pattern)


def test_social_credit_codes_have_their_check_digit() -> None:
    weights = [pow(3, i, 31) for i in range(17)]
    having = [d for d in ALL if any(c.kind == "uscc" for c in d.columns)]
    assert len(having) > 5
    for dataset in having[:4]:
        at = next(i for i, c in enumerate(dataset.columns) if c.kind == "uscc")
        for row in rows.table(dataset)[1:20]:
            code = str(row[at]).split("（")[0]
            total = sum(
                values.USCC_ALPHABET.index(c) * w for c, w in zip(code[:17], weights, strict=True)
            )
            assert values.USCC_ALPHABET[(31 - total % 31) % 31] == code[17]


def test_the_canary_is_in_every_file_that_is_not_open_and_in_no_other() -> None:
    for dataset in ALL:
        if dataset.level != "open":
            assert rows.CANARY in str(next(iter(rows.rows(dataset)))), dataset.title
    for dataset in SAMPLE:
        if dataset.level == "open":
            assert rows.CANARY not in str(rows.table(dataset))


def _file(
    encoding: str = "", fmt: str = "csv", note: bool = False
) -> tuple[demo.Dataset, demo.DataFile]:
    return next(
        (d, f)
        for d in ALL
        for f in d.files
        if f.format == fmt
        and f.encoding == encoding
        and d.level == "open"
        and (not note or any(c.kind == "note" for c in d.columns))
    )


def test_csv_comes_in_four_encodings() -> None:
    starts = {
        "utf-8": b"",
        "utf-8-sig": b"\xef\xbb\xbf",
        "gb18030": b"",
        "gb18030-bom": b"\x84\x31\x95\x33",
    }
    for encoding, start in starts.items():
        dataset, file = _file(encoding)
        data = files.content(dataset, file)
        assert data.startswith(start)
        text = data.decode(encoding.removesuffix("-bom")).removeprefix("\ufeff")
        table = list(csv.reader(io.StringIO(text, newline="")))
        assert table[0] == rows.header(dataset)
        assert len(table) == len(rows.table(dataset)) + 1


def test_some_csv_values_hold_line_breaks() -> None:
    dataset, file = _file("utf-8-sig", note=True)
    assert re.search(rb'"[^"]*\n[^"]*"', files.content(dataset, file))


def test_json_and_xlsx_hold_the_same_rows() -> None:
    dataset, file = _file(fmt="json")
    assert [list(r.values()) for r in json.loads(files.content(dataset, file))] == [
        list(r) for r in rows.table(dataset)
    ]
    dataset, file = _file(fmt="xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(files.content(dataset, file)), read_only=True).active
    assert [list(r) for r in sheet.iter_rows(min_row=2, values_only=True)] == [
        list(r) for r in rows.table(dataset)
    ]


def test_rows_agree_with_themselves() -> None:
    """Sums, the air quality grade, lower and upper values."""
    dataset = next(d for d in ALL if d.common == "gdp")
    at = {n: i for i, n in enumerate(rows.header(dataset))}
    for row in rows.table(dataset):
        parts = sum(
            float(row[at[n]]) for n in ("第一产业(亿元)", "第二产业(亿元)", "第三产业(亿元)")
        )
        assert abs(parts - float(row[at["地区生产总值(亿元)"]])) < 0.02
    dataset = next(
        d
        for d in ALL
        if d.common == "air_daily" and any(c.name == "空气质量等级" for c in d.columns)
    )
    at = {n: i for i, n in enumerate(rows.header(dataset))}
    for row in rows.table(dataset):
        assert row[at["空气质量等级"]] == next(
            g for top, g in rows.GRADES if int(row[at["AQI"]]) <= top
        )


def test_hash_of_one_file_is_known_to_this_process_only_once() -> None:
    """No state leaks from one file to the next."""
    dataset, file = _file("utf-8-sig")
    first = hashlib.sha256(files.content(dataset, file)).digest()
    for other in SAMPLE[:5]:
        files.content(other, other.files[0])
    rows.table.cache_clear()
    assert hashlib.sha256(files.content(dataset, file)).digest() == first
