"""One run of a source: read all of it, decide, then write. What harvesters and later the push
intake share.

The list is read to its end and staged before anything is changed, so that a page of errors or
half a list stops the run
with nothing lost. Memory holds an id, a hash and a title for each record, not the records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Protocol

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import search
from ckanext.harvest.model import HarvestGatherError, HarvestJob, HarvestObject, HarvestObjectError

from . import diff, runs
from .dataset import Source
from .diff import Plan, Seen, Step
from .fetch import Fetcher, SourceError
from .model import Run
from .providers import Directory
from .record import PARTIAL, CatalogRecord
from .write import Result, Writer, directory

Progress = Callable[[str, int, int | None], None]


class Adapter(Protocol):
    """What a kind of source must give: its records, and how many it says there are (known once the
    first was given).
    """

    total: int | None

    def records(self) -> Iterator[CatalogRecord]:
        """Each record; may repeat. Raises SourceError."""


def silent(stage: str, done: int, total: int | None) -> None:
    """No progress shown."""


def gather(
    source: Source, adapter: Adapter, progress: Progress = silent
) -> tuple[Plan, dict[str, str]]:
    """Read the whole source, stage what is new or changed, and decide. Gives the plan and the
    titles.
    """
    known = runs.known(source.id) if source.id else {}
    agencies = directory(source)
    collector, titles, batch = diff.Collector(), {}, []
    try:
        for record in adapter.records():
            seen = _seen(record, agencies)
            if not collector.add(seen):
                continue
            titles[record.native_id] = record.title
            progress("read", len(titles), adapter.total)
            if source.id and diff.needs_staging(known.get(record.native_id), seen):
                batch.append(record)
            if len(batch) >= runs.BATCH:
                runs.stage(source.id, batch)
                batch = []
    except SourceError as error:
        return Plan((), len(titles), error.reason), titles
    if source.id:
        runs.stage(source.id, batch)
    total = adapter.total if source.trust_total else None
    return diff.plan(known, collector.seen.values(), total, collector.differing), titles


def run(
    source: Source,
    adapter: Adapter,
    fetcher: Fetcher,
    *,
    trigger: str = "command",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Run a source in this process, from reading to the last write. Raises `runs.BusyError` if it
    is running already.
    """
    with runs.only_one(source.id), one_commit_at_the_end():
        job = _start_job(source)
        report = runs.start(source.id, trigger, job.id)
        try:
            plan, titles = gather(source, adapter, progress)
            job.gather_finished = _utc()
            if plan.stopped:
                runs.unstage(source.id)
                HarvestGatherError.create(plan.stopped, job)
            else:
                keeping = [step for step in plan.steps if step.act == "keep"]
                runs.keep(source.id, keeping, report, titles)
                _write_all(source, fetcher, plan, titles, report, job, progress)
            runs.finish(report, plan)
        except BaseException:
            model.Session.rollback()
            runs.finish(report, stopped="interrupted")
            raise
        finally:
            finish_job(job)
        return runs.summary(report)


def trial(
    source: Source, adapter: Adapter, fetcher: Fetcher, progress: Progress = silent
) -> dict[str, Any]:
    """What a run would do, without changing anything. ``source.id`` may be "" for a source that
    does not exist yet.
    """
    known = runs.known(source.id) if source.id else {}
    agencies = directory(source)
    collector, records = diff.Collector(), {}
    stopped = None
    try:
        for record in adapter.records():
            if collector.add(_seen(record, agencies)):
                records[record.native_id] = record
                progress("read", len(records), adapter.total)
    except SourceError as error:
        stopped = error.reason
    total = adapter.total if source.trust_total else None
    plan = diff.plan(known, collector.seen.values(), total, collector.differing)
    counts = plan.counts()
    if stopped or plan.stopped:
        return {
            "seen": len(records),
            **dict.fromkeys(counts, 0),
            "stopped": stopped or plan.stopped,
        }
    writer = Writer(source, fetcher)
    try:
        for step in plan.steps:
            if step.act in ("create", "update") and writer.check(records[step.native_id]):
                counts[step.outcome] -= 1
                counts["rejected"] += 1
    finally:
        writer.close()
    return {"seen": plan.seen, **counts, "stopped": None}


