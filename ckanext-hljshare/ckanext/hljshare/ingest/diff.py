"""What a run would do: the ledger's memory of a source against the records seen now. Pure.

Rules (design, Ingest): unchanged by content hash; a native id that comes again in one run is one
record (portals repeat
pages past their end); a suspicious list stops the run before anything is changed; what
disappears is withdrawn, not
erased; a source may tighten an access level, never loosen one; a person's decision on a held
dataset stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .levels import is_looser
from .record import PARTIAL

MAX_SHRINK = 0.2
MAX_DIFFERING = 0.05  # of the ids: more than that, and they are no ids
OUTCOMES = ("created", "updated", "unchanged", "held", "withdrawn", "rejected")


@dataclass(frozen=True)
class Known:
    """What the portal holds of a native id.

    ``content_hash`` of what was last written (None: never, or refused); ``open_type`` and
    ``held`` as they are on the
    dataset now, a person's edits included; ``deleted`` by a person; ``unmirrored`` counts files
    still to be fetched; ``unplaced``: its agency was
    not in the organization tree; ``fingerprint`` of what its record was made from, where nothing
    else need be looked at, ``said`` the level that record gives, and ``waited`` what it had to wait
    for when it was written.
    """

    native_id: str
    content_hash: str | None = None
    standing: bool = False
    withdrawn: bool = False
    deleted: bool = False
    held: bool = False
    open_type: str | None = None
    unmirrored: int = 0
    unplaced: bool = False
    fingerprint: str | None = None
    said: str | None = None
    waited: str | None = None


@dataclass(frozen=True)
class Seen:
    """What a run needs to remember of a record while the rest streams by. ``placed``: its agency is
    in the tree. ``partial``: the source gave only a part of it this time.
    """

    native_id: str
    content_hash: str
    open_type: str | None = None
    held: str | None = None
    placed: bool = False
    partial: bool = False


@dataclass(frozen=True)
class Step:
    """One thing to do: ``create`` ``update`` ``refetch`` ``keep`` ``withdraw``, and what it counts
    as if it succeeds.
    """

    native_id: str
    act: str
    outcome: str
    reasons: tuple[str, ...] = ()
    keep_level: str | None = None


@dataclass(frozen=True)
class Plan:
    """All steps of a run, or why there are none."""

    steps: tuple[Step, ...]
    seen: int
    stopped: str | None = None

    def counts(self) -> dict[str, int]:
        """How many records would have each outcome; every record seen is in exactly one."""
        counts = dict.fromkeys(OUTCOMES, 0)
        for step in self.steps:
            counts[step.outcome] += 1
        return counts


@dataclass
class Collector:
    """Takes records as they stream in and keeps one of each native id (the first)."""

    seen: dict[str, Seen] = field(default_factory=dict)
    repeated: int = 0
    differing: set[str] = field(default_factory=set)

    def add(self, record: Seen) -> bool:
        """True if the native id is new in this run."""
        first = self.seen.get(record.native_id)
        if first is None:
            self.seen[record.native_id] = record
            return True
        self.repeated += 1
        if first.content_hash != record.content_hash:
            self.differing.add(record.native_id)
        return False


def brake(
    standing: int, missing: int, seen: int, total: int | None, differing: int = 0
) -> str | None:
    """Why this run must not go on, or None. ``total`` is what the source says it has, ``differing``
    counts ids that came again with other content.
    """
    if seen == 0:
        return "empty-list"
    if total is not None and total != seen:
        return f"total-disagrees: {seen} / {total}"
    if differing > 1 and differing > seen * MAX_DIFFERING:
        return f"duplicate-ids: {differing} / {seen}"
    if missing > standing * MAX_SHRINK:
        return f"shrink: {missing} / {standing}"
    return None


def plan(
    known: Mapping[str, Known],
    seen: Iterable[Seen],
    total: int | None = None,
    differing: Iterable[str] = (),
) -> Plan:
    """The steps of a run, in the order seen, withdrawals last. ``differing``: ids that came twice
    with other content.
    """
    records = {record.native_id: record for record in seen}
    standing = {
        key for key, item in known.items() if item.standing and not (item.withdrawn or item.deleted)
    }
    missing = [key for key in known if key in standing and key not in records]
    double = set(differing)
    stopped = brake(len(standing), len(missing), len(records), total, len(double))
    if stopped:
        return Plan((), len(records), stopped)
    steps = [decide(record, known.get(key), key in double) for key, record in records.items()]
    steps += [Step(key, "withdraw", "withdrawn", ("missing-from-source",)) for key in missing]
    return Plan(tuple(steps), len(records))


def is_current(known: Known | None, record: Seen) -> bool:
    """Whether the dataset stands as the record says: nothing changed, not withdrawn, not waiting
    for its agency.
    """
    return (
        known is not None
        and known.standing
        and not known.withdrawn
        and known.content_hash == record.content_hash
        and not (known.unplaced and record.placed)
    )


def is_untouched(known: Known | None, fingerprint: str) -> bool:
    """Whether a record made from this would change nothing and say nothing: it is what was made
    from last, and neither a person nor a file makes another look necessary."""
    return (
        known is not None
        and known.fingerprint == fingerprint
        and known.standing
        and not (known.withdrawn or known.deleted or known.held or known.unplaced)
        and known.open_type == known.said
        and not (known.unmirrored and known.open_type == "open")
    )


def decide(record: Seen, known: Known | None, double: bool = False) -> Step:
    """What to do with a record. ``double``: its id came again with other content."""
    reasons: list[str] = ["repeated-with-other-content"] if double else []
    if known is not None and known.deleted:
        return Step(record.native_id, "keep", "unchanged", ("deleted-by-a-person",))
    if known is None or not known.standing:
        if record.held:
            return Step(record.native_id, "create", "held", (*reasons, record.held))
        return Step(record.native_id, "create", "created", tuple(reasons))
    if record.partial and not known.withdrawn:
        if not known.held and is_looser(known.open_type, record.open_type):
            return Step(record.native_id, "tighten", "updated", tuple(reasons))
        return Step(record.native_id, "keep", "unchanged", (*reasons, PARTIAL))
    if record.held and not known.held and not known.withdrawn and known.waited != record.held:
        # It never waited for this: what stands stays as it is, until a person has looked.
        return Step(record.native_id, "keep", "held", (*reasons, record.held))
    keep_level, held = _judge(record, known)
    same = is_current(known, record)
    if same and known.held and not held:
        held = "held-still"  # for what it lacked when it came; an update is judged anew
    reasons += [held] if held else []
    if not same:
        outcome = "held" if held else "updated"
        return Step(record.native_id, "update", outcome, tuple(reasons), keep_level)
    if known.unmirrored and known.open_type == "open" and not known.held:
        return Step(
            record.native_id, "refetch", "held" if held else "unchanged", tuple(reasons), keep_level
        )
    return Step(
        record.native_id, "keep", "held" if held else "unchanged", tuple(reasons), keep_level
    )


def _judge(record: Seen, known: Known) -> tuple[str | None, str | None]:
    """The level to keep on the dataset (None: take the source's) and why it counts as held, if it
    does.
    """
    if known.held:  # it waits still; a source that has since made itself clear may end the wait
        return None, record.held
    if record.held:  # a person has released it: that decision stands
        return known.open_type, None
    if is_looser(record.open_type, known.open_type):
        return known.open_type, f"loosening: {known.open_type} > {record.open_type}"
    return None, None
