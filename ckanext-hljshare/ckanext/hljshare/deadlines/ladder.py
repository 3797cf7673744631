"""Which notices about a deadline are due now (design: Ladder). Pure.

The steps count in calendar days from the last day. What comes before it is a reminder, of which
only the newest is worth sending when a job runs late; what comes after it is a record, dated to
its own moment however late the job is, and never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from ckanext.hljshare.deadlines.count import ZONE

Audience = Literal["handler", "approver", "city", "province"]
MORNING = time(8, 0)
MIDNIGHT = time(0, 0)


@dataclass(frozen=True)
class Step:
    """A rung: so many days from the last day (negative: before), at an hour, to whom.

    `counts`: from here on the delay counts in the agency's score.
    """

    days: int
    hour: time
    audience: tuple[Audience, ...]
    counts: bool = False

    @property
    def name(self) -> str:
        """`T-5`, `T`, `T+1`."""
        return "T" if not self.days else f"T{self.days:+d}"

    @property
    def overdue(self) -> bool:
        """Whether it tells of a deadline that has passed."""
        return self.days > 0

    def at(self, due: date) -> datetime:
        """Its moment. T+1 is 00:00 of the day after: the very end of the last day."""
        return datetime.combine(due + timedelta(days=self.days), self.hour, ZONE)


STEPS: tuple[Step, ...] = (
    Step(-5, MORNING, ("handler",)),
    Step(-3, MORNING, ("handler",)),
    Step(-1, MORNING, ("handler", "approver")),
    Step(0, MORNING, ("handler", "approver")),
    Step(1, MIDNIGHT, ("handler", "approver", "city", "province")),
    Step(5, MIDNIGHT, ("handler", "approver", "city", "province"), counts=True),
)


@dataclass(frozen=True)
class Facts:
    """What is known of a deadline: `due` None while it is suspended; `closed_at` when it was met,
    or ended otherwise.
    """

    accepted_at: datetime
    due: date | None
    closed_at: datetime | None = None


def due_steps(facts: Facts, now: datetime, steps: Sequence[Step] = STEPS) -> list[Step]:
    """The steps whose time has come, oldest first; asked again, it names the same ones again.

    Whoever sends them keeps each to once, by `key`. Before the end: the newest reminder only, and
    none once the deadline is met or over. After it: every step that came before it was met.
    Raises ValueError for moments without a zone.
    """
    for moment in (facts.accepted_at, facts.closed_at, now):
        if moment is not None and moment.tzinfo is None:
            raise ValueError("a moment needs a time zone")
    if facts.due is None:
        return []
    end = now if facts.closed_at is None else min(now, facts.closed_at)
    come = [step for step in steps if facts.accepted_at < step.at(facts.due) <= end]
    late = [step for step in come if step.overdue]
    if late or facts.closed_at is not None:
        return late
    return come[-1:]


def key(subject: str, due: date, step: Step) -> str:
    """Names a notice once and for all: a deadline that has moved has its reminders anew."""
    return f"{subject}:{due.isoformat()}:{step.name}"
