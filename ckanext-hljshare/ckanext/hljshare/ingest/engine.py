"""One run of a source: read all of it, decide, then write. What harvesters share.

The list is read to its end and staged before anything is changed, so that a page of errors or half
a list stops the run with nothing lost. Memory holds one group of records at a time.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import Any, Protocol

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.harvest.model import HarvestGatherError, HarvestJob, HarvestObject, HarvestObjectError

from . import (
    activity,
    approval,
    brake,
    bulk,
    conditional,
    diff,
    files,
    indexing,
    ledger,
    runs,
)
from .dataset import Source
from .fetch import SourceError, UnchangedError
from .ledger import Entry, Settled
from .model import Run
from .notes import Notes, grouped, whole
from .record import CatalogRecord, Deferred
from .write import Writer, context, directory

Progress = Callable[[str, int, int | None], None]
PREVIEWED = 20
STATUS = {
    "created": "added",
    "updated": "updated",
    "withdrawn": "deleted",
    "rejected": "errored",
}


class Adapter(Protocol):
    """What a kind of source must give: its records, and how many it says there are (known once the
    first was given).
    """

    total: int | None

    def records(self) -> Iterator[CatalogRecord | Deferred]:
        """Each record; may repeat. Raises SourceError."""


class AbortedError(Exception):
    """Somebody has aborted the harvest job."""


def silent(stage: str, done: int, total: int | None) -> None:
    """No progress shown."""


def run(
    source: Source,
    adapter: Adapter,
    *,
    trigger: str = "command",
    progress: Progress = silent,
    job: HarvestJob | None = None,
) -> dict[str, Any]:
    """Run a source in this process, from reading to the last write.

    Files are left to a background job (:mod:`.files`).

    :param job: ckanext-harvest's job where it has started the run; else one is made
    :returns: the counts and ``stopped``
    :raises runs.BusyError: it is running already
    """
    with runs.only_one(source.id):
        job_id = (job or _start_job(source)).id
        run_id = runs.start(source.id, trigger, job_id).id
        try:
            ledger.forget_steps(source.id)  # of a run that was cut off
            repair(source)
            asked = conditional.given(source, adapter)
            stopped = read(source, adapter, run_id, progress)
            if stopped:
                ledger.forget_steps(source.id)
                HarvestGatherError.create(stopped, HarvestJob.get(job_id))
            else:
                _write_all(source, run_id, job_id, progress)
            pending = bool(ledger.count_with_step(source.id, "files"))
            runs.finish(run_id, stopped, files=pending)
            if not stopped and asked is not None:
                conditional.keep(source, asked)
            activity.tell(source, context()["user"], runs.summary(run_id))
        except AbortedError:
            _give_up(source, run_id, "aborted")
        except BaseException:
            _give_up(source, run_id, "interrupted")
            raise
        finally:
            finish_job(job_id)
        return runs.summary(run_id)


def _give_up(source: Source, run_id: str, why: str) -> None:
    model.Session.rollback()
    ledger.forget_steps(source.id)
    runs.finish(run_id, why)


def read(source: Source, adapter: Adapter, run_id: str, progress: Progress) -> str | None:
    """Read a source to its end, noting what is to be done; why the run must not go on, or None."""
    notes = Notes(source.id, run_id, directory(source))
    until = time.monotonic() + 3600 * float(tk.config["hljshare.ingest.max_hours"])
    try:
        for group in grouped(adapter.records()):
            notes.take(group)
            runs.advance(run_id, seen=notes.seen, done=notes.seen, total=adapter.total)
            model.Session.commit()
            _check_abort(run_id)
            progress("read", notes.seen, adapter.total)
            _check_time(until)
    except UnchangedError:
        seen = ledger.all_unchanged(source.id, run_id)
        runs.advance(run_id, seen=seen, done=seen, unchanged=seen)
        model.Session.commit()
        return None
    except SourceError as error:
        model.Session.rollback()
        runs.advance(run_id, seen=notes.seen, total=adapter.total)
        return error.reason
    total = adapter.total if source.trust_total else None
    standing, missing = ledger.missing(source.id, run_id)
    runs.advance(run_id, seen=notes.seen, total=adapter.total, missing=missing)
    stopped = diff.brake(standing, missing, notes.seen, total, notes.differing)
    if stopped and not _let_pass(source, stopped, missing, notes.seen):
        return stopped
    ledger.keep_unremarked(source.id, run_id)
    if missing:
        ledger.withdraw_missing(source.id, run_id)
    runs.count(run_id, unchanged=notes.unchanged)
    model.Session.commit()
    return None


def _let_pass(source: Source, stopped: str, missing: int, seen: int) -> bool:
    """Whether a person has said that this run may go on all the same."""
    allowed = approval.settings_of(source.id).let_pass
    code = stopped.partition(": ")[0]
    return brake.passes(allowed, code, missing, seen, datetime.now(timezone.utc))


def _write_all(source: Source, run_id: str, job_id: str, progress: Progress) -> None:
    todo, done = ledger.to_do(source.id), 0
    runs.advance(run_id, stage="write", done=0, todo=todo)
    model.Session.commit()
    writing = Writing(source, run_id, job_id)
    try:
        for group in ledger.steps(source.id):
            writing.do(group)
            done += len(group)
            runs.advance(run_id, done=done)
            model.Session.commit()
            _check_abort(run_id)
            progress("write", done, todo)
        writing.end()
    finally:
        writing.close()
        if todo:
            indexing.commit()


class Writing:
    """Does the steps of a run, group by group: datasets, ledger, report, and ckanext-harvest's own
    objects in one transaction each.
    """

    def __init__(self, source: Source, run_id: str, job_id: str | None) -> None:
        self.source, self.run_id, self.job_id = source, run_id, job_id
        self.writer = Writer(source)
        self._indexed: dict[int, bool] = {}  # ledger id → whether files are still to come

    def do(self, entries: Sequence[Entry]) -> list[Settled]:
        """Do a group of steps; commits."""
        kept = [entry for entry in entries if entry.step.act == "keep"]
        if kept:
            ledger.keep(kept)
            runs.report_kept(self.run_id, kept)
            model.Session.commit()
        writes = [entry for entry in entries if entry.step.act != "keep"]
        return self.write(writes, lambda settled: None) if writes else []

    def write(
        self, entries: Sequence[Entry], before_commit: Callable[[list[Settled]], None]
    ) -> list[Settled]:
        """Do steps that change something; ``before_commit`` belongs to the same transaction."""

        def settle(settled: list[Settled]) -> None:
            self._mark_indexed()
            ledger.settle(self.source.id, self.run_id, settled, self.writer.key)
            runs.report(self.run_id, settled)
            if self.job_id:
                _harvest_objects(self.source.id, self.job_id, settled)
            before_commit(settled)

        settled = self.writer.write(entries, settle)
        # What came before has been marked, committed with this group; this one is on its way.
        self._indexed = {each.entry.id: each.fetch for each in settled}
        return settled

    def _mark_indexed(self) -> None:
        """Write down that the groups before have arrived in the search engine. No commit.

        :raises SearchIndexError: they have not
        """
        self.writer.index.wait()
        self.writer.index_again()
        ledger.indexed(self._indexed)

    def end(self) -> None:
        """Write down that all has arrived; commits.

        :raises SearchIndexError: it has not
        """
        self._mark_indexed()
        model.Session.commit()
        self._indexed = {}

    def close(self) -> None:
        """Leave nothing running, whatever happened."""
        self.writer.index.close()


def repair(source: Source) -> int:
    """Index what a run that was cut off had written and not indexed; the number of datasets."""
    repaired = 0
    while rows := ledger.with_step(source.id, "index"):
        found = {row.id: bool((row.step or {}).get("files")) for row in rows}
        ids = [row.package_id for row in rows if row.package_id]
        batch = bulk.Batch(context())
        standing = batch.load(ids, lock=False)
        indexing.post(batch.documents_of(standing))
        ledger.indexed(found)
        model.Session.commit()
        repaired += len(found)
    if repaired:
        indexing.commit()
    return repaired


def _check_time(until: float) -> None:
    """Raise SourceError where a source takes longer for its list than the settings allow."""
    if time.monotonic() > until:
        raise SourceError("unreachable: too slow")


def _check_abort(run_id: str) -> None:
    aborted = model.Session.scalar(
        sa.select(HarvestJob.status)
        .join(Run, Run.harvest_job_id == HarvestJob.id)
        .where(Run.id == run_id)
    )
    if aborted in ("Aborted", "Finished"):
        raise AbortedError


def _harvest_objects(source_id: str, job_id: str, settled: Sequence[Settled]) -> None:
    """ckanext-harvest's view of what was done: one finished object for each record."""
    moment = _utc()
    guids = [each.entry.step.native_id for each in settled if each.outcome != "rejected"]
    table = HarvestObject.__table__
    model.Session.execute(
        sa.update(table)
        .where(
            table.c.harvest_source_id == source_id,
            table.c.guid == sa.any_(sa.literal(guids, sa.ARRAY(sa.Text))),
            table.c.current.is_(True),
        )
        .values(current=False)
    )
    rows, errors = [], []
    for each in settled:
        rejected = each.outcome == "rejected"
        row = {
            "id": model.types.make_uuid(),
            "guid": each.entry.step.native_id,
            "current": not rejected and each.entry.step.act != "withdraw",
            "gathered": moment,
            "content": public_content(each.entry.step.native_id, each.entry.title),
            "fetch_started": moment,
            "fetch_finished": moment,
            "import_started": moment,
            "import_finished": moment,
            "state": "ERROR" if rejected else "COMPLETE",
            "retry_times": 0,
            "harvest_job_id": job_id,
            "harvest_source_id": source_id,
            "package_id": each.package_id or each.entry.package_id,
            "report_status": _status(each),
        }
        rows.append(row)
        if rejected:
            errors += [
                {
                    "id": model.types.make_uuid(),
                    "harvest_object_id": row["id"],
                    "message": reason,
                    "stage": "Import",
                    "created": moment,
                }
                for reason in each.reasons
            ]
    model.Session.execute(sa.insert(table), rows)
    if errors:
        model.Session.execute(sa.insert(HarvestObjectError.__table__), errors)


