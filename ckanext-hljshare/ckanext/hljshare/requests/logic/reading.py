"""Actions that read requests: one, a list, the public register, why a date is what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access import levels
from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.deadlines.count import ZONE, days_left, local_date
from ckanext.hljshare.requests import (
    clock,
    engine,
    register,
    routing,
    store,
    words,
    workflow,
)
from ckanext.hljshare.requests.files import identity
from ckanext.hljshare.requests.files import store as files
from ckanext.hljshare.requests.logic import paging, schema
from ckanext.hljshare.requests.model import (
    Request,
    RequestEvent,
    RequestOrder,
    RequestTally,
    now,
)

__all__ = [
    "hljshare_deadline_explain",
    "hljshare_request_list",
    "hljshare_request_rates",
    "hljshare_request_register",
    "hljshare_request_show",
]

COUNTED = 1000  # a list says "more than" beyond that: counting all would cost more than showing


# ---------------------------------------------------------------- one request


@tk.side_effect_free
@tk.validate_action_data(schema.show)
def hljshare_request_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A request as the caller may see it: the applicant, and those who handle or supervise it.

    :param id: the request, or ``number``
    :returns: ``id``, ``number``, ``kind``, ``state``, ``version``, what was applied for,
        ``accepted_at``, ``due``, ``due_at``, ``provisional``, ``overdue``, ``days_left``,
        ``limit_due`` (of the present wait), ``actions`` (what the caller may do now), ``events``,
        ``orders``, ``files``, ``grants``; the applicant sees no names of officials, the
        supervisors no identity number
    """
    ref = data_dict.get("id") or data_dict.get("number")
    if not ref:
        raise tk.ValidationError({"id": [tk._("Missing value")]})
    row = store.get(ref)
    tk.check_access("hljshare_request_show", context, {"id": row.id})
    return shown(row.id, context)


def shown(request_id: str, context: Any) -> dict[str, Any]:
    """A request as a dictionary for the caller."""
    row = store.get(request_id)
    user = engine.caller(context)
    parts = routing.roles(user, row)
    # Who applies sees the applicant's side only, whatever other roles they have.
    inside = bool(parts & {"handler", "approver", "supervisor"}) and "applicant" not in parts
    if context.get("ignore_auth") and not parts:
        inside = True
    handling = bool(parts & {"handler", "approver"}) and "applicant" not in parts
    found = brief(row, inside)
    found.update(
        {
            name: getattr(row, name)
            for name in (
                "applicant_kind",
                "applicant_name",
                "contact",
                "demand_type",
                "description",
                "theme",
                "format",
                "purpose",
                "other",
                "security_measures",
                "resources",
                "business_basis",
                "fields",
                "share_mode",
                "agreement_version",
                "agreement_hash",
                "reason",
                "basis",
                "flag",
                "triage",
                "returns",
            )
        }
    )
    found["use_until"] = _iso(row.use_until)
    found["identity_masked"] = identity.masked(row.id) if parts & {"applicant"} or handling else ""
    found["identity_shown"] = handling
    found["rule"] = row.rule
    found["pauses"] = row.pauses
    found["calendar_version"] = row.calendar_version
    found["decision"] = _decision(row.decision, inside)
    found["proposal"] = _decision(row.proposal, True) if inside else None
    found["actions"] = workflow.allowed(row.state, parts)
    found["roles"] = sorted(parts)
    if "decide" in found["actions"]:
        waiting = row.proposal
        if not waiting or (user is not None and waiting["by"] == user.id):
            found["actions"].remove("decide")
    if row.use_ended_at is not None and "close" in found["actions"]:
        found["actions"].remove("close")
    found["events"] = _events(row, parts, inside)
    found["orders"] = _orders(row) if inside else []
    found["files"] = files.listed(row.id, parts)
    found["grants"] = _grants(row)
    return found


