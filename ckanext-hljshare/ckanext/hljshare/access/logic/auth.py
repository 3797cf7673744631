"""Authorization: CKAN's own checks, then the access policy, for every way to content.

What CKAN 2.12 and ckanext-harvest leave open is closed here (research: resource search by prefix,
raw harvest objects, task status, job lists).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access import subject
from ckanext.hljshare.access.grants import auth as grants
from ckanext.hljshare.access.policy import Purpose

AuthResult = dict[str, Any]
NextAuth = Callable[[Any, Any], AuthResult]


def _ask(
    next_auth: NextAuth, context: Any, data_dict: dict[str, Any], purpose: Purpose
) -> AuthResult:
    """Let CKAN decide first, then the policy, about the resource that `data_dict` names.

    The system administrator is asked too: CKAN lets him pass, the policy wants a purpose.
    """
    result = next_auth(context, data_dict)
    if not result["success"]:
        return result
    resource_id = data_dict.get("resource_id") or data_dict.get("id")
    if data_dict.get("id") and data_dict["id"] != resource_id:
        return {"success": False, "msg": tk._("Resource was not found.")}
    try:
        decision = subject.check(context.get("user"), str(resource_id), purpose)
    except tk.ObjectNotFound:
        return {"success": False, "msg": tk._("Resource was not found.")}
    if decision.allowed:
        return {"success": True}
    return {"success": False, "msg": tk._("The access level of this data does not allow it")}


@tk.chained_auth_function
@tk.auth_sysadmins_check
@tk.auth_allow_anonymous_access
def datastore_search(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Rows are read only where the policy allows to query the resource."""
    return _ask(next_auth, context, data_dict, "query")


@tk.chained_auth_function
@tk.auth_sysadmins_check
@tk.auth_allow_anonymous_access
def datastore_info(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Column names, types and counts follow the rows."""
    return _ask(next_auth, context, data_dict, "query")


@tk.chained_auth_function
@tk.auth_sysadmins_check
@tk.auth_allow_anonymous_access
def datastore_search_sql(
    next_auth: NextAuth, context: Any, data_dict: dict[str, Any]
) -> AuthResult:
    """SQL reads past the policy: it stays shut even if someone switches it on."""
    return {"success": False, "msg": tk._("SQL queries are not offered by this portal")}


@tk.chained_auth_function
@tk.auth_sysadmins_check
@tk.auth_allow_anonymous_access
def resource_view_list(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Previews of content follow the policy."""
    return _ask(next_auth, context, data_dict, "preview")


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def resource_search(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """For system administrators: it reads every column of every resource, past all labels."""
    return {"success": False, "msg": tk._("Use package_search to find data")}


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def task_status_show(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """For system administrators: a failed task's message may hold an address."""
    return {"success": False, "msg": tk._("For system administrators only")}


def _source_editor(context: Any, source_id: str | None) -> AuthResult:
    try:
        tk.check_access("harvest_source_update", dict(context), {"id": source_id})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return {"success": False, "msg": tk._("For those who manage the harvest source only")}
    return {"success": True}


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def harvest_object_show(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """A raw harvested record is shown to those who manage its source, not to everybody."""
    from ckanext.harvest.model import HarvestObject

    if not context.get("user"):
        return {"success": False, "msg": tk._("For those who manage the harvest source only")}
    harvest_object = None
    if data_dict.get("id"):
        harvest_object = HarvestObject.get(data_dict["id"])
    elif data_dict.get("dataset_id"):
        harvest_object = HarvestObject.get(data_dict["dataset_id"], attr="package_id")
    if harvest_object is None:
        return {"success": False, "msg": tk._("Harvest object not found")}
    return _source_editor(context, harvest_object.harvest_source_id)


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def harvest_source_show(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """A source and its configuration are shown to those who manage it."""
    if not context.get("user"):
        return {"success": False, "msg": tk._("For those who manage the harvest source only")}
    return _source_editor(context, data_dict.get("id"))


@tk.chained_auth_function
def harvest_source_list(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """The list of all sources with their configuration is for system administrators."""
    return {"success": False, "msg": tk._("For system administrators only")}


@tk.chained_auth_function
@tk.auth_sysadmins_check
def member_create(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Nobody, not even a system administrator, makes himself a member of an agency: membership
    reads what a stated purpose would be needed for."""
    if not isinstance(data_dict.get("object"), str):
        return {"success": False, "msg": tk._("There is no such user")}
    named = model.User.get(data_dict["object"])
    if data_dict.get("object_type") == "user" and named and named.name == context.get("user"):
        return {"success": False, "msg": tk._("Another administrator gives you this role")}
    return next_auth(context, data_dict)


@tk.auth_sysadmins_check
def hljshare_locator_show(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """The protected address is seen by the owning agency's editors. Administrators above may
    replace it as editors do, and see it once they have stated a purpose."""
    tk.check_access("resource_update", dict(context), {"id": data_dict["id"]})
    decision = subject.check(context.get("user"), data_dict["id"], "read")
    if decision.reason in ("owner", "administrator", "open"):
        return {"success": True}
    return {"success": False, "msg": tk._("State a purpose first: the address is the agency's own")}


@tk.auth_sysadmins_check
@tk.auth_allow_anonymous_access
def hljshare_access_check(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody may ask what they may have, of what they may see."""
    tk.check_access("resource_show", dict(context), {"id": data_dict["resource_id"]})
    return {"success": True}


_OWN = (
    datastore_search,
    datastore_info,
    datastore_search_sql,
    resource_view_list,
    resource_search,
    task_status_show,
    harvest_object_show,
    harvest_source_show,
    harvest_source_list,
    member_create,
    hljshare_locator_show,
    hljshare_access_check,
)


def get_auth_functions() -> dict[str, Any]:
    """Return the room's functions by name."""
    granting = {name: getattr(grants, name) for name in grants.__all__}
    return {**{function.__name__: function for function in _OWN}, **granting}