def _status(settled: Settled) -> str:
    if settled.outcome == "held":
        return "added" if settled.entry.step.act == "create" else "updated"
    return STATUS.get(settled.outcome, "not modified")


def public_content(native_id: str, title: str) -> str:
    """What a harvest object may hold: `harvest_object_show` is open to everybody, so never an
    address.
    """
    return json.dumps({"native_id": native_id, "title": title}, ensure_ascii=False)


# ------------------------------------------------------------------ trial


def trial(source: Source, adapter: Adapter, progress: Progress = silent) -> dict[str, Any]:
    """What a run would do, without changing anything. ``source.id`` may be "" for a source that
    does not exist yet.

    :returns: the counts and ``stopped`` as of a run; ``problems``, how many records have each
        reason (by its code); ``first``, the first records as they would look
    """
    known = ledger.known(source.id) if source.id else {}
    agencies = directory(source)
    writer = Writer(source)
    collector, outcomes, problems = diff.Collector(), Counter[str](), Counter[str]()
    first: list[dict[str, Any]] = []
    stopped = None
    try:
        for group in grouped(adapter.records()):
            fresh = [
                record
                for record in map(whole, group)
                if collector.add(ledger.seen_of(record, agencies))
            ]
            for record, (verdict, reasons) in zip(fresh, writer.check(fresh), strict=True):
                step = diff.decide(collector.seen[record.native_id], known.get(record.native_id))
                changes = step.act in ("create", "update")
                outcome = (verdict if changes else "") or step.outcome
                outcomes[outcome] += 1
                told = list(dict.fromkeys([*step.reasons, *reasons])) if changes else step.reasons
                problems.update(reason.partition(": ")[0] for reason in told)
                if len(first) < PREVIEWED:
                    first.append(_preview(record, outcome, told))
            progress("read", len(collector.seen), adapter.total)
    except SourceError as error:
        stopped = error.reason
    total = adapter.total if source.trust_total else None
    plan = diff.plan(known, collector.seen.values(), total, collector.differing)
    stopped = stopped or plan.stopped
    counts = dict.fromkeys(diff.OUTCOMES, 0)
    if not stopped:
        counts.update(outcomes)
        counts["withdrawn"] = plan.counts()["withdrawn"]
    return {
        "seen": len(collector.seen),
        **counts,
        "stopped": stopped,
        "problems": dict(problems.most_common()),
        "first": first,
    }


