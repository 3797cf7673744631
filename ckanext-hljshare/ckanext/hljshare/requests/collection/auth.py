"""Who may do what with collection tasks; the state is looked at by the actions."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.requests.collection import people, rules, store

__all__ = [
    "hljshare_collection_accept",
    "hljshare_collection_acknowledge",
    "hljshare_collection_create",
    "hljshare_collection_list",
    "hljshare_collection_return",
    "hljshare_collection_show",
    "hljshare_collection_submit",
    "hljshare_collection_withdraw",
]

AuthResult = dict[str, Any]


def _answer(allowed: bool, message: str) -> AuthResult:
    return {"success": True} if allowed else {"success": False, "msg": message}


def _user(context: Any) -> model.User | None:
    return model.User.get(context.get("user") or "")


def _roles(context: Any, data_dict: dict[str, Any]) -> set[str]:
    task = store.assignment(data_dict.get("id") or "")
    row = store.get(task.collection_id)
    return people.roles(_user(context), row.asker_id, task.agency_id)


def _by_table(action: str, context: Any, data_dict: dict[str, Any], message: str) -> AuthResult:
    allowed = {role for row in rules.TABLE if row.action == action for role in row.roles}
    return _answer(bool(allowed & _roles(context, data_dict)), message)


@tk.auth_sysadmins_check
def hljshare_collection_acknowledge(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Editors and administrators of the agency; nobody from above."""
    text = tk._("Only the agency's own staff acknowledges a task")
    return _by_table("acknowledge", context, data_dict, text)


@tk.auth_sysadmins_check
def hljshare_collection_submit(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Editors and administrators of the agency; nobody from above."""
    text = tk._("Only the agency's own staff hands in its data")
    return _by_table("submit", context, data_dict, text)


def hljshare_collection_return(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of who asks."""
    text = tk._("Only who asks for the data returns or accepts it")
    return _by_table("return", context, data_dict, text)


def hljshare_collection_accept(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of who asks."""
    text = tk._("Only who asks for the data returns or accepts it")
    return _by_table("accept", context, data_dict, text)


def hljshare_collection_withdraw(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of who asks."""
    row = store.get(data_dict.get("id") or "")
    text = tk._("Only who asks for the data withdraws the task")
    return _answer(people.is_superior(_user(context), row.asker_id), text)


def hljshare_collection_create(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of a city or the province."""
    user = _user(context)
    text = tk._("For administrators of a city or the province")
    return _answer(user is not None and bool(people.askers(user)), text)


def hljshare_collection_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Editors and administrators of some agency: each sees what concerns his own."""
    user = _user(context)
    allowed = user is not None and (user.sysadmin or bool(people.agencies_of(user)))
    return _answer(allowed, tk._("For the staff of agencies"))


def hljshare_collection_show(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Who asks, the agencies asked, and administrators above these: each his own part."""
    row = store.get(data_dict.get("id") or data_dict.get("number") or "")
    user = _user(context)
    agencies = [task.agency_id for task in store.assignments(row.id)]
    allowed = people.is_superior(user, row.asker_id) or any(
        people.parts(user, row.asker_id, agencies).values()
    )
    return _answer(allowed, tk._("There is no such task"))
