"""Actions on applicants' accounts: blocks, and the addresses that need no mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from sqlalchemy.exc import IntegrityError

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.count import end_of
from ckanext.hljshare.deadlines.notices import N_
from ckanext.hljshare.requests import routing, workflow
from ckanext.hljshare.requests import store as requests
from ckanext.hljshare.requests.accounts import schema, store
from ckanext.hljshare.requests.accounts.model import ApplicantBlock
from ckanext.hljshare.requests.model import Request, now

BLOCKED = "applicant.blocked"
UNBLOCKED = "applicant.unblocked"
FLAG = "blocked"

notices.register(
    BLOCKED,
    N_("You cannot submit requests at present"),
    N_("Reason: {reason}\nUntil: {until}\nYour open requests are looked at by the agencies."),
)
notices.register(
    UNBLOCKED,
    N_("You can submit requests again"),
    N_("The restriction on your account has been lifted."),
)

__all__ = [
    "hljshare_applicant_block",
    "hljshare_applicant_block_list",
    "hljshare_applicant_unblock",
    "user_create",
]


def _person(name: str) -> model.User:
    person = model.User.get(name)
    if person is None or person.state == model.State.DELETED:
        raise tk.ValidationError({"user": [tk._("There is no such user")]})
    return person


def _shown(row: ApplicantBlock) -> dict[str, Any]:
    person, author = model.User.get(row.user_id), model.User.get(row.by)
    return {
        "id": row.id,
        "user_id": row.user_id,
        "user": person.name if person else None,
        "user_fullname": person.fullname if person else None,
        "by": author.display_name if author else None,
        "at": row.at.isoformat(),
        "until": row.until.isoformat() if row.until else None,
        "reason": row.reason,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "active": row.ended_at is None and (row.until is None or row.until > now()),
    }


@tk.validate_action_data(schema.block)
def hljshare_applicant_block(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Keep a person from submitting requests; their open requests are flagged for the agencies.

    The person is told, with the reason. Staff of a city or province and system administrators
    cannot be blocked, nor can anybody block themselves.

    :param user: who (name or id)
    :param reason: why; the person reads it
    :param until: the last day (optional; without end otherwise)
    :returns: the block
    """
    tk.check_access("hljshare_applicant_block", context, data_dict)
    person = _person(data_dict["user"])
    author = model.User.get(context.get("user") or "")
    if author is not None and author.id == person.id:
        raise tk.ValidationError({"user": [tk._("Nobody blocks oneself")]})
    offices = (
        role == "admin" and routing.is_office(u) for u, role in grants.units(person.id).items()
    )
    if person.sysadmin or any(offices):
        raise tk.ValidationError({"user": [tk._("Administrators cannot be blocked")]})
    until = end_of(data_dict["until"]) if data_dict.get("until") else None
    moment = now()
    if until is not None and until <= moment:
        raise tk.ValidationError({"until": [tk._("This day is over")]})
    present = store.last_block(person.id)
    if present is not None:
        if store.blocked(person.id) is not None:
            model.Session.rollback()
            raise tk.ValidationError({"user": [tk._("This person is blocked already")]})
        present.ended_at = present.until  # it ran out
        model.Session.flush()
    row = ApplicantBlock(
        user_id=person.id,
        by=author.id if author else "",
        at=moment,
        until=until,
        reason=data_dict["reason"],
    )
    model.Session.add(row)
    try:
        model.Session.flush()
    except IntegrityError:  # somebody else has just done it
        model.Session.rollback()
        raise tk.ValidationError({"user": [tk._("This person is blocked already")]}) from None
    last = data_dict["until"].isoformat() if until else "—"
    notices.put(
        person.id, f"{BLOCKED}:{row.id}", BLOCKED, {"reason": row.reason, "until": last}, "/my"
    )
    _flag(person.id, FLAG, author)
    model.repo.commit()
    return _shown(row)


@tk.validate_action_data(schema.unblock)
def hljshare_applicant_unblock(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Let a blocked person submit requests again.

    :param user: who (name or id)
    :returns: the block, ended
    """
    tk.check_access("hljshare_applicant_unblock", context, data_dict)
    person = _person(data_dict["user"])
    author = model.User.get(context.get("user") or "")
    row = store.last_block(person.id)
    if row is None:
        model.Session.rollback()
        raise tk.ValidationError({"user": [tk._("This person is not blocked")]})
    row.ended_at, row.ended_by = now(), author.id if author else None
    notices.put(person.id, f"{UNBLOCKED}:{row.id}", UNBLOCKED, {}, "/my")
    _flag(person.id, "", author)
    model.repo.commit()
    return _shown(row)


@tk.side_effect_free
@tk.validate_action_data(schema.block_list)
def hljshare_applicant_block_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Who may not submit requests, the newest first.

    :param past: with those that are over
    :returns: ``count`` and ``results``
    """
    tk.check_access("hljshare_applicant_block_list", context, data_dict)
    query = sa.select(ApplicantBlock)
    if not data_dict["past"]:
        query = query.where(
            ApplicantBlock.ended_at.is_(None),
            sa.or_(ApplicantBlock.until.is_(None), ApplicantBlock.until > now()),
        )
    count = model.Session.scalar(sa.select(sa.func.count()).select_from(query.subquery()))
    page = (
        query.order_by(ApplicantBlock.at.desc(), ApplicantBlock.id)
        .limit(data_dict["limit"])
        .offset(data_dict["offset"])
    )
    return {"count": count, "results": [_shown(row) for row in model.Session.scalars(page)]}


def _flag(user_id: str, flag: str, author: model.User | None) -> None:
    """Mark a person's open requests for the agencies, with a line in each one's history."""
    ids = model.Session.scalars(
        sa.select(Request.id)
        .where(
            Request.applicant_id == user_id,
            Request.state.in_(sorted(workflow.OPEN)),
            Request.flag != flag,
        )
        .order_by(Request.id)
    ).all()
    rows = [requests.locked(request_id) for request_id in ids]  # all locks before the first line
    for row in rows:
        row.flag = flag
        row.version += 1
        model.Session.flush()
        requests.record(
            row,
            "flagged",
            role="supervisor",
            actor=author.id if author else None,
            visibility="agency",
            data={"flag": flag},
        )


@tk.chained_action
def user_create(
    original: Callable[[Any, dict[str, Any]], Any], context: Any, data_dict: dict[str, Any]
) -> Any:
    """The address of an account that an administrator makes needs no mail: he vouches for it."""
    creator = context.get("user") or ""
    vouched = bool(
        context.get("ignore_auth")
        or (creator and authz.is_sysadmin(creator))
        or (creator and authz.has_user_permission_for_some_org(creator, "admin"))
    )
    made = original(context, data_dict)
    person = model.User.get(made["id"]) if vouched else None
    if person is not None:
        store.vouch(person)
        if not context.get("defer_commit"):
            model.repo.commit()
    return made
