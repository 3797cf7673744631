"""Actions of the access room, and CKAN's own where they show more than the policy allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.access import subject, vault
from ckanext.hljshare.access.logic import schema

Action = Callable[[Any, dict[str, Any]], Any]


@tk.side_effect_free
@tk.validate_action_data(schema.access_check)
def hljshare_access_check(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Say whether the caller may read a resource, why, and how to get it if not.

    :param resource_id: the resource (string)
    :returns: ``allowed`` (bool), ``reason`` and ``how`` (codes of `access/policy.py`)
    :raises NotFound: there is no such resource, or the caller may not know of it
    """
    tk.check_access("hljshare_access_check", context, data_dict)
    decision = subject.check(context.get("user"), data_dict["resource_id"], "read")
    return {"allowed": decision.allowed, "reason": decision.reason, "how": decision.how}


@tk.side_effect_free
@tk.validate_action_data(schema.locator_show)
def hljshare_locator_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Return the protected address of a resource, to those who may edit it.

    :param id: the resource (string)
    :returns: ``id`` and ``url`` (the real address, or null where the vault has none)
    """
    tk.check_access("hljshare_locator_show", context, data_dict)
    return {"id": data_dict["id"], "url": vault.address(data_dict["id"])}


@tk.chained_action
@tk.side_effect_free
def tag_show(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN's tag_show lists datasets past the permission labels; here it never lists them."""
    return original(context, {**data_dict, "include_datasets": False})


@tk.chained_action
@tk.side_effect_free
def dataset_followee_list(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """CKAN dumps followed datasets raw from the database; here each is shown as the caller may."""
    shown = []
    for dataset in original(context, data_dict):
        try:
            shown.append(
                tk.get_action("package_show")(
                    {"user": context.get("user")}, {"id": dataset["id"]}
                )
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
            followee["dict"] = {
                key: followee["dict"].get(key) for key in ("id", "name", "title")
            }
    return followees


@tk.chained_action
@tk.side_effect_free
def harvest_source_list(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """ckanext-harvest lists every source, configuration included, without asking; here it asks."""
    tk.check_access("harvest_source_list", context, data_dict)
    return original(context, data_dict)