def brief(row: Request, inside: bool = True) -> dict[str, Any]:
    """What lists say of a request; who has it in hand to those `inside` only."""
    moment = now()
    agency = model.Session.get(model.Group, row.agency_id) if row.agency_id else None
    dataset = model.Session.get(model.Package, row.dataset_id) if row.dataset_id else None
    shows = inside and row.handler_id
    handler = model.Session.get(model.User, row.handler_id) if shows else None
    if dataset is not None and dataset.state != "active":
        dataset = None
    return {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "state": row.state,
        "state_text": words.states()[row.state],
        "version": row.version,
        "data_name": row.data_name,
        "dataset_id": row.dataset_id,
        "dataset": dataset.name if dataset else None,
        "dataset_title": dataset.title if dataset else None,
        "dataset_gone": row.dataset_id is not None and dataset is None,
        "agency_id": row.agency_id,
        "agency": agency.name if agency else None,
        "agency_title": str(agency.display_name) if agency else "",
        "unit_id": row.unit_id,
        "applicant_id": row.applicant_id,
        "applicant_kind": row.applicant_kind,
        "applicant_name": row.applicant_name,
        "handler": handler.name if handler else None,
        "handler_title": str(handler.display_name) if handler else "",
        "created": _iso(row.created),
        "updated": _iso(row.updated),
        "submitted_at": _iso(row.submitted_at),
        "first_submitted_at": _iso(row.first_submitted_at),
        "accepted_at": _iso(row.accepted_at),
        "deemed": row.deemed,
        "nominal": _iso(row.nominal),
        "due": _iso(row.due),
        "due_at": _iso(row.due_at and row.due_at.astimezone(ZONE)),
        "provisional": row.provisional,
        "limit_due": _iso(row.limit_due),
        "limit_at": _iso(row.limit_at and row.limit_at.astimezone(ZONE)),
        "overdue": is_overdue(row, moment),
        "days_left": left(row, moment),
        "days_used": used(row, moment),
        "closed_at": _iso(row.closed_at),
        "outcome": row.outcome,
        "report_due": _iso(row.report_due),
        "reported_at": _iso(row.reported_at),
        "use_ends_at": _iso(row.use_ends_at),
        "use_ended_at": _iso(row.use_ended_at),
        "waits_for_signature": inside and row.proposal is not None,
        "flag": row.flag,
    }


def is_overdue(row: Request, moment: datetime) -> bool:
    """Whether the deadline passed before the request was closed; derived, never a state."""
    return row.overdue_at is not None or clock.is_overdue(row.due_at, row.closed_at, moment)


def left(row: Request, moment: datetime) -> int | None:
    """Calendar days until the last day; negative when it is over; None while nothing runs."""
    day = row.due or (row.limit_due if row.accepted_at is None else None)
    if row.state not in workflow.OPEN or day is None:
        return None
    return days_left(day, local_date(moment))


def used(row: Request, moment: datetime) -> int | None:
    """Calendar days since acceptance, until it was closed; None before acceptance."""
    if row.accepted_at is None:
        return None
    return clock.days_used(row.accepted_at, row.closed_at or moment)


def _iso(value: date | datetime | None) -> str | None:
    return value.isoformat() if value is not None else None


def _decision(found: Mapping[str, Any] | None, inside: bool) -> dict[str, Any] | None:
    """A decision without the people who made it, for those outside the agency."""
    if found is None:
        return None
    people = ("by", "signed_by")
    shown_ = {name: value for name, value in found.items() if name not in people}
    if inside:
        for name in people:
            if found.get(name):
                shown_[f"{name}_title"] = _person(found[name])
                shown_[name] = found[name]
    return shown_


def _person(user_id: str | None) -> str:
    user = model.Session.get(model.User, user_id) if user_id else None
    return str(user.display_name) if user is not None else (user_id or "")


