"""Actions of those who apply: write, submit, withdraw, answer, object, report, end the use."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.deadlines.count import ZONE, local_date
from ckanext.hljshare.requests import (
    agreements,
    completeness,
    engine,
    limits,
    routing,
    rules,
    store,
    workflow,
)
from ckanext.hljshare.requests.accounts import store as accounts
from ckanext.hljshare.requests.files import identity
from ckanext.hljshare.requests.files import store as files
from ckanext.hljshare.requests.logic import reading, schema
from ckanext.hljshare.requests.model import Request, now
from ckanext.hljshare.safety.sealed import KeysError

log = logging.getLogger(__name__)

__all__ = [
    "hljshare_request_close",
    "hljshare_request_create",
    "hljshare_request_discard",
    "hljshare_request_message",
    "hljshare_request_object",
    "hljshare_request_report",
    "hljshare_request_submit",
    "hljshare_request_update",
    "hljshare_request_withdraw",
]

FARTHEST = timedelta(days=3660)
MESSAGES = 20  # of one person in a day, about one request


@tk.validate_action_data(schema.create)
def hljshare_request_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Write a request as a draft. It may be incomplete; `hljshare_request_submit` says what is
    missing.

    :param kind: ``open`` (a member of the public, clause 6.1 e) or ``share`` (an agency, 5.2)
    :param dataset: name or id; or ``agency`` for data that is not in the catalog; with neither it
        goes to the province, which passes it on
    :param resources: the files wanted, of the dataset (optional; all of them)
    :param data_name: 数据名称 (the dataset's title where it is left out)
    :param demand_type: 需求类型: ``file``, ``api``, ``table`` or ``other``
    :param description: 数据描述
    :param theme: 所属领域
    :param format: 数据格式
    :param purpose: 数据用途
    :param other: 其他 (optional)
    :param applicant_kind: ``person``, ``legal_person`` or ``organization``
    :param applicant_name: who applies
    :param contact: how to be reached
    :param identity: identity number, or the unit's code (optional; kept encrypted)
    :param security_measures: how the data is kept safe (optional)
    :param use_until: until when the data is needed, a day (optional)
    :param unit: kind ``share``: the agency that applies; with ``business_basis``, ``fields`` and
        ``share_mode`` (``file``, ``api``, ``table``)
    :param agreement: true: the agreement in its present version is accepted
    :param client_key: (optional) the same key again gives the same draft
    :returns: the request, as `hljshare_request_show`
    """
    tk.check_access("hljshare_request_create", context, data_dict)
    person = _person(context)
    store.one_at_a_time(f"hljshare-request-drafts:{person.id}")
    key = data_dict.get("client_key") or None
    if key:
        known = model.Session.scalar(
            sa.select(Request).where(Request.applicant_id == person.id, Request.client_key == key)
        )
        if known is not None:
            model.Session.rollback()
            return reading.shown(known.id, context)
    if limits.draft(_count(person.id, Request.state == "draft"), rules.load()):
        raise engine.invalid("id", tk._("You have too many drafts: submit or discard one first"))
    moment = now()
    row = Request(
        number=store.next_number(moment.astimezone(ZONE)),
        client_key=key,
        kind=data_dict["kind"],
        applicant_id=person.id,
        created=moment,
        updated=moment,
    )
    _place(context, row, data_dict, person)
    _write(row, data_dict)
    model.Session.add(row)
    model.Session.flush()
    _identify(row, data_dict)
    model.Session.commit()
    return reading.shown(row.id, context)


@tk.validate_action_data(schema.update)
def hljshare_request_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Change a draft, or a request that was returned to be completed. What is left out stays.

    :param id: the request (id or number)
    :param version: (optional) the version that was looked at
    """
    tk.check_access("hljshare_request_update", context, data_dict)
    act = engine.begin(context, "update", data_dict["id"], data_dict.get("version"))
    if act.row.state == "draft":
        _place(context, act.row, data_dict, _person(context))
    _write(act.row, data_dict)
    _identify(act.row, data_dict)
    if act.row.state == "draft":
        act.row.version += 1
        act.row.updated = max(now(), act.row.updated)
    else:
        engine.finish(act, {"sha256": _digest(act.row)})
    model.Session.commit()
    return reading.shown(act.row.id, context)


@tk.validate_action_data(schema.by_id)
def hljshare_request_discard(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Throw a draft away, with all that belongs to it.

    :param id: the draft
    :returns: ``id``
    """
    tk.check_access("hljshare_request_discard", context, data_dict)
    act = engine.begin(context, "discard", data_dict["id"], data_dict.get("version"))
    identity.forget(act.row.id)
    files.forget(act.row.id)
    model.Session.delete(act.row)
    model.Session.commit()
    return {"id": data_dict["id"]}


