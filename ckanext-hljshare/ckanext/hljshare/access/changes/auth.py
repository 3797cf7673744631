"""Who may propose, decide and read changes of levels."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model

from ckanext.hljshare.access.changes import people
from ckanext.hljshare.access.changes.model import LevelChange

AuthResult = dict[str, Any]

__all__ = [
    "hljshare_level_change_decide",
    "hljshare_level_change_list",
    "hljshare_level_change_propose",
    "hljshare_level_change_withdraw",
    "hljshare_level_history",
]


def _answer(allowed: bool, message: str) -> AuthResult:
    return {"success": True} if allowed else {"success": False, "msg": message}


def _change(data_dict: dict[str, Any]) -> tuple[LevelChange | None, str | None]:
    change = model.Session.get(LevelChange, data_dict.get("id") or "")
    package = model.Package.get(change.dataset_id) if change else None
    return change, package.owner_org if package else None


def hljshare_level_change_propose(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Whoever may edit the dataset."""
    return {"success": bool(tk.check_access("package_update", context, {"id": data_dict["id"]}))}


def hljshare_level_change_decide(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """A second person: an administrator of the owning agency, or of the city or province above it;
    never who proposed it."""
    change, owner = _change(data_dict)
    user = model.User.get(context.get("user") or "")
    return _answer(
        change is not None and people.may_decide(user, change, owner),
        tk._("Another administrator of the agency, or of the city or province above it, decides"),
    )


def hljshare_level_change_withdraw(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Who proposed it."""
    change, _owner = _change(data_dict)
    user = model.User.get(context.get("user") or "")
    return _answer(
        change is not None and user is not None and user.id == change.proposer,
        tk._("Only who proposed the change withdraws it"),
    )


def hljshare_level_change_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Of a dataset: who may edit it. What waits for oneself: administrators of some agency."""
    if data_dict.get("dataset"):
        answer = tk.check_access("package_update", context, {"id": data_dict["dataset"]})
        return {"success": bool(answer)}
    user = context.get("user")
    return _answer(
        bool(user) and bool(authz.has_user_permission_for_some_org(user, "admin")),
        tk._("For administrators of an agency"),
    )


@tk.auth_allow_anonymous_access
def hljshare_level_history(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody who may see the dataset."""
    return {"success": bool(tk.check_access("package_show", context, {"id": data_dict["id"]}))}
