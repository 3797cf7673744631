"""Changes that a source sends by itself: written like a run's, with no list to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from . import diff, ledger, runs
from .engine import Writing
from .ledger import Entry
from .model import LedgerEntry, now
from .record import CatalogRecord

GROUP = ledger.BATCH


@dataclass(frozen=True)
class Change:
    """A line of a batch: a record, or None for a tombstone. ``content_hash`` is what the sender
    calls this version."""

    line: int
    native_id: str
    record: CatalogRecord | None
    content_hash: str


@dataclass(frozen=True)
class Settled:
    """What became of a line."""

    line: int
    native_id: str
    outcome: str
    reasons: tuple[str, ...] = ()
    package_id: str | None = None


def apply(
    writing: Writing,
    changes: Sequence[Change],
    before_commit: Callable[[list[Settled]], None],
) -> list[Settled]:
    """Write a group of changes, at most one for each native id, in one transaction.

    :param writing: of a source that the caller holds (`runs.only_one`), with its open run; the
        caller ends and closes it
    :param before_commit: gets results inside the transaction that makes them true: of what changes
        nothing, then of the rest; again, and for one at a time, where a transaction failed
    """
    if len({change.native_id for change in changes}) < len(changes) or len(changes) > GROUP:
        raise ValueError("one change for each id, and no more than a group")
    source, run_id, agencies = writing.source, writing.run_id, writing.writer.agencies
    ids = [change.native_id for change in changes]
    standing = ledger.known(source.id, ids)
    rows, kept, lines = [], [], {change.native_id: change.line for change in changes}
    for change in changes:
        found = standing.get(change.native_id)
        if change.record is None:
            step = _tombstone(change.native_id, found)
        else:
            seen = ledger.seen_of(change.record, agencies, change.content_hash)
            step = diff.decide(seen, found)
        if step.act == "keep":
            kept.append(Settled(change.line, change.native_id, step.outcome, step.reasons))
        else:
            rows.append(_row(source.id, run_id, change, step))
    if kept or not rows:  # they change nothing, and must not be told again with the others
        runs.count(run_id, [each.outcome for each in kept])
        before_commit(kept)
        model.Session.commit()
    entries = _staged(source.id, rows)
    if not entries:
        return kept

    def result(each: ledger.Settled) -> Settled:
        native_id = each.entry.step.native_id
        return Settled(
            lines[native_id],
            native_id,
            each.outcome,
            tuple(each.reasons),
            each.package_id or each.entry.package_id,
        )

    def tell(settled: list[ledger.Settled]) -> None:
        before_commit([result(each) for each in settled])

    return [*kept, *map(result, writing.write(entries, tell))]


def _tombstone(native_id: str, known: diff.Known | None) -> diff.Step:
    gone = known is None or not known.standing or known.withdrawn or known.deleted
    if gone:
        return diff.Step(native_id, "keep", "unchanged", ("not-here",))
    return diff.Step(native_id, "withdraw", "withdrawn", ("missing-from-source",))


def _row(source_id: str, run_id: str, change: Change, step: diff.Step) -> dict[str, object]:
    moment, record = now(), change.record
    return {
        "source_id": source_id,
        "native_id": change.native_id,
        "staged": record.to_dict() if record else None,
        "staged_hash": change.content_hash if record else None,
        "step": {**asdict(step), "title": record.title if record else ""},
        "seen_run": run_id,
        "seen_hash": change.content_hash,
        "outcome": "staged",
        "reasons": [],
        "unmirrored": 0,
        "files": {},
        "first_seen": moment,
        "last_seen": moment,
    }


def _staged(source_id: str, rows: list[dict[str, object]]) -> list[Entry]:
    """Put changes into the ledger as steps; no commit, so they go with a transaction that fails."""
    if not rows:
        return []
    statement = insert(LedgerEntry.__table__)
    names = ("staged", "staged_hash", "step", "seen_run", "seen_hash", "last_seen")
    model.Session.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id", "native_id"],
            set_={name: statement.excluded[name] for name in names},
        ),
        rows,
    )
    found = model.Session.scalars(
        sa.select(LedgerEntry)
        .where(
            LedgerEntry.source_id == source_id,
            LedgerEntry.native_id.in_([row["native_id"] for row in rows]),
        )
        .execution_options(populate_existing=True)
    ).all()
    entries = {row.native_id: ledger.entry_of(row) for row in found}
    return [entries[str(row["native_id"])] for row in rows]
