"""The scheduler's pass over the sources: close what died, set the turns, start what is due, tell
who has fallen silent.

Called every minute; every step may be repeated, and two passes at once exclude each other.
"""

from __future__ import annotations

import json
import logging
import random
from dataclasses import dataclass, field
from datetime import timezone
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
import redis
import sqlalchemy as sa
from ckan import model
from ckanext.harvest import queue
from ckanext.harvest.interfaces import IHarvester
from ckanext.harvest.logic import HarvestJobExists
from ckanext.harvest.model import HarvestGatherError, HarvestJob, HarvestObject, HarvestSource

from . import approval, brake, overview, runs, schedule
from .model import Run, SourceSettings, now

log = logging.getLogger(__name__)

WAITING = ("New", "Running")
OPEN_OBJECTS = ("COMPLETE", "ERROR")


@dataclass
class Pass:
    """What a pass did: names of sources that were started, and that wait for an approval; how many
    runs and jobs were closed."""

    started: list[str] = field(default_factory=list)
    unapproved: list[str] = field(default_factory=list)
    closed: int = 0


def run() -> Pass:
    """One pass. Raises `runs.BusyError` if another is under way."""
    from . import silence  # it asks how the sources stand, which asks this module

    done = Pass()
    with runs.only_one("the schedule"):
        done.closed = close_dead_runs() + close_dead_jobs()
        adopt_frequencies()
        set_turns()
        start_due(done)
        silence.tell()
    return done


def close_dead_runs() -> int:
    """End runs that show no sign of life and hold no lock; the next run goes on from there."""
    closed = 0
    for report in model.Session.scalars(sa.select(Run).where(Run.finished.is_(None))).all():
        if not schedule.is_stale(report.started, report.heartbeat, now()):
            continue
        try:
            with runs.only_one(report.source_id):
                runs.finish(report.id, "interrupted")
                if report.harvest_job_id:
                    _close_job(HarvestJob.get(report.harvest_job_id))
                closed += 1
        except runs.BusyError:
            continue
    return closed


def close_dead_jobs() -> int:
    """End ckanext-harvest's jobs of our kinds that began to read and have no run that lives, and
    those that were sent and never arrived: their message is not in the queue."""
    ours = _our_kinds()
    before = now().replace(tzinfo=None) - schedule.STALE
    lost = sa.and_(HarvestJob.gather_started.is_(None), HarvestJob.created < before)
    query = (
        sa.select(HarvestJob)
        .join(HarvestSource, HarvestSource.id == HarvestJob.source_id)
        .where(
            HarvestJob.status == "Running",
            sa.or_(HarvestJob.gather_started < before, lost),
            HarvestSource.type.in_(ours),
        )
    )
    closed = 0
    listed = model.Session.scalars(query).all()
    queued = _queued() if any(job.gather_started is None for job in listed) else set()
    for job in listed:
        if _live(job.source_id) or _objects_waiting(job.id):
            continue
        if job.gather_started is None:
            if queued is None or job.id in queued:
                continue  # it waits for its turn
            model.Session.refresh(job)
            if job.gather_started is not None or job.status != "Running":
                continue  # it has just been taken up
        try:
            with runs.only_one(job.source_id):
                _close_job(job)
                closed += 1
        except runs.BusyError:
            continue
    return closed


def _queued() -> set[str] | None:
    """The jobs whose message waits in ckanext-harvest's queue; None where Redis does not say."""
    try:
        waiting = queue.get_connection().lrange(queue.get_gather_routing_key(), 0, -1)
    except redis.RedisError:
        log.warning("The harvest queue cannot be read", exc_info=True)
        return None
    return {str(json.loads(message).get("harvest_job_id")) for message in waiting}


def _our_kinds() -> list[str]:
    return [
        item.info()["name"]
        for item in p.PluginImplementations(IHarvester)
        if hasattr(item, "adapter")
    ]


def _live(source_id: str) -> bool:
    return source_id in live([source_id])


def _objects_waiting(job_id: str) -> bool:
    query = sa.select(HarvestObject.id).where(
        HarvestObject.harvest_job_id == job_id, HarvestObject.state.not_in(OPEN_OBJECTS)
    )
    return model.Session.scalar(query.limit(1)) is not None


def live(source_ids: list[str] | None = None) -> dict[str, Run]:
    """The runs under way that show signs of life, by source."""
    query = sa.select(Run).where(Run.finished.is_(None))
    if source_ids is not None:
        query = query.where(Run.source_id.in_(source_ids))
    return {
        report.source_id: report
        for report in model.Session.scalars(query.order_by(Run.started))
        if not schedule.is_stale(report.started, report.heartbeat, now())
    }


def _close_job(job: HarvestJob | None) -> None:
    if job is None or job.status not in WAITING:
        return
    moment = now().replace(tzinfo=None)
    HarvestGatherError.create("interrupted", job)
    model.Session.execute(
        sa.update(HarvestObject)
        .where(HarvestObject.harvest_job_id == job.id, HarvestObject.state.not_in(OPEN_OBJECTS))
        .values(state="ERROR")
    )
    job.status, job.finished = "Finished", moment
    job.gather_finished = job.gather_finished or moment
    model.Session.add(job)
    model.Session.commit()
    tk.get_action("harvest_source_reindex")({"ignore_auth": True}, {"id": job.source_id})