@tk.validate_action_data(schema.by_id)
def hljshare_request_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Submit a draft, or send in a request again that was returned. Doing it twice is doing it
    once.

    :param id: the request
    :raises ValidationError: something is missing, field by field, or a limit is reached
    """
    tk.check_access("hljshare_request_submit", context, data_dict)
    person = _person(context)
    store.one_at_a_time(f"hljshare-request-submit:{person.id}")
    present = store.locked(data_dict["id"])
    if present.state == "submitted" and present.applicant_id == person.id:
        model.Session.rollback()
        return reading.shown(present.id, context)
    act = engine.begin(context, "submit", data_dict["id"], data_dict.get("version"))
    row = act.row
    _check_complete(row, person)
    title = _check_dataset(context, row)
    again = row.state == "returned"
    if not again:
        _check_limits(person)
        _route(row)
        row.first_submitted_at = act.at
    row.submitted_at = act.at
    engine.start_limit(row, act.at)
    engine.renew_public(row, title)
    said = {"agreement": row.agreement_version, "again": again, "sha256": _digest(row)}
    engine.finish(act, said, visibility="public")
    model.Session.commit()
    return reading.shown(row.id, context)


@tk.validate_action_data(schema.with_optional_message)
def hljshare_request_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take a request back.

    :param id: the request
    :param message: (optional) why
    """
    tk.check_access("hljshare_request_withdraw", context, data_dict)
    act = engine.begin(context, "withdraw", data_dict["id"], data_dict.get("version"))
    engine.start_limit(act.row, None)
    act.row.proposal = None
    engine.finish(act, _kept(act, data_dict), visibility="public")
    model.Session.commit()
    return reading.shown(act.row.id, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_message(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Write to the other side: the applicant to the agency, or the agency to the applicant.

    :param id: the request
    :param message: the text
    """
    tk.check_access("hljshare_request_message", context, data_dict)
    act = engine.begin(context, "message", data_dict["id"], data_dict.get("version"))
    today = limits.start_of_day(act.at)
    mine = [event for event in store.history(act.row.id) if _is_mine(event, act, "message")]
    if sum(event.recorded >= today for event in mine) >= MESSAGES:
        text = tk._("At most {count} messages a day: write the rest tomorrow")
        raise engine.invalid("message", text.format(count=MESSAGES))
    engine.finish(act, _kept(act, data_dict))
    model.Session.commit()
    return reading.shown(act.row.id, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_object(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Object to a refusal, or to not being accepted: the city and the province read it and answer.

    :param id: the request
    :param message: what is wrong with the answer
    """
    tk.check_access("hljshare_request_object", context, data_dict)
    act = engine.begin(context, "object", data_dict["id"], data_dict.get("version"))
    kinds = [event.kind for event in store.history(act.row.id)]
    if kinds.count("objected") > kinds.count("reviewed"):
        raise engine.invalid("state", tk._("Your objection waits for its answer already"))
    engine.finish(act, _kept(act, data_dict))
    model.Session.commit()
    return reading.shown(act.row.id, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_report(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Report what the data was used for, and what came of it (clause 4 h).

    :param id: the request
    :param message: the report
    """
    tk.check_access("hljshare_request_report", context, data_dict)
    act = engine.begin(context, "report", data_dict["id"], data_dict.get("version"))
    act.row.reported_at = act.at
    engine.finish(act, _kept(act, data_dict))
    model.Session.commit()
    return reading.shown(act.row.id, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_close(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """End the use of delivered data: its grants are revoked at once. By the applicant, who has no
    more need of it and has deleted it, or by the agency, with its reason.

    :param id: the request
    :param message: why, or what was done with the data
    """
    tk.check_access("hljshare_request_close", context, data_dict)
    act = engine.begin(context, "close", data_dict["id"], data_dict.get("version"))
    if act.row.use_ended_at is not None:
        raise engine.conflict(act.row)
    act.row.use_ended_at = act.at
    actor = act.actor.id if act.actor else None
    ended = grants.end_of_request(act.row.id, actor, data_dict["message"])
    event = "closed" if act.role == "applicant" else "revoked"
    engine.finish(
        act,
        {**_kept(act, data_dict), "grants": ended},
        event=event,
        params={"text": data_dict["message"]},
    )
    model.Session.commit()
    return reading.shown(act.row.id, context)


# ---------------------------------------------------------------- parts


def _person(context: Mapping[str, Any]) -> model.User:
    person = engine.caller(context)
    if person is None:
        raise tk.NotAuthorized(tk._("Log in to make a request"))
    return person


def _kept(act: engine.Act, data: Mapping[str, Any]) -> dict[str, Any]:
    text = data.get("message")
    if not text or act.actor is None:
        return {}
    return dict(store.keep_text(act.row, act.actor.id, text, act.at))


def _is_mine(event: Any, act: engine.Act, kind: str) -> bool:
    return event.kind == kind and act.actor is not None and event.actor == act.actor.id


def _digest(row: Request) -> str:
    """The digest of what was asked for: the text itself may be erased, this stays."""
    said = {name: getattr(row, name) for name in completeness.TEXTS}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _count(person: str, *where: Any) -> int:
    query = sa.select(sa.func.count(Request.id)).where(Request.applicant_id == person, *where)
    return int(model.Session.scalar(query) or 0)


def _place(context: Any, row: Request, data: Mapping[str, Any], person: model.User) -> None:
    """Set which data, which agency and which unit a draft is about."""
    if data.get("dataset"):
        dataset = reading.visible_dataset(context, data["dataset"])
        _check_requestable(row.kind, dataset)
        row.dataset_id, row.agency_id = dataset["id"], dataset.get("owner_org")
        row.data_name = row.data_name or str(dataset.get("title") or "")[: schema.TITLE]
    elif data.get("agency"):
        group = model.Group.get(data["agency"])
        if group is None or not group.is_organization or group.state != "active":
            raise engine.invalid("agency", tk._("There is no such agency"))
        row.agency_id, row.dataset_id, row.resources = group.id, None, []
    if data.get("resources") is not None:
        row.resources = _resources(row, data["resources"])
    if row.kind == "share":
        _set_unit(row, data.get("unit"), person)


def _resources(row: Request, wanted: list[str]) -> list[str]:
    dataset = model.Session.get(model.Package, row.dataset_id) if row.dataset_id else None
    known = {file.id for file in dataset.resources} if dataset is not None else set()
    if not set(wanted) <= known:
        raise engine.invalid("resources", tk._("Resource not found"))
    return wanted


def _set_unit(row: Request, wanted: str | None, person: model.User) -> None:
    mine = [unit for unit, role in grants.units(person.id).items() if role in routing.HANDLING]
    if wanted:
        group = model.Group.get(wanted)
        if group is None or group.id not in mine:
            raise engine.invalid("unit", tk._("The person does not belong to this unit"))
        row.unit_id = group.id
    elif row.unit_id is None:
        if len(mine) != 1:
            raise engine.invalid("unit", tk._("Say for which agency you apply"))
        row.unit_id = mine[0]
    if row.unit_id == row.agency_id:
        raise engine.invalid("unit", tk._("An agency does not apply for its own data"))
    unit = model.Session.get(model.Group, row.unit_id)
    row.applicant_kind = "organization"
    row.applicant_name = row.applicant_name or str(unit.display_name)[: schema.SHORT]


def _check_requestable(kind: str, dataset: Mapping[str, Any]) -> None:
    """Say at once where a request is not the way (5.2, 6.1)."""
    if dataset.get("withdrawn_on"):
        raise engine.invalid("dataset", tk._("This data was withdrawn and cannot be requested"))
    levels = reading.levels_of(dataset)
    if kind == "share":
        if dataset.get("share_type") == "unconditional" or set(levels) == {"open"}:
            raise engine.invalid(
                "dataset", tk._("Agencies have this data without a request: download it at once")
            )
        if dataset.get("share_type") != "conditional":
            raise engine.invalid("dataset", tk._("This data is not shared between agencies"))
        return
    if levels and set(levels) == {"open"}:
        raise engine.invalid("dataset", tk._("This data is open to everybody: download it at once"))
    if "on_request" not in levels:
        raise engine.invalid(
            "dataset",
            tk._("This data is not opened, by law; its page names the basis and how to object"),
        )


def _write(row: Request, data: Mapping[str, Any]) -> None:
    for name in completeness.TEXTS:
        if data.get(name) is not None:
            setattr(row, name, data[name])
    if data.get("theme"):
        row.theme = codelists.find("theme", data["theme"]) or data["theme"]
    if data.get("format"):
        row.format = codelists.find("format_type", data["format"]) or data["format"]
    if "use_until" in data:
        row.use_until = data["use_until"]
        _check_use_until(row.use_until)
    if data.get("agreement") is True:
        accepted = agreements.current(row.kind)
        row.agreement_version, row.agreement_hash = accepted.version, accepted.sha256
    elif data.get("agreement") is False:
        row.agreement_version = row.agreement_hash = None


def _check_use_until(day: date | None) -> None:
    today = local_date(now())
    if day is not None and day <= today:
        raise engine.invalid("use_until", tk._("The day has to lie in the future"))
    if day is not None and day > today + FARTHEST:
        raise engine.invalid("use_until", tk._("The date is too far away"))


def _identify(row: Request, data: Mapping[str, Any]) -> None:
    """Keep an identity number encrypted, apart from the request."""
    number = data.get("identity")
    if number is None:
        return
    if number == "":
        identity.forget(row.id)
        return
    if not completeness.identity_fits(row.applicant_kind, number):
        texts = {
            "person": tk._("This is not a valid identity number"),
            "legal_person": tk._("This is not a valid unified social credit code"),
        }
        raise engine.invalid(
            "identity", texts.get(row.applicant_kind) or tk._("First say who applies")
        )
    try:
        identity.put(row.id, number)
    except KeysError:
        log.exception("identity numbers cannot be kept")
        raise engine.invalid(
            "identity", tk._("The portal cannot keep identity numbers now; leave it out, or ask us")
        ) from None


def _check_complete(row: Request, person: model.User) -> None:
    values = {name: getattr(row, name) for name in completeness.TEXTS}
    errors = {name: [tk._("Missing value")] for name in completeness.missing(row.kind, values)}
    if row.agreement_version != agreements.current(row.kind).version:
        errors["agreement"] = [tk._("Read and accept the agreement in its present version")]
    code = accounts.may_apply(person)
    if code == "unverified":
        errors["email"] = [tk._("Confirm your e-mail address first (My account)")]
    if code == "blocked":
        errors["applicant"] = [tk._("You are blocked from making requests; see your notices")]
    if errors:
        model.Session.rollback()
        raise tk.ValidationError(errors)
    _check_use_until(row.use_until)


def _check_dataset(context: Any, row: Request) -> str | None:
    """See that the dataset can still be asked for; return its title."""
    if row.dataset_id is None:
        return None
    try:
        dataset = reading.visible_dataset(context, row.dataset_id)
    except tk.ValidationError:
        raise engine.invalid(
            "dataset", tk._("This dataset is not in the catalog any more")
        ) from None
    _check_requestable(row.kind, dataset)
    if row.state == "draft":
        row.agency_id = dataset.get("owner_org")
    return str(dataset.get("title") or "")


def _check_limits(person: model.User) -> None:
    """Limits per person (peers: request floods that use up the 10 days of everybody else)."""
    given = rules.load()
    today = limits.start_of_day(now())
    code = limits.submission(
        _count(person.id, Request.first_submitted_at >= today),
        _count(person.id, Request.state.in_([*workflow.OPEN, "returned"])),
        given,
    )
    if code == "day":
        text = tk._("At most {count} requests a day: submit this one tomorrow")
        raise engine.invalid("applicant", text.format(count=given.max_per_day))
    if code == "open":
        text = tk._("At most {count} requests may be open at once")
        raise engine.invalid("applicant", text.format(count=given.max_open))


def _route(row: Request) -> None:
    """Send a free request where nobody is named to the province, to be passed on."""
    group = model.Session.get(model.Group, row.agency_id) if row.agency_id else None
    if group is None or group.state != "active":
        row.agency_id = routing.triage_office()
    row.triage = row.dataset_id is None and (
        row.agency_id is None or routing.is_office(row.agency_id)
    )
