"""Actions of the access room, and CKAN's own where they show more than the policy allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.datastore.backend import DatastoreBackend

from ckanext.hljshare.access import storage, subject, usage, vault
from ckanext.hljshare.access.grants import action as grants
from ckanext.hljshare.access.grants import rules, store
from ckanext.hljshare.access.logic import schema
from ckanext.hljshare.access.policy import Decision

Action = Callable[[Any, dict[str, Any]], Any]


@tk.side_effect_free
@tk.validate_action_data(schema.access_check)
def hljshare_access_check(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Say whether the caller may read a resource, why, and how to get it if not.

    :param resource_id: the resource (string)
    :returns: ``allowed`` (bool), ``reason`` and ``how`` (codes of `access/policy.py`), ``grant``
        (the id of the grant that opens it, or is over; else null)
    :raises NotFound: there is no such resource, or the caller may not know of it
    """
    tk.check_access("hljshare_access_check", context, data_dict)
    decision = subject.check(context.get("user"), data_dict["resource_id"], "read")
    return {
        "allowed": decision.allowed,
        "reason": decision.reason,
        "how": decision.how,
        "grant": decision.grant.id if decision.grant else None,
    }


@tk.side_effect_free
@tk.validate_action_data(schema.locator_show)
def hljshare_locator_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the protected address of a resource, to those who may edit it.

    :param id: the resource (string)
    :returns: ``id`` and ``url`` (the real address, or null where the vault has none)
    """
    tk.check_access("hljshare_locator_show", context, data_dict)
    found = vault.address(data_dict["id"])
    if found and context.get("user") and not context.get("ignore_auth"):
        usage.note(context["user"], data_dict["id"], "address")
    return {"id": data_dict["id"], "url": found}


def _public_tags(names: list[str]) -> set[str]:
    """Return those of the names that stand on a public dataset."""
    query = (
        model.Session.query(model.Tag.name)
        .join(model.PackageTag, model.PackageTag.tag_id == model.Tag.id)
        .join(model.Package, model.Package.id == model.PackageTag.package_id)
        .filter(
            model.Tag.name.in_(names),
            model.PackageTag.state == "active",
            model.Package.state == "active",
            model.Package.private.is_(False),
        )
    )
    return {name for (name,) in query.distinct()}


def _only_public(tags: list[Any]) -> list[Any]:
    """Leave out tags, by name or as dictionaries, that only hidden datasets have."""
    names = [tag["name"] if isinstance(tag, dict) else tag for tag in tags]
    public = _public_tags(names)
    return [tag for tag, name in zip(tags, names, strict=True) if name in public]


@tk.chained_action
@tk.side_effect_free
def tag_show(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's tag_show lists datasets past the permission labels; here it never lists them, and
    knows no tag that only hidden datasets have."""
    tag = original(context, {**data_dict, "include_datasets": False})
    if not _only_public([tag]):
        raise tk.ObjectNotFound(tk._("Tag not found"))
    return tag