def _seen(record: CatalogRecord, agencies: Directory) -> Seen:
    return Seen(
        record.native_id,
        record.content_hash(),
        record.fields.get("open_type"),
        record.held,
        placed=agencies.find(record.provider) is not None,
        partial=PARTIAL in record.warnings,
    )


def _write_all(
    source: Source,
    fetcher: Fetcher,
    plan: Plan,
    titles: dict[str, str],
    report: Run,
    job: HarvestJob,
    progress: Progress,
) -> None:
    steps = [step for step in plan.steps if step.act != "keep"]
    writer = Writer(source, fetcher)
    try:
        for number, step in enumerate(steps, start=1):
            item = HarvestObject(
                guid=step.native_id,
                job=job,
                content=public_content(step.native_id, titles.get(step.native_id, "")),
                retry_times=0,
                state="WAITING",
            )
            apply(writer, step, report, item)
            progress("write", number, len(steps))
    finally:
        writer.close()


def apply(writer: Writer, step: Step, report: Run, item: HarvestObject) -> Result:
    """Do one step and write it down: dataset, ledger, report, and ckanext-harvest's own object."""
    source = writer.source
    ledger = runs.entry(source.id, step.native_id)
    latest = ledger.staged or ledger.record
    record = CatalogRecord.from_dict(latest) if latest else None
    previous = CatalogRecord.from_dict(ledger.record) if ledger.record else None
    title = record.title if record else step.native_id
    item.fetch_started = item.import_started = _utc()
    current = step.act != "withdraw"

    def attach(package_id: str) -> None:
        item.current, item.package_id = current, package_id
        model.Session.add(item)
        model.Session.execute(sa.text("SET CONSTRAINTS harvest_object_package_id_fkey DEFERRED"))
        model.Session.execute(
            sa.update(HarvestObject)
            .where(
                HarvestObject.guid == step.native_id,
                HarvestObject.harvest_source_id == source.id,
                HarvestObject.current.is_(True),
            )
            .values(current=False)
        )
        model.Session.flush()
        if current:
            item.current = True
            model.Session.flush()

    result = writer.apply(step, record, previous, attach)
    if result.outcome == "rejected":
        item.current, item.package_id = False, ledger.package_id
    item.import_finished = item.fetch_finished = _utc()
    item.state = "ERROR" if result.outcome == "rejected" else "COMPLETE"
    item.report_status = {
        "created": "added",
        "held": "added" if step.act == "create" else "updated",
        "updated": "updated",
        "withdrawn": "deleted",
        "rejected": "errored",
    }.get(result.outcome, "not modified")
    model.Session.add(item)
    model.Session.flush()
    if result.outcome == "rejected":
        for reason in result.reasons:
            model.Session.add(HarvestObjectError(message=reason, object=item, stage="Import"))
    runs.settle(source.id, step, result, report, title)
    return result


def public_content(native_id: str, title: str) -> str:
    """What a harvest object may hold: `harvest_object_show` is open to everybody, so never an
    address.
    """
    return json.dumps({"native_id": native_id, "title": title}, ensure_ascii=False)


@contextmanager
def one_commit_at_the_end() -> Iterator[None]:
    """Leave out Solr's commit after each dataset; one at the end makes all results visible."""
    before = tk.config.get("ckan.search.solr_commit")
    tk.config["ckan.search.solr_commit"] = False
    try:
        yield
    finally:
        tk.config["ckan.search.solr_commit"] = before
        search.commit()


def _start_job(source: Source) -> HarvestJob:
    job = HarvestJob(source_id=source.id, status="Running", gather_started=_utc())
    model.Session.add(job)
    model.Session.commit()
    return job


def finish_job(job: HarvestJob) -> None:
    """Close ckanext-harvest's job and refresh its source's page."""
    job.status, job.finished = "Finished", _utc()
    job.gather_finished = job.gather_finished or job.finished
    model.Session.add(job)
    model.Session.commit()
    tk.get_action("harvest_source_reindex")({"ignore_auth": True}, {"id": job.source_id})


def _utc() -> datetime:
    """ckanext-harvest's columns have no zone and mean UTC."""
    return datetime.now(timezone.utc).replace(tzinfo=None)
