"""What the codes of requests are called, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.deadlines.count import ZONE
from ckanext.hljshare.requests.bases import BasisError


def states() -> dict[str, str]:
    """What each state is called."""
    return {
        "draft": tk._("Draft"),
        "submitted": tk._("Waiting to be accepted"),
        "returned": tk._("To be completed"),
        "accepted": tk._("Being handled"),
        "suspended": tk._("Clock rests"),
        "approved": tk._("Approved, to be delivered"),
        "delivered": tk._("Delivered"),
        "refused": tk._("Not provided"),
        "declined": tk._("Not accepted"),
        "withdrawn": tk._("Taken back"),
        "lapsed": tk._("Lapsed"),
    }


def outcomes() -> dict[str, str]:
    """How a request ended, as the register says it."""
    return {
        "": tk._("Under way"),
        "delivered": tk._("Delivered"),
        "partial": tk._("Delivered in part"),
        "opened": tk._("Opened to everybody"),
        "refused": tk._("Not provided"),
        "declined": tk._("Not accepted"),
        "withdrawn": tk._("Taken back"),
        "lapsed": tk._("Lapsed"),
    }


def kinds() -> dict[str, str]:
    """The kinds of request."""
    return {"open": tk._("Request of the public"), "share": tk._("Request of an agency")}


def events() -> dict[str, str]:
    """What each kind of event is called."""
    return {
        "submitted": tk._("Submitted"),
        "updated": tk._("Completed by the applicant"),
        "returned": tk._("Returned to be completed"),
        "accepted": tk._("Accepted"),
        "declined": tk._("Not accepted"),
        "reopened": tk._("Taken up again"),
        "withdrawn": tk._("Taken back"),
        "lapsed": tk._("Lapsed"),
        "transferred": tk._("Passed on"),
        "assigned": tk._("Assigned"),
        "suspended": tk._("Clock stopped"),
        "resumed": tk._("Clock goes on"),
        "proposed": tk._("Decision proposed"),
        "sent_back": tk._("Proposal sent back"),
        "approved": tk._("Approved and signed"),
        "refused": tk._("Refused and signed"),
        "reconsidered": tk._("Decision taken back"),
        "delivered": tk._("Delivered"),
        "overdue": tk._("Overdue"),
        "overdue_counts": tk._("Overdue, counts in the assessment"),
        "due_moved": tk._("Last day moved"),
        "supervised": tk._("Order from above"),
        "answered": tk._("Order answered"),
        "message": tk._("Message"),
        "objected": tk._("Objection"),
        "reviewed": tk._("Objection answered"),
        "reported": tk._("Use reported"),
        "closed": tk._("Use ended"),
        "revoked": tk._("Permission revoked"),
        "dataset_gone": tk._("The dataset was withdrawn"),
        "dataset_opened": tk._("The dataset was opened to everybody"),
        "flagged": tk._("Applicant blocked"),
        "identity_shown": tk._("Identity number shown"),
        "file_taken": tk._("File taken"),
    }


def roles() -> dict[str, str]:
    """What each role is called."""
    return {
        "applicant": tk._("Applicant"),
        "handler": tk._("Handler"),
        "approver": tk._("Approver"),
        "supervisor": tk._("Supervisor"),
        "system": tk._("The portal"),
    }


def not_allowed(code: str) -> str:
    """Why somebody may not do something."""
    return {
        "role": tk._("This is for the people who handle this request"),
        "own": tk._("Nobody handles or decides a request of their own"),
        "own_decision": tk._("Nobody answers an objection to a decision of their own"),
        "same_person": tk._("Who proposed a decision does not sign it: two people decide"),
    }[code]


def happened(state: str, events_: Sequence[Any]) -> str:
    """What happened to a request meanwhile, for who comes too late."""
    now = states()[state]
    if not events_:
        return tk._("The request is now: {state}. Load it again.").format(state=now)
    last = events_[-1]
    return tk._("The request is now: {state} ({event}, {when}). Load it again.").format(
        state=now,
        event=events().get(last.kind, last.kind),
        when=f"{last.at.astimezone(ZONE):%Y-%m-%d %H:%M}",
    )


def basis_error(error: BasisError) -> str:
    """Why something is no basis of a decision."""
    return {
        "unknown": tk._("There is no such basis in the library"),
        "unfit": tk._("This basis does not serve this kind of decision"),
        "empty": tk._("Name both the law and the article"),
        "long": tk._("Law and article are too long"),
        "url": tk._("A link begins with https://"),
        "many": tk._("These are too many bases"),
    }.get(error.code) or tk._("Name the law and article it rests on")


def decision_error(code: str) -> str:
    """Why something cannot be approved."""
    return {
        "unknown": tk._("This file is not one that can be granted"),
        "none": tk._("Choose at least one file"),
        "which": tk._("Say for which file: columns and rows belong to one table"),
    }[code]
