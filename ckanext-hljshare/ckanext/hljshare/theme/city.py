"""What the cities' pages show: how each is connected, in words and as tiles by position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.ingest import schedule
from ckanext.hljshare.theme import tiles

COUNTS = ("created", "updated", "unchanged", "held", "withdrawn", "rejected")
LOOKS = {"fresh": "b-open", "due": "b-req", "late": "b-no", "none": ""}
# Hours after which silence is an alarm, as the form offers them.
MISSED = (6, 24, 48, 7 * 24, 31 * 24)
# Why a run ended early that may have written something; one that was stopped changed nothing.
CUT_OFF = ("interrupted", "aborted")


def states() -> dict[str, str]:
    """How fresh a city's catalog is, in words."""
    return {
        "fresh": tk._("Up to date"),
        "due": tk._("Due for an update"),
        "late": tk._("Overdue"),
        "none": tk._("Nothing received yet"),
    }


def ways() -> dict[str, str]:
    """How a city's catalog comes in."""
    return {
        "pull": tk._("The province reads it"),
        "push": tk._("The city sends it"),
    }


def map_tiles(cities: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The cities at their places on the drawing of the province."""
    by_code = {city["code"]: city for city in cities}
    return [
        {**by_code[code], "column": column, "row": row}
        for code, _organization, column, row in tiles.POSITIONS
        if code in by_code
    ]


def figures(cities: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many cities are connected, up to date, late, silent."""
    listed = list(cities)
    return {
        "cities": len(listed),
        "connected": sum(1 for city in listed if city["received"]),
        "fresh": sum(1 for city in listed if city["state"] == "fresh"),
        "late": sum(1 for city in listed if city["state"] == "late"),
        "silent": sum(1 for city in listed if city["silent"]),
    }


def every_words(minutes: int | None) -> str:
    """A schedule in words."""
    if not minutes:
        return tk._("By hand only")
    words = {
        60: tk._("Every hour"),
        24 * 60: tk._("Every day"),
        7 * 24 * 60: tk._("Every week"),
        14 * 24 * 60: tk._("Every two weeks"),
        30 * 24 * 60: tk._("Every month"),
    }
    if minutes in words:
        return words[minutes]
    if minutes % (24 * 60) == 0:
        return tk._("Every {number} days").format(number=minutes // (24 * 60))
    if minutes % 60 == 0:
        return tk._("Every {number} hours").format(number=minutes // 60)
    return tk._("Every {number} minutes").format(number=minutes)


def hours_words(hours: int | None) -> str:
    """After how long silence is an alarm, in words."""
    if not hours:
        return tk._("No alarm")
    if hours % 24 == 0:
        return tk._("{number} days").format(number=hours // 24)
    return tk._("{number} hours").format(number=hours)


def every_choices(current: int | None) -> list[tuple[str, str]]:
    """The schedules that the form offers, with the present one."""
    found = sorted({*schedule.CHOICES, *([current] if current else [])})
    return [("", every_words(None)), *((str(item), every_words(item)) for item in found)]


def missed_choices(current: int | None, longest: int | None = None) -> list[tuple[str, str]]:
    """The alarms that the form offers, with the present one.

    :param longest: the longest (hours) that whoever looks may choose; None: any
    """
    offered = [item for item in MISSED if longest is None or item <= longest]
    found = sorted({*offered, *([current] if current else [])})
    return [("", hours_words(None)), *((str(item), hours_words(item)) for item in found)]


def stage_words() -> dict[str, str]:
    """What a run is doing."""
    return {
        "read": tk._("Reading the source"),
        "write": tk._("Writing datasets"),
        "files": tk._("Fetching files"),
        "done": tk._("Finished"),
    }
