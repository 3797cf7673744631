"""Runs and their reports in the database: started, counted, told, closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from .approval import settings_of
from .diff import OUTCOMES
from .ledger import Entry, Settled
from .model import Run, RunEntry, now


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


def is_running(source_id: str) -> bool:
    """Whether some process holds the source now."""
    try:
        with only_one(source_id):
            return False
    except BusyError:
        return True


def is_of_live_run(harvest_job_id: str) -> bool:
    """Whether a run that is not over belongs to a job of ckanext-harvest."""
    query = sa.select(Run.id).where(Run.harvest_job_id == harvest_job_id, Run.finished.is_(None))
    return model.Session.scalar(query.limit(1)) is not None


def start(source_id: str, trigger: str, harvest_job_id: str | None) -> Run:
    """A new run; those of this source that never ended are closed: whoever calls holds it."""
    model.Session.execute(
        sa.update(Run)
        .where(Run.source_id == source_id, Run.finished.is_(None))
        .values(finished=now(), stopped="interrupted", stage="done")
    )
    run = Run(source_id=source_id, trigger=trigger, harvest_job_id=harvest_job_id, heartbeat=now())
    model.Session.add(run)
    model.Session.commit()
    return run


def advance(run_id: str, **values: Any) -> None:
    """Tell how far a run is (``stage``, ``done``, ``todo``, ``total``); no commit."""
    model.Session.execute(
        sa.update(Run)
        .where(Run.id == run_id)
        .values(heartbeat=now(), **values)
        .execution_options(synchronize_session=False)
    )


def count(run_id: str, outcomes: Sequence[str] = (), unchanged: int = 0) -> None:
    """Add to a run's counts; no commit."""
    added = {name: outcomes.count(name) for name in OUTCOMES}
    added["unchanged"] += unchanged
    values = {name: getattr(Run, name) + number for name, number in added.items() if number}
    if values:
        advance(run_id, **values)


def report(run_id: str, settled: Sequence[Settled]) -> None:
    """Count results, and remember those of which there is something to say; no commit."""
    count(run_id, [each.outcome for each in settled])
    _remember(
        run_id,
        [
            (each.entry, each.outcome, each.reasons, each.package_id or each.entry.package_id)
            for each in settled
            if each.outcome != "unchanged" or each.reasons
        ],
    )


def report_kept(run_id: str, entries: Sequence[Entry]) -> None:
    """The same for steps that change nothing; no commit."""
    count(run_id, [entry.step.outcome for entry in entries])
    _remember(
        run_id,
        [
            (entry, entry.step.outcome, list(entry.step.reasons), entry.package_id)
            for entry in entries
        ],
    )


def _remember(run_id: str, told: Sequence[tuple[Entry, str, list[str], str | None]]) -> None:
    rows = [
        {
            "run_id": run_id,
            "native_id": entry.step.native_id,
            "title": entry.title,
            "package_id": package_id,
            "outcome": outcome,
            "reasons": reasons,
        }
        for entry, outcome, reasons, package_id in told
    ]
    if rows:
        model.Session.execute(insert(RunEntry.__table__), rows)


def finish(run_id: str, stopped: str | None = None, files: bool = False) -> None:
    """Close a run and remember with its source how it went. ``files``: some are still to come."""
    run = model.Session.get(Run, run_id, populate_existing=True)
    if run is None:
        return
    run.finished = run.heartbeat = now()
    run.stopped = stopped or run.stopped
    run.stage = "files" if files and not run.stopped else "done"
    settings = settings_of(run.source_id)
    settings.last_try = run.started
    if run.stopped:
        settings.failures += 1
    else:
        settings.failures, settings.last_success, settings.let_pass = 0, run.finished, None
    model.Session.commit()


def summary(run_id: str) -> dict[str, Any]:
    """The counts of a run in the form the command line prints."""
    run = model.Session.get(Run, run_id, populate_existing=True)
    return {
        "seen": run.seen,
        **{name: getattr(run, name) for name in OUTCOMES},
        "stopped": run.stopped,
    }
