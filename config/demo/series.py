"""Time series: which points of time, broken down by what, and figures that move like figures do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from catalog import Column
from values import BEIJING, Maker, Row, Value, rounded

TIME_KINDS = ("date", "datetime", "month", "quarter", "year")
AXIS_KINDS = ("choice", "county", "cityname", "pattern", "town", "company")
STEP_DAYS = {
    "每日": 1,
    "每周": 7,
    "每旬": 10,
    "每月": 30,
    "实时": 1,
    "每小时": 1,
    "每年": 365,
    "每季度": 91,
}


def _axes(maker: Maker) -> list[list[Value]]:
    """What a time series is broken down by: one or two columns right after the time."""
    axes: list[list[Value]] = []
    for column in maker.dataset.columns[1:3]:
        if column.kind not in AXIS_KINDS or (
            axes and column.kind in ("pattern", "town", "company")
        ):
            break
        if axes and re.search("等级|情况|状态|结论|水质|地点", column.name):
            break
        if column.kind == "choice":
            axes.append(list(dict.fromkeys(column.args)))
        elif column.kind == "county":
            axes.append(list(maker.city["counties"]))
        elif column.kind == "cityname":
            axes.append([str(p["city"]) for p in maker.cities])
        else:
            names: dict[Value, None] = {}
            for _ in range(8):
                maker.move()
                names[maker.value(column)] = None
            axes.append(list(names)[:6])
            break
    return axes


def _times(maker: Maker, wanted: int) -> list[tuple[Value, datetime]]:
    """The points of time of a series, oldest first; the last is the day the data were updated."""
    kind, dataset = maker.dataset.columns[0].kind, maker.dataset
    end = datetime.combine(dataset.updated, datetime.min.time(), tzinfo=BEIJING)
    if kind == "year":
        span = re.search(r"(\d{4})[—-](\d{4})", dataset.title)
        last = int(span[2]) if span else min(end.year - 1, 2025)
        first = int(span[1]) if span else last - max(6, min(wanted, 25)) + 1
        return [(y, datetime(y, 7, 1, tzinfo=BEIJING)) for y in range(first, last + 1)]
    if kind in ("month", "quarter"):
        months = 3 if kind == "quarter" else 1
        top = (end.year * 12 + end.month - 1) // months - 1
        out: list[tuple[Value, datetime]] = []
        for index in range(top - max(8, min(wanted, 96 // months)) + 1, top + 1):
            year, month = divmod(index * months, 12)
            label = f"{year}Q{month // 3 + 1}" if kind == "quarter" else f"{year}-{month + 1:02d}"
            out.append((label, datetime(year, month + 1, 15, tzinfo=BEIJING)))
        return out
    if kind == "datetime":
        whole = [end + timedelta(hours=8 - h) for h in range(max(24, wanted))]
        return [(t.strftime("%Y-%m-%d %H:%M:%S"), t) for t in reversed(whole)]
    if span := re.search(r"(\d{4})[—-](\d{4})", dataset.title):
        end = datetime(int(span[2]), 12, 28, tzinfo=BEIJING)
    step = timedelta(days=STEP_DAYS.get(dataset.cycle, 1))
    count = max(20, wanted) if step.days < 300 else 15
    every = (end - step * i for i in range(count * 8))
    days = [t for t in every if not dataset.months or t.month in dataset.months][:count]
    return [(t.date().isoformat(), t) for t in reversed(days)]


def series(maker: Maker) -> Iterator[Row]:
    """Figures over time for each combination of the axes: a level of its own, a drift, noise."""
    dataset, columns = maker.dataset, maker.dataset.columns
    axes = _axes(maker)
    combos: list[list[Value]] = [[]]
    for axis in axes:
        combos = [[*c, v] for c in combos for v in axis]
    times = _times(maker, max(1, dataset.rows // len(combos)))
    states = [_state(maker, combo) for combo in combos]
    for number, (label, when) in enumerate(times):
        maker.number, maker.when = number, when
        for combo, state in zip(combos, states, strict=True):
            maker.move(county=state["county"], city=state["city"])
            row: Row = [label, *combo]
            for column in columns[1 + len(combo) :]:
                if column.name == "白昼时长(小时)":
                    row.append(round(maker.day_length(), 2))
                elif "气温" in column.name and column.kind == "number":
                    row.append(_season(maker, column))
                elif column.kind in ("integer", "number"):
                    row.append(_moved(maker, column, state, number / len(times)))
                elif column.name in state["fixed"]:
                    row.append(state["fixed"][column.name])
                else:
                    row.append(maker.value(column))
            yield row


def _state(maker: Maker, combo: list[Value]) -> dict[str, Any]:
    columns = maker.dataset.columns
    county = next((str(v) for v in combo if v in maker.city["counties"]), "")
    city = next((str(v) for v in combo if any(v == p["city"] for p in maker.cities)), "")
    maker.move(county=county, city=city)
    numbers = {c.name: maker.draw(c) for c in columns if c.kind in ("integer", "number")}
    # What belongs to the thing measured, not to the moment, stays the same over time.
    fixed = {
        c.name: maker.value(c)
        for c in columns
        if re.search("类型|单位$|名称$|所在区县|居留型", c.name) and c.kind not in TIME_KINDS
    }
    return {
        "county": county or maker.county,
        "city": city,
        "numbers": numbers,
        "drift": maker.rng.uniform(-0.08, 0.22),
        "fixed": fixed,
    }


def _moved(maker: Maker, column: Column, state: dict[str, Any], progress: float) -> Value:
    low, high = (float(a) for a in column.args)
    base = state["numbers"][column.name]
    wave = 1 + 0.06 * math.sin(maker.when.timetuple().tm_yday / 58)
    value = base * (1 + state["drift"] * (progress - 0.5)) * wave * maker.rng.gauss(1, 0.05)
    if low < 0 or low > 0.5 * high:  # a water level, a percentage: moves within its range
        value = base + (high - low) * maker.rng.gauss(0, 0.08)
    value = max(low, min(high, value))
    return round(value) if column.kind == "integer" else rounded(value, column)


def _season(maker: Maker, column: Column) -> float:
    """A temperature between the column's bounds: the lower in January, the upper in July."""
    low, high = (float(a) for a in column.args)
    turn = (1 - math.cos(2 * math.pi * (maker.when.timetuple().tm_yday - 15) / 365)) / 2
    value = low + (high - low) * (0.12 + 0.76 * turn) + maker.rng.gauss(0, (high - low) * 0.04)
    return round(max(low, min(high, value)), 1)
