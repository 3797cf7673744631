"""What came from the sources, as pages and other rooms may ask for it."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from ckan import model
from ckan.common import config
from ckanext.harvest.model import HarvestSource

from . import approval, due, mappings, overview
from .model import LedgerEntry, Run, RunEntry, SourceSettings

WAITING = ("held", "rejected")
REASONS = 5  # told of a source


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


def connections() -> list[overview.Connection]:
    """All active sources with how they stand; a handful of queries for all of them."""
    package, settings = model.Package, SourceSettings
    rows = model.Session.execute(
        sa.select(
            HarvestSource,
            package.name,
            package.title,
            package.owner_org,
            package.metadata_created,
            settings,
        )
        .join(package, package.id == HarvestSource.id)
        .outerjoin(settings, settings.source_id == HarvestSource.id)
        .where(package.state == "active", HarvestSource.active.is_(True))
        .order_by(package.title, package.name)
    ).all()
    ids = [row.HarvestSource.id for row in rows]
    success = _last_success(ids)
    last = _last_runs(ids)
    counts = _waiting(ids)
    alive = due.live(ids)
    reconciled = _last_reconciled(ids)
    texts = mappings.bodies({approval.mapping_of(row.HarvestSource.config) for row in rows})
    found = []
    for row in rows:
        source, kept = row.HarvestSource, row.SourceSettings
        run = last.get(source.id)
        refused = approval.decide(
            kept.approved if kept else None,
            kept.approved_digest if kept else None,
            approval.digests(
                source.type,
                source.url,
                source.config,
                row.owner_org,
                texts[approval.mapping_of(source.config)],
            ),
        )
        found.append(
            overview.Connection(
                id=source.id,
                name=row.name,
                title=row.title or row.name,
                kind=source.type,
                owner_id=row.owner_org,
                every=kept.every if kept else None,
                missed_after=_missed_after(source.type, kept),
                refused=refused,
                supplier_name=kept.supplier_name if kept else "",
                supplier_contact=kept.supplier_contact if kept else "",
                last_success=success.get(source.id),
                run_id=run.id if run else None,
                run_started=run.started if run else None,
                stopped=run.stopped if run else None,
                running=source.id in alive,
                total=run.total if run else None,
                seen=run.seen if run else 0,
                reconciled=reconciled.get(source.id),
                waiting=counts.get(source.id, {}),
                made=row.metadata_created.replace(tzinfo=datetime.timezone.utc),
            )
        )
    return found


def _last_success(ids: Collection[str]) -> dict[str, datetime.datetime]:
    rows = model.Session.execute(
        sa.select(Run.source_id, sa.func.max(Run.finished))
        .where(Run.source_id.in_(ids), Run.finished.is_not(None), Run.stopped.is_(None))
        .group_by(Run.source_id)
    )
    return dict(rows.tuples().all())


def last_success(source_id: str) -> datetime.datetime | None:
    """When the last sound catalog of a source came."""
    return _last_success([source_id]).get(source_id)


def _last_runs(ids: Collection[str]) -> dict[str, Run]:
    """The newest run of each source."""
    query = (
        sa.select(Run)
        .where(Run.source_id.in_(ids))
        .order_by(Run.source_id, Run.started.desc())
        .distinct(Run.source_id)
    )
    return {run.source_id: run for run in model.Session.scalars(query)}


def _missed_after(kind: str, settings: SourceSettings | None) -> int | None:
    """After how many hours silence is an alarm; a push has promised to be heard of."""
    if settings is not None and settings.missed_after:
        return int(settings.missed_after)
    return default_missed_after() if kind == overview.PUSH else None


def default_missed_after() -> int:
    """After how many hours the silence of a push is an alarm where nothing else is set."""
    return int(config.get("hljshare.push.missed_after") or overview.PUSH_MISSED_AFTER)


def _last_reconciled(ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """What the newest run that compared both sides has found, by source."""
    rows = model.Session.execute(
        sa.select(Run.source_id, Run.reconciled)
        .where(Run.source_id.in_(ids), Run.reconciled.is_not(None))
        .order_by(Run.source_id, Run.started.desc())
        .distinct(Run.source_id)
    )
    return dict(rows.tuples().all())


def _waiting(ids: Collection[str]) -> dict[str, dict[str, int]]:
    rows = model.Session.execute(
        sa.select(LedgerEntry.source_id, LedgerEntry.outcome, sa.func.count())
        .where(LedgerEntry.source_id.in_(ids), LedgerEntry.outcome.in_(WAITING))
        .group_by(LedgerEntry.source_id, LedgerEntry.outcome)
    )
    counts: dict[str, dict[str, int]] = {}
    for source_id, outcome, number in rows:
        counts.setdefault(source_id, {})[outcome] = number
    return counts


def top_reasons(ids: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """Why records of these sources are held or were rejected, by code, the most frequent first."""
    reason = sa.func.jsonb_array_elements_text(LedgerEntry.reasons).table_valued("value")
    code = sa.func.split_part(reason.c.value, ": ", 1)
    rows = model.Session.execute(
        sa.select(LedgerEntry.source_id, code, sa.func.count())
        .select_from(LedgerEntry)
        .join(reason, sa.true())
        .where(LedgerEntry.source_id.in_(ids), LedgerEntry.outcome.in_(WAITING))
        .group_by(LedgerEntry.source_id, code)
        .order_by(sa.func.count().desc(), code)
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for source_id, name, number in rows:
        listed = found.setdefault(source_id, [])
        if len(listed) < REASONS:
            listed.append((name, number))
    return found


def reasons_of_run(run_id: str) -> list[dict[str, Any]]:
    """Each reason of a run by code and outcome with its number and one example, the most frequent
    first: ``{"code", "example", "outcomes": {outcome: number}, "count"}``."""
    reason = sa.func.jsonb_array_elements_text(RunEntry.reasons).table_valued("value")
    code = sa.func.split_part(reason.c.value, ": ", 1)
    rows = model.Session.execute(
        sa.select(code, RunEntry.outcome, sa.func.count(), sa.func.min(reason.c.value))
        .select_from(RunEntry)
        .join(reason, sa.true())
        .where(RunEntry.run_id == run_id)
        .group_by(code, RunEntry.outcome)
    )
    found: dict[str, dict[str, Any]] = {}
    for name, outcome, number, example in rows:
        one = found.setdefault(name, {"code": name, "example": example, "outcomes": {}, "count": 0})
        one["outcomes"][outcome] = number
        one["count"] += number
    return sorted(found.values(), key=lambda one: (-one["count"], one["code"]))