def _preview(record: CatalogRecord, outcome: str, reasons: Sequence[str]) -> dict[str, Any]:
    """A record as people are shown it before it counts: no address of a file."""
    return {
        "native_id": record.native_id,
        "title": record.title,
        "provider": record.provider,
        "outcome": outcome,
        "reasons": list(reasons),
        "fields": dict(record.fields),
        "tags": list(record.tags),
        "resources": [{"name": item.name, "format": item.format} for item in record.resources],
    }


# ------------------------------------------------------------------ ckanext-harvest's jobs


def _start_job(source: Source) -> HarvestJob:
    job = HarvestJob(source_id=source.id, status="Running", gather_started=_utc())
    model.Session.add(job)
    model.Session.commit()
    return job


def finish_job(job_id: str) -> None:
    """Close ckanext-harvest's job and refresh its source's page."""
    job = HarvestJob.get(job_id)
    if job.status != "Aborted":
        job.status = "Finished"
    job.finished = _utc()
    job.gather_finished = job.gather_finished or job.finished
    model.Session.add(job)
    model.Session.commit()
    tk.get_action("harvest_source_reindex")({"ignore_auth": True}, {"id": job.source_id})


def fetch_files(source: Source, typed: str | None = None) -> None:
    """Have the files of a source's datasets fetched in the background, where some are to come."""
    if ledger.count_with_step(source.id, "files"):
        files.enqueue(source.id, typed)


def _utc() -> datetime:
    """ckanext-harvest's columns have no zone and mean UTC."""
    return datetime.now(timezone.utc).replace(tzinfo=None)
