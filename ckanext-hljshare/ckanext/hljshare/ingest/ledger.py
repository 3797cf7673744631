"""The ledger in the database: what is known of a source, what a run has seen, decided and done.

A run notes its records in groups as they are read, with what is to be done with each; nothing of a
run waits in memory. Whatever it has decided is in the ledger until it is done, so that a run that
was cut off anywhere leaves nothing that the next one would not see.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from .diff import Known, Seen, Step
from .model import LedgerEntry, Version, now
from .providers import Directory
from .record import PARTIAL, CatalogRecord, remembered

BATCH = 200
# Steps that are left when the writing is done: to be indexed, files to be fetched.
LATER = ("index", "files")
# Outcomes after which nothing waits for anybody.
PLAIN = ("created", "updated", "unchanged")
# Reasons that may be gone at the next look though the source says the same.
PASSING = ("provider-unknown", "provider-missing", "date-in-future", PARTIAL)


@dataclass
class Entry:
    """A step that waits, with all that is needed to do it."""

    id: int
    step: Step
    title: str
    record: CatalogRecord | None
    previous: CatalogRecord | None
    staged_hash: str | None
    package_id: str | None
    files: dict[str, str] = field(default_factory=dict)
    fingerprint: str | None = None


@dataclass
class Settled:
    """What became of a step, as the ledger is to keep it. ``fetch``: files are still to come."""

    entry: Entry
    outcome: str
    reasons: list[str]
    package_id: str | None
    unmirrored: int = 0
    files: dict[str, str] = field(default_factory=dict)
    fetch: bool = False


def known(source_id: str, native_ids: Collection[str] | None = None) -> dict[str, Known]:
    """Native ids of a source (all, or those given) with the state of their datasets now."""
    return {key: found for key, found, _run, _hash in rows(source_id, native_ids)}


def rows(
    source_id: str, native_ids: Collection[str] | None
) -> Iterator[tuple[str, Known, str | None, str | None]]:
    """What is known of native ids, with the last run that saw each and with which hash."""
    package, ledger = model.Package, LedgerEntry
    extras = package.extras
    query = (
        sa.select(
            ledger.native_id,
            ledger.content_hash,
            ledger.unmirrored,
            ledger.reasons,
            ledger.seen_run,
            ledger.seen_hash,
            ledger.fingerprint,
            ledger.record["fields"]["open_type"].astext.label("said"),
            ledger.record["held"].astext.label("waited"),
            package.state,
            package.private,
            extras["withdrawn_on"].astext.label("withdrawn_on"),
            extras["held_reason"].astext.label("held_reason"),
            extras["open_type"].astext.label("open_type"),
        )
        .select_from(ledger)
        .outerjoin(package, package.id == ledger.package_id)
        .where(ledger.source_id == source_id)
        .order_by(ledger.id)
    )
    if native_ids is not None:
        query = query.where(
            ledger.native_id == sa.any_(sa.literal(list(native_ids), sa.ARRAY(sa.Text)))
        )
    for row in model.Session.execute(query):
        yield (
            row.native_id,
            Known(
                row.native_id,
                row.content_hash,
                standing=row.state is not None,
                withdrawn=bool(row.withdrawn_on),
                deleted=row.state == model.State.DELETED,
                held=bool(row.private and row.held_reason),
                open_type=row.open_type,
                unmirrored=row.unmirrored,
                unplaced=any(reason.startswith("provider-unknown") for reason in row.reasons),
                fingerprint=row.fingerprint,
                said=row.said,
                waited=row.waited,
            ),
            row.seen_run,
            row.seen_hash,
        )


def seen_of(record: CatalogRecord, agencies: Directory, content_hash: str | None = None) -> Seen:
    """What deciding needs of a record."""
    return Seen(
        record.native_id,
        content_hash or record.content_hash(),
        record.fields.get("open_type"),
        record.held,
        placed=agencies.find(record.provider) is not None,
        partial=PARTIAL in record.warnings,
    )


def _stands() -> Any:
    package = model.Package
    return sa.and_(
        package.id == LedgerEntry.package_id,
        package.state == model.State.ACTIVE,
        sa.func.coalesce(package.extras["withdrawn_on"].astext, "") == "",
    )


def missing(source_id: str, run_id: str) -> tuple[int, int]:
    """How many datasets of a source stand, and how many of them a run has not seen.

    Where it has seen all the source ever listed, neither need be counted: (0, 0).
    """
    unseen = LedgerEntry.seen_run.is_distinct_from(run_id)
    if not model.Session.scalar(
        sa.select(sa.exists().where(LedgerEntry.source_id == source_id, unseen))
    ):
        return 0, 0
    row = model.Session.execute(
        sa.select(sa.func.count(), sa.func.count().filter(unseen))
        .select_from(LedgerEntry)
        .join(model.Package, _stands())
        .where(LedgerEntry.source_id == source_id)
    ).one()
    return int(row[0]), int(row[1])


def withdraw_missing(source_id: str, run_id: str) -> int:
    """Decide to withdraw what a run has not seen; how many. Does not commit."""
    step = asdict(Step("", "withdraw", "withdrawn", ("missing-from-source",)))
    done = model.Session.execute(
        sa.update(LedgerEntry)
        .where(
            LedgerEntry.source_id == source_id,
            LedgerEntry.seen_run.is_distinct_from(run_id),
            sa.exists().where(_stands()),
        )
        .values(step=step, staged=sa.null(), staged_hash=None)
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)


def all_unchanged(source_id: str, run_id: str) -> int:
    """Note that a source stands as it was, record for record; how many there are. No commit."""
    done = model.Session.execute(
        sa.update(LedgerEntry)
        .where(
            LedgerEntry.source_id == source_id,
            LedgerEntry.content_hash.is_not(None),
            LedgerEntry.missing_since.is_(None),
        )
        .values(
            seen_run=run_id,
            seen_hash=LedgerEntry.content_hash,
            last_seen=now(),
            outcome="unchanged",
        )
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)


def is_settled(source_id: str) -> bool:
    """Whether nothing of a source waits for another look: nothing held or rejected, no step left,
    no file of an open dataset still to be fetched, nothing said that may not hold tomorrow."""
    package = model.Package
    open_files = sa.and_(
        LedgerEntry.unmirrored > 0,
        package.private.is_(False),
        package.extras["open_type"].astext == "open",
    )
    waiting = model.Session.scalar(
        sa.select(sa.literal(1))
        .select_from(LedgerEntry)
        .outerjoin(package, package.id == LedgerEntry.package_id)
        .where(
            LedgerEntry.source_id == source_id,
            sa.or_(
                LedgerEntry.outcome.in_(("held", "rejected", "staged")),
                LedgerEntry.step.is_not(None),
                *(sa.cast(LedgerEntry.reasons, sa.Text).contains(f'"{code}') for code in PASSING),
                package.id.is_(None),
                package.state != model.State.ACTIVE,
                open_files,
            ),
        )
        .limit(1)
    )
    return waiting is None


def to_do(source_id: str) -> int:
    """How many steps of a source wait."""
    return int(
        model.Session.scalar(
            sa.select(sa.func.count()).select_from(LedgerEntry).where(*_waiting(source_id))
        )
        or 0
    )


def _waiting(source_id: str) -> tuple[Any, ...]:
    return (
        LedgerEntry.source_id == source_id,
        LedgerEntry.step.is_not(None),
        LedgerEntry.step["act"].astext.not_in(LATER),
    )


def steps(source_id: str) -> Iterator[list[Entry]]:
    """The steps that wait, in groups, in the order noted. Each group is read when it is asked for.

    A group that is not settled by then is not given again.
    """
    last = 0
    while True:
        rows = model.Session.execute(
            sa.select(*LedgerEntry.__table__.c)
            .where(*_waiting(source_id), LedgerEntry.id > last)
            .order_by(LedgerEntry.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        yield [entry_of(row) for row in rows]


def entry_of(row: Any) -> Entry:
    """The waiting step of a row."""
    values = dict(row.step or {})
    title = values.pop("title", "")
    values["native_id"] = row.native_id
    values["reasons"] = tuple(values["reasons"])
    staged = row.staged or (row.record if values["act"] != "withdraw" else None)
    previous = CatalogRecord.from_dict(row.record) if row.record else None
    return Entry(
        row.id,
        Step(**values),
        title or (previous.title if previous else row.native_id),
        CatalogRecord.from_dict(staged) if staged else None,
        previous,
        row.staged_hash,
        row.package_id,
        dict(row.files or {}),
        row.fingerprint,
    )


def settle(source_id: str, run_id: str, settled: Sequence[Settled], key: bytes) -> None:
    """Write down what became of steps, in the transaction of the datasets.

    What has been written is marked to be indexed: the mark goes when the search engine has it.
    """
    moment = now()
    rows, versions = [], []
    for each in settled:
        entry = each.entry
        record = entry.record
        row: dict[str, Any] = {
            "id": entry.id,
            "source_id": source_id,
            "native_id": entry.step.native_id,
            "first_seen": moment,
            "last_seen": moment,
            "outcome": each.outcome,
            "reasons": each.reasons,
            "package_id": each.package_id or entry.package_id,
            "unmirrored": each.unmirrored,
            "files": each.files,
            "content_hash": entry.staged_hash,
            "record": None,
            "missing_since": None,
            # What waits for a person, or was refused, is looked at anew each time.
            "fingerprint": entry.fingerprint if each.outcome in PLAIN else None,
            "staged": record.to_dict() if each.fetch and record else None,
            "staged_hash": entry.staged_hash if each.fetch else None,
            "step": _after(each, run_id),
        }
        if record is not None:
            row["record"] = without_addresses(record, key)
        if entry.step.act == "withdraw":
            row["missing_since"] = moment
        rows.append(row)
        writes = entry.step.act in ("create", "update", "withdraw", "tighten")
        if writes and each.outcome != "rejected":
            versions.append(
                {
                    "source_id": source_id,
                    "native_id": entry.step.native_id,
                    "package_id": row["package_id"],
                    "content_hash": row["content_hash"],
                    "record": row["record"],
                    "run_id": run_id,
                    "created": moment,
                }
            )
    written = [row for row in rows if row["outcome"] not in ("rejected", "withdrawn")]
    _upsert([row for row in rows if row["outcome"] == "rejected"], _REJECTED)
    _upsert([row for row in rows if row["outcome"] == "withdrawn"], _WITHDRAWN)
    _upsert(written, _WRITTEN)
    if versions:
        model.Session.execute(sa.insert(Version.__table__), versions)


def _after(settled: Settled, run_id: str) -> dict[str, Any] | None:
    """What is left to be done once a step's dataset is written."""
    if settled.entry.step.act != "refetch":
        return {"act": "index", "files": settled.fetch, "run": run_id}
    return {"act": "files", "run": run_id} if settled.fetch else None


