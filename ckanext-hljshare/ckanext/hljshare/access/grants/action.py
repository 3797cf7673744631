"""Actions on grants, on the log of access, and on administrators' stated purposes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.datastore.backend import DatastoreBackend

from ckanext.hljshare.access import subject, tickets
from ckanext.hljshare.access.grants import rules, schema, store
from ckanext.hljshare.access.grants.model import AccessLogRow, GrantRow
from ckanext.hljshare.access.grants.validators import SHANGHAI
from ckanext.hljshare.access.model import now
from ckanext.hljshare.access.policy import opens
from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.notices import N_

GIVEN = "grant.given"
REVOKED = "grant.revoked"

notices.register(
    GIVEN,
    N_("Data was granted to you: {title}"),
    N_("You may use “{title}” until {until} for: {purpose}"),
)
notices.register(
    REVOKED,
    N_("A grant of yours was revoked: {title}"),
    N_("The agency has revoked your grant on “{title}”. Reason: {reason}"),
)

__all__ = [
    "hljshare_access_log_list",
    "hljshare_access_state_purpose",
    "hljshare_download_ticket",
    "hljshare_grant_create",
    "hljshare_grant_list",
    "hljshare_grant_revoke",
    "hljshare_grant_show",
]


def _names(model_class: Any, column: Any, ids: set[str | None]) -> dict[str, Any]:
    wanted = [value for value in ids if value]
    if not wanted:
        return {}
    rows = model.Session.execute(
        sa.select(model_class.id, column).where(model_class.id.in_(wanted))
    )
    return dict(rows.tuples().all())


def _shown(rows: list[GrantRow]) -> list[dict[str, Any]]:
    """Return grants as people read them, with the state each is in now."""
    people = _names(model.User, model.User.name, {row.user_id for row in rows})
    fullnames = _names(model.User, model.User.fullname, {row.user_id for row in rows})
    datasets = _names(model.Package, model.Package.name, {row.dataset_id for row in rows})
    titles = _names(model.Package, model.Package.title, {row.dataset_id for row in rows})
    files = _names(model.Resource, model.Resource.name, {row.resource_id for row in rows})
    groups = _names(model.Group, model.Group.title, {row.organization_id for row in rows})
    units: dict[str, dict[str, str]] = {}
    moment = now()
    shown = []
    for row in rows:
        if row.user_id not in units:
            units[row.user_id] = store.units(row.user_id)
        shown.append(
            {
                "id": row.id,
                "axis": row.axis,
                "user_id": row.user_id,
                "user": people.get(row.user_id),
                "user_fullname": fullnames.get(row.user_id),
                "organization_id": row.organization_id,
                "organization": groups.get(row.organization_id or ""),
                "dataset_id": row.dataset_id,
                "dataset": datasets.get(row.dataset_id),
                "dataset_title": titles.get(row.dataset_id),
                "resource_id": row.resource_id,
                "resource": files.get(row.resource_id or ""),
                "columns": row.columns,
                "rows": row.rows,
                "purpose": row.purpose,
                "conditions": row.conditions,
                "not_before": row.not_before.isoformat(),
                "not_after": row.not_after.isoformat(),
                "max_downloads": row.max_downloads,
                "used": row.used,
                "request_id": row.request_id,
                "created": row.created.isoformat(),
                "revoked": row.revoked.isoformat() if row.revoked else None,
                "revoked_reason": row.revoked_reason,
                "state": rules.state(store.view(row), moment, units[row.user_id]),
            }
        )
    return shown


def _invalid(field: str, message: str) -> tk.ValidationError:
    return tk.ValidationError({field: [message]})


def _resource(dataset: model.Package, resource_id: str | None) -> model.Resource | None:
    if not resource_id:
        return None
    found = model.Resource.get(resource_id)
    if found is None or found.package_id != dataset.id or found.state != "active":
        raise _invalid("resource", tk._("Resource not found"))
    return found


def check_part(resource: model.Resource | None, data: dict[str, Any]) -> None:
    """See that there is a table with these columns: a part of it can only be given then.

    Raises ValidationError at `columns` or `rows`.
    """
    names = [*(data.get("columns") or []), *(data.get("rows") or {})]
    if not names:
        return
    field = "columns" if data.get("columns") else "rows"
    backend = DatastoreBackend.get_active_backend()
    if resource is None or not backend.resource_exists(resource.id):
        raise _invalid(field, tk._("Columns and rows are chosen of one file that has a table"))
    known = {item["id"] for item in backend.resource_fields(resource.id)["fields"]}
    missing = [name for name in names if name not in known]
    if missing:
        raise _invalid(field, tk._("The table has no column {name}").format(name=missing[0]))


@tk.validate_action_data(schema.grant_create)
def hljshare_grant_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Let one person have content that is not open, for a purpose and a time.

    :param user: who gets it (name or id); never oneself
    :param organization: the unit within which it may be used (optional): it ends when the person
        leaves the unit
    :param dataset: name or id
    :param resource: one file (optional; all files of the dataset otherwise)
    :param axis: ``open`` (a member of the public, clause 6.1) or ``share`` (between agencies, 5.2)
    :param columns: only these columns of the file's table (optional)
    :param rows: only rows with these values: column → values (optional)
    :param purpose: what it may be used for
    :param conditions: what it is bound to (optional)
    :param not_before: from when (optional; now)
    :param not_after: until when
    :param max_downloads: how many downloads (optional; not counted otherwise)
    :returns: the grant, as `hljshare_grant_show`
    """
    tk.check_access("hljshare_grant_create", context, data_dict)
    dataset = model.Package.get(data_dict["dataset"])
    if dataset is None or dataset.state != "active" or dataset.type != "dataset":
        raise _invalid("dataset", tk._("Dataset not found"))
    person = model.User.get(data_dict["user"])
    if person is None or person.state != "active":
        raise _invalid("user", tk._("There is no such user"))
    if person.name == context.get("user"):
        raise _invalid("user", tk._("Nobody grants access to oneself"))
    unit = None
    if data_dict.get("organization"):
        unit = model.Group.get(data_dict["organization"])
        if unit is None or unit.id not in store.units(person.id):
            raise _invalid("organization", tk._("The person does not belong to this unit"))
    if data_dict["axis"] == "share" and not store.units(person.id):
        raise _invalid("user", tk._("Sharing is between agencies: this person belongs to none"))
    resource = _resource(dataset, data_dict.get("resource"))
    check_part(resource, data_dict)
    _check_level(dataset, resource, data_dict["axis"])
    start = data_dict.get("not_before") or now()
    if data_dict["not_after"] <= max(start, now()):
        raise _invalid("not_after", tk._("The end lies before the beginning, or is over already"))
    author = model.User.get(context.get("user") or "")
    row = GrantRow(
        axis=data_dict["axis"],
        user_id=person.id,
        organization_id=unit.id if unit else None,
        dataset_id=dataset.id,
        resource_id=resource.id if resource else None,
        columns=data_dict.get("columns"),
        rows=data_dict.get("rows"),
        purpose=data_dict["purpose"],
        conditions=data_dict["conditions"],
        not_before=start,
        not_after=data_dict["not_after"],
        max_downloads=data_dict.get("max_downloads"),
        # Which request it comes from is said by the portal, never by who calls.
        request_id=data_dict.get("request_id") if context.get("ignore_auth") else None,
        created_by=author.id if author else None,
    )
    model.Session.add(row)
    model.Session.flush()
    # The last moment, not the first one after it: "until the 31st", not "until the 1st, 00:00".
    until = (row.not_after - timedelta(seconds=1)).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    _tell(row, GIVEN, {"until": until, "purpose": row.purpose})
    if not context.get("defer_commit"):
        model.repo.commit()
    return _shown([row])[0]


