"""How each city is connected: way in, last success, freshness, what waits, whether it is silent.
Pure.

Freshness is the portal's own rule: a source with a schedule (or a time after which silence is an
alarm) is measured by it, one that is run by hand by the month.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

PUSH = "push"
NOT_APPROVED = "not-approved"  # why a source may not run: nobody has ever agreed to it
PUSH_MISSED_AFTER = 48  # hours, where no configuration says otherwise
BY_HAND = (timedelta(days=31), timedelta(days=92))  # due, late
# Keys under which a reconciliation tells how many records only one side has, or both differently.
DIFFERENCES = ("missing", "extra", "differing", "only_here", "only_there", "different")


@dataclass(frozen=True)
class Connection:
    """A source as the page needs it. ``refused``: why it may not run, or None."""

    id: str
    name: str
    title: str
    kind: str
    owner_id: str
    every: int | None = None
    missed_after: int | None = None
    refused: str | None = None
    supplier_name: str = ""
    supplier_contact: str = ""
    last_success: datetime | None = None
    run_id: str | None = None
    run_started: datetime | None = None
    stopped: str | None = None
    running: bool = False
    total: int | None = None
    seen: int = 0
    reconciled: Mapping[str, Any] | None = None
    waiting: Mapping[str, int] = field(default_factory=dict)
    made: datetime | None = None


@dataclass(frozen=True)
class Place:
    """A city with its organization's name (None: it has none here) and those below it (ids)."""

    code: str
    title: str
    short: str
    organization: str | None
    below: frozenset[str]
    total: int = 0


def limits(every: int | None, missed_after: int | None) -> tuple[timedelta, timedelta]:
    """After how long a catalog is due, and late."""
    if missed_after:
        late = timedelta(hours=missed_after)
        due = min(late, timedelta(minutes=every) * 1.5) if every else late / 2
        return due, late
    if every:
        turn = timedelta(minutes=every)
        return turn * 1.5 + timedelta(hours=1), turn * 3 + timedelta(hours=1)
    return BY_HAND


def freshness(
    last: datetime | None, every: int | None, missed_after: int | None, now: datetime
) -> str:
    """``none`` (nothing has come yet), ``fresh``, ``due`` or ``late``."""
    if last is None:
        return "none"
    due, late = limits(every, missed_after)
    age = now - last
    return "late" if age > late else "due" if age > due else "fresh"


def is_silent(connection: Connection, now: datetime) -> bool:
    """Whether a source that promised to be heard of has not been: the alarm. One that nobody has
    approved yet owes nothing; one that was changed since does."""
    if not connection.missed_after or connection.refused == NOT_APPROVED:
        return False
    since = connection.last_success or connection.made
    return since is None or now - since > timedelta(hours=connection.missed_after)


def difference(connection: Connection) -> int | None:
    """By how many records both sides differ, None where nobody knows: what a push has reconciled,
    else what the source says it has against what was read."""
    if connection.reconciled is not None:
        found = [connection.reconciled.get(name) for name in DIFFERENCES]
        listed = sum(item if isinstance(item, int) else len(item) for item in found if item)
        if connection.reconciled.get("same", True):
            return listed
        # The trees differ; the ids that were listed need not say why, nor be all.
        published, held = (connection.reconciled.get(name) or 0 for name in ("published", "held"))
        return max(listed, abs(published - held), 1)
    if way(connection) == PUSH:
        return None  # what was sent and what was read are the same there
    if connection.total is not None and connection.stopped is None:
        return abs(connection.total - connection.seen)
    return None


def way(connection: Connection) -> str:
    """``push`` (the city sends) or ``pull`` (the province reads)."""
    return PUSH if connection.kind == PUSH else "pull"


WORST = ("late", "due", "fresh", "none")


def city(place: Place, connections: Iterable[Connection], now: datetime) -> dict[str, Any]:
    """One city's line: ``ways``, ``received``, ``days``, ``state``, ``held``, ``rejected``,
    ``difference``, ``silent``, ``running``; its connections in ``connections``.

    The state is that of the source that came last: a city that has moved to another way in is not
    late because the old one is silent.
    """
    mine = [item for item in connections if item.owner_id in place.below]
    told = [item for item in mine if item.last_success is not None]
    newest = max(told, key=lambda item: item.last_success or now, default=None)
    state = (
        freshness(newest.last_success, newest.every, newest.missed_after, now) if newest else "none"
    )
    known = [number for number in (difference(item) for item in mine) if number is not None]
    return {
        "code": place.code,
        "title": place.title,
        "short": place.short,
        "organization": place.organization,
        "total": place.total,
        "ways": sorted({way(item) for item in mine}),
        "received": newest.last_success if newest else None,
        "days": (now - newest.last_success).days if newest and newest.last_success else None,
        "state": state,
        "held": sum(item.waiting.get("held", 0) for item in mine),
        "rejected": sum(item.waiting.get("rejected", 0) for item in mine),
        "difference": sum(known) if known else None,
        "silent": any(is_silent(item, now) for item in mine),
        "running": any(item.running for item in mine),
        "connections": mine,
    }
