"""The province as tiles by position: a drawing, not a boundary map (which needs a 审图号). Pure.

Each unit has its six-digit code (GB/T 2260), its organization's name and its place on a grid of
5 columns and 5 rows, counted from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COLUMNS, ROWS = 5, 5


@dataclass(frozen=True)
class Tile:
    """One unit: `shade` 0 (nothing there) to 3 (most datasets) for the count that it carries."""

    code: str
    organization: str
    column: int
    row: int
    count: int = 0
    shade: int = 0


# North at the top, east at the right.
POSITIONS: tuple[tuple[str, str, int, int], ...] = (
    ("232700", "daxinganling", 2, 1),
    ("230200", "qiqihar", 1, 2),
    ("231100", "heihe", 2, 2),
    ("230700", "yichun", 3, 2),
    ("230400", "hegang", 4, 2),
    ("230600", "daqing", 1, 3),
    ("231200", "suihua", 2, 3),
    ("230800", "jiamusi", 4, 3),
    ("230500", "shuangyashan", 5, 3),
    ("230100", "harbin", 2, 4),
    ("230900", "qitaihe", 4, 4),
    ("230300", "jixi", 5, 4),
    ("231000", "mudanjiang", 4, 5),
)


def shade(count: int, most: int) -> int:
    """0 for nothing, else 1 to 3 by the share of the largest count."""
    if count <= 0 or most <= 0:
        return 0
    share = count / most
    return 3 if share > 2 / 3 else 2 if share > 1 / 3 else 1


def tiles(counts: Mapping[str, int]) -> list[Tile]:
    """The 13 units, row by row, with the counts given by region code (a city's own total)."""
    most = max((counts.get(code, 0) for code, *_ in POSITIONS), default=0)
    return [
        Tile(code, organization, column, row, counts.get(code, 0), shade(counts.get(code, 0), most))
        for code, organization, column, row in POSITIONS
    ]
