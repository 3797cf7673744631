"""CKAN's own actions and authorization where they tell more about people and hidden datasets than
they should: closed here, each with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model

from ckanext.hljshare.access import subject

Action = Callable[[Any, dict[str, Any]], Any]
AuthResult = dict[str, Any]
NextAuth = Callable[[Any, Any], AuthResult]


# People: an applicant's name is nobody's business but the agencies'.


def _for_staff(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """CKAN's answer, and then only to those who edit for an agency: they name people as members."""
    result = next_auth(context, data_dict)
    if not result["success"]:
        return result
    if authz.has_user_permission_for_some_org(context.get("user"), "create_dataset"):
        return {"success": True}
    return {"success": False, "msg": tk._("Accounts are shown to agencies' editors only")}


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def user_list(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """CKAN lists every account to every registered person; here to agencies' editors."""
    return _for_staff(next_auth, context, data_dict)


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def user_autocomplete(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """As `user_list`, which CKAN asks under this name too."""
    return _for_staff(next_auth, context, data_dict)


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def user_show(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody sees the own account; other people's are for agencies' editors."""
    wanted = data_dict.get("id")
    asking = model.User.get(context.get("user") or "")
    if asking is not None and wanted in (None, "", asking.id, asking.name):
        return next_auth(context, data_dict)
    return _for_staff(next_auth, context, data_dict)


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def member_list(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Members of an agency, and ids of its datasets, are for its own people and those above it.

    CKAN calls them visible to all, hidden datasets included.
    """
    result = next_auth(context, data_dict)
    if not result["success"]:
        return result
    # A group that does not exist is the action's to report.
    known = model.Group.get(data_dict.get("id"))
    if known is None or authz.has_user_permission_for_group_or_org(
        known.id, context.get("user"), "read"
    ):
        return result
    return {"success": False, "msg": tk._("Members are shown within the agency only")}


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def organization_list_for_user(
    next_auth: NextAuth, context: Any, data_dict: dict[str, Any]
) -> AuthResult:
    """Everybody may ask for the own agencies; whoever may see an account, for that account's."""
    result = next_auth(context, data_dict)
    if not result["success"] or not data_dict.get("id"):
        return result
    return authz.is_authorized("user_show", context, {"id": data_dict["id"]})


# Views that an older portal has left in the database: their titles follow the content.


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def resource_view_show(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """A single preview follows the policy, as the list of them does."""
    result = next_auth(context, data_dict)
    if not result["success"]:
        return result
    view = model.ResourceView.get(data_dict.get("id"))
    try:
        allowed = subject.check(context.get("user"), view.resource_id, "preview").allowed
    except tk.ObjectNotFound:
        allowed = False
    if allowed:
        return {"success": True}
    return {"success": False, "msg": tk._("The access level of this data does not allow it")}


# Harvesting: ids and descriptions that its own rules show to everybody.


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def harvest_object_list(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Ids of raw records are for system administrators; nothing in the portal lists them."""
    return {"success": False, "msg": tk._("For system administrators only")}


@tk.chained_auth_function
@tk.auth_allow_anonymous_access
def harvest_job_list(next_auth: NextAuth, context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Jobs of all sources are for system administrators; ckanext-harvest fails where none is
    named."""
    if not data_dict.get("source_id"):
        return {"success": False, "msg": tk._("For system administrators only")}
    return next_auth(context, data_dict)


@tk.chained_action
@tk.side_effect_free
def harvest_source_show(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """ckanext-harvest shows any dataset under this name, and asks nothing; here it asks."""
    shown = original(context, data_dict)
    if shown.get("type") != "harvest":
        raise tk.ObjectNotFound(tk._("Harvest source not found"))
    tk.check_access("harvest_source_show", context, {"id": shown["id"]})
    return shown


# Lists that CKAN reads from the database, past private datasets and permission labels.


@tk.chained_action
@tk.side_effect_free
def format_autocomplete(original: Action, context: Any, data_dict: dict[str, Any]) -> list[str]:
    """CKAN offers the formats of every file, hidden ones included; here those of public ones."""
    offered = original(context, data_dict)
    if not offered:
        return []
    public = (
        model.Session.query(model.Resource.format)
        .join(model.Package, model.Package.id == model.Resource.package_id)
        .filter(
            model.Package.state == "active",
            model.Package.private.is_(False),
            model.Resource.state == "active",
            model.Resource.format.ilike(f"%{data_dict['q']}%"),
        )
        .distinct()
    )
    shown = {fmt.lower() for (fmt,) in public}
    return [fmt for fmt in offered if fmt in shown]


@tk.chained_action
@tk.side_effect_free
def package_list(original: Action, context: Any, data_dict: dict[str, Any]) -> list[str]:
    """CKAN's list of names without the harvest sources, which their managers alone may see."""
    names = original(context, data_dict)
    column = model.Package.id if context.get("api_version") == 2 else model.Package.name
    sources = {name for (name,) in model.Session.query(column).filter_by(type="harvest")}
    return [name for name in names if name not in sources]


_ACTIONS = (format_autocomplete, harvest_source_show, package_list)
_AUTH = (
    harvest_job_list,
    harvest_object_list,
    member_list,
    organization_list_for_user,
    resource_view_show,
    user_autocomplete,
    user_list,
    user_show,
)


def get_actions() -> dict[str, Action]:
    """Return the chained actions by name."""
    return {action.__name__: action for action in _ACTIONS}


def get_auth_functions() -> dict[str, Callable[..., AuthResult]]:
    """Return the chained authorization functions by name."""
    return {auth.__name__: auth for auth in _AUTH}


# Files of CKAN's own file table (`/file/…`, `file_show`, `file_owner_scan`).


def file_allows(context: Any, file: Any, operation: str) -> bool | None:
    """Answer `IFiles.files_file_allows`: nobody reads a file because its dataset may be seen.

    CKAN lets whoever may see a dataset read its files. What a room gives out of this table, it
    gives through its own gate; the person who owns a file has been let in before this is asked.
    """
    return False


def owner_allows(context: Any, owner_type: str, owner_id: str, operation: str) -> bool | None:
    """Answer `IFiles.files_owner_allows`: people list their own files; no dataset's are listed."""
    return None if owner_type == "user" else False
