"""CKAN's own writing actions where they would hand somebody content or a role past the policy.

Each was tried and worked: reading rows by writing, becoming a member by an organization's list of
users, acting by another person's token, moving data to an agency of one's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access import levels, subject
from ckanext.hljshare.access.grants import store

Action = Callable[[Any, dict[str, Any]], Any]


def _may_query(context: Any, resource_id: object) -> bool:
    if context.get("ignore_auth"):
        return True
    try:
        return subject.check(context.get("user"), str(resource_id), "query").allowed
    except tk.ObjectNotFound:
        return False


def _without_rows(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Leave out the wish to be answered with rows, for those who may not read them."""
    if "include_records" not in data_dict or _may_query(context, data_dict.get("resource_id")):
        return data_dict
    return {name: value for name, value in data_dict.items() if name != "include_records"}


@tk.chained_action
def datastore_upsert(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Administrators above an agency may write its tables; the answer shows them no rows."""
    return original(context, _without_rows(context, data_dict))


@tk.chained_action
def datastore_create(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """As `datastore_upsert`; and no alias has the shape of a file's id: it would answer for that
    file."""
    aliases = data_dict.get("aliases") or []
    names = aliases.split(",") if isinstance(aliases, str) else aliases
    for name in names if isinstance(names, list) else []:
        try:
            uuid.UUID(str(name).strip())
        except ValueError:
            continue
        raise tk.ValidationError({"aliases": [tk._("An alias cannot look like the id of a file")]})
    return original(context, _without_rows(context, data_dict))


def _organization_id(named: object) -> str | None:
    group = model.Group.get(named) if isinstance(named, str) and named else None
    return group.id if group else None


def _holds_back(package: Any) -> bool:
    """Tell whether a dataset has anything that is not open to everybody."""
    open_type = (package.extras or {}).get("open_type")
    return bool(
        package.private
        or package.state != "active"
        or levels.known(open_type) != "open"
        or any(
            levels.effective(
                open_type,
                (file.extras or {}).get("open_type"),
                (file.extras or {}).get("derivative"),
            )
            != "open"
            for file in package.resources
        )
    )


def _check_move(context: Any, package: Any, target: str | None) -> None:
    """Nobody moves what is not open to an agency of one's own from one that it is not: its members
    would read it. Somebody who belongs to neither, or to both, moves it."""
    if context.get("ignore_auth") or not target or target == package.owner_org:
        return
    user = model.User.get(context.get("user") or "")
    mine = store.units(user.id) if user else {}
    if target in mine and package.owner_org not in mine and _holds_back(package):
        raise tk.ValidationError(
            {
                "owner_org": [
                    tk._(
                        "Data that is not open is not moved to one's own agency: "
                        "ask an administrator who belongs to neither"
                    )
                ]
            }
        )


@tk.chained_action
def package_update(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Every change of a dataset passes here (patch, revise, its files too): see `_check_move`."""
    package = model.Package.get(data_dict.get("id") or data_dict.get("name"))
    if package is not None:
        _check_move(context, package, _organization_id(data_dict.get("owner_org")))
    return original(context, data_dict)


@tk.chained_action
def package_owner_org_update(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """See `_check_move`."""
    package = model.Package.get(data_dict.get("id"))
    if package is not None:
        _check_move(context, package, _organization_id(data_dict.get("organization_id")))
    return original(context, data_dict)


@tk.chained_action
def organization_update(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """The list of users changes nobody's own role: that is `member_create`'s, and others'."""
    listed = data_dict.get("users")
    user = model.User.get(context.get("user") or "")
    if user is not None and isinstance(listed, list) and not context.get("ignore_auth"):
        given = {
            entry.get("capacity") or "public"
            for entry in listed
            if isinstance(entry, dict)
            and {entry.get("name"), entry.get("id")} & {user.name, user.id}
        }
        present = store.units(user.id).get(_organization_id(data_dict.get("id")) or "")
        if given - {present}:
            raise tk.NotAuthorized(tk._("Another administrator gives you this role"))
    return original(context, data_dict)


@tk.chained_action
def api_token_create(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A token is made by the person that it speaks for."""
    if not context.get("ignore_auth"):
        named = model.User.get(str(data_dict.get("user") or ""))
        if named is None or named.name != context.get("user"):
            raise tk.NotAuthorized(tk._("Everybody makes tokens for oneself only"))
    return original(context, data_dict)


@tk.chained_action
def user_update(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A password is set by its owner: whoever sets another's could act as that person."""
    if data_dict.get("password") and not context.get("ignore_auth") and context.get("user"):
        named = model.User.get(str(data_dict.get("id") or ""))
        reset = context.get("reset_password")
        if named is not None and named.name != context["user"] and not reset:
            raise tk.NotAuthorized(
                tk._("A password is set by its owner; send a link to reset it instead")
            )
    return original(context, data_dict)


def get_actions() -> dict[str, Action]:
    """Return the guards by the names of CKAN's actions."""
    own = (
        datastore_upsert,
        datastore_create,
        package_update,
        package_owner_org_update,
        organization_update,
        api_token_create,
        user_update,
    )
    return {action.__name__: action for action in own}
