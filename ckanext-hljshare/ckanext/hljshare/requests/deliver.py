"""Approval put into effect: what is planned with the proposal, and done when it is delivered.

Everything is looked at again at delivery: the dataset may have been moved, opened, closed or
deleted since. Grants and the request's new state are one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access import subject
from ckanext.hljshare.access.grants import action as grant_action
from ckanext.hljshare.access.policy import opens
from ckanext.hljshare.deadlines.count import end_of, local_date
from ckanext.hljshare.requests import decisions, engine, rules, words
from ckanext.hljshare.requests.files import store as files
from ckanext.hljshare.requests.model import Request, now


def axis_of(row: Request) -> str:
    """The axis of a request's grants."""
    return "share" if row.kind == "share" else "open"


def plan(row: Request, data: Mapping[str, Any]) -> dict[str, Any]:
    """An approval as it is proposed: what of which files, for how long, under what conditions.

    Raises ValidationError where it could not be delivered as things stand.
    """
    attached = _attached(row, data["dataset"]) if data.get("dataset") else None
    dataset_id = attached or row.dataset_id
    offered = offer(row, dataset_id)
    chosen = data.get("resources")
    if chosen is None and row.resources:
        chosen = [file for file in row.resources if file in offered]
    try:
        parts = decisions.parts(offered, chosen or None, data.get("columns"), data.get("rows"))
    except decisions.DecisionError as error:
        raise engine.invalid(error.field, words.decision_error(error.code)) from None
    if data.get("resources") == []:
        raise engine.invalid("resources", words.decision_error("none"))
    _check_tables(parts)
    handed = _files(row)
    if not parts and not handed and not _opened(_dataset(dataset_id)):
        raise engine.invalid(
            "resources",
            tk._("There is nothing to provide: choose a dataset, or upload the data first"),
        )
    moment = now()
    begins = data.get("not_before")
    if begins is not None and row.due_at is not None and begins >= row.due_at:
        raise engine.invalid(
            "not_before", tk._("The use has to begin before the deadline of the request is over")
        )
    longest = moment + timedelta(days=rules.load().grant_days)
    wanted = end_of(row.use_until) if row.use_until else None
    until = decisions.until(data.get("not_after"), wanted, longest)
    if until <= max(moment, data.get("not_before") or moment):
        raise engine.invalid(
            "not_after", tk._("The end lies before the beginning, or is over already")
        )
    if until > moment + timedelta(days=3660):
        raise engine.invalid("not_after", tk._("The date is too far away"))
    return {
        "decision": "approve",
        "dataset": dataset_id,
        "attached": attached is not None,
        "partial": decisions.is_partial(offered, parts),
        "parts": [
            {
                "resource": part.resource,
                "columns": list(part.columns) if part.columns else None,
                "rows": part.rows,
            }
            for part in parts
        ],
        "files": handed,
        "conditions": data.get("conditions") or "",
        "not_before": data["not_before"].isoformat() if data.get("not_before") else None,
        "not_after": until.isoformat(),
        "max_downloads": data.get("max_downloads"),
    }


def _files(row: Request) -> list[dict[str, str]]:
    """The uploaded files that would be handed over: the signature is for these and no others."""
    return [{"id": file["id"], "sha256": file["sha256"]} for file in files.delivered(row.id)]


def check_signed(row: Request, decision: Mapping[str, Any]) -> None:
    """See that the files are those of the proposal. Raises ValidationError."""
    if decision.get("decision") == "approve" and decision.get("files", []) != _files(row):
        raise engine.invalid(
            "files",
            tk._("The files have changed since the decision was proposed: propose it again"),
        )


def _opened(package: model.Package | None) -> list[str]:
    """The files of a dataset that is open to everybody by now; none where something is not."""
    if package is None:
        return []
    found = {
        file.id: subject.content_of(*subject.dataset_levels(file.id)) for file in package.resources
    }
    is_open = all(content.level == "open" and content.published for content in found.values())
    return list(found) if is_open else []


def _check_tables(parts: Sequence[decisions.Part]) -> None:
    """Say at once that a file has no such columns, not only when it is to be delivered."""
    for part in parts:
        given = {"columns": list(part.columns or ()), "rows": dict(part.rows or {})}
        try:
            grant_action.check_part(model.Session.get(model.Resource, part.resource), given)
        except tk.ValidationError:
            model.Session.rollback()
            raise


def offer(row: Request, dataset_id: str | None = None) -> list[str]:
    """The files of a dataset, the request's own by default, that a grant can open."""
    package = _dataset(dataset_id or row.dataset_id)
    if package is None:
        return []
    axis = axis_of(row)
    found = []
    for file in package.resources:
        content = subject.content_of(*subject.dataset_levels(file.id))
        if content.level != "open" and opens(axis, content):  # type: ignore[arg-type]
            found.append(file.id)
    return found


