"""Who may call the catalog's actions."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan import authz
from ckan.types import AuthResult, Context

__all__ = [
    "hljshare_codelist_list",
    "hljshare_codelist_show",
    "hljshare_dataset_warnings",
    "hljshare_organization_move",
    "hljshare_organization_tree",
    "hljshare_resource_code_allocate",
]


@tk.auth_allow_anonymous_access
def hljshare_codelist_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Code lists are public."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def hljshare_codelist_show(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Code lists are public."""
    return {"success": True}


@tk.auth_allow_anonymous_access
def hljshare_organization_tree(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """The tree is public; the counts are of what the caller may see."""
    return {"success": True}


def hljshare_dataset_warnings(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Those who edit the dataset."""
    return authz.is_authorized("package_update", context, {"id": data_dict["id"]})


def hljshare_resource_code_allocate(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Those who edit the dataset."""
    return authz.is_authorized("package_update", context, {"id": data_dict["id"]})


def hljshare_organization_move(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of both the organization's present parent and the new one.

    Not the organization's own administrators: hanging an agency elsewhere changes who governs it.
    To the top, or from it, only system administrators move (they pass before this function is
    asked).
    """
    user = context.get("user")
    group = model.Group.get(data_dict["id"])
    new_parent = model.Group.get(data_dict.get("parent") or "")
    present = group.get_parent_groups(type="organization") if group else []
    if not user or not present or new_parent is None:
        return {"success": False, "msg": tk._("You may not move this organization")}
    for parent in [*present, new_parent]:
        if not authz.has_user_permission_for_group_or_org(parent.id, user, "admin"):
            return {
                "success": False,
                "msg": tk._("You do not administer %(org)s") % {"org": parent.title},
            }
    return {"success": True}