_REJECTED = ("outcome", "reasons", "staged", "staged_hash", "step", "fingerprint")
_WITHDRAWN = (*_REJECTED, "missing_since", "unmirrored", "package_id", "files")
_WRITTEN = (*_WITHDRAWN, "content_hash", "record", "last_seen")


def _upsert(rows: list[dict[str, Any]], names: Sequence[str]) -> None:
    if not rows:
        return
    for row in rows:
        if row["outcome"] == "rejected":
            row["step"] = row["staged"] = None
    statement = insert(LedgerEntry.__table__)
    model.Session.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id", "native_id"],
            set_={name: statement.excluded[name] for name in names},
        ),
        rows,
    )


def without_addresses(record: CatalogRecord, key: bytes) -> dict[str, Any]:
    """A record without the addresses of its files: those of open ones stand in the dataset, all
    others in the vault and nowhere else."""
    files = tuple(remembered(resource, key) for resource in record.resources)
    return replace(record, resources=files).to_dict()


def keep(entries: Sequence[Entry]) -> None:
    """Write down steps that change nothing. Does not commit."""
    for outcome in {entry.step.outcome for entry in entries}:
        ids = [entry.id for entry in entries if entry.step.outcome == outcome]
        model.Session.execute(
            sa.update(LedgerEntry)
            .where(LedgerEntry.id.in_(ids))
            .values(
                outcome=outcome,
                missing_since=None,
                step=sa.null(),
                staged=sa.null(),
                staged_hash=None,
            )
            .execution_options(synchronize_session=False)
        )


