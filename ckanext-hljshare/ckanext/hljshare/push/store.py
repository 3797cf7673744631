"""Batches, results and entries in the database. All of it in the open transaction of
`model.Session`; callers commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import JSONB

from . import digest
from .model import Batch, Entry, LineResult, now
from .problems import ProblemError

CHUNK = 1000
# One parameter however many lines there are.
_RESULTS = sa.text("""
    INSERT INTO hljshare_push_result
        (batch_id, line, native_id, outcome, reasons, content_hash, dataset)
    SELECT :batch, line, native_id, outcome, reasons, content_hash, dataset
    FROM jsonb_to_recordset(:rows) AS given (
        line int, native_id text, outcome text, reasons jsonb, content_hash text, dataset text)
""").bindparams(sa.bindparam("rows", type_=JSONB))
# What was settled holds from now on: a rejected record leaves the version that stood, a withdrawn
# one leaves none. Nothing that stayed as it was gets another place in the sequence.
_ENTRIES = sa.text("""
    INSERT INTO hljshare_push_entry AS entry
        (source_id, native_id, bucket, content_hash, outcome, package_id)
    SELECT :source, native_id, bucket, content_hash, outcome, package_id
    FROM jsonb_to_recordset(:rows) AS given (
        native_id text, bucket smallint, content_hash text, outcome text, package_id text,
        new bool)
    WHERE new OR EXISTS (
        SELECT FROM hljshare_push_entry AS known
        WHERE known.source_id = :source AND known.native_id = given.native_id)
    ON CONFLICT (source_id, native_id) DO UPDATE SET
        position = nextval('hljshare_push_entry_position'),
        content_hash = CASE WHEN excluded.outcome = 'rejected'
            THEN entry.content_hash ELSE excluded.content_hash END,
        outcome = excluded.outcome,
        package_id = coalesce(excluded.package_id, entry.package_id)
    WHERE excluded.outcome <> 'unchanged'
       OR entry.content_hash IS DISTINCT FROM excluded.content_hash
       OR entry.outcome IN ('rejected', 'withdrawn')
       OR entry.package_id IS DISTINCT FROM coalesce(excluded.package_id, entry.package_id)
""").bindparams(sa.bindparam("rows", type_=JSONB))


def find(source_id: str, key: str) -> Batch | None:
    """The batch of an idempotency key."""
    return model.Session.scalar(
        sa.select(Batch)
        .where(Batch.source_id == source_id, Batch.key == key)
        .execution_options(populate_existing=True)
    )


def same(batch: Batch, kind: str, target: str, sha256: bytes) -> None:
    """Raise ProblemError where a key comes again with something else."""
    if (batch.kind, batch.target, batch.digest) != (kind, target, sha256.hex()):
        raise ProblemError("key-used")


def begin(
    source_id: str, user_id: str, key: str, kind: str, target: str, sha256: bytes, lines: int
) -> Batch:
    """A new batch."""
    batch = Batch(
        source_id=source_id,
        key=key,
        kind=kind,
        target=target,
        user_id=user_id,
        digest=sha256.hex(),
        lines=lines,
        state="applying",
        received=now(),
    )
    model.Session.add(batch)
    model.Session.flush()
    return batch


def put(batch_id: int, results: Sequence[Mapping[str, Any]]) -> None:
    """Write down what lines came to: ``line`` ``id`` ``outcome`` ``reasons`` ``hash``
    ``dataset``."""
    rows = [
        {
            "line": item["line"],
            "native_id": item["id"],
            "outcome": item["outcome"],
            "reasons": item["reasons"],
            "content_hash": item["hash"],
            "dataset": item["dataset"],
        }
        for item in results
    ]
    for start in range(0, len(rows), CHUNK):
        model.Session.execute(_RESULTS, {"batch": batch_id, "rows": rows[start : start + CHUNK]})


def hold(source_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down what is held now: ``native_id`` ``content_hash`` ``outcome`` ``package_id``, and
    ``new``: whether an id that was never seen is one to remember. Each id once."""
    if not rows:
        return
    listed = [{**row, "bucket": digest.leaf_of(row["native_id"])} for row in rows]
    model.Session.execute(_ENTRIES, {"source": source_id, "rows": listed})


