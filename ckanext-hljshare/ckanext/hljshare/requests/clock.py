"""When a request is due, overdue, and next to be looked at. Pure.

Dates follow `deadlines/count.py`; this module says which deadline a state is under. The rule of
acceptance (5 working days, the portal's own) runs from submission; when it passes, the request
counts as accepted at that moment. The deadline of clause 6.1 f runs from acceptance until the data
is delivered or refused, and rests while it is suspended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from ckanext.hljshare.deadlines import ladder
from ckanext.hljshare.deadlines.calendar import Calendar
from ckanext.hljshare.deadlines.count import Count, Rule, count, end_of, local_date
from ckanext.hljshare.deadlines.ladder import Facts, Step
from ckanext.hljshare.requests import workflow

Pause = tuple[datetime, "datetime | None"]

# Before the agency has accepted; when the limit is over, acceptance is deemed.
ACCEPTANCE_STEPS: tuple[Step, ...] = (
    Step(-2, ladder.MORNING, ("handler",)),
    Step(0, ladder.MORNING, ("handler", "approver")),
)
# For the applicant: to correct a returned request, to report on the use.
APPLICANT_STEPS: tuple[Step, ...] = (
    Step(-3, ladder.MORNING, ()),
    Step(0, ladder.MORNING, ()),
)
# For the agency, while others are consulted: the procedure goes on by itself afterwards.
PAUSE_STEPS: tuple[Step, ...] = (
    Step(-3, ladder.MORNING, ("handler",)),
    Step(0, ladder.MORNING, ("handler", "approver")),
)
REPORT_STEPS: tuple[Step, ...] = (
    Step(-7, ladder.MORNING, ()),
    Step(0, ladder.MORNING, ()),
    Step(1, ladder.MIDNIGHT, ("handler",)),
)


@dataclass(frozen=True)
class Timing:
    """What the count of a request needs. `limit_from`: when the present wait began (submission,
    return, suspension); `rule` is the one it was accepted under.
    """

    state: str
    limit_from: datetime | None
    accepted_at: datetime | None
    rule: Rule | None
    pauses: tuple[Pause, ...] = ()


@dataclass(frozen=True)
class Rules:
    """The limits beside the one of the request's kind, as in `config/deadlines.yaml`."""

    acceptance: Rule
    correction: Rule
    third_party: Rule


@dataclass(frozen=True)
class Dates:
    """`nominal`, `due`, `due_at`, `provisional`: the deadline of clause 6.1 f, None before
    acceptance and while it rests. `limit_due`: the last day of the present wait, `limit_at` its
    end; `limit_provisional`.
    """

    nominal: date | None = None
    due: date | None = None
    due_at: datetime | None = None
    provisional: bool = False
    limit_due: date | None = None
    limit_at: datetime | None = None
    limit_provisional: bool = False


def counted(timing: Timing, calendar: Calendar) -> Count | None:
    """The count since acceptance; None before it. Raises CountError for impossible pauses."""
    if timing.accepted_at is None or timing.rule is None:
        return None
    pauses = [(local_date(start), end and local_date(end)) for start, end in timing.pauses]
    return count(timing.rule, local_date(timing.accepted_at), pauses, calendar)


def dates(timing: Timing, rules: Rules, calendar: Calendar) -> Dates:
    """All dates of a request in its state."""
    found = Dates()
    running = counted(timing, calendar)
    if running is not None:
        found = Dates(running.nominal, running.due, running.due_at, running.provisional)
    rule = {
        "submitted": rules.acceptance,
        "returned": rules.correction,
        "suspended": rules.third_party,
    }.get(timing.state)
    if rule is None or timing.limit_from is None:
        return found
    if timing.state == "suspended":
        # The time for consulting others is one in all, in however many parts it is taken.
        rule = replace(rule, length=pause_left(timing, rules, calendar))
    wait = count(rule, local_date(timing.limit_from), (), calendar)
    return replace(
        found, limit_due=wait.due, limit_at=wait.due_at, limit_provisional=wait.provisional
    )


def pause_left(timing: Timing, rules: Rules, calendar: Calendar) -> int:
    """How many working days a request may still be suspended in all; at least one while it is."""
    used = 0
    for start, end in timing.pauses:
        if end is None:
            return max(1, rules.third_party.length - used)
        first, last = local_date(start), local_date(end)
        days = (first + timedelta(days=step) for step in range(1, (last - first).days + 1))
        used += sum(not calendar.is_rest(day) for day in days)
    return rules.third_party.length - used


def is_overdue(due_at: datetime | None, closed_at: datetime | None, now: datetime) -> bool:
    """Whether the deadline passed before the request was closed, or has passed by now."""
    return due_at is not None and (closed_at or now) >= due_at


@dataclass(frozen=True)
class Watch:
    """What the ladder needs of a request: `since` when the deadline began to run."""

    state: str
    since: datetime | None
    due: date | None
    limit_since: datetime | None = None
    limit_due: date | None = None
    report_due: date | None = None
    report_since: datetime | None = None
    ends_at: datetime | None = None


def steps(watch: Watch, now: datetime) -> list[tuple[str, date, Step]]:
    """The notices whose time has come: (what about, last day, step). Sent once each by their key.

    `about`: ``due`` (6.1 f), ``acceptance``, ``correction``, ``pause`` or ``report``.
    """
    return [
        (about, due, step)
        for about, since, due, ladder_steps in _watched(watch)
        for step in ladder.due_steps(Facts(since, due), now, ladder_steps)
        if step.overdue or now < end_of(due)  # nobody is reminded of what is over
    ]


def next_moment(watch: Watch, now: datetime) -> datetime | None:
    """The first moment after `now` at which something falls due; None: nothing will by itself."""
    return min((moment for moment in _moments(watch) if moment > now), default=None)


def look_at(watch: Watch, now: datetime) -> datetime | None:
    """When to look at a request again after a change: at once where something is due already, for
    a deadline may have moved into the past; else at `next_moment`."""
    over = any(end <= now for end in _ends(watch))
    return now if over or steps(watch, now) else next_moment(watch, now)


def _ends(watch: Watch) -> list[datetime]:
    """The moments that bring a request to another state, or end its use."""
    limit = [end_of(watch.limit_due)] if watch.limit_due else []
    return limit + ([watch.ends_at] if watch.ends_at else [])


def _moments(watch: Watch) -> list[datetime]:
    moments = [
        step.at(due)
        for _about, _since, due, ladder_steps in _watched(watch)
        for step in ladder_steps
    ]
    return moments + _ends(watch)


def _watched(watch: Watch) -> list[tuple[str, datetime, date, Sequence[Step]]]:
    found: list[tuple[str, datetime, date, Sequence[Step]]] = []
    if watch.state in workflow.RUNNING and watch.since and watch.due:
        found.append(("due", watch.since, watch.due, ladder.STEPS))
    waits = {
        "submitted": ("acceptance", ACCEPTANCE_STEPS),
        "returned": ("correction", APPLICANT_STEPS),
        "suspended": ("pause", PAUSE_STEPS),
    }
    if watch.state in waits and watch.limit_since and watch.limit_due:
        about, ladder_steps = waits[watch.state]
        found.append((about, watch.limit_since, watch.limit_due, ladder_steps))
    if watch.state == "delivered" and watch.report_due and watch.report_since:
        found.append(("report", watch.report_since, watch.report_due, REPORT_STEPS))
    return found


def days_used(accepted: datetime, closed: datetime) -> int:
    """Calendar days from the day of acceptance to the day it was closed; 0 on the same day."""
    return max(0, (local_date(closed) - local_date(accepted)) // timedelta(days=1))
