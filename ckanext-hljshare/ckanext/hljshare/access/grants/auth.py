"""Who may give, see and end grants, and read the log."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model

from ckanext.hljshare.access.grants.model import GrantRow

AuthResult = dict[str, Any]

__all__ = [
    "hljshare_access_log_list",
    "hljshare_access_state_purpose",
    "hljshare_download_ticket",
    "hljshare_grant_create",
    "hljshare_grant_list",
    "hljshare_grant_revoke",
    "hljshare_grant_show",
]


def _administers(context: Any, owner_org: str | None, permission: str = "admin") -> bool:
    """Tell whether the caller has a role in an agency, or administers what stands above it."""
    return bool(
        owner_org
        and context.get("user")
        and authz.has_user_permission_for_group_or_org(owner_org, context["user"], permission)
    )


def _answer(allowed: bool) -> AuthResult:
    if allowed:
        return {"success": True}
    return {"success": False, "msg": tk._("For the agency that owns the data only")}


def _owner(dataset: str | None) -> str | None:
    package = model.Package.get(dataset) if dataset else None
    return package.owner_org if package else None


def hljshare_grant_create(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of the owning agency, and of the city or province above it."""
    return _answer(_administers(context, _owner(data_dict.get("dataset"))))


def hljshare_grant_revoke(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """As for giving one."""
    row = model.Session.get(GrantRow, data_dict.get("id") or "")
    return _answer(row is not None and _administers(context, _owner(row.dataset_id)))


def hljshare_grant_show(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Its holder, and the editors of the agency that owns the data."""
    row = model.Session.get(GrantRow, data_dict.get("id") or "")
    user = model.User.get(context.get("user") or "")
    if row is None or user is None:
        return _answer(False)
    return _answer(
        row.user_id == user.id or _administers(context, _owner(row.dataset_id), "update_dataset")
    )


def hljshare_grant_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Signed in: own grants; those of a dataset or an agency to its editors."""
    dataset, organization = data_dict.get("dataset"), data_dict.get("organization")
    if dataset:
        return _answer(_administers(context, _owner(dataset), "update_dataset"))
    if organization:
        group = model.Group.get(organization)
        return _answer(group is not None and _administers(context, group.id, "update_dataset"))
    return {"success": bool(context.get("user"))}


def hljshare_access_log_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """The editors of the agency that owns the data; of a grant, its holder too."""
    if data_dict.get("grant") and not data_dict.get("dataset"):
        return hljshare_grant_show(context, {"id": data_dict["grant"]})
    if data_dict.get("dataset"):
        return _answer(_administers(context, _owner(data_dict["dataset"]), "update_dataset"))
    group = model.Group.get(data_dict.get("organization") or "")
    return _answer(group is not None and _administers(context, group.id, "update_dataset"))


@tk.auth_sysadmins_check
def hljshare_access_state_purpose(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Signed in; the action asks the policy whether a purpose opens anything to this person."""
    return {"success": bool(context.get("user"))}


def hljshare_download_ticket(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Signed in; the action asks the policy."""
    return {"success": bool(context.get("user"))}
