"""Who may do something about the files of a request: those who have a part in it.

What each part may do in which state is asked again by the actions, with the request locked.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.requests import engine, routing, store
from ckanext.hljshare.requests.files import rules
from ckanext.hljshare.requests.files import store as files

AuthResult = dict[str, Any]

__all__ = [
    "hljshare_request_file_add",
    "hljshare_request_file_list",
    "hljshare_request_file_remove",
    "hljshare_request_identity_show",
]


def _part(context: Any, request_id: str | None) -> tuple[str, set[str]]:
    """The state of a request, and the caller's roles in it."""
    request = store.get(request_id or "")
    return request.state, routing.roles(engine.caller(context), request)


def _answer(allowed: bool) -> AuthResult:
    if allowed:
        return {"success": True}
    return {"success": False, "msg": tk._("You have no part in this request that allows this")}


@tk.auth_sysadmins_check
def hljshare_request_file_add(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """The applicant; data that is delivered, the handling agency."""
    state, roles = _part(context, data_dict.get("id"))
    purpose = data_dict.get("purpose") or "attachment"
    known = purpose in rules.PURPOSES
    return _answer(known and rules.may_change(purpose, state, roles) != "role")


@tk.auth_sysadmins_check
def hljshare_request_file_remove(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """As for adding it."""
    row = files.get(data_dict.get("id") or "")
    state, roles = _part(context, row.request_id)
    return _answer(rules.may_change(row.purpose, state, roles) != "role")


@tk.auth_sysadmins_check
def hljshare_request_file_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Who has a part in the request; each is shown what that part may know."""
    state, roles = _part(context, data_dict.get("id"))
    hidden = state == "draft" and "applicant" not in roles
    return _answer(bool(roles) and not hidden)


@tk.auth_sysadmins_check
def hljshare_request_identity_show(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """The applicant, and the handling agency; no supervisor, no system administrator."""
    state, roles = _part(context, data_dict.get("id"))
    seen = rules.may_see_identity(state, roles)
    return _answer(seen == "number" or (seen == "masked" and not data_dict.get("reveal")))
