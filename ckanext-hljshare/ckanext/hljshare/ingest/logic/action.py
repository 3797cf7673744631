"""Actions: reports of runs, and what waits for a person."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model

from ckanext.hljshare.ingest import reasons, received
from ckanext.hljshare.ingest.logic.sources import progress_of
from ckanext.hljshare.ingest.model import LedgerEntry, Run, RunEntry

LIMIT = 1000
PROGRESS = ("stage", "done", "todo", "total", "alive")


@tk.side_effect_free
def hljshare_ingest_run_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Runs of one source, newest first.

    :param source_id: id or name of the harvest source; without it, of all sources (system
        administrators)
    :param limit: (optional, 20) and ``offset``
    :returns: ``{"count", "results": [{"id", "source_id", "started", "finished", "trigger",
        counts…, "stopped", "stopped_text"}]}``
    """
    source = _source(data_dict.get("source_id"))
    tk.check_access(
        "hljshare_ingest_run_list", context, {"source_id": source.id if source else None}
    )
    query = model.Session.query(Run)
    if source:
        query = query.filter(Run.source_id == source.id)
    limit, offset = _window(data_dict, 20)
    found = query.order_by(Run.started.desc()).offset(offset).limit(limit)
    return {"count": query.count(), "results": [_run(run) for run in found]}


@tk.side_effect_free
def hljshare_ingest_run_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One run with its entries: per record, what happened and why.

    :param id: the run's id
    :param outcome: (optional) only entries of this outcome
    :param limit: entries (optional, 200), and ``offset``
    :param brief: (optional) true: the run without its entries and reasons
    :returns: the run, with ``entries``: ``[{"native_id", "title", "package_id", "outcome",
        "reasons", "reason_texts", "advice"}]`` and ``entry_count``; ``reasons``: each kind of
        reason in the whole run with its ``count``, ``text`` and ``advice``
    """
    run = model.Session.get(Run, tk.get_or_bust(data_dict, "id"))
    if run is None:
        raise tk.ObjectNotFound(tk._("Run not found"))
    tk.check_access("hljshare_ingest_run_show", context, {"source_id": run.source_id})
    if tk.asbool(data_dict.get("brief")):
        return _run(run)
    query = model.Session.query(RunEntry).filter(RunEntry.run_id == run.id)
    if data_dict.get("outcome"):
        query = query.filter(RunEntry.outcome == data_dict["outcome"])
    limit, offset = _window(data_dict, 200)
    entries = [
        {
            "native_id": entry.native_id,
            "title": entry.title,
            "package_id": entry.package_id,
            "outcome": entry.outcome,
            "reasons": entry.reasons,
            "reason_texts": [reasons.describe(reason) for reason in entry.reasons],
            "advice": list(
                dict.fromkeys(filter(None, (reasons.advice(reason) for reason in entry.reasons)))
            ),
        }
        for entry in query.order_by(RunEntry.id).offset(offset).limit(limit)
    ]
    return {
        **_run(run),
        "entry_count": query.count(),
        "entries": entries,
        "reasons": [
            {
                **one,
                "text": reasons.name(one["code"]),
                "advice": reasons.advice(one["code"]),
            }
            for one in received.reasons_of_run(run.id)
        ],
    }


@tk.side_effect_free
def hljshare_held_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What waits for a person: datasets held back, and loosenings asked for, in the caller's part
    of the organization tree.

    :param organization: (optional) id or name; only this organization and those below it
    :param limit: (optional, 100) and ``offset``
    :returns: ``{"count", "results": [{"id", "name", "title", "owner_org", "open_type",
        "private", "held_reason", "reasons",
        "reason_texts", "last_seen", "loosening"}]}``
    """
    tk.check_access("hljshare_held_list", context, data_dict)
    package = model.Package
    columns = (
        package.id,
        package.name,
        package.title,
        package.owner_org,
        package.private,
        package.extras,
    )
    query = (
        model.Session.query(*columns, LedgerEntry.reasons, LedgerEntry.last_seen)
        .join(LedgerEntry, LedgerEntry.package_id == package.id)
        .filter(LedgerEntry.outcome == "held", package.state == model.State.ACTIVE)
    )
    allowed = _administered(context)
    if data_dict.get("organization"):
        wanted = _below(data_dict["organization"])
        allowed = wanted if allowed is None else allowed & wanted
    if allowed is not None:
        query = query.filter(package.owner_org.in_(allowed))
    limit, offset = _window(data_dict, 100)
    results = []
    for row in (
        query.order_by(LedgerEntry.last_seen.desc(), package.title).offset(offset).limit(limit)
    ):
        extras = row.extras or {}
        results.append(
            {
                "id": row.id,
                "name": row.name,
                "title": row.title,
                "owner_org": row.owner_org,
                "private": row.private,
                "open_type": extras.get("open_type"),
                "held_reason": extras.get("held_reason"),
                "reasons": row.reasons,
                "reason_texts": [reasons.describe(reason) for reason in row.reasons],
                "last_seen": row.last_seen.isoformat(),
                # The public sees it as it was; its level waits, not the dataset.
                "loosening": any(reasons.code_of(one) == "loosening" for one in row.reasons),
            }
        )
    return {
        "count": query.with_entities(sa.func.count()).order_by(None).scalar(),
        "results": results,
    }


def _run(run: Run) -> dict[str, Any]:
    counts = ("seen", "created", "updated", "unchanged", "held", "withdrawn", "rejected")
    return {
        "id": run.id,
        "source_id": run.source_id,
        "harvest_job_id": run.harvest_job_id,
        "trigger": run.trigger,
        "started": run.started.isoformat(),
        "finished": run.finished.isoformat() if run.finished else None,
        **{name: getattr(run, name) for name in counts},
        "stopped": run.stopped,
        "stopped_text": reasons.describe(run.stopped) if run.stopped else None,
        "stopped_advice": reasons.advice(run.stopped) if run.stopped else None,
        "missing": run.missing,
        "reconciled": run.reconciled,
        **{name: value for name, value in progress_of(run).items() if name in PROGRESS},
    }


def _source(id_or_name: str | None) -> model.Package | None:
    if not id_or_name:
        return None
    package = model.Package.get(id_or_name)
    if package is None or package.type != "harvest":
        raise tk.ObjectNotFound(tk._("Harvest source not found"))
    return package


def _window(data_dict: dict[str, Any], default: int) -> tuple[int, int]:
    try:
        limit, offset = int(data_dict.get("limit") or default), int(data_dict.get("offset") or 0)
    except (TypeError, ValueError):
        raise tk.ValidationError({"limit": [tk._("Must be a whole number")]}) from None
    return max(1, min(limit, LIMIT)), max(0, offset)


def _below(organization: str) -> set[str]:
    group = model.Group.get(organization)
    if group is None or not group.is_organization:
        raise tk.ObjectNotFound(tk._("Organization not found"))
    return {group.id, *(row[0] for row in group.get_children_group_hierarchy(type="organization"))}


def _administered(context: Any) -> set[str] | None:
    """Organizations whose content the caller edits, descendants included; None for everything."""
    if context.get("ignore_auth") or authz.is_sysadmin(context.get("user")):
        return None
    found = tk.get_action("organization_list_for_user")(
        {"user": context.get("user")}, {"permission": "update_dataset"}
    )
    return {organization["id"] for organization in found}
