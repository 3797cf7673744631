"""Template helpers of the access room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import ckan.plugins.toolkit as tk
from ckan.common import current_user

from ckanext.hljshare.access import levels, subject, vault
from ckanext.hljshare.access.changes import record
from ckanext.hljshare.access.grants import store
from ckanext.hljshare.access.policy import Decision, Purpose


def hljshare_access(
    pkg: Mapping[str, Any], resource: Mapping[str, Any], purpose: Purpose = "read"
) -> Decision:
    """Return the policy's decision for the person who looks at the page."""
    return subject.decide_for(current_user.name, pkg, resource, purpose)


def hljshare_files(pkg: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a dataset's files with the `level` that counts, the `decision` for the person who
    looks, and whether each is the agency's `sample`: open, while the dataset is not (6.1 b).
    Samples come first."""
    restricted = levels.known(pkg.get("open_type")) != "open"
    found = []
    for resource in pkg.get("resources") or []:
        level = levels.of_resource(pkg, resource)
        found.append(
            {
                "resource": resource,
                "level": level,
                "decision": hljshare_access(pkg, resource),
                "sample": restricted and level == "open",
            }
        )
    return sorted(found, key=lambda file: not file["sample"])


def hljshare_whole(pkg: Mapping[str, Any], files: list[dict[str, Any]]) -> Decision:
    """Return the decision that speaks for a dataset: that on its first file that is not a sample,
    or, without one, that on any file it could have."""
    for file in files:
        if not file["sample"]:
            return cast(Decision, file["decision"])
    return hljshare_access(pkg, {"id": ""})


def hljshare_from_agency() -> bool:
    """Whether the person who looks belongs to an agency of the organization tree."""
    return current_user.is_authenticated and bool(store.units(current_user.id))


def hljshare_level(pkg: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    """Return the opening level that counts for a resource."""
    return levels.of_resource(pkg, resource)


def hljshare_locator(resource: Mapping[str, Any]) -> str:
    """Return the protected address for the edit form, or nothing for who may not edit."""
    if not resource.get("id"):
        return ""
    try:
        tk.check_access("hljshare_locator_show", {}, {"id": resource["id"]})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return ""
    return vault.address(str(resource["id"])) or ""


def hljshare_level_bound(dataset_id: str | None) -> bool:
    """Tell whether a dataset's levels are changed on their own page only: it has been public."""
    return bool(dataset_id) and record.has_been_public(str(dataset_id))