def set_turns() -> None:
    """Set the next turn of each source whose run is over: from its end, by how it went."""
    settings = SourceSettings
    query = (
        sa.select(settings)
        .join(HarvestSource, HarvestSource.id == settings.source_id)
        .where(
            settings.every.is_not(None),
            settings.next_run.is_(None),
            HarvestSource.active.is_(True),
        )
    )
    listed = list(model.Session.scalars(query))
    busy = _busy() if listed else set()
    for found in listed:
        if found.source_id not in busy:
            _set_turn(found)
    model.Session.commit()


def _set_turn(found: SourceSettings) -> None:
    assert found.every is not None
    report = model.Session.scalar(
        sa.select(Run)
        .where(Run.source_id == found.source_id, Run.finished.is_not(None))
        .order_by(Run.finished.desc())
        .limit(1)
    )
    job = model.Session.scalar(
        sa.select(HarvestJob)
        .where(HarvestJob.source_id == found.source_id, HarvestJob.finished.is_not(None))
        .order_by(HarvestJob.finished.desc())
        .limit(1)
    )
    ended = job.finished.replace(tzinfo=timezone.utc) if job else None
    failures, stopped = found.failures, report.stopped if report else None
    if ended and (report is None or ended > report.finished) and not _has_run(job.id):
        # A job that never came to a run: its mapping cannot be used, for instance.
        found.failures = failures = failures + 1
        stopped = None
    if stopped == "aborted":
        failures = 0  # somebody wanted it to end: nothing to ask again for before its turn
    if stopped == "interrupted" and failures <= 2:
        found.next_run = now()  # it was cut off, not refused: go on
        return
    end = max([moment for moment in (ended, report and report.finished) if moment], default=now())
    found.next_run = schedule.next_run(
        end,
        found.every,
        random.random(),  # noqa: S311
        failures,
        brake.may_pass(stopped),
    )


def _has_run(job_id: str) -> bool:
    query = sa.select(Run.id).where(Run.harvest_job_id == job_id)
    return model.Session.scalar(query.limit(1)) is not None


def wait_a_turn(source_id: str) -> None:
    """Have a source with a schedule that somebody has stopped wait for a whole turn, if it would be
    read before. Commits nothing."""
    found = approval.settings_of(source_id)
    if found.every and (found.next_run is None or found.next_run <= now()):
        found.next_run = schedule.next_run(now(), found.every, random.random())  # noqa: S311


def _busy() -> set[str]:
    """The sources with a job that waits or runs, or a run that lives."""
    jobs = sa.select(HarvestJob.source_id).where(HarvestJob.status.in_(WAITING))
    return {*model.Session.scalars(jobs), *live()}


def adopt_frequencies() -> None:
    """Let one scheduler start sources: ckanext-harvest's own frequency becomes a schedule of ours,
    where there is none, and is switched off there."""
    query = sa.select(HarvestSource).where(
        HarvestSource.active.is_(True), HarvestSource.frequency.in_(schedule.FREQUENCIES)
    )
    for row in model.Session.scalars(query).all():
        found = approval.settings_of(row.id)
        if found.every is None:
            found.every = schedule.FREQUENCIES[row.frequency]
            found.next_run = found.next_run or now()
        row.frequency = "MANUAL"
    model.Session.commit()


def start_due(done: Pass) -> None:
    """Make harvest jobs for the sources whose turn it is."""
    rows = {
        row.id: row
        for row in model.Session.scalars(
            sa.select(HarvestSource).where(
                HarvestSource.active.is_(True), HarvestSource.type != overview.PUSH
            )
        )
    }
    waiting = _busy()
    hosts = {row.id: schedule.host_of(row.url or "", row.id) for row in rows.values()}
    turns = []
    scheduled = sa.select(SourceSettings).where(
        SourceSettings.every.is_not(None), SourceSettings.source_id.in_(rows)
    )
    for found in model.Session.scalars(scheduled).all():
        if found.next_run is not None and found.next_run <= now():
            row = rows[found.source_id]
            if approval.may_run(row) is not None:
                done.unapproved.append(row.title or row.id)
                continue
            busy = row.id in waiting
            turns.append(schedule.Turn(row.id, hosts[row.id], found.next_run, busy))
    model.Session.commit()
    busy_hosts = {hosts[source_id] for source_id in waiting if source_id in hosts}
    for source_id in schedule.due(turns, busy_hosts, now()):
        if _start(source_id):
            done.started.append(rows[source_id].title or source_id)


def _start(source_id: str) -> bool:
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    context: dict[str, Any] = {
        "user": user,
        "ignore_auth": True,
        "model": model,
        "session": model.Session,
    }
    try:
        tk.get_action("harvest_job_create")(context, {"source_id": source_id, "run": True})
    except (HarvestJobExists, tk.ValidationError, tk.ObjectNotFound):
        log.info("Source %s cannot be started now", source_id, exc_info=True)
        return False
    except redis.RedisError:
        log.warning("The job of source %s could not be sent", source_id, exc_info=True)
        _take_back(source_id)
        return False
    approval.settings_of(source_id).next_run = None  # set by its end
    model.Session.commit()
    return True


def _take_back(source_id: str) -> None:
    """Forget the job that was made and could not be sent; the next pass makes another."""
    model.Session.rollback()
    unsent = sa.select(HarvestJob).where(
        HarvestJob.source_id == source_id,
        HarvestJob.status.in_(WAITING),
        HarvestJob.gather_started.is_(None),
    )
    for job in model.Session.scalars(unsent).all():
        model.Session.delete(job)
    model.Session.commit()
