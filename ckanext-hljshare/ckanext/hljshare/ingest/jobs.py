"""A run as ckanext-harvest sees it: gather makes one harvest object of every step that writes,
import does one step.

A harvest object's content and extras are public, so they hold the native id, the title and the
step, never the record: that
waits in the ledger.
"""

from __future__ import annotations

import json
from dataclasses import asdict

import sqlalchemy as sa
from ckan import model
from ckanext.harvest.model import (
    HarvestGatherError,
    HarvestJob,
    HarvestObject,
    HarvestObjectExtra,
    HarvestSource,
)

from . import engine, runs
from .dataset import Source
from .diff import Step
from .mirror import make_fetcher
from .model import Run
from .write import Writer

ACTIVE = ("WAITING", "FETCH", "IMPORT")


def source_of(row: HarvestSource, kind: str) -> Source:
    """The engine's view of a harvest source, before its mapping."""
    package = model.Package.get(row.id)
    return Source(row.id, package.name, row.title or package.name, kind, row.url, package.owner_org)


def gather(job: HarvestJob, source: Source, adapter: engine.Adapter) -> list[str]:
    """Read the source, decide, and make the harvest objects; their ids. Closes the job where
    nothing is to be written.
    """
    try:
        with runs.only_one(source.id):
            report = runs.start(source.id, "harvest", job.id)
            plan, titles = engine.gather(source, adapter)
            if plan.stopped:
                runs.unstage(source.id)
                runs.finish(report, plan)
                return give_up(job, plan.stopped)
            runs.keep(
                source.id, [step for step in plan.steps if step.act == "keep"], report, titles
            )
            steps = [step for step in plan.steps if step.act != "keep"]
            report.seen = plan.seen
            ids = [_object(job, step, report, titles.get(step.native_id, "")) for step in steps]
            model.Session.commit()
            if not ids:
                runs.finish(report, plan)
                engine.finish_job(job)
            return ids
    except runs.BusyError:
        return give_up(job, "already-running")


def give_up(job: HarvestJob, reason: str) -> list[str]:
    """Close a job that changes nothing, saying why."""
    HarvestGatherError.create(reason, job)
    engine.finish_job(job)
    return []


def import_one(item: HarvestObject, source: Source) -> bool:
    """Do the step of one harvest object; the last one closes run and job. False if the record was
    rejected.
    """
    extras = {extra.key: extra.value for extra in item.extras}
    if "step" not in extras:
        return False
    values = json.loads(extras["step"])
    step = Step(**{**values, "reasons": tuple(values["reasons"])})
    report = model.Session.get(Run, extras["run"])
    writer = Writer(source, make_fetcher())
    try:
        result = engine.apply(writer, step, report, item)
    finally:
        writer.close()
    job = item.job
    waiting = model.Session.scalar(
        sa.select(sa.func.count())
        .select_from(HarvestObject)
        .where(HarvestObject.harvest_job_id == job.id, HarvestObject.state.in_(ACTIVE))
    )
    if not waiting:
        runs.finish(report)
        engine.finish_job(job)
    return result.outcome != "rejected"


def _object(job: HarvestJob, step: Step, report: Run, title: str) -> str:
    item = HarvestObject(
        guid=step.native_id,
        job=job,
        content=engine.public_content(step.native_id, title),
        retry_times=0,
    )
    item.extras = [
        HarvestObjectExtra(key="step", value=json.dumps(asdict(step), ensure_ascii=False)),
        HarvestObjectExtra(key="run", value=report.id),
    ]
    model.Session.add(item)
    model.Session.flush()
    return str(item.id)
