"""The ledger and the run reports in the database: loading what is known, staging what is seen,
writing down what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from .diff import OUTCOMES, Known, Plan, Step
from .model import LedgerEntry, Run, RunEntry, now
from .record import CatalogRecord, remembered
from .write import Result, address_key

BATCH = 200


class BusyError(Exception):
    """Another run of this source is under way."""


@contextmanager
def only_one(source_id: str) -> Iterator[None]:
    """Hold the source for this process (an advisory lock: gone with the connection, whatever
    happens).
    """
    with model.meta.engine.connect() as connection:
        key = {"key": f"hljshare-ingest {source_id}"}
        got = connection.scalar(
            sa.text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), key
        )
        connection.commit()
        if not got:
            raise BusyError
        try:
            yield
        finally:
            connection.execute(sa.text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), key)
            connection.commit()


def known(source_id: str) -> dict[str, Known]:
    """All native ids of a source, with the state of their datasets as it is now."""
    package, ledger = model.Package, LedgerEntry
    rows = model.Session.execute(
        sa.select(
            ledger.native_id,
            ledger.content_hash,
            ledger.unmirrored,
            ledger.reasons,
            package.state,
            package.private,
            package.extras,
        )
        .select_from(ledger)
        .outerjoin(package, package.id == ledger.package_id)
        .where(ledger.source_id == source_id)
        .order_by(ledger.id)
    )
    found = {}
    for native_id, content_hash, unmirrored, reasons, state, private, extras in rows:
        values = extras or {}
        found[native_id] = Known(
            native_id,
            content_hash,
            standing=state is not None,
            withdrawn=bool(values.get("withdrawn_on")),
            deleted=state == model.State.DELETED,
            held=bool(private and values.get("held_reason")),
            open_type=values.get("open_type"),
            unmirrored=unmirrored,
            unplaced=any(reason.startswith("provider-unknown") for reason in reasons),
        )
    return found


def stage(source_id: str, records: Iterable[CatalogRecord]) -> None:
    """Put seen records aside until the whole list is known to be sound."""
    moment = now()
    rows = [
        {
            "source_id": source_id,
            "native_id": record.native_id,
            "staged": record.to_dict(),
            "staged_hash": record.content_hash(),
            "outcome": "staged",
            "reasons": [],
            "unmirrored": 0,
            "first_seen": moment,
            "last_seen": moment,
        }
        for record in records
    ]
    if not rows:
        return
    statement = insert(LedgerEntry.__table__)
    model.Session.execute(
        statement.on_conflict_do_update(
            index_elements=["source_id", "native_id"],
            set_={
                name: statement.excluded[name] for name in ("staged", "staged_hash", "last_seen")
            },
        ),
        rows,
    )
    model.Session.commit()


def unstage(source_id: str) -> None:
    """Forget what a stopped run has seen."""
    mine = LedgerEntry.source_id == source_id
    model.Session.execute(sa.delete(LedgerEntry).where(mine, LedgerEntry.outcome == "staged"))
    model.Session.execute(
        sa.update(LedgerEntry).where(mine).values(staged=sa.null(), staged_hash=None)
    )
    model.Session.commit()


def entry(source_id: str, native_id: str) -> LedgerEntry:
    """The ledger's entry of a native id."""
    return model.Session.execute(
        sa.select(LedgerEntry).where(
            LedgerEntry.source_id == source_id, LedgerEntry.native_id == native_id
        )
    ).scalar_one()


def settle(source_id: str, step: Step, result: Result, run: Run, title: str) -> None:
    """Write down what a step did, in the ledger and in the run's report."""
    ledger = entry(source_id, step.native_id)
    if result.outcome != "rejected":
        if step.act == "withdraw":
            ledger.missing_since = ledger.missing_since or now()
        else:
            ledger.content_hash = ledger.staged_hash or ledger.content_hash
            if ledger.staged:
                ledger.record = _remembered(ledger.staged)
            ledger.missing_since = None
        ledger.package_id = result.package_id or ledger.package_id
        ledger.unmirrored = result.unmirrored
    ledger.staged, ledger.staged_hash = None, None
    ledger.outcome, ledger.reasons = result.outcome, result.reasons
    report(run, step.native_id, title, result)
    model.Session.commit()


def _remembered(staged: dict[str, Any]) -> dict[str, Any]:
    """A record without the addresses of its files: those of open ones stand in the dataset, all
    others in the vault and nowhere else."""
    record = CatalogRecord.from_dict(staged)
    key = address_key()
    files = tuple(remembered(resource, key) for resource in record.resources)
    return replace(record, resources=files).to_dict()


def report(run: Run, native_id: str, title: str, result: Result) -> None:
    """Count a result, and remember it if there is something to say."""
    column = getattr(Run, result.outcome)
    model.Session.execute(
        sa.update(Run).where(Run.id == run.id).values({result.outcome: column + 1})
    )
    if result.outcome != "unchanged" or result.reasons:
        model.Session.add(
            RunEntry(
                run_id=run.id,
                native_id=native_id,
                title=title,
                package_id=result.package_id,
                outcome=result.outcome,
                reasons=result.reasons,
            )
        )


def keep(source_id: str, steps: list[Step], run: Run, titles: dict[str, str]) -> None:
    """All records that need no writing, in few statements: seen now, counted, the remarkable ones
    reported.
    """
    for outcome in ("unchanged", "held"):
        ids = [step.native_id for step in steps if step.outcome == outcome]
        for start in range(0, len(ids), 1000):
            model.Session.execute(
                sa.update(LedgerEntry)
                .where(
                    LedgerEntry.source_id == source_id,
                    LedgerEntry.native_id.in_(ids[start : start + 1000]),
                )
                .values(
                    last_seen=now(),
                    outcome=outcome,
                    missing_since=None,
                    staged=sa.null(),
                    staged_hash=None,
                )
            )
        model.Session.execute(
            sa.update(Run)
            .where(Run.id == run.id)
            .values({outcome: getattr(Run, outcome) + len(ids)})
        )
    remarkable = [step for step in steps if step.reasons]
    found = {}
    if remarkable:
        names = [step.native_id for step in remarkable]
        found = dict(
            model.Session.execute(
                sa.select(LedgerEntry.native_id, LedgerEntry.package_id).where(
                    LedgerEntry.source_id == source_id, LedgerEntry.native_id.in_(names)
                )
            ).all()
        )
    for step in remarkable:
        model.Session.add(
            RunEntry(
                run_id=run.id,
                native_id=step.native_id,
                title=titles.get(step.native_id, ""),
                package_id=found.get(step.native_id),
                outcome=step.outcome,
                reasons=list(step.reasons),
            )
        )
    model.Session.commit()


def start(source_id: str, trigger: str, harvest_job_id: str | None) -> Run:
    """A new run."""
    run = Run(source_id=source_id, trigger=trigger, harvest_job_id=harvest_job_id)
    model.Session.add(run)
    model.Session.commit()
    return run


def finish(run: Run, plan: Plan | None = None, stopped: str | None = None) -> None:
    """Close a run."""
    run.finished = now()
    if plan is not None:
        run.seen, run.stopped = plan.seen, plan.stopped
    run.stopped = stopped or run.stopped
    model.Session.commit()


def summary(run: Run) -> dict[str, Any]:
    """The counts of a run in the form the command line prints."""
    model.Session.refresh(run)
    return {
        "seen": run.seen,
        **{name: getattr(run, name) for name in OUTCOMES},
        "stopped": run.stopped,
    }