def keep_unremarked(source_id: str, run_id: str) -> None:
    """What a run saw and has nothing to do or say about stands unchanged. Does not commit."""
    model.Session.execute(
        sa.update(LedgerEntry)
        .where(
            LedgerEntry.source_id == source_id,
            LedgerEntry.seen_run == run_id,
            sa.or_(LedgerEntry.step.is_(None), LedgerEntry.step["act"].astext.in_(LATER)),
            sa.or_(LedgerEntry.outcome != "unchanged", LedgerEntry.missing_since.is_not(None)),
        )
        .values(outcome="unchanged", missing_since=None)
        .execution_options(synchronize_session=False)
    )


def indexed(entries: Mapping[int, bool]) -> None:
    """The search engine has these entries (id → whether files are still to come). No commit."""
    for files in (True, False):
        ids = [key for key, fetch in entries.items() if fetch is files]
        if not ids:
            continue
        step = (
            sa.func.jsonb_set(LedgerEntry.step, sa.literal(["act"], sa.ARRAY(sa.Text)), '"files"')
            if files
            else sa.null()
        )
        model.Session.execute(
            sa.update(LedgerEntry)
            .where(LedgerEntry.id.in_(ids), LedgerEntry.step["act"].astext == "index")
            .values(step=step)
            .execution_options(synchronize_session=False)
        )


