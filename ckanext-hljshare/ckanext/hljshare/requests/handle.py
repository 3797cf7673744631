"""What somebody needs to decide a request, gathered for one view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access import export
from ckanext.hljshare.access.grants import words as grant_words
from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.requests import bases, deliver, desk, routing, rules, store, workflow
from ckanext.hljshare.requests.logic import paging, reading
from ckanext.hljshare.requests.model import Request, now

SHOWN = 6  # earlier requests of a person, and on the same data
COUNTED = 1000
MANY = 3  # who ask the same at once: worth opening to everybody
GRANTS = 200
COLUMNS = 200  # of one table that can be chosen from


@dataclass(frozen=True)
class Table:
    """A file of the dataset: `offered` if a grant can open it, `asked` if it was asked for."""

    id: str
    name: str
    format: str
    level: str
    offered: bool
    asked: bool
    columns: tuple[tuple[str, str], ...] = ()  # id and heading


def panel(request: Mapping[str, Any]) -> dict[str, Any]:
    """All that the handlers' part of a request's page shows besides the request itself."""
    row = store.get(request["id"])
    dataset = _dataset(row)
    files = _files(row, dataset)
    return {
        "dataset": dataset,
        "files": files,
        "file_names": {file.id: file.name for file in files},
        "column_names": {file.id: dict(file.columns) for file in files},
        "held": _held(row, dataset),
        "earlier": _earlier(row),
        "same": _same(row),
        "people": _people(row),
        "signers": _signers(row),
        "agencies": _agencies(row) if "transfer" in request["actions"] else [],
        "if_accepted": _if_accepted(row) if "accept" in request["actions"] else None,
        "bases": {use: grouped(use, row) for use in bases.USES},
        "suspension_reasons": {
            code: codelists.text_of(dict(text), _language())
            for code, text in rules.load().suspension_reasons.items()
        },
        "objection_open": _objection(request),
        "uploads": [
            file
            for file in request["files"]
            if file["purpose"] == "delivery" and not file["erased"]
        ],
        "may_upload": row.state == "accepted"  # before the signature
        and bool({"handler", "approver"} & set(request["roles"])),
        "grant_days": rules.load().grant_days,
    }


def _language() -> str:
    return "en" if str(tk.h.lang()).startswith("en") else codelists.DEFAULT_LANGUAGE


def _dataset(row: Request) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = tk.get_action("package_show")({}, {"id": row.dataset_id or ""})
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None
    return found if found.get("state") == "active" else None


def _files(row: Request, dataset: Mapping[str, Any] | None) -> list[Table]:
    if dataset is None:
        return []
    offered = set(deliver.offer(row))
    wanted = set(row.resources or offered)
    return [
        Table(
            id=file["resource"]["id"],
            name=str(tk.h.resource_display_name(file["resource"])),
            format=str(file["resource"].get("format") or ""),
            level=file["level"],
            offered=file["resource"]["id"] in offered,
            asked=file["resource"]["id"] in wanted,
            columns=_columns(file["resource"]) if file["resource"]["id"] in offered else (),
        )
        for file in tk.h.hljshare_files(dataset)
    ]


def _columns(resource: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The columns of a file's table, where it has one that the visitor may read."""
    if not resource.get("datastore_active"):
        return ()
    try:
        found = tk.get_action("datastore_search")(
            {}, {"resource_id": resource["id"], "limit": 0, "include_total": False}
        )
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return ()
    return tuple(export.columns(found["fields"]))[:COLUMNS]