def _check_level(dataset: model.Package, resource: model.Resource | None, axis: rules.Axis) -> None:
    """A grant that could open nothing is a mistake: say so before it is given."""
    files = [resource] if resource else [r for r in dataset.resources if r.state == "active"]
    contents = [subject.content_of(*subject.dataset_levels(file.id)) for file in files]
    if contents and all(content.level == "open" for content in contents):
        raise _invalid("dataset", tk._("This data is open to everybody: no grant is needed"))
    if contents and not any(opens(axis, content) for content in contents):
        raise _invalid(
            "dataset", tk._("At its present level this data cannot be granted to anybody")
        )


def _tell(row: GrantRow, kind: str, params: dict[str, str]) -> None:
    """Write to the holder, in the transaction of what it tells about."""
    title = _names(model.Package, model.Package.title, {row.dataset_id}).get(row.dataset_id)
    notices.put(row.user_id, f"{kind}:{row.id}", kind, {"title": title or "", **params}, "/my")


def _row(grant_id: str) -> GrantRow:
    row = model.Session.get(GrantRow, grant_id)
    if row is None or row.kind != "grant":
        raise tk.ObjectNotFound(tk._("Grant not found"))
    return row


@tk.side_effect_free
@tk.validate_action_data(schema.by_id)
def hljshare_grant_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One grant, with the state it is in now: ``live``, ``not_yet``, ``expired``, ``revoked``,
    ``used_up`` or ``left_unit``.

    :param id: the grant
    """
    tk.check_access("hljshare_grant_show", context, data_dict)
    return _shown([_row(data_dict["id"])])[0]


@tk.side_effect_free
@tk.validate_action_data(schema.grant_list)
def hljshare_grant_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Grants, the newest first: one's own, or those on a dataset or of an agency's data.

    :param dataset: name or id (optional)
    :param organization: the agency that owns the data (optional)
    :param request: only those that a request led to (optional)
    :param live: only those that open something now
    :returns: ``count`` and ``results``
    """
    tk.check_access("hljshare_grant_list", context, data_dict)
    query = sa.select(GrantRow).where(GrantRow.kind == "grant")
    if data_dict.get("request"):
        query = query.where(GrantRow.request_id == data_dict["request"])
    if data_dict.get("dataset"):
        query = query.where(GrantRow.dataset_id == model.Package.get(data_dict["dataset"]).id)
    elif data_dict.get("organization"):
        owned = sa.select(model.Package.id).where(
            model.Package.owner_org == model.Group.get(data_dict["organization"]).id
        )
        query = query.where(GrantRow.dataset_id.in_(owned))
    elif not (data_dict.get("request") and context.get("ignore_auth")):
        query = query.where(GrantRow.user_id == model.User.get(context["user"]).id)
    if data_dict["live"]:
        moment = now()
        query = query.where(
            GrantRow.revoked.is_(None),
            GrantRow.not_before <= moment,
            GrantRow.not_after > moment,
            sa.or_(GrantRow.max_downloads.is_(None), GrantRow.used < GrantRow.max_downloads),
        )
    count = model.Session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    page = (
        query.order_by(GrantRow.created.desc(), GrantRow.id)
        .limit(data_dict["limit"])
        .offset(data_dict["offset"])
        .execution_options(populate_existing=True)
    )
    return {"count": count, "results": _shown(list(model.Session.scalars(page)))}