def _attached(row: Request, ref: str) -> str | None:
    """The dataset that holds what was asked for freely; None where it is the request's own."""
    package = model.Package.get(ref)
    if package is None or package.state != "active" or package.type != "dataset":
        raise engine.invalid("dataset", tk._("Dataset not found"))
    if package.id == row.dataset_id:
        return None
    if row.dataset_id is not None:
        raise engine.invalid("dataset", tk._("This request is about another dataset"))
    if package.owner_org != row.agency_id:
        raise engine.invalid(
            "dataset", tk._("The dataset belongs to another agency; only that one can provide it")
        )
    return str(package.id)


def _dataset(dataset_id: str | None) -> model.Package | None:
    package = model.Session.get(model.Package, dataset_id) if dataset_id else None
    if package is None or package.state != "active":
        return None
    return package


def carry_out(act: engine.Act) -> dict[str, Any]:
    """Deliver what was signed; return what the history says of it.

    Raises ValidationError where nothing would be delivered, or something else than was signed.
    """
    row = act.row
    decision = row.decision or {}
    person = model.Session.get(model.User, row.applicant_id)
    if person is None or person.state != model.State.ACTIVE:
        raise engine.invalid("applicant", tk._("The applicant's account does not exist any more"))
    package = _dataset(row.dataset_id)
    if package is not None and package.owner_org != row.agency_id:
        raise engine.invalid(
            "dataset", tk._("The dataset belongs to another agency; only that one can provide it")
        )
    check_signed(row, decision)
    uploaded = files.delivered(row.id)
    given, opened = _grants(act, package, decision)
    if not given and not opened and not uploaded:
        raise engine.invalid(
            "resources",
            tk._("There is nothing to provide: choose a dataset, or upload the data first"),
        )
    until = datetime.fromisoformat(decision["not_after"])
    if uploaded:
        if until <= act.at:
            raise engine.invalid(
                "not_after", tk._("The end lies before the beginning, or is over already")
            )
        files.hand_over(row.id, until)
    if given or uploaded:
        row.use_ends_at = until
        last = local_date(until - timedelta(seconds=1))
        row.report_due = min(last, local_date(act.at) + timedelta(days=rules.load().report_days))
        row.outcome = "partial" if decision.get("partial") else "delivered"
    else:
        row.outcome = "opened"
    engine.start_limit(row, None)
    return {
        "grants": given,
        "opened": opened,
        "files": [{"id": file["id"], "sha256": file["sha256"]} for file in uploaded],
        "not_after": decision["not_after"],
    }


def _grants(
    act: engine.Act, package: model.Package | None, decision: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """Give a grant for each part; files that are open to everybody by now need none."""
    row, given, opened = act.row, [], []
    parts = decision.get("parts") or []
    if package is None and parts:
        raise engine.invalid(
            "dataset", tk._("The dataset is not in the catalog any more: look at the case again")
        )
    if package is not None and not parts:
        # Everything was open when it was approved: there was nothing left to grant.
        opened = _opened(package)
    for part in parts:
        resource = model.Session.get(model.Resource, part["resource"])
        if resource is None or resource.state != "active" or resource.package_id != row.dataset_id:
            raise engine.invalid(
                "resources", tk._("A file is not there any more: look at the case again")
            )
        content = subject.content_of(*subject.dataset_levels(resource.id))
        if content.level == "open" and content.published:
            opened.append(resource.id)
            continue
        given.append(_grant(act, resource, part, decision))
    return given, opened


def _grant(
    act: engine.Act,
    resource: model.Resource,
    part: Mapping[str, Any],
    decision: Mapping[str, Any],
) -> str:
    row = act.row
    wanted = {
        "user": row.applicant_id,
        "organization": row.unit_id,
        "dataset": row.dataset_id,
        "resource": resource.id,
        "axis": axis_of(row),
        "columns": part.get("columns"),
        "rows": part.get("rows"),
        "purpose": row.purpose,
        "conditions": decision.get("conditions") or "",
        "not_before": decision.get("not_before"),
        "not_after": decision["not_after"],
        "max_downloads": decision.get("max_downloads"),
        "request_id": row.id,
    }
    context = {
        "user": act.actor.name if act.actor else "",
        "ignore_auth": True,
        "defer_commit": True,
    }
    try:
        made = tk.get_action("hljshare_grant_create")(
            context, {name: value for name, value in wanted.items() if value is not None}
        )
    except tk.ValidationError:
        model.Session.rollback()
        raise
    return str(made["id"])
