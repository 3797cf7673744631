"""What templates ask of this room."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access.grants import words as grant_words
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.requests import apply_form, apply_words, handle, workflow
from ckanext.hljshare.requests.accounts import store as accounts
from ckanext.hljshare.requests.model import now

__all__ = [
    "hljshare_account_hint",
    "hljshare_day_text",
    "hljshare_due_text",
    "hljshare_handler_panel",
    "hljshare_last_day",
    "hljshare_my_requests",
    "hljshare_request_class",
    "hljshare_ring",
    "hljshare_ring_text",
]

MINE = 10  # requests on a page of one's own


def hljshare_day_text(value: str | None) -> str:
    """A day with its weekday."""
    return apply_words.day_text(value)


def hljshare_due_text(value: str | None) -> str:
    """The end of a last day in full: date, weekday, 24:00."""
    return apply_words.due_text(value)


def hljshare_ring(request: dict[str, Any]) -> apply_form.Ring | None:
    """The ring of days left of a request; None where nothing runs."""
    if request["days_left"] is None:
        return None
    accepted = bool(request["accepted_at"])
    start = request["accepted_at"] if accepted else request["submitted_at"]
    due = request["due"] if accepted else request["limit_due"]
    today = local_date(now())
    return apply_form.ring(apply_words.day_of(start), apply_words.day_of(due), today)


def hljshare_ring_text(days: int) -> str:
    """The days left in words."""
    return apply_words.left_text(days)


def hljshare_my_requests(after: str | None = None) -> dict[str, Any]:
    """The visitor's own requests, the newest first, a page of them."""
    wanted: dict[str, Any] = {"mine": True, "limit": MINE}
    if after:
        wanted["after"] = after
    try:
        found: dict[str, Any] = tk.get_action("hljshare_request_list")({}, wanted)
    except (tk.NotAuthorized, tk.ValidationError):
        return {"count": 0, "more": False, "results": [], "next": None}
    return found


def hljshare_request_class(request: dict[str, Any]) -> str:
    """The color class of a request's state; the word always stands beside it."""
    if request["overdue"] and request["state"] in workflow.OPEN:
        return "b-no"
    return {
        "submitted": "b-info",
        "returned": "b-req",
        "accepted": "b-info",
        "suspended": "b-req",
        "approved": "b-info",
        "delivered": "b-open",
        "refused": "b-no",
        "declined": "b-no",
    }.get(request["state"], "")


def hljshare_handler_panel(request: dict[str, Any]) -> dict[str, Any]:
    """What the handlers' part of a request's page shows besides the request."""
    return handle.panel(request)


def hljshare_last_day(moment: str | None) -> str:
    """The last day of something that ends at a moment; the minute where it ends within a day."""
    return grant_words.last_moment(moment) if moment else ""


def hljshare_account_hint() -> str:
    """Why the visitor may not submit requests now: `unverified`, `blocked`, or empty."""
    if not tk.current_user.is_authenticated:
        return ""
    user = model.User.get(tk.current_user.id)
    return (accounts.may_apply(user) or "") if user is not None else ""