def _held(row: Request, dataset: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The live grants of the applicant and the applicant's unit on this dataset."""
    if dataset is None:
        return []
    try:
        found = tk.get_action("hljshare_grant_list")(
            {}, {"dataset": dataset["id"], "live": True, "limit": GRANTS}
        )["results"]
    except (tk.NotAuthorized, tk.ValidationError):
        return []
    return [
        {**grant, "last": grant_words.last_moment(grant["not_after"])}
        for grant in found
        if grant["user_id"] == row.applicant_id
        or (row.unit_id and grant["organization_id"] == row.unit_id)
    ]


def _earlier(row: Request) -> dict[str, Any]:
    """What the applicant, or the unit, asked before: that of this agency in full, of others only
    how many: one agency's cases are not another one's."""
    who = Request.applicant_id == row.applicant_id
    if row.unit_id:
        who = sa.or_(who, Request.unit_id == row.unit_id)
    others = sa.select(Request).where(who, Request.id != row.id, Request.state != "draft")
    here = others.where(Request.agency_id == row.agency_id)
    listed = model.Session.scalars(
        here.order_by(Request.created.desc(), Request.id.desc()).limit(SHOWN)
    )
    elsewhere = others.where(Request.agency_id.is_distinct_from(row.agency_id))
    return {
        "listed": [reading.brief(found) for found in listed],
        "count": paging.count(here, COUNTED)[0],
        "elsewhere": paging.count(elsewhere, COUNTED)[0],
    }


def _same(row: Request) -> dict[str, Any]:
    """Requests for the same data: how many are open now, besides this one, and how the last ones
    were answered."""
    if row.dataset_id is None:
        return {"open": 0, "answered": [], "propose": False}
    same = sa.select(Request).where(Request.dataset_id == row.dataset_id, Request.id != row.id)
    waiting, _more = paging.count(
        same.where(Request.state.in_(sorted(workflow.OPEN)), Request.kind == row.kind), COUNTED
    )
    answered = model.Session.scalars(
        same.where(Request.state.in_(("delivered", "refused", "declined")))
        .order_by(Request.closed_at.desc(), Request.id.desc())
        .limit(SHOWN)
    )
    return {
        "open": waiting,
        "answered": [reading.brief(found) for found in answered],
        "propose": row.kind == "open" and waiting + 1 >= MANY,
    }


def _people(row: Request) -> list[dict[str, str]]:
    """Who may be given the request."""
    found = desk.people([row.agency_id]) if row.agency_id else []
    applicant = model.Session.get(model.User, row.applicant_id)
    own = applicant.name if applicant is not None else ""
    return [person for place in found for person in place["people"] if person["name"] != own]


def _signers(row: Request) -> list[str]:
    """Who may sign what is proposed: administrators of the agency, and those above it."""
    proposer = (row.proposal or {}).get("by")
    ids = routing.members([row.agency_id] if row.agency_id else [], ("admin",))
    ids = [each for each in ids if each not in (proposer, row.applicant_id)]
    above = [] if ids else routing.supervisors(routing.above(row.agency_id))
    users = [model.Session.get(model.User, each) for each in (ids or above)]
    return [str(user.display_name) for user in users if user is not None]


def _agencies(row: Request) -> list[tuple[str, str]]:
    """Where the request may be passed on to: anywhere, but for a dataset of the catalog only to the
    agency that has it."""
    package = model.Session.get(model.Package, row.dataset_id) if row.dataset_id else None
    scope = [package.owner_org] if package is not None and package.state == "active" else None
    group = model.Session.get(model.Group, row.agency_id) if row.agency_id else None
    return [pair for pair in desk.agency_names(scope) if group is None or pair[0] != group.name]


def _if_accepted(row: Request) -> dict[str, Any] | None:
    """The last day, were the request accepted now."""
    try:
        found: dict[str, Any] = tk.get_action("hljshare_deadline_explain")(
            {}, {"kind": row.kind, "accepted_at": now().isoformat()}
        )
    except tk.ValidationError:
        return None
    return found


def grouped(use: bases.Use, row: Request) -> list[tuple[str, list[dict[str, str]]]]:
    """The bases that may be chosen for a decision, by law."""
    axis: bases.Axis = "share" if row.kind == "share" else "open"
    found: dict[str, list[dict[str, str]]] = {}
    for basis in bases.offered(use, axis):
        words = basis.words(_language())
        found.setdefault(words["law"], []).append(words)
    return list(found.items())


def _objection(request: Mapping[str, Any]) -> str:
    """The objection that waits for an answer; empty where none does."""
    kinds = [event["kind"] for event in request["events"]]
    if kinds.count("objected") <= kinds.count("reviewed"):
        return ""
    texts = [event["text"] for event in request["events"] if event["kind"] == "objected"]
    return str(texts[-1] or "—")