def last_line(batch_id: int) -> int:
    """Up to which line the batch is settled; 0 for none."""
    found = model.Session.scalar(
        sa.select(sa.func.max(LineResult.line)).where(LineResult.batch_id == batch_id)
    )
    return int(found or 0)


def results(batch_id: int) -> Iterator[dict[str, Any]]:
    """What the settled lines came to, in order, a thousand at a time."""
    last = 0
    while True:
        rows = model.Session.execute(
            sa.select(
                LineResult.line,
                LineResult.native_id,
                LineResult.outcome,
                LineResult.reasons,
                LineResult.content_hash,
                LineResult.dataset,
            )
            .where(LineResult.batch_id == batch_id, LineResult.line > last)
            .order_by(LineResult.line)
            .limit(CHUNK)
        ).all()
        for row in rows:
            yield {
                "line": row.line,
                "id": row.native_id,
                "outcome": row.outcome,
                "reasons": row.reasons,
                "hash": row.content_hash,
                "dataset": row.dataset,
            }
        if len(rows) < CHUNK:
            return
        last = rows[-1].line


def finish(batch_id: int, receipt: str, finished: datetime) -> None:
    """Put the receipt under a batch."""
    model.Session.execute(
        sa.update(Batch)
        .where(Batch.id == batch_id)
        .values(state="done", receipt=receipt, finished=finished)
    )


def forget(days: int) -> int:
    """Delete receipts that are older than so many days, but for each source's last; how many."""
    newest = sa.select(sa.func.max(Batch.id)).where(Batch.state == "done").group_by(Batch.source_id)
    old = sa.delete(Batch).where(
        Batch.received < now() - timedelta(days=days), Batch.id.not_in(newest)
    )
    return int(model.Session.execute(old).rowcount)


def last_receipts(source_ids: Iterable[str]) -> dict[str, tuple[str, datetime]]:
    """Key and time of each source's last receipt."""
    rows = model.Session.execute(
        sa.select(Batch.source_id, Batch.key, Batch.finished)
        .where(Batch.source_id.in_(list(source_ids)), Batch.state == "done")
        .order_by(Batch.source_id, Batch.finished.desc())
        .distinct(Batch.source_id)
    )
    return {row.source_id: (row.key, row.finished) for row in rows}


def entries_after(
    source_id: str, position: int, limit: int
) -> list[tuple[int, str, str | None, str, str | None]]:
    """(position, id, hash, outcome, name of the dataset) of what changed behind a position. A
    dataset that was erased here is not held."""
    package = model.Package
    rows = model.Session.execute(
        sa.select(
            Entry.position,
            Entry.native_id,
            sa.case((package.id.is_not(None), Entry.content_hash), else_=None),
            Entry.outcome,
            package.name,
        )
        .outerjoin(package, package.id == Entry.package_id)
        .where(Entry.source_id == source_id, Entry.position > position)
        .order_by(Entry.position)
        .limit(limit)
    )
    return [tuple(row) for row in rows]


def hashes(source_id: str, native_ids: Sequence[str]) -> dict[str, str]:
    """The versions that are held of some ids."""
    rows = model.Session.execute(
        sa.select(Entry.native_id, Entry.content_hash)
        .join(model.Package, model.Package.id == Entry.package_id)
        .where(
            Entry.source_id == source_id,
            Entry.content_hash.is_not(None),
            Entry.native_id.in_(native_ids),
        )
    )
    return {row.native_id: row.content_hash for row in rows if row.content_hash}


def held(source_id: str, bucket: int | None = None) -> Iterator[tuple[int, str, str]]:
    """(leaf, id, hash) of what is held, sorted as the digest tree wants it, in little memory."""
    query = (
        sa.select(Entry.bucket, Entry.native_id, Entry.content_hash)
        .join(model.Package, model.Package.id == Entry.package_id)
        .where(Entry.source_id == source_id, Entry.content_hash.is_not(None))
        .order_by(Entry.bucket, Entry.native_id)
    )
    if bucket is not None:
        query = query.where(Entry.bucket == bucket)
    with model.meta.engine.connect() as connection:
        found = connection.execution_options(yield_per=CHUNK).execute(query)
        for row in found:
            yield row[0], row[1], row[2]
