"""The calendar and the rules that come with the portal (`config/`). Pure: YAML and files."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import yaml

from ckanext.hljshare.deadlines import calendar_files
from ckanext.hljshare.deadlines.calendar import Calendar, Statutory, Year
from ckanext.hljshare.deadlines.count import Rule
from ckanext.hljshare.paths import CONFIG

DIRECTORY = CONFIG / "calendar"
RULES = CONFIG / "deadlines.yaml"


@cache
def statutory() -> Statutory:
    """The holidays that are known without a notice."""
    loaded = yaml.safe_load((DIRECTORY / "statutory.yaml").read_text("utf-8"))
    fixed = {(int(day[:2]), int(day[3:])): name for day, name in loaded["fixed"].items()}
    moving: dict[date, str] = {}
    for name, spans in loaded["moving"].items():
        for span in spans:
            for step in range(span.get("days", 1)):
                moving[span["from"] + timedelta(days=step)] = name
    return Statutory(fixed, moving)


@cache
def years() -> tuple[Year, ...]:
    """The notices that come with the portal, a file for each year."""
    found = []
    for path in sorted(DIRECTORY.glob("[0-9]*.csv")):
        found += calendar_files.read(path.read_bytes(), statutory(), "csv")
    return tuple(found)


@cache
def calendar() -> Calendar:
    """The calendar as the portal comes with it."""
    return Calendar(years(), statutory(), "shipped")


@cache
def rules() -> dict[str, Rule]:
    """The rule of each kind of deadline."""
    loaded = yaml.safe_load(RULES.read_text("utf-8"))
    return {
        kind: Rule(
            kind,
            rule["length"],
            rule["unit"],
            rule["roll"],
            tuple(rule["basis"].items()),
            str(loaded["version"]),
        )
        for kind, rule in loaded["kinds"].items()
    }
