"""Which stops a person may let pass, and how far that word reaches. Pure.

Design, Ingest: a suspicious list stops the run before anything is removed, and a person can let it
pass. The word holds for the figures that the person saw, for a day, for one run (the engine takes
it back when it has used it).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

# What looks wrong and may be right: the list came, and somebody who knows the city can judge it.
# Not that a source is unreachable, answers with a page, asks for a login or reports an error:
# there is no list to let pass.
PASSABLE = frozenset({"shrink", "total-disagrees", "duplicate-ids", "empty-list"})
VALID = timedelta(hours=24)


def code_of(stopped: str | None) -> str:
    """The code of a stop reason (``code`` or ``code: detail``); "" for none."""
    return (stopped or "").partition(": ")[0]


def may_pass(stopped: str | None) -> bool:
    """Whether a person may let a run pass that was stopped for this reason."""
    return code_of(stopped) in PASSABLE


def word(code: str, missing: int, seen: int, by: str, at: datetime) -> dict[str, Any]:
    """What is kept of a person's word: the stop, its figures, who and when (with its zone)."""
    return {"code": code, "missing": missing, "seen": seen, "by": by, "at": at.isoformat()}


def passes(
    let_pass: Mapping[str, Any] | None, code: str, missing: int, seen: int, now: datetime
) -> bool:
    """Whether a person's word covers this stop.

    It must be of the same code (a detail after it does not count), not older than a day, and no
    more may disappear than the person saw. Of a list that did not shrink too far but disagrees or
    repeats, no fewer records may be there than the person saw.
    """
    code = code_of(code)
    if not let_pass or code not in PASSABLE or let_pass.get("code") != code:
        return False
    given = given_at(let_pass)
    if given is None or not timedelta(0) <= now - given <= VALID:
        return False
    allowed, saw = _figure(let_pass.get("missing")), _figure(let_pass.get("seen"))
    if allowed is None or saw is None or missing > allowed:
        return False
    return code == "shrink" or seen >= saw


def given_at(let_pass: Mapping[str, Any] | None) -> datetime | None:
    """When a word was given, None where there is none that can be read."""
    return _moment(let_pass.get("at")) if let_pass else None


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _figure(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
