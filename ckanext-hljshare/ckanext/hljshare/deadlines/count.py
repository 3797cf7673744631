"""The count of a deadline. Pure.

Days are dates in China (Asia/Shanghai). The day of acceptance is not counted (民法典 201); a last
day that is actually a day of rest moves to the first day that is not (民法典 203, with worked
weekends as 民通意见 198 has it); the deadline is 24:00 of that day. A suspension from `s` to `r`
takes the days (s, r] out of the count: the day the notice is sent still counts, the day the
procedure goes on does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from ckanext.hljshare.deadlines.calendar import Calendar

ZONE = ZoneInfo("Asia/Shanghai")
ONE = timedelta(days=1)

Unit = Literal["calendar", "working"]
Why = Literal[
    "accepted",  # the day of acceptance, not counted
    "counted",
    "counted_rest",  # calendar days: a day of rest counts like any other
    "worked_weekend",  # working days: a weekend that is worked
    "rest",  # working days: a day of rest is not counted
    "suspended",
    "moved",  # the last day would be a day of rest
    "last",  # the day to which the last one has moved
]
Suspension = tuple[date, "date | None"]


class CountError(ValueError):
    """Suspensions that cannot be: ``code`` is `reversed` (ends before it begins), `late` (begins
    after the deadline has passed) or `after_open` (another one, after one that has not ended).
    """

    def __init__(self, code: str, day: date) -> None:
        super().__init__(f"{code}: {day}")
        self.code = code
        self.day = day


@dataclass(frozen=True)
class Rule:
    """How a kind of deadline is counted: `length` in `unit` days; `roll`: whether a last day of
    rest moves. `basis` by language; `version` of the rules it was taken from.
    """

    kind: str
    length: int
    unit: Unit
    roll: bool
    basis: tuple[tuple[str, str], ...]
    version: str


@dataclass(frozen=True)
class CountedDay:
    """One day of the explanation; `name` is the holiday it belongs to."""

    date: date
    counted: bool
    why: Why
    name: str = ""


@dataclass(frozen=True)
class Count:
    """A deadline with its explanation.

    `nominal`: the last day before it moves; `due`: the last day; `due_at`: the moment it is over,
    that is 24:00. All three are None while a suspension is open (`paused_since`). `provisional`:
    rests on a year without a notice. `used`: how many days are counted.
    """

    nominal: date | None
    due: date | None
    due_at: datetime | None
    provisional: bool
    days: tuple[CountedDay, ...]
    used: int
    paused_since: date | None = None


def local_date(moment: datetime) -> date:
    """The date in China at a moment. Raises ValueError without a zone: a date would be a guess."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(ZONE).date()


def end_of(day: date) -> datetime:
    """24:00 of a day in China: the first moment that is too late."""
    return datetime.combine(day + ONE, datetime.min.time(), ZONE)


def count(
    rule: Rule, accepted: date, suspensions: Iterable[Suspension], calendar: Calendar
) -> Count:
    """Count a deadline from the day of acceptance.

    `suspensions` are (s, r), r None for one that has not ended; overlapping ones are merged, what
    lies before the acceptance is cut off. Raises CountError for impossible ones.
    """
    merged = _merge(accepted, suspensions)
    for position, (start, _end) in enumerate(merged):
        _nominal, due = _ends(rule, accepted, merged[:position], calendar)
        if start > due:
            raise CountError("late", start)
    if merged and merged[-1][1] is None:
        start = merged[-1][0]
        days = _explain(rule, accepted, start, merged[:-1], calendar)
        used = sum(day.counted for day in days)
        return Count(None, None, None, False, days, used, start)
    nominal, due = _ends(rule, accepted, merged, calendar)
    days = _explain(rule, accepted, due, merged, calendar)
    first = accepted + ONE if rule.unit == "working" else nominal
    provisional = (rule.unit == "working" or rule.roll) and not all(
        calendar.is_settled(day) for day in _span(first, due)
    )
    used = sum(day.counted for day in days)
    return Count(nominal, due, end_of(due), provisional, days, used)


def used_days(
    rule: Rule,
    accepted: date,
    suspensions: Iterable[Suspension],
    calendar: Calendar,
    today: date,
) -> int:
    """How many days are gone by today, today included, in the rule's unit; also beyond the
    deadline. 0 on the day of acceptance and before.
    """
    merged = _merge(accepted, suspensions)
    return sum(
        not _suspended(day, merged) and (rule.unit == "calendar" or not calendar.is_rest(day))
        for day in _span(accepted + ONE, today)
    )


def days_left(due: date, today: date) -> int:
    """Calendar days until the last day: 0 on it, negative when it is over."""
    return (due - today).days


def _merge(accepted: date, suspensions: Iterable[Suspension]) -> list[Suspension]:
    """Sorted, without overlaps, cut at the acceptance; an open one can only be the last."""
    merged: list[Suspension] = []
    for given, end in sorted(suspensions, key=lambda item: (item[0], item[1] or date.max)):
        if end is not None and end < given:
            raise CountError("reversed", end)
        start = max(given, accepted)
        if end is not None and end <= start:
            continue
        if merged:
            last_start, last_end = merged[-1]
            if last_end is None:
                raise CountError("after_open", start)
            if start <= last_end:
                merged[-1] = (last_start, max(last_end, end) if end is not None else None)
                continue
        merged.append((start, end))
    return merged


def _suspended(day: date, merged: Sequence[Suspension]) -> bool:
    return any(start < day and (end is None or day <= end) for start, end in merged)


def _ends(
    rule: Rule, accepted: date, merged: Sequence[Suspension], calendar: Calendar
) -> tuple[date, date]:
    """The nominal and the actual last day; all suspensions have ended."""
    closed = [(start, end) for start, end in merged if end is not None]
    if rule.unit == "calendar":
        excluded = sum((end - start).days for start, end in closed)
        nominal = accepted + timedelta(days=rule.length + excluded)
    else:
        nominal, left = accepted, rule.length
        while left:
            nominal += ONE
            left -= not _suspended(nominal, closed) and not calendar.is_rest(nominal)
        nominal = _after_suspension(nominal, closed)
    due = nominal
    while True:
        moved = _after_suspension(due, closed)
        if rule.roll and calendar.is_rest(moved):
            moved += ONE
        if moved == due:
            return nominal, due
        due = moved


def _after_suspension(day: date, closed: Sequence[tuple[date, date]]) -> date:
    """A deadline does not end while the procedure rests: then it ends on the day it goes on."""
    for start, end in closed:
        if start <= day < end:
            return end
    return day


def _explain(
    rule: Rule, accepted: date, until: date, merged: Sequence[Suspension], calendar: Calendar
) -> tuple[CountedDay, ...]:
    days = [CountedDay(accepted, False, "accepted", calendar.name(accepted))]
    left = rule.length
    for day in _span(accepted + ONE, until):
        rest = calendar.is_rest(day)
        counted = False
        why: Why
        if _suspended(day, merged) and day != until:
            why = "suspended"
        elif not left or _suspended(day, merged):
            why = "last" if day == until else "moved"
        elif rule.unit == "working" and rest:
            why = "rest"
        else:
            counted = True
            left -= 1
            if rest:
                why = "counted_rest"
            elif rule.unit == "working" and calendar.is_worked_weekend(day):
                why = "worked_weekend"
            else:
                why = "counted"
        days.append(CountedDay(day, counted, why, calendar.name(day)))
    return tuple(days)


def _span(first: date, last: date) -> Iterable[date]:
    return (first + ONE * step for step in range((last - first).days + 1))