def _events(row: Request, parts: set[str], inside: bool) -> list[dict[str, Any]]:
    """The history for the caller; the applicant sees what concerns both sides, and the agency
    rather than its people."""
    names, texts, labels = words.events(), store.texts(row.id), words.roles()
    found = []
    for event in store.history(row.id):
        if event.visibility == "agency" and not inside:
            continue
        personal = event.role == "applicant" or event.role == "system"
        found.append(
            {
                "position": event.position,
                "at": event.at.isoformat(),
                "kind": event.kind,
                "title": names.get(event.kind, event.kind),
                "role": event.role,
                "role_title": labels.get(event.role, event.role),
                "stead": event.stead,
                "actor": _person(event.actor) if inside or personal else "",
                "actor_id": event.actor if inside else None,
                "visibility": event.visibility,
                "text": texts.get(event.data.get("message", "")) or event.data.get("text", ""),
                "data": event.data if inside else _outside(event),
            }
        )
    return found


def _outside(event: RequestEvent) -> dict[str, Any]:
    hidden = ("proposed_by", "handler", "proposal")
    return {name: value for name, value in event.data.items() if name not in hidden}


def _orders(row: Request) -> list[dict[str, Any]]:
    rows = model.Session.scalars(
        sa.select(RequestOrder)
        .where(RequestOrder.request_id == row.id)
        .order_by(RequestOrder.created, RequestOrder.id)
    )
    today = local_date(now())
    return [
        {
            "id": order.id,
            "by": _person(order.by),
            "text": order.text,
            "created": order.created.isoformat(),
            "answer_due": order.answer_due.isoformat(),
            "overdue": order.answered_at is None and order.answer_due < today,
            "answer": order.answer,
            "answered_by": _person(order.answered_by),
            "answered_at": _iso(order.answered_at),
        }
        for order in rows
    ]


def _grants(row: Request) -> list[dict[str, Any]]:
    if row.state != "delivered":
        return []
    found = tk.get_action("hljshare_grant_list")(
        {"ignore_auth": True}, {"request": row.id, "limit": 200}
    )
    return [grant for grant in found["results"] if grant["user_id"] == row.applicant_id]


# ---------------------------------------------------------------- datasets


def visible_dataset(context: Any, ref: str) -> dict[str, Any]:
    """A dataset of the catalog that the caller may see. Raises ValidationError."""
    try:
        found: dict[str, Any] = tk.get_action("package_show")(
            {"user": context.get("user"), "auth_user_obj": context.get("auth_user_obj")},
            {"id": ref},
        )
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        found = {}
    if found.get("type") != "dataset" or found.get("state") != "active" or found.get("private"):
        raise engine.invalid("dataset", tk._("Dataset not found"))
    return found


def levels_of(dataset: Mapping[str, Any]) -> list[str]:
    """The opening levels of a dataset's files; of the dataset itself where it has none."""
    found = [levels.of_resource(dataset, file) for file in dataset.get("resources") or []]
    return list(found) or [levels.known(dataset.get("open_type"))]


# ---------------------------------------------------------------- lists


