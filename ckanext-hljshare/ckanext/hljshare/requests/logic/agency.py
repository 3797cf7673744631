"""Actions of those who handle, sign and supervise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.deadlines import calendars
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.requests import (
    bases,
    decisions,
    deliver,
    engine,
    routing,
    store,
    tell,
    words,
    workflow,
)
from ckanext.hljshare.requests.logic import reading, schema
from ckanext.hljshare.requests.model import Request, RequestOrder, now

__all__ = [
    "hljshare_request_accept",
    "hljshare_request_answer",
    "hljshare_request_assign",
    "hljshare_request_decide",
    "hljshare_request_decline",
    "hljshare_request_deliver",
    "hljshare_request_propose",
    "hljshare_request_reconsider",
    "hljshare_request_reopen",
    "hljshare_request_resume",
    "hljshare_request_return",
    "hljshare_request_review",
    "hljshare_request_supervise",
    "hljshare_request_suspend",
    "hljshare_request_transfer",
]

RETURNS = 2  # what is missing is to be named once, completely; once more where the answer lacks it
ANSWER_DAYS = 3  # working days to answer an order, where it says nothing
FARTHEST = timedelta(days=365)


def _begin(context: Any, action: str, data: Mapping[str, Any], case: str = "") -> engine.Act:
    tk.check_access(f"hljshare_request_{action}", context, dict(data))
    return engine.begin(context, action, data["id"], data.get("version"), case)


def _done(act: engine.Act, context: Any) -> dict[str, Any]:
    model.Session.commit()
    return reading.shown(act.row.id, context)


def _bases(given: Any, use: bases.Use, row: Request) -> list[dict[str, str]]:
    try:
        return decisions.basis(given, use, "share" if row.kind == "share" else "open")
    except bases.BasisError as error:
        raise engine.invalid("basis", words.basis_error(error)) from None


@tk.validate_action_data(schema.by_id)
def hljshare_request_accept(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Accept a request (受理): the days count from now (clause 6.1 f).

    :param id: the request (id or number)
    :param version: (optional) the version that was looked at
    """
    act = _begin(context, "accept", data_dict)
    engine.accept(act, act.at)
    if act.role == "handler" and act.row.handler_id is None and act.actor is not None:
        act.row.handler_id = act.actor.id
    engine.finish(act, {"rule": act.row.rule}, visibility="public")
    return _done(act, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_return(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return a request to be completed, naming at once all that is missing.

    :param id: the request
    :param message: what is missing
    """
    act = _begin(context, "return", data_dict)
    row = act.row
    if row.returns >= RETURNS:
        raise engine.invalid(
            "state", tk._("It was returned twice already: accept it, or decline it with a basis")
        )
    row.returns += 1
    engine.start_limit(row, act.at)
    position = engine.finish(
        act,
        {"text": data_dict["message"], "time": row.returns},
        params={"text": data_dict["message"]},
    )
    if row.returns > 1:
        actor = act.actor.id if act.actor else None
        tell.about(row, "returned_again", position, actor, act.role, {})
    return _done(act, context)


@tk.validate_action_data(schema.decline)
def hljshare_request_decline(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Do not accept a request. The approvers and the city are told, and may take it up again.

    :param id: the request
    :param reason: why
    :param basis: law and article: an id of the library, ``{"law", "article"}``, or a list of them
    """
    act = _begin(context, "decline", data_dict)
    basis = _bases(data_dict["basis"], "decline", act.row)
    act.row.reason, act.row.basis = data_dict["reason"], basis
    engine.start_limit(act.row, None)
    engine.finish(
        act,
        {"reason": act.row.reason, "basis": basis},
        visibility="public",
        params={"text": act.row.reason},
    )
    return _done(act, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_reopen(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take up again a request that was not accepted; the limit of acceptance begins anew.

    :param id: the request
    :param message: why
    """
    act = _begin(context, "reopen", data_dict)
    row = act.row
    engine.tally(row, -1)
    row.closed_at, row.outcome, row.reason, row.basis = None, "", "", []
    row.submitted_at = act.at
    engine.start_limit(row, act.at)
    engine.finish(act, {"text": data_dict["message"]}, visibility="public")
    return _done(act, context)


@tk.validate_action_data(schema.transfer)
def hljshare_request_transfer(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Pass a request on to the agency that has the data. No clock stops or begins anew.

    :param id: the request
    :param agency: name or id of the agency
    :param message: why; the applicant reads it
    """
    act = _begin(context, "transfer", data_dict)
    if act.role == "approver" and reading.is_overdue(act.row, act.at):
        raise engine.invalid(
            "state", tk._("It is overdue: only the authority above may pass it on now")
        )
    group = model.Group.get(data_dict["agency"])
    if group is None or not group.is_organization or group.state != "active":
        raise engine.invalid("agency", tk._("There is no such agency"))
    if group.id == act.row.agency_id:
        raise engine.invalid("agency", tk._("The request is with this agency already"))
    if group.id == act.row.unit_id:
        raise engine.invalid("agency", tk._("An agency does not apply for its own data"))
    dataset = model.Session.get(model.Package, act.row.dataset_id) if act.row.dataset_id else None
    if dataset is not None and dataset.state == "active" and dataset.owner_org != group.id:
        raise engine.invalid(
            "agency", tk._("The dataset belongs to another agency; only that one can provide it")
        )
    engine.move(act.row, group)
    engine.finish(
        act,
        {"agency": group.id, "text": data_dict["message"]},
        visibility="public",
        params={"text": data_dict["message"]},
    )
    return _done(act, context)


@tk.validate_action_data(schema.assign)
def hljshare_request_assign(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Give requests to one person of the agency, or take one oneself; all of them or none.

    :param ids: requests (ids or numbers, at most 200)
    :param handler: name or id of the person (optional; without one nobody has them in hand)
    :returns: ``{"assigned": how many}``
    """
    tk.check_access("hljshare_request_assign", context, data_dict)
    person = model.User.get(data_dict["handler"]) if data_dict.get("handler") else None
    if data_dict.get("handler") and (person is None or person.state != "active"):
        raise engine.invalid("handler", tk._("There is no such user"))
    actor = engine.caller(context)
    for ref in data_dict["ids"]:  # before anything is locked
        if not routing.roles(actor, store.get(ref)) & set(workflow.AGENCY):
            raise tk.NotAuthorized(words.not_allowed("role"))
    acts = [engine.begin(context, "assign", found) for found in store.lock_all(data_dict["ids"])]
    changed = 0
    for act in acts:
        if person is not None and not routing.may_handle(person.id, act.row.agency_id):
            raise engine.invalid(
                "handler", tk._("This person does not handle requests of the agency")
            )
        if person is not None and person.id == act.row.applicant_id:
            raise engine.invalid("handler", words.not_allowed("own"))
        wanted = person.id if person else None
        if act.row.handler_id == wanted:
            continue
        act.row.handler_id = wanted
        engine.finish(act, {"handler": wanted})
        changed += 1
    model.Session.commit()
    return {"assigned": changed}


@tk.validate_action_data(schema.suspend)
def hljshare_request_suspend(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Stop the clock while others are consulted; only where the rules allow it, and no longer than
    they say: then it goes on by itself.

    :param id: the request
    :param cause: (optional) ``third_party``
    :param reason: who is consulted about what; the applicant reads it
    """
    act = _begin(context, "suspend", data_dict)
    row = act.row
    if row.due_at is not None and act.at >= row.due_at:
        raise engine.invalid("state", tk._("The deadline has passed: it cannot be suspended"))
    again = bool(row.pauses)
    if engine.pause_left(row) < 1:
        raise engine.invalid(
            "state", tk._("The time for consulting others is used up: it is suspended no more")
        )
    engine.suspend(act)
    row.proposal = None
    position = engine.finish(
        act,
        {"cause": data_dict["cause"], "text": data_dict["reason"]},
        visibility="public",
        params={"text": data_dict["reason"]},
    )
    if again:
        actor = act.actor.id if act.actor else None
        tell.about(row, "suspended_again", position, actor, act.role, {})
    return _done(act, context)


@tk.validate_action_data(schema.with_optional_message)
def hljshare_request_resume(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Let the clock go on.

    :param id: the request
    :param message: (optional) what the consultation came to
    """
    act = _begin(context, "resume", data_dict)
    engine.resume(act, act.at)
    engine.finish(act, {"text": data_dict.get("message") or ""}, visibility="public")
    return _done(act, context)


@tk.validate_action_data(schema.propose)
def hljshare_request_propose(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Propose a decision; another person signs it. A new proposal takes the place of the old one.

    :param id: the request
    :param decision: ``approve`` or ``refuse``
    :param dataset: approve, free request: the dataset that holds what was asked for
    :param resources: approve: only these files (optional; all that are not open)
    :param columns: approve: only these columns, of one file, or file → columns (optional)
    :param rows: approve: only rows with these values, likewise (optional)
    :param conditions: approve: what the use is bound to (optional)
    :param not_before: approve: from when (optional)
    :param not_after: approve: until when (optional; as asked for, at most a year)
    :param max_downloads: approve: how many downloads (optional)
    :param reason: refuse: why
    :param basis: refuse: law and article (clause 6.1 f), see `hljshare_request_decline`
    """
    act = _begin(context, "propose", data_dict)
    row = act.row
    assert act.actor is not None
    if data_dict["decision"] == "refuse":
        proposal = _refusal(row, data_dict)
    else:
        proposal = deliver.plan(row, data_dict)
    row.proposal = {**proposal, "by": act.actor.id, "at": act.at.isoformat()}
    engine.finish(act, {"proposal": proposal})
    return _done(act, context)


def _refusal(row: Request, data: Mapping[str, Any]) -> dict[str, Any]:
    if not data.get("reason"):
        raise engine.invalid("reason", tk._("A refusal needs its reason"))
    if not data.get("basis"):
        raise engine.invalid("basis", tk._("Name the law and article it rests on"))
    basis = _bases(data["basis"], "refuse", row)
    return {"decision": "refuse", "reason": data["reason"], "basis": basis}


@tk.validate_action_data(schema.decide)
def hljshare_request_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Sign the proposed decision as the second person, or send it back.

    Approving does not stop the clock: the data has to be delivered (`hljshare_request_deliver`).

    :param id: the request
    :param sign: true, or false to send it back with a ``message``
    :param message: (optional) for who proposed it
    """
    tk.check_access("hljshare_request_decide", context, data_dict)
    waiting = store.locked(data_dict["id"]).proposal
    case = "send back"
    if data_dict["sign"]:
        case = "refuse" if waiting and waiting["decision"] == "refuse" else "approve"
    act = engine.begin(context, "decide", data_dict["id"], data_dict.get("version"), case)
    row, proposal = act.row, act.row.proposal
    assert act.actor is not None
    if proposal is None:
        raise engine.invalid("state", tk._("No decision is proposed that could be signed"))
    if not data_dict["sign"]:
        return _send_back(act, context, data_dict.get("message") or "")
    try:
        workflow.signs(act.actor.id, proposal["by"])
    except workflow.NotAllowedError as error:
        model.Session.rollback()
        raise tk.NotAuthorized(words.not_allowed(error.code)) from None
    deliver.check_signed(row, proposal)
    row.decision = {**proposal, "signed_by": act.actor.id, "signed_at": act.at.isoformat()}
    row.proposal = None
    public = {name: value for name, value in proposal.items() if name not in ("by", "at")}
    if proposal.get("attached"):
        row.dataset_id = proposal["dataset"]
    if proposal["decision"] == "refuse":
        row.reason, row.basis = proposal["reason"], proposal["basis"]
    engine.finish(
        act,
        {"decision": public, "proposed_by": proposal["by"]},
        params={"text": proposal.get("reason") or ""},
    )
    return _done(act, context)


def _send_back(act: engine.Act, context: Any, message: str) -> dict[str, Any]:
    if not message:
        raise engine.invalid("message", tk._("Say why it is sent back"))
    act.row.proposal = None
    engine.finish(act, {"text": message}, params={"text": message})
    return _done(act, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_reconsider(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take back an approval that cannot be carried out, before anything is delivered; the clock
    has never stopped.

    :param id: the request
    :param message: why; the applicant reads it
    """
    act = _begin(context, "reconsider", data_dict)
    if act.row.decision and act.row.decision.get("attached"):
        act.row.dataset_id = None
    act.row.decision = None
    engine.finish(
        act,
        {"text": data_dict["message"]},
        params={"text": data_dict["message"]},
    )
    return _done(act, context)


@tk.validate_action_data(schema.by_id)
def hljshare_request_deliver(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Provide what was approved: grants on the files, or the files that were uploaded for it; the
    clock stops when they work (clause 6.1 f).

    :param id: the request
    :raises ValidationError: there is nothing to provide, or it cannot be provided as it stands now
    """
    act = _begin(context, "deliver", data_dict)
    delivered = deliver.carry_out(act)
    engine.finish(act, delivered, visibility="public")
    return _done(act, context)


@tk.validate_action_data(schema.supervise)
def hljshare_request_supervise(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Order the agency to act, and to answer (督办; clause 4 d).

    :param id: the request
    :param message: the order
    :param answer_due: (optional) until which day it is to be answered; three working days else
    """
    act = _begin(context, "supervise", data_dict)
    assert act.actor is not None
    today = local_date(act.at)
    answer_due: date = data_dict.get("answer_due") or _working_days(today, ANSWER_DAYS)
    if not today <= answer_due <= today + FARTHEST:
        raise engine.invalid("answer_due", tk._("The day has to lie in the future"))
    order = RequestOrder(
        request_id=act.row.id,
        by=act.actor.id,
        text=data_dict["message"],
        answer_due=answer_due,
        created=act.at,
    )
    model.Session.add(order)
    model.Session.flush()
    engine.finish(
        act,
        {"order": order.id, "text": order.text, "answer_due": answer_due.isoformat()},
        params={"text": order.text},
    )
    return _done(act, context)


def _working_days(start: date, length: int) -> date:
    calendar = calendars.current()
    day = start
    while length:
        day += timedelta(days=1)
        length -= not calendar.is_rest(day)
    return day


@tk.validate_action_data(schema.answer)
def hljshare_request_answer(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Answer an order, once.

    :param id: the request
    :param order: the order
    :param message: the answer
    """
    act = _begin(context, "answer", data_dict)
    assert act.actor is not None
    order = model.Session.scalar(
        sa.select(RequestOrder).where(
            RequestOrder.id == data_dict["order"], RequestOrder.request_id == act.row.id
        )
    )
    if order is None:
        raise engine.invalid("order", tk._("There is no such order"))
    if order.answered_at is not None:
        raise engine.invalid("order", tk._("This order is answered already"))
    order.answer, order.answered_by, order.answered_at = (
        data_dict["message"],
        act.actor.id,
        now(),
    )
    engine.finish(
        act,
        {"order": order.id, "text": order.answer},
        params={"text": order.answer, "asked_by": order.by},
    )
    return _done(act, context)


@tk.validate_action_data(schema.with_message)
def hljshare_request_review(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Answer an applicant's objection, from above.

    :param id: the request
    :param message: the answer
    """
    act = _begin(context, "review", data_dict)
    kinds = [event.kind for event in store.history(act.row.id)]
    if kinds.count("objected") <= kinds.count("reviewed"):
        raise engine.invalid("state", tk._("There is no objection that waits for an answer"))
    decided = act.row.decision or {}
    if act.actor is not None and act.actor.id in (decided.get("by"), decided.get("signed_by")):
        model.Session.rollback()
        raise tk.NotAuthorized(words.not_allowed("own_decision"))
    engine.finish(act, {"text": data_dict["message"]})
    return _done(act, context)
