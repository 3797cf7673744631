"""What may happen to a collection task, and when a repeated one comes again. Pure.

Clause 5.2 b: where a superior needs them, agencies supply regulatory data of their sites, after
processing. Each agency has a task of its own; overdue is no state, it follows from the clock.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from ckanext.hljshare.deadlines import ladder
from ckanext.hljshare.deadlines.count import ZONE, end_of, local_date

State = Literal["assigned", "acknowledged", "submitted", "returned", "accepted", "withdrawn"]
# superior: administers who asks; handler: works for the agency; overseer: administers an
# organization above the agency, and reads only; system: the portal.
Role = Literal["superior", "handler", "overseer", "system"]
Repeats = Literal["none", "monthly", "quarterly", "annual"]

STATES: tuple[State, ...] = (
    "assigned",
    "acknowledged",
    "submitted",
    "returned",
    "accepted",
    "withdrawn",
)
OWED: frozenset[State] = frozenset(("assigned", "acknowledged", "returned"))
ENDED: frozenset[State] = frozenset(("accepted", "withdrawn"))
MONTHS: dict[Repeats, int] = {"none": 0, "monthly": 1, "quarterly": 3, "annual": 12}
# Website traffic, publication statistics, case handling, work reports (clause 5.2 b), and others.
SUBJECTS: tuple[str, ...] = ("traffic", "publication", "cases", "work_report", "other")
FURTHEST = timedelta(days=3 * 366)  # how far ahead a due date may lie


@dataclass(frozen=True)
class Step:
    """One row: who may do it in which states, and what becomes of the agency's task."""

    action: str
    sources: tuple[State, ...]
    target: State
    roles: tuple[Role, ...]
    event: str


TABLE: tuple[Step, ...] = (
    Step("acknowledge", ("assigned",), "acknowledged", ("handler",), "acknowledged"),
    Step(
        "submit", ("assigned", "acknowledged", "returned"), "submitted", ("handler",), "submitted"
    ),
    Step("return", ("submitted",), "returned", ("superior",), "returned"),
    Step("accept", ("submitted",), "accepted", ("superior",), "accepted"),
    Step(
        "withdraw",
        ("assigned", "acknowledged", "submitted", "returned"),
        "withdrawn",
        ("superior",),
        "withdrawn",
    ),
)
READERS: frozenset[Role] = frozenset(("superior", "handler", "overseer", "system"))


class RefusedError(Exception):
    """A step that cannot be: ``code`` is `unknown`, `role`, `state` or `own`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def step(action: str, state: str, roles: Collection[str], own: bool = False) -> Step:
    """The row that applies. `own`: the acting person has submitted what is to be decided on.

    Raises RefusedError: `role` before `state`, so that who may not act learns nothing of it.
    """
    row = next((row for row in TABLE if row.action == action), None)
    if row is None:
        raise RefusedError("unknown")
    if not set(row.roles) & set(roles):
        raise RefusedError("role")
    if state not in row.sources:
        raise RefusedError("state")
    if own and action in ("accept", "return"):
        raise RefusedError("own")
    return row


def allowed(state: str, roles: Collection[str], own: bool = False) -> list[str]:
    """The actions that are possible now, in the order of the table."""
    found = []
    for row in TABLE:
        try:
            step(row.action, state, roles, own)
        except RefusedError:
            continue
        found.append(row.action)
    return found


# ---------------------------------------------------------------- time


@dataclass(frozen=True)
class Owing:
    """What the clock needs of an agency's task.

    `since`: from when the present due date holds (assigned, or given anew with a return);
    `met_at`: when it was submitted or ended otherwise, None while it is owed.
    """

    since: datetime
    due: date
    met_at: datetime | None


def due_notices(owing: Owing, now: datetime) -> list[ladder.Step]:
    """The steps of the ladder whose time has come (design: Ladder); each is kept to once by key."""
    return ladder.due_steps(ladder.Facts(owing.since, owing.due, owing.met_at), now)


def next_moment(owing: Owing, now: datetime) -> datetime | None:
    """When the ladder is to be looked at again; None when nothing more can come."""
    if owing.met_at is not None:
        return None
    return min((s.at(owing.due) for s in ladder.STEPS if s.at(owing.due) > now), default=None)


def is_overdue(owing: Owing, now: datetime) -> bool:
    """Whether it was met after 24:00 of its due date, or has not been met by then."""
    return (owing.met_at or now) >= end_of(owing.due)


def wrong_due(due: date, today: date, period_to: date | None) -> str:
    """Why a day cannot be a due date: `past`, `far`, `period`; empty if it can.

    It is chosen, not counted: a day of rest is possible, with a warning. Data of a period are
    complete when it is over, not before.
    """
    if due <= today:
        return "past"
    if due > today + FURTHEST:
        return "far"
    if period_to is not None and due <= period_to:
        return "period"
    return ""


# ---------------------------------------------------------------- repetition


@dataclass(frozen=True)
class Round:
    """One task of a series: the period it covers and its due date."""

    period_from: date
    period_to: date
    due: date

    @property
    def opens_at(self) -> datetime:
        """When the task of this period is made: its period is over, the data are there."""
        return datetime.combine(self.period_to + timedelta(days=1), time(0), ZONE)


def wrong_period(period_from: date, period_to: date, repeats: Repeats) -> str:
    """Why a period cannot be: `reversed`, or `long` (the next one would begin within it)."""
    if period_to < period_from:
        return "reversed"
    months = MONTHS[repeats]
    if months and shift(period_from, months) <= period_to:
        return "long"
    return ""


def occurrence(first: Round, repeats: Repeats, number: int) -> Round:
    """The `number`-th task of a series (1 is `first`): counted from the first, so nothing drifts.

    A period that ends with a month goes on ending with its month.
    """
    months = MONTHS[repeats] * (number - 1)
    last = first.period_to.day == calendar.monthrange(*first.period_to.timetuple()[:2])[1]
    end = shift(first.period_to, months)
    if last:
        end = end.replace(day=calendar.monthrange(end.year, end.month)[1])
    # A shorter month can bring the due date onto the period's end.
    due = max(shift(first.due, months), end + timedelta(days=1))
    return Round(shift(first.period_from, months), end, due)


def made(planned: Round, now: datetime) -> Round:
    """A task of a series as it is made at a moment: one that is made late leaves the agencies the
    same number of days as one in time, so that nobody is late through the portal's fault."""
    today = local_date(now)
    days = (planned.due - planned.period_to).days
    late = today > planned.period_to + timedelta(days=1)
    if late and planned.due < today + timedelta(days=days - 1):
        return replace(planned, due=today + timedelta(days=days - 1))
    return planned


def shift(day: date, months: int) -> date:
    """So many months later, on the same day or the month's last."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


# ---------------------------------------------------------------- progress


def tally(states: Sequence[str]) -> dict[str, int]:
    """How many agencies are in each state, and how many `all` (withdrawn ones left out) and `done`
    (handed in, decided or not)."""
    counted: dict[str, int] = {
        state: sum(1 for each in states if each == state) for state in STATES
    }
    counted["all"] = len(states) - counted["withdrawn"]
    counted["done"] = counted["submitted"] + counted["accepted"]
    return counted
