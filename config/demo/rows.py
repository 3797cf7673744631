"""Rows of the demo's files, made lazily from a dataset's columns and seed.

Every value is made up: places, roads and counties are real, everything else is drawn. No natural
person is named, telephone numbers are office numbers of the place's area code, social credit codes
only have a right check digit. A file of a dataset that is not open carries `CANARY` in some values,
so that a leak of its content is noticed by a search for one word.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from catalog import Column, Dataset, words
from series import TIME_KINDS, series
from values import Maker, Row, Value

CANARY = "机密样本"


def header(dataset: Dataset) -> list[str]:
    """Column headings as the files have them."""
    return [c.name for c in dataset.columns]


@functools.lru_cache(maxsize=64)
def table(dataset: Dataset) -> tuple[Row, ...]:
    """All rows, kept a while: a dataset's files are asked for one after the other."""
    return tuple(rows(dataset))


def rows(dataset: Dataset) -> Iterator[Row]:
    """All rows, in order; the same for each call."""
    maker = Maker(dataset)
    made = series(maker) if dataset.columns[0].kind in TIME_KINDS else _register(maker)
    text = next(
        (i for i, c in enumerate(dataset.columns) if c.letter == "C" and c.kind not in TIME_KINDS),
        0,
    )
    for number, row in enumerate(made):
        _tidy(dataset.columns, row)
        if dataset.level != "open" and number % 7 == 0:
            row[text] = f"{row[text]}（{CANARY}）"
        yield row


def _register(maker: Maker) -> Iterator[Row]:
    """A list of things; ends where the place has no more of them (one 婚姻登记处 in a county)."""
    columns = maker.dataset.columns
    seen: set[Value] = set()
    key = next(
        (i for i, c in enumerate(columns[:2]) if c.kind in ("pattern", "company", "road")), 0
    )
    few = columns[key].kind == "pattern" and all(
        "{C}" in a and "{b}" not in a and "{n}" not in a for a in columns[key].args
    )
    for number in range(maker.dataset.rows):
        maker.number = number
        for _ in range(24 if few else 12):
            maker.move()
            name = maker.value(columns[key])
            if name not in seen:
                break
        if few and name in seen:
            return
        seen.add(name)
        yield [name if i == key else maker.value(c) for i, c in enumerate(columns)]


SUMS = (
    ("地区生产总值(亿元)", ("第一产业(亿元)", "第二产业(亿元)", "第三产业(亿元)")),
    ("年末总人口(人)", ("男性人口(人)", "女性人口(人)")),
)
ORDERED = (
    ("最低", "最高"),
    ("下限", "上限"),
    ("毛粮价", "净粮价"),
    ("出厂价", "批发价"),
    ("用水", "取水"),
    ("本月", "累计"),
    ("法人单位数", "产业活动单位数"),
    ("新能源车辆数", "车辆数"),
    ("剩余号源", "放号量"),
    ("到位资金", "计划投资"),
    ("夜间等效", "昼间等效"),
    ("大豆硒", "土壤硒"),
    ("阳性", "样本"),
    ("回水", "供水"),
    ("办结数", "线索数"),
)


# PM2.5 (μg/m³, 24 h) and the IAQI at the same point: HJ 633—2012, table 1.
PM25 = ((0, 0), (35, 50), (75, 100), (115, 150), (150, 200), (250, 300))
GRADES = ((50, "优"), (100, "良"), (150, "轻度污染"), (200, "中度污染"), (300, "重度污染"))


def _air(columns: tuple[Column, ...], at: dict[str, int], row: Row) -> None:
    """Air quality: PM10 above PM2.5, the index from PM2.5, the grade from the index."""
    if "AQI" not in at or "PM2.5(μg/m³)" not in at:
        return
    fine = int(row[at["PM2.5(μg/m³)"]])
    (x0, y0), (x1, y1) = next((a, b) for a, b in pairwise(PM25) if fine <= b[0])
    index = row[at["AQI"]] = max(18, math.ceil(y0 + (y1 - y0) * (fine - x0) / (x1 - x0)))
    if "PM10(μg/m³)" in at:
        row[at["PM10(μg/m³)"]] = max(int(row[at["PM10(μg/m³)"]]), round(fine * 1.3))
    if "空气质量等级" in at:
        row[at["空气质量等级"]] = next(g for top, g in GRADES if index <= top)
    if "首要污染物" in at:
        row[at["首要污染物"]] = "—" if index <= 50 else "PM2.5"


def _tidy(columns: tuple[Column, ...], row: Row) -> None:
    """Make a row agree with itself: sums, lower and upper values, dates in order."""
    at = {c.name: i for i, c in enumerate(columns)}
    for total, parts in SUMS:
        if total in at and all(p in at for p in parts):
            row[at[total]] = (
                round(sum(float(row[at[p]]) for p in parts), 2)
                if "亿元" in total
                else sum(int(row[at[p]]) for p in parts)
            )
    for low, high in ORDERED:
        a = next((i for n, i in at.items() if low in n), None)
        b = next((i for n, i in at.items() if high in n), None)
        if a is not None and b is not None:
            _swap(row, a, b)
    _air(columns, at, row)
    _named(columns, row)
    _dates(columns, row)


def _swap(row: Row, a: int, b: int) -> None:
    small, large = row[a], row[b]
    if not isinstance(small, str) and not isinstance(large, str) and small > large:
        row[a], row[b] = large, small


def _named(columns: tuple[Column, ...], row: Row) -> None:
    """某某图书馆 is no 博物馆: the kind follows the name where the name tells it."""
    for i, c in enumerate(columns):
        if c.kind == "choice" and c.name.endswith(("类别", "类型", "性质")):
            told = next((a for a in c.args if len(a) > 1 and str(row[0]).endswith(a)), None)
            row[i] = told or row[i]
        elif c.kind == "choice":
            hints = words()["told_by_name"].items()
            row[i] = next(
                (v for w, v in hints if v in c.args and str(row[1]).startswith(w)), row[i]
            )


def _dates(columns: tuple[Column, ...], row: Row) -> None:
    """Dates of a row stand in order; a licence ends after it was given."""
    dates = [i for i, c in enumerate(columns) if c.kind == "date_any"]
    if columns[0].kind == "year":  # of a season each (values.py)
        return
    for place, text in zip(dates, sorted(str(row[i]) for i in dates), strict=True):
        row[place] = text
    for i, c in enumerate(columns):
        if c.kind == "futuredate" and dates and str(row[i]) < str(row[dates[-1]]):
            row[i] = (date.fromisoformat(str(row[dates[-1]])) + timedelta(days=3 * 365)).isoformat()
