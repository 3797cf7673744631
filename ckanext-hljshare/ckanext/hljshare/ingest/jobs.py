"""A run as ckanext-harvest sees it: all of it happens in the gather stage of its job, in bulk; the
job's objects are written finished, so its pages, reports and commands show what was done.

A harvest object's content is public, so it holds the native id and the title, never the record:
that waits in the ledger.
"""

from __future__ import annotations

from typing import Any

from ckan import model
from ckanext.harvest import queue
from ckanext.harvest.model import HarvestGatherError, HarvestJob, HarvestSource

from . import engine, runs
from .dataset import Source


def source_of(row: HarvestSource, kind: str) -> Source:
    """The engine's view of a harvest source, before its mapping."""
    package = model.Package.get(row.id)
    return Source(row.id, package.name, row.title or package.name, kind, row.url, package.owner_org)


def gather(job: HarvestJob, source: Source, adapter: engine.Adapter) -> list[str]:
    """Run the source for a job. Nothing is left for the fetch stage, so the answer is empty."""
    try:
        engine.run(source, adapter, trigger="harvest", job=job)
    except runs.BusyError:
        if runs.is_of_live_run(job.id):  # sent to a second consumer while the first is at it
            return []
        return give_up(job, "already-running")
    engine.fetch_files(source)
    return []


def give_up(job: HarvestJob, reason: str) -> list[str]:
    """Close a job that changes nothing, saying why."""
    HarvestGatherError.create(reason, job)
    engine.finish_job(job.id)
    return []


def wait_patiently() -> None:
    """Have this process' consumers wait for their next job as long as it takes.

    Since version 8 redis-py gives up a connection that is silent for five seconds.
    """
    connect = queue.get_connection_redis

    def patient() -> Any:
        connection = connect()
        connection.connection_pool.connection_kwargs["socket_timeout"] = None
        return connection

    queue.get_connection_redis = patient
