"""When a source is read next. Pure: times and chances come in, times go out.

Turns are spread by a tenth either way, so that sources that were set up together do not stay
together. After a failure a source is asked again sooner than its turn, then ever more slowly, in
the end once a day; one that a person has to look at first waits for its turn as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

JITTER = 0.1
RETRY = timedelta(minutes=15)
LONGEST_RETRY = timedelta(days=1)
# A run that lives writes down that it does, far more often than this.
STALE = timedelta(minutes=10)
SHORTEST, LONGEST = 15, 100 * 24 * 60  # minutes between two runs that a schedule may ask for
CHOICES = (60, 6 * 60, 24 * 60, 7 * 24 * 60, 30 * 24 * 60)
# ckanext-harvest's own words for it, in minutes. "Always" means at each of its turns there.
FREQUENCIES = {
    "ALWAYS": 60,
    "DAILY": 24 * 60,
    "WEEKLY": 7 * 24 * 60,
    "BIWEEKLY": 14 * 24 * 60,
    "MONTHLY": 30 * 24 * 60,
}


@dataclass(frozen=True)
class Turn:
    """A source with a schedule. ``busy``: a run or job of it is waiting or under way."""

    source_id: str
    host: str
    next_run: datetime | None
    busy: bool = False


def spread(span: timedelta, chance: float) -> timedelta:
    """The span, up to a tenth shorter (chance 0) or longer (chance 1)."""
    return span * (1 + JITTER * (2 * min(max(chance, 0.0), 1.0) - 1))


def wait(every: int, failures: int = 0, for_a_person: bool = False) -> timedelta:
    """How long until the next run, before it is spread.

    :param every: minutes between two runs
    :param failures: failed runs in a row, the last one included
    :param for_a_person: the last run was stopped for something a person has to judge: asking again
        at once would only read everything again
    """
    turn = timedelta(minutes=every)
    if failures <= 0:
        return turn
    retry = min(min(turn, RETRY) * 2 ** min(failures, 20), LONGEST_RETRY)
    return max(turn, retry) if for_a_person else retry


def next_run(
    now: datetime, every: int, chance: float, failures: int = 0, for_a_person: bool = False
) -> datetime:
    """When a source is due after a run that has just ended. ``chance``: a random number, 0 to 1."""
    return now + spread(wait(every, failures, for_a_person), chance)


def first_run(now: datetime, every: int, last: datetime | None, chance: float) -> datetime:
    """When a source is due whose schedule was just set or changed: a turn after its last run, now
    if it never ran or that has passed."""
    if last is None:
        return now
    return max(now, last + spread(timedelta(minutes=every), chance))


def host_of(url: str, otherwise: str) -> str:
    """What two sources must not be read from at once: the host of an address, in small letters;
    ``otherwise`` for addresses that have none."""
    try:
        return (urlsplit(url.strip()).hostname or "").rstrip(".") or otherwise
    except ValueError:
        return otherwise


def due(turns: Iterable[Turn], busy_hosts: Iterable[str], now: datetime) -> list[str]:
    """The sources to start now, the one that waits longest first: never one that is busy, never
    two of a host, never one of a host that is being read.

    :param busy_hosts: hosts that other sources are being read from
    """
    listed = list(turns)
    taken = {*busy_hosts, *(turn.host for turn in listed if turn.busy)}
    waiting = [
        (turn.next_run, turn.source_id, turn)
        for turn in listed
        if not turn.busy and turn.next_run is not None and turn.next_run <= now
    ]
    chosen = []
    for _when, source_id, turn in sorted(waiting, key=lambda item: item[:2]):
        if turn.host not in taken:
            taken.add(turn.host)
            chosen.append(source_id)
    return chosen


def is_stale(started: datetime, heartbeat: datetime | None, now: datetime) -> bool:
    """Whether a run that has not ended shows no sign of life any more."""
    return now - max(started, heartbeat or started) > STALE