def with_step(source_id: str, act: str, after: int = 0, limit: int = BATCH) -> list[LedgerEntry]:
    """Entries whose step is to be indexed, or has files to be fetched."""
    return list(
        model.Session.scalars(
            sa.select(LedgerEntry)
            .where(
                LedgerEntry.source_id == source_id,
                LedgerEntry.step.is_not(None),
                LedgerEntry.step["act"].astext == act,
                LedgerEntry.id > after,
            )
            .order_by(LedgerEntry.id)
            .limit(limit)
        )
    )


def count_with_step(source_id: str, act: str) -> int:
    """How many entries have that step."""
    return int(
        model.Session.scalar(
            sa.select(sa.func.count())
            .select_from(LedgerEntry)
            .where(
                LedgerEntry.source_id == source_id,
                LedgerEntry.step.is_not(None),
                LedgerEntry.step["act"].astext == act,
            )
        )
        or 0
    )


def forget_steps(source_id: str) -> None:
    """Drop what a stopped run had decided; commits."""
    mine = LedgerEntry.source_id == source_id
    decided = sa.and_(
        mine, LedgerEntry.step.is_not(None), LedgerEntry.step["act"].astext.not_in(LATER)
    )
    model.Session.execute(sa.delete(LedgerEntry).where(decided, LedgerEntry.outcome == "staged"))
    model.Session.execute(
        sa.update(LedgerEntry)
        .where(decided)
        .values(staged=sa.null(), staged_hash=None, step=sa.null(), fingerprint=None)
        .execution_options(synchronize_session=False)
    )
    model.Session.commit()
