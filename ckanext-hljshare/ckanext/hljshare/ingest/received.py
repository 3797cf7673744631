"""What other rooms may ask about runs, without the reports themselves."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from ckan import model

from .model import Run


def run_of_job(job_id: str) -> str | None:
    """The id of the run that a harvest job started."""
    run: str | None = model.Session.scalar(
        sa.select(Run.id).where(Run.harvest_job_id == job_id).order_by(Run.started.desc()).limit(1)
    )
    return run


def last_by_owner() -> dict[str, datetime.datetime]:
    """When the last sound catalog came, by the id of the organization that owns the source."""
    rows = model.Session.execute(
        sa.select(model.Package.owner_org, sa.func.max(Run.finished))
        .join(Run, Run.source_id == model.Package.id)
        .where(Run.finished.is_not(None), Run.stopped.is_(None))
        .group_by(model.Package.owner_org)
    )
    return dict(rows.tuples().all())