@tk.side_effect_free
@tk.validate_action_data(schema.listing)
def hljshare_request_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Requests: the caller's own, or those the caller's agency, or one below, handles.

    :param mine: only those the caller has made, the newest first; else those to be handled, first
        what is due first
    :param state: (optional) one state, or ``open``: all in which the agency owes something
    :param overdue: (optional) only those, or only not those
    :param signature: (optional) only those whose proposed decision waits for a signature
    :param ended: (optional) only those that are over
    :param kind: (optional) ``open`` or ``share``
    :param agency: (optional) name or id of an agency
    :param dataset: (optional) id of a dataset
    :param handler: (optional) name or id of a person; ``none``: in nobody's hand
    :param q: (optional) number, or words of the name
    :param limit: (optional, 20, at most 100); ``after``: the ``next`` of the page before
    :returns: ``{"count", "more", "results", "next"}``; ``count`` up to 1000, ``more``: there are
        more than that
    """
    tk.check_access("hljshare_request_list", context, data_dict)
    user = engine.caller(context)
    row = Request
    query = sa.select(row)
    order: Sequence[Any]
    if data_dict["mine"]:
        assert user is not None
        query = query.where(row.applicant_id == user.id)
        # Who has it in hand, and what is proposed, is the agency's own matter.
        data_dict = {**data_dict, "handler": None, "signature": None}
        order = (row.created, row.id)
        newest = True
    else:
        query = query.where(row.state != "draft", _handled(user, context))
        newest = data_dict.get("state") != "open"
        order = (row.updated, row.id) if newest else (row.next_due, row.id)
    query = query.where(*_wanted(data_dict))
    count, more = paging.count(query.order_by(None), COUNTED)
    rows, following = paging.page(query, order, newest, data_dict.get("after"), data_dict["limit"])
    return {
        "count": count,
        "more": more,
        "results": [brief(found, not data_dict["mine"]) for found in rows],
        "next": following,
    }


def _handled(user: model.User | None, context: Any) -> Any:
    """The requests that somebody handles or supervises."""
    if context.get("ignore_auth") or (user is not None and user.sysadmin):
        return sa.true()
    places = agencies_of(user)
    return Request.agency_id.in_(places) if places else sa.false()


def agencies_of(user: model.User | None) -> list[str]:
    """The ids of the organizations whose requests somebody handles or supervises."""
    if user is None:
        return []
    found: dict[str, None] = {}
    for unit, role in grants.units(user.id).items():
        if role not in routing.HANDLING:
            continue
        found[unit] = None
        if role == "admin":
            group = model.Session.get(model.Group, unit)
            for below in group.get_children_group_hierarchy("organization") if group else ():
                found[below[0]] = None
    return list(found)


def _wanted(data: Mapping[str, Any]) -> list[Any]:
    row = Request
    where: list[Any] = []
    state = data.get("state")
    if state == "open":
        where.append(row.state.in_(sorted(workflow.OPEN)))
    elif state:
        where.append(row.state == state)
    if data.get("kind"):
        where.append(row.kind == data["kind"])
    if data.get("dataset"):
        where.append(row.dataset_id == data["dataset"])
    if data.get("agency"):
        group = model.Group.get(data["agency"])
        where.append(row.agency_id == (group.id if group else ""))
    if data.get("handler") == "none":
        where.append(row.handler_id.is_(None))
    elif data.get("handler"):
        person = model.User.get(data["handler"])
        where.append(row.handler_id == (person.id if person else ""))
    if data.get("overdue") is not None:
        late = late_now(now())
        where.append(late if data["overdue"] else sa.not_(late))
    if data.get("signature"):
        where.append(row.proposal.isnot(None))
    if data.get("ended"):
        where.append(row.state.in_(sorted(workflow.ENDED)))
    if data.get("q"):
        where.append(_found(data["q"]))
    return where


def late_now(moment: datetime) -> Any:
    """The condition that a request is overdue, or was answered late."""
    row = Request
    return sa.and_(
        row.due_at.isnot(None),
        sa.or_(row.overdue_at.isnot(None), row.due_at <= sa.func.coalesce(row.closed_at, moment)),
    )


def _found(text: str) -> Any:
    wanted = register.query(text)
    if text.strip().upper().startswith("SQ-"):
        return Request.number == text.strip().upper()
    if not wanted:
        return sa.false()
    return Request.words.contains(wanted)


def deadlines_of(user_id: str) -> list[dict[str, Any]]:
    """What a handler owes, for a calendar feed: `number`, `name`, `due` (a day), `version`, `link`;
    what somebody else has in hand is left out."""
    user = model.Session.get(model.User, user_id)
    row = Request
    rows = model.Session.scalars(
        sa.select(row)
        .where(
            row.state.in_(sorted(workflow.OPEN)),
            row.next_due.isnot(None),
            row.agency_id.in_(agencies_of(user)),
            sa.or_(row.handler_id.is_(None), row.handler_id == user_id),
        )
        .order_by(row.next_due, row.id)
        .limit(500)
    )
    return [
        {
            "number": found.number,
            "name": found.data_name,
            "due": found.due or found.limit_due,
            "version": found.version,
            "link": f"/request/{found.number}",
        }
        for found in rows
    ]


# ---------------------------------------------------------------- the public register


@tk.side_effect_free
@tk.validate_action_data(schema.register_list)
def hljshare_request_register(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The public register of requests: what was asked of whom, when, how it ended, and whether in
    time. Nobody is named.

    :param number: (optional) one request
    :param q: (optional) words of the data's name or the agency's
    :param agency: (optional) name or id
    :param result: (optional) ``open``, ``overdue``, ``delivered``, ``refused``, ``declined``,
        ``withdrawn`` or ``lapsed``
    :param since: (optional) submitted from this day on; ``until``: up to this day
    :param limit: (optional, 20, at most 100); ``after``: the ``next`` of the page before
    :returns: ``{"count", "more", "results": [{"number", "data_name", "dataset", "agency",
        "agency_title", "submitted", "accepted", "due", "closed", "result", "result_text",
        "days_used", "overdue"}], "next"}``; days in China
    """
    tk.check_access("hljshare_request_register", context, data_dict)
    row = Request
    query = sa.select(row).where(row.state != "draft", row.kind == "open", *_listed(data_dict))
    count, more = paging.count(query, COUNTED)
    rows, following = paging.page(
        query,
        (row.first_submitted_at, row.id),
        True,
        data_dict.get("after"),
        data_dict["limit"],
    )
    return {
        "count": count,
        "more": more,
        "results": entries(rows),
        "next": following,
    }


