"""Whether a dataset is as fresh as its update cycle promises. Pure.

The margins (``late_after_days``) are the portal's own and stand in
``scheming/codelists/update_cycle.yaml``.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from ckanext.hljshare.catalog import codelists

ON_TIME, DUE, LATE, NOT_SCORED = "on_time", "due", "late", "not_scored"


@dataclass(frozen=True)
class Freshness:
    """``state``: on_time (within the cycle), due (cycle over, margin not), late, not_scored.

    ``due``: the day on which the next update is expected; ``late_from``: the first day counted as
    late.
    """

    state: str
    due: datetime.date | None = None
    late_from: datetime.date | None = None


def freshness(
    update_cycle: str | None, data_updated: datetime.date | None, today: datetime.date
) -> Freshness:
    """Judge one dataset on a day.

    Without a cycle that is scored, or without a date of the last update, nothing is said: n/a is
    not zero.
    """
    entry = codelists.item("update_cycle", update_cycle)
    if entry is None or data_updated is None or "late_after_days" not in entry:
        return Freshness(NOT_SCORED)
    due = data_updated + datetime.timedelta(days=entry["cycle_days"])
    late_from = data_updated + datetime.timedelta(days=entry["late_after_days"] + 1)
    if today >= late_from:
        state = LATE
    elif today > due:
        state = DUE
    else:
        state = ON_TIME
    return Freshness(state, due, late_from)


def parse_date(text: str | None) -> datetime.date | None:
    """The date at the beginning of an ISO 8601 text; None where there is none."""
    try:
        return datetime.date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