@tk.validate_action_data(schema.grant_revoke)
def hljshare_grant_revoke(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """End a grant at once; a download under way is cut within seconds.

    :param id: the grant
    :param reason: why; its holder reads it
    """
    tk.check_access("hljshare_grant_revoke", context, data_dict)
    row = model.Session.scalar(
        sa.select(GrantRow)
        .where(GrantRow.id == data_dict["id"], GrantRow.kind == "grant")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise tk.ObjectNotFound(tk._("Grant not found"))
    if row.revoked is not None:
        model.Session.rollback()
        raise _invalid("id", tk._("This grant has been revoked already"))
    author = model.User.get(context.get("user") or "")
    row.revoked, row.revoked_reason = now(), data_dict["reason"]
    row.revoked_by = author.id if author else None
    _tell(row, REVOKED, {"reason": row.revoked_reason})
    if not context.get("defer_commit"):
        model.repo.commit()
    return _shown([row])[0]


@tk.validate_action_data(schema.state_purpose)
def hljshare_access_state_purpose(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """State why an administrator of the city, the province or the site must read one file of an
    agency. It is kept in the agency's log, and opens the file for half an hour.

    For people who have signed in, not for API tokens.

    :param resource_id: the file
    :param purpose: why
    :returns: ``resource_id`` and ``until``
    """
    tk.check_access("hljshare_access_state_purpose", context, data_dict)
    resource_id = data_dict["resource_id"]
    tk.check_access("resource_show", context, {"id": resource_id})
    decision = subject.check(context["user"], resource_id, "read")
    if decision.reason not in ("purpose_missing", "administrator"):
        raise tk.NotAuthorized(
            tk._("Stating a purpose is for administrators above the agency, once signed in")
        )
    person = model.User.get(context["user"])
    dataset, _file = subject.dataset_levels(resource_id)
    until = store.state_purpose(person.id, dataset["id"], resource_id, data_dict["purpose"])
    model.Session.add(
        AccessLogRow(
            user_id=person.id,
            dataset_id=dataset["id"],
            resource_id=resource_id,
            owner_org=dataset["owner_org"],
            what="statement",
            reason="administrator",
            outcome="complete",
            detail=data_dict["purpose"],
        )
    )
    model.repo.commit()
    return {"resource_id": resource_id, "until": until.isoformat()}


@tk.validate_action_data(schema.download_ticket)
def hljshare_download_ticket(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Get the address of one download under a grant, for programs: the caller's token and this
    address together fetch the file, within ten minutes, also in pieces.

    :param resource_id: the file
    :param format: ``file``, or its table as ``csv``, ``xlsx``, ``json`` or ``xml``
    :returns: ``url`` and ``seconds``
    """
    tk.check_access("hljshare_download_ticket", context, data_dict)
    resource_id = data_dict["resource_id"]
    tk.check_access("resource_show", context, {"id": resource_id})
    decision = subject.check(context["user"], resource_id, "read")
    if not decision.allowed or decision.grant is None:
        raise tk.NotAuthorized(tk._("You have no grant for this data at present"))
    person = model.User.get(context["user"])
    ticket = tickets.issue(tk.config["SECRET_KEY"], person.id, decision.grant.id, resource_id)
    base = tk.config["ckan.site_url"].rstrip("/")
    path = f"/share/{resource_id}"
    if data_dict["format"] != "file":
        dataset, _file = subject.dataset_levels(resource_id)
        path = f"/dataset/{dataset['name']}/resource/{resource_id}/data.{data_dict['format']}"
    return {"url": f"{base}{path}?{urlencode({'ticket': ticket})}", "seconds": tickets.SECONDS}


@tk.side_effect_free
@tk.validate_action_data(schema.log_list)
def hljshare_access_log_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Who took, or tried to take, content that is not open; the newest first.

    :param dataset: name or id
    :param organization: the agency that owned the data at that time
    :param grant: uses of one grant
    :param user: name or id of a person (optional)
    :param outcome: ``started``, ``complete``, ``cut`` or ``refused`` (optional)
    :param since: from when (optional)
    :param until: until when (optional)
    :returns: ``count`` and ``results``: ``at``, ``ended``, ``user``, ``grant_id``, ``dataset``,
        ``resource``, ``what``, ``reason``, ``purpose``, ``outcome``, ``detail``, ``size``, ``sent``
    """
    if not any(data_dict.get(name) for name in ("dataset", "organization", "grant")):
        raise _invalid("dataset", tk._("Name a dataset, an agency or a grant"))
    tk.check_access("hljshare_access_log_list", context, data_dict)
    log = AccessLogRow
    query = sa.select(log)
    if data_dict.get("dataset"):
        query = query.where(log.dataset_id == model.Package.get(data_dict["dataset"]).id)
    elif data_dict.get("organization"):
        query = query.where(log.owner_org == model.Group.get(data_dict["organization"]).id)
    if data_dict.get("grant"):
        query = query.where(log.grant_id == data_dict["grant"])
    if data_dict.get("user"):
        person = model.User.get(data_dict["user"])
        query = query.where(log.user_id == (person.id if person else ""))
    if data_dict.get("outcome"):
        query = query.where(log.outcome == data_dict["outcome"])
    if data_dict.get("since"):
        query = query.where(log.at >= data_dict["since"])
    if data_dict.get("until"):
        query = query.where(log.at < data_dict["until"])
    count = model.Session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    rows = list(
        model.Session.scalars(
            query.order_by(log.id.desc())
            .limit(data_dict["limit"])
            .offset(data_dict["offset"])
            .execution_options(populate_existing=True)
        )
    )
    return {"count": count, "results": _log_shown(rows)}


def _log_shown(rows: list[AccessLogRow]) -> list[dict[str, Any]]:
    people = _names(model.User, model.User.name, {row.user_id for row in rows})
    datasets = _names(model.Package, model.Package.name, {row.dataset_id for row in rows})
    files = _names(model.Resource, model.Resource.name, {row.resource_id for row in rows})
    purposes = _names(GrantRow, GrantRow.purpose, {row.grant_id for row in rows})
    return [
        {
            "at": row.at.isoformat(),
            "ended": row.ended.isoformat() if row.ended else None,
            "user": people.get(row.user_id) or row.user_id,
            "grant_id": row.grant_id,
            "dataset": datasets.get(row.dataset_id) or row.dataset_id,
            "resource_id": row.resource_id,
            "resource": files.get(row.resource_id or ""),
            "what": row.what,
            "reason": row.reason,
            "purpose": purposes.get(row.grant_id or "", ""),
            "outcome": row.outcome,
            "detail": row.detail,
            "size": row.size,
            "sent": row.sent,
        }
        for row in rows
    ]
