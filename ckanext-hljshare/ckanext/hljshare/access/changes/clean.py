"""Cleaning the past of a dataset whose level was tightened.

What CKAN and ckanext-harvest wrote while it was open may hold addresses, file names and contents:
activities, harvested records, states of tasks, results of background jobs. Safe to repeat.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckanext.harvest.model import HarvestObject, HarvestObjectError, HarvestObjectExtra
from rq.exceptions import NoSuchJobError
from rq.job import Job

from ckanext.hljshare.deadlines import outbox

KIND = "access.clean"
FINISHED = ("COMPLETE", "ERROR")


class UnderWayError(Exception):
    """A record of the dataset is being harvested; the outbox comes back to it."""


@outbox.handler(KIND)
def clean(payload: dict[str, Any]) -> None:
    """Erase what was written of a dataset and its files while more of it was public.

    Raises `UnderWayError`, with all the rest done, while ckanext-harvest still needs a record.
    """
    dataset_id = payload["dataset_id"]
    package = model.Session.get(model.Package, dataset_id)
    query = sa.select(model.Resource.id).where(model.Resource.package_id == dataset_id)
    files = sorted({*payload.get("resource_ids", ()), *model.Session.scalars(query)})
    _activities(dataset_id, package)
    _tasks([dataset_id, *files])
    waiting = _harvested(dataset_id, package.title if package else "")
    model.Session.commit()
    _job_results([dataset_id, *files])
    if waiting:
        raise UnderWayError


def _activities(dataset_id: str, package: model.Package | None) -> None:
    """Leave of activities who did what when, and the title (the plugin need not be loaded)."""
    if not sa.inspect(model.Session.connection()).has_table("activity"):
        return
    shown = {"id": dataset_id}
    if package is not None:
        shown.update(name=package.name, title=package.title or package.name)
    # JSON as text, as CKAN's own column type writes it.
    model.Session.execute(
        sa.text("UPDATE activity SET data = :data WHERE object_id = :id"),
        {"data": json.dumps({"package": shown}), "id": dataset_id},
    )
    if sa.inspect(model.Session.connection()).has_table("activity_detail"):
        model.Session.execute(
            sa.text(
                "DELETE FROM activity_detail WHERE activity_id IN "
                "(SELECT id FROM activity WHERE object_id = :id)"
            ),
            {"id": dataset_id},
        )


def _tasks(ids: list[str]) -> None:
    model.Session.execute(
        sa.delete(model.TaskStatus).where(model.TaskStatus.entity_id.in_(ids)),
        execution_options={"synchronize_session": False},
    )


def _harvested(dataset_id: str, title: str) -> bool:
    """Leave of harvested records what is public of them; tell whether some are still needed."""
    if not sa.inspect(model.Session.connection()).has_table("harvest_object"):
        return False
    objects = model.Session.execute(
        sa.select(
            HarvestObject.id, HarvestObject.guid, HarvestObject.content, HarvestObject.state
        ).where(HarvestObject.package_id == dataset_id)
    ).all()
    done, waiting = [], False
    for item in objects:
        public = json.dumps({"native_id": item.guid or "", "title": title}, ensure_ascii=False)
        if item.state in FINISHED:
            done.append(item.id)
            if item.content != public:
                model.Session.execute(
                    sa.update(HarvestObject)
                    .where(HarvestObject.id == item.id)
                    .values(content=public),
                    execution_options={"synchronize_session": False},
                )
        elif not _is_public(item.content):
            waiting = True
    for table in (HarvestObjectExtra, HarvestObjectError):
        model.Session.execute(
            sa.delete(table).where(table.harvest_object_id.in_(done)),
            execution_options={"synchronize_session": False},
        )
    return waiting


def _is_public(content: str | None) -> bool:
    """Tell whether a record in progress holds no more than the portal's own harvesters write."""
    try:
        found = json.loads(content or "{}")
    except ValueError:
        return False
    return isinstance(found, dict) and set(found) <= {"native_id", "title"}


def _job_results(ids: list[str]) -> None:
    """Delete finished and failed background jobs that were about the dataset or its files: their
    arguments, results and tracebacks may tell what they read."""
    needles = [value.encode() for value in ids]
    for queue in jobs.get_all_queues():
        for registry in (queue.finished_job_registry, queue.failed_job_registry):
            for job_id in registry.get_job_ids():
                try:
                    job = Job.fetch(job_id, connection=queue.connection)
                except NoSuchJobError:
                    continue
                told = job.data + repr(job.meta).encode() + (job.description or "").encode()
                if any(needle in told for needle in needles):
                    registry.remove(job, delete_job=True)