def register_entries(data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All entries that the register's filters (already validated) let through, the newest first,
    read a thousand at a time: what comes meanwhile stands before them and shifts nothing."""
    row = Request
    query = sa.select(row).where(row.state != "draft", row.kind == "open", *_listed(data))
    after: str | None = None
    while True:
        rows, after = paging.page(query, (row.first_submitted_at, row.id), True, after, COUNTED)
        yield from entries(rows)
        if after is None:
            return


def _listed(data: Mapping[str, Any]) -> list[Any]:
    row = Request
    where: list[Any] = []
    if data.get("number"):
        where.append(row.number == data["number"])
    if data.get("q"):
        where.append(_found(data["q"]))
    if data.get("agency"):
        group = model.Group.get(data["agency"])
        where.append(row.agency_id == (group.id if group else ""))
    result = data.get("result")
    if result == "open":
        where.append(row.closed_at.is_(None))
    elif result == "overdue":
        where.append(late_now(now()))
    elif result:
        where.append(row.state == result)
    if data.get("since"):
        where.append(row.first_submitted_at >= datetime.combine(data["since"], time(0), ZONE))
    if data.get("until"):
        end = datetime.combine(data["until"] + timedelta(days=1), time(0), ZONE)
        where.append(row.first_submitted_at < end)
    return where


def entries(rows: Sequence[Request]) -> list[dict[str, Any]]:
    """Entries of the register; of a dataset that is not public any more not even the name."""
    moment = now()
    agencies = _titles(model.Group, {row.agency_id for row in rows})
    public = _public_datasets({row.dataset_id for row in rows if row.dataset_id})
    labels, unread = words.outcomes(), tk._("Name shown once accepted")
    found = []
    for row in rows:
        name, title = agencies.get(row.agency_id or "", ("", ""))
        dataset = public.get(row.dataset_id or "")
        hidden = row.dataset_id is not None and dataset is None
        result = row.outcome if row.closed_at else ("lapsed" if row.state == "lapsed" else "")
        found.append(
            {
                "number": row.number,
                "data_name": "—" if hidden else row.public_name or unread,
                "dataset": dataset,
                "agency": name,
                "agency_title": title,
                "submitted": _day(row.first_submitted_at),
                "accepted": _day(row.accepted_at),
                "due": _iso(row.due),
                "closed": _day(row.closed_at),
                "state": row.state,
                "result": result,
                "result_text": labels.get(result) or words.states()[row.state],
                "days_used": used(row, moment),
                "overdue": is_overdue(row, moment),
            }
        )
    return found


def _day(moment: datetime | None) -> str | None:
    return local_date(moment).isoformat() if moment is not None else None


def _titles(group: Any, ids: set[str | None]) -> dict[str, tuple[str, str]]:
    rows = model.Session.execute(
        sa.select(group.id, group.name, group.title).where(group.id.in_([i for i in ids if i]))
    )
    return {row.id: (row.name, row.title or row.name) for row in rows}


def _public_datasets(ids: set[str]) -> dict[str, str]:
    package = model.Package
    rows = model.Session.execute(
        sa.select(package.id, package.name).where(
            package.id.in_(list(ids)), package.state == "active", package.private.is_(False)
        )
    )
    return dict(rows.tuples().all())


@tk.side_effect_free
def hljshare_request_rates(context: Any, data_dict: dict[str, Any]) -> list[dict[str, Any]]:
    """How many requests of the public each agency has answered in time.

    :param year: (optional) only those that ended in this year
    :returns: ``[{"agency", "agency_title", "on_time", "late", "overdue_open", "rate", "days"}]``,
        most requests first; ``rate`` from 0 to 1; ``days``: mean days from acceptance to the end
    """
    tk.check_access("hljshare_request_rates", context, data_dict)
    tally = RequestTally
    query = sa.select(
        tally.agency_id,
        sa.func.coalesce(sa.func.sum(tally.count).filter(~tally.late), 0).label("on_time"),
        sa.func.coalesce(sa.func.sum(tally.count).filter(tally.late), 0).label("late"),
        sa.func.sum(tally.days).label("days"),
    ).group_by(tally.agency_id)
    year = data_dict.get("year")
    if year:
        if not str(year).isdecimal() or len(str(year)) != 4:
            raise tk.ValidationError({"year": [tk._("A year as 2026")]})
        query = query.where(tally.year == int(year))
    found = {line.agency_id: dict(line._mapping) for line in model.Session.execute(query)}
    waiting = model.Session.execute(
        sa.select(Request.agency_id, sa.func.count())
        .where(Request.kind == "open", Request.closed_at.is_(None), Request.due_at <= now())
        .group_by(Request.agency_id)
    )
    for agency, number in waiting:
        line = found.setdefault(agency, {"agency_id": agency, "on_time": 0, "late": 0, "days": 0})
        line["overdue_open"] = number
    names = _titles(model.Group, set(found))
    lines = []
    for agency, line in found.items():
        name, title = names.get(agency or "", ("", ""))
        on_time, late = int(line["on_time"]), int(line["late"])
        open_late = int(line.get("overdue_open") or 0)
        ended = on_time + late
        lines.append(
            {
                "agency": name,
                "agency_title": title,
                "on_time": on_time,
                "late": late,
                "overdue_open": open_late,
                "rate": register.rate(on_time, late, open_late),
                "days": round(float(line["days"] or 0) / ended, 1) if ended else None,
            }
        )
    return sorted(lines, key=lambda item: -(item["on_time"] + item["late"] + item["overdue_open"]))


# ---------------------------------------------------------------- why this date


@tk.side_effect_free
@tk.chained_action
def hljshare_deadline_explain(
    original: Any, context: Any, data_dict: dict[str, Any]
) -> dict[str, Any]:
    """How a deadline is counted, day by day; of a request too.

    :param request: id or number of a request that the caller may see; or ``kind``,
        ``accepted_at`` and ``suspensions``
    """
    ref = data_dict.get("request")
    if not ref:
        found: dict[str, Any] = original(context, data_dict)
        return found
    tk.check_access("hljshare_deadline_explain", context, data_dict)
    row = store.get(str(ref))
    tk.check_access("hljshare_request_show", context, {"id": row.id})
    rule = engine.rule_of(row)
    if row.accepted_at is None or rule is None:
        raise tk.ValidationError(
            {"request": [tk._("The days count from acceptance; this one is not accepted yet")]}
        )
    return engine.explained(row, rule)
