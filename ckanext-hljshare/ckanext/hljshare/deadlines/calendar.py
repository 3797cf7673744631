"""Which days are days of rest: the State Council's notices, and what is known without one. Pure.

A weekday can be a day of rest and a weekend a working day (调休), so only the notice of the year
decides. A year without one is counted by weekends and the holidays of 全国年节及纪念日放假办法,
and every date that rests on it is provisional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

SATURDAY = 5
# New Year's notice has never changed a day before 29 December of the year before.
LAST_SETTLED = (12, 27)
REMINDER_MONTH = 10


@dataclass(frozen=True)
class Day:
    """A day that a notice names: a day of rest, or (``is_off`` false) a weekend that is worked."""

    date: date
    name: str
    is_off: bool


@dataclass(frozen=True)
class Year:
    """The notice of one year: its days (some may lie in the December before), its address."""

    year: int
    days: tuple[Day, ...]
    source: str = ""

    @property
    def rest(self) -> int:
        """How many days of rest it names."""
        return sum(day.is_off for day in self.days)


@dataclass(frozen=True)
class Holiday:
    """A holiday as a notice tells of it: rest from `first` to `last`, and the weekends worked."""

    name: str
    first: date
    last: date
    worked: tuple[date, ...]

    @property
    def length(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Statutory:
    """The holidays fixed by law: by month and day, and by date for those of the lunar calendar."""

    fixed: Mapping[tuple[int, int], str] = field(default_factory=dict)
    moving: Mapping[date, str] = field(default_factory=dict)

    def name(self, day: date) -> str:
        """The holiday on a day; empty if there is none."""
        return self.moving.get(day) or self.fixed.get((day.month, day.day), "")

    def of(self, year: int) -> list[date]:
        """The holidays of a year that are known beforehand."""
        fixed = [date(year, month, day) for month, day in self.fixed]
        return sorted({*fixed, *(day for day in self.moving if day.year == year)})


class Calendar:
    """The notices of several years, as they stood at a version."""

    def __init__(self, years: Iterable[Year], statutory: Statutory, version: str) -> None:
        """Of two notices that name the same day the one of the later year counts."""
        ordered = sorted(years, key=lambda year: year.year)
        self.version = version
        self.years = frozenset(year.year for year in ordered)
        self.statutory = statutory
        self._days = {day.date: day for year in ordered for day in year.days}

    def is_rest(self, day: date) -> bool:
        """Whether nobody works on a day, as far as is known."""
        found = self._days.get(day)
        if found is not None:
            return found.is_off
        if day.weekday() >= SATURDAY:
            return True
        return day.year not in self.years and bool(self.statutory.name(day))

    def is_settled(self, day: date) -> bool:
        """Whether the notices that may change a day are there."""
        if day.year not in self.years:
            return False
        late = (day.month, day.day) > LAST_SETTLED
        return not late or day.year + 1 in self.years or day in self._days

    def name(self, day: date) -> str:
        """The holiday that makes a day one of rest or of work; empty for ordinary days."""
        found = self._days.get(day)
        if found is not None:
            return found.name
        return "" if day.year in self.years else self.statutory.name(day)

    def is_worked_weekend(self, day: date) -> bool:
        """Whether a day is a weekend's and worked."""
        return day.weekday() >= SATURDAY and not self.is_rest(day)


def holidays(days: Iterable[Day]) -> list[Holiday]:
    """The days of a notice as holidays, in order; days of one name in a row are one holiday.

    A worked weekend goes with the nearest holiday of its name.
    """
    runs: list[tuple[str, date, date]] = []
    worked: list[Day] = []
    for day in sorted(days, key=lambda day: day.date):
        if not day.is_off:
            worked.append(day)
        elif runs and runs[-1][0] == day.name and day.date - runs[-1][2] == timedelta(days=1):
            runs[-1] = (day.name, runs[-1][1], day.date)
        else:
            runs.append((day.name, day.date, day.date))
    nearest: dict[tuple[str, date, date], list[date]] = {run: [] for run in runs}
    for day in worked:
        named = [run for run in runs if run[0] == day.name] or runs
        if named:
            run = min(named, key=lambda run: min(abs(run[1] - day.date), abs(run[2] - day.date)))
            nearest[run].append(day.date)
    return [Holiday(*run, tuple(found)) for run, found in nearest.items()]


def missing(years: Iterable[int], today: date) -> list[int]:
    """The years whose notice should be here and is not: this one, and from October the next."""
    wanted = [today.year]
    if today.month >= REMINDER_MONTH:
        wanted.append(today.year + 1)
    known = set(years)
    return [year for year in wanted if year not in known]


def reminder_key(year: int, today: date) -> str:
    """Names one reminder of a missing year: there is one in each month, in December each week."""
    if (today.year, today.month) < (year - 1, 12):
        return f"calendar.missing:{year}:{today:%Y-%m}"
    monday = today - timedelta(days=today.weekday())
    return f"calendar.missing:{year}:{monday:%Y-%m-%d}"
