"""The datasets that the loopback portals of this package list, before each says it its own way."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Entry:
    """One dataset."""

    id: str
    title: str
    agency: str = "市交通运输局"
    open: str = "open"  # open, on_request, closed
    cycle: str = "monthly"
    notes: str = "各线路的起点、终点和运营时间"
    theme: str = "道路交通"
    released: str = "2023-06-01 08:00:00"
    updated: str = "2023-06-15 10:10:10"
    formats: tuple[str, ...] = ("xls", "json")
    items: tuple[tuple[str, str], ...] = (("线路名称", "C"), ("站点数", "N"))
    files: tuple[str, ...] = ()
    more: dict[str, object] = field(default_factory=dict)


TITLES = (
    "公交线路",
    "医疗机构信息",
    "学校名录",
    "行政许可公示",
    "空气质量日报",
    "水质监测",
    "景区名录",
)


def entries(count: int, prefix: str = "id-") -> list[Entry]:
    """So many datasets, their levels in turn."""
    levels = ("open", "open", "on_request", "open", "closed")
    return [
        Entry(
            f"{prefix}{number:06d}",
            f"{TITLES[number % len(TITLES)]}{number + 1}",
            open=levels[number % len(levels)],
        )
        for number in range(count)
    ]
