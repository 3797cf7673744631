"""Who may call the actions on requests. The table of `workflow.py` says who does what in which
state; here: who has a part in a request at all, and one of the roles of the action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.requests import engine, routing, store, words, workflow

AuthResult = dict[str, Any]
Auth = Callable[[Any, dict[str, Any]], AuthResult]
PREFIX = "hljshare_request_"


def _answer(allowed: bool, code: str = "role") -> AuthResult:
    return {"success": True} if allowed else {"success": False, "msg": words.not_allowed(code)}


def _parts(context: Any, data_dict: dict[str, Any]) -> set[str]:
    return routing.roles(engine.caller(context), store.get(data_dict.get("id") or ""))


def _by_role(action: str) -> Auth:
    """Whoever has one of the roles of an action in this request, also sysadmins: they have no
    part in a request of their own, and sign nothing they proposed."""

    @tk.auth_sysadmins_check
    def check(context: Any, data_dict: dict[str, Any]) -> AuthResult:
        parts = _parts(context, data_dict)
        wanted = workflow.roles_for(action) - {"system"}
        if {"applicant", "colleague"} & parts and "applicant" not in wanted:
            return _answer(False, "own")
        return _answer(bool(parts & wanted))

    check.__name__ = PREFIX + action
    check.__doc__ = f"Who has a role of `{action}` in the request (`requests/workflow.py`)."
    return check


def hljshare_request_create(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Signed in."""
    return {"success": engine.caller(context) is not None}


@tk.auth_sysadmins_check
def hljshare_request_show(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Who applies, works for the unit that applies, handles or supervises."""
    return _answer(bool(_parts(context, data_dict)))


def hljshare_request_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Signed in: own requests, and those of one's agencies."""
    return {"success": engine.caller(context) is not None}


def hljshare_request_assign(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Signed in; each request is looked at by the action."""
    return {"success": engine.caller(context) is not None}


@tk.auth_allow_anonymous_access
def hljshare_request_register(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def hljshare_request_rates(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody."""
    return {"success": True}


def get_auth_functions() -> dict[str, Auth]:
    """All of them by name."""
    actions = {step.action for step in workflow.TABLE} - {"lapse", "assign"}
    return {
        **{PREFIX + action: _by_role(action) for action in sorted(actions)},
        "hljshare_request_create": hljshare_request_create,
        "hljshare_request_show": hljshare_request_show,
        "hljshare_request_list": hljshare_request_list,
        "hljshare_request_assign": hljshare_request_assign,
        "hljshare_request_register": hljshare_request_register,
        "hljshare_request_rates": hljshare_request_rates,
    }