@tk.chained_action
@tk.side_effect_free
def tag_list(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's tag_list without the tags that only hidden datasets have."""
    return _only_public(original(context, data_dict))


@tk.chained_action
@tk.side_effect_free
def tag_search(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's tag_search without the tags that only hidden datasets have."""
    found = original(context, data_dict)
    shown = _only_public(found["results"])
    # The count must not tell of what is left out.
    left_out = len(found["results"]) - len(shown)
    return {**found, "results": shown, "count": found["count"] - left_out}


@tk.chained_action
@tk.side_effect_free
def tag_autocomplete(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's tag_autocomplete without the tags that only hidden datasets have."""
    return _only_public(original(context, data_dict))


def _granted_part(context: Any, resource_id: str) -> tuple[str, Decision | None]:
    """Return a table's resource, for an alias too, and the policy's answer to the caller."""
    try:
        return resource_id, subject.check(context.get("user"), resource_id, "query")
    except tk.ObjectNotFound:
        backend = DatastoreBackend.get_active_backend()
        _exists, real_id = backend.resource_id_from_alias(resource_id)
        if not real_id or real_id == resource_id:
            return resource_id, None  # the original action says what is wrong
        return real_id, _granted_part(context, real_id)[1]


def _one_name(data_dict: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Name the table once: CKAN lets `id` win over `resource_id`, checks and limits must too."""
    named = data_dict.get("id") or data_dict.get("resource_id")
    rest = {name: value for name, value in data_dict.items() if name not in ("id", "resource_id")}
    return ({**rest, "resource_id": named} if named else rest), named


def _parsed(value: Any) -> Any:
    """Return an argument that may be JSON text as what it means."""
    if isinstance(value, str) and value.strip().startswith(("{", "[")):
        with suppress(ValueError):
            return json.loads(value)
    return value


@tk.chained_action
@tk.side_effect_free
def datastore_search(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's datastore_search within the limits of the caller's grant; what is read of content
    that is not open to everybody is written down."""
    data_dict, named = _one_name(data_dict)
    if context.get("ignore_auth") or not isinstance(named, str):
        return original(context, data_dict)
    resource_id, decision = _granted_part(context, named)
    if decision and decision.allowed and decision.grant and decision.grant.limited:
        asked = {**data_dict, "resource_id": resource_id}
        for name in ("filters", "q", "fields", "sort"):
            if name in asked:
                asked[name] = _parsed(asked[name])
        try:
            data_dict = rules.narrow(decision.grant, asked)
        except rules.OutsideScopeError as error:
            raise tk.NotAuthorized(
                tk._("Your grant does not cover {name}").format(name=error.name)
            ) from error
    result = original(context, data_dict)
    if decision and decision.allowed and decision.reason != "open":
        usage.note(
            context["user"],
            resource_id,
            "query",
            reason=decision.reason,
            grant_id=decision.grant.id if decision.grant else None,
            detail=str(data_dict.get("offset") or 0),
        )
    return result


@tk.chained_action
@tk.side_effect_free
def datastore_info(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's datastore_info, of the columns that the caller's grant lets out."""
    data_dict, named = _one_name(data_dict)
    info = original(context, data_dict)
    if context.get("ignore_auth") or not isinstance(named, str):
        return info
    _resource_id, decision = _granted_part(context, named)
    if not (decision and decision.grant and decision.grant.limited):
        return info
    fields = info.get("fields") or []
    if decision.grant.columns is not None:
        fields = [field for field in fields if field["id"] in decision.grant.columns]
    return {"fields": fields}  # the rest counts rows and names what was not granted


@tk.chained_action
def dataset_purge(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Purging erases addresses, files and tables too, and ends all grants; CKAN calls no plugin
    here."""
    package = model.Package.get(data_dict.get("id"))
    ids = [resource.id for resource in package.resources_all] if package else []
    result = original(context, data_dict)
    vault.forget(ids)
    if package:
        store.forget_dataset(package.id)
    storage.put_erase(ids)
    model.repo.commit()
    return result


@tk.chained_action
@tk.side_effect_free
def dataset_followee_list(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN dumps followed datasets raw from the database; here each is shown as the caller may."""
    shown = []
    for dataset in original(context, data_dict):
        try:
            shown.append(
                tk.get_action("package_show")({"user": context.get("user")}, {"id": dataset["id"]})
            )
        except (tk.NotAuthorized, tk.ObjectNotFound):
            continue
    return shown


@tk.chained_action
@tk.side_effect_free
def followee_list(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """The same for the mixed list of what a person follows."""
    return _trimmed(original(context, data_dict))


def _trimmed(followees: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep of followed datasets what their public page's heading says."""
    for followee in followees:
        if followee["type"] == "dataset":
            followee["dict"] = {key: followee["dict"].get(key) for key in ("id", "name", "title")}
    return followees


@tk.chained_action
@tk.side_effect_free
def harvest_source_list(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """ckanext-harvest lists every source, configuration included, without asking; here it asks."""
    tk.check_access("harvest_source_list", context, data_dict)
    return original(context, data_dict)


# ckanext-harvest offers every function of its modules as an action, also those that only its own
# code may call. Over the API they take other arguments than they know, and fail.
NOT_ACTIONS = (
    "InactiveSource",
    "get_mail_extra_vars",
    "harvest_get_notifications_recipients",
    "prepare_error_mail",
    "prepare_summary_mail",
    "send_error_email",
    "send_mail",
    "send_summary_email",
)


@tk.chained_action
def _refused(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """Refuse what is no action."""
    raise tk.NotAuthorized(tk._("This is not offered by the API"))


def get_actions() -> dict[str, Any]:
    """Return the room's actions by name."""
    own = (
        hljshare_access_check,
        hljshare_locator_show,
        datastore_search,
        datastore_info,
        tag_show,
        tag_list,
        tag_search,
        tag_autocomplete,
        dataset_purge,
        dataset_followee_list,
        followee_list,
        harvest_source_list,
    )
    return {
        **{action.__name__: action for action in own},
        **{name: getattr(grants, name) for name in grants.__all__},
        **dict.fromkeys(NOT_ACTIONS, _refused),
    }
