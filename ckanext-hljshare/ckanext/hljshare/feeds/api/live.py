"""What this site has, for examples that can be tried: asked as an anonymous visitor, each time."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.access import levels

LOOKED_AT = 50


def values() -> dict[str, str]:
    """A public agency, an open dataset and file, an open file with rows (`table`): ids or names.

    Of `dataset` and `resource` those with rows come first. Missing is what the site does not have.
    """
    context: Any = {"user": "", "auth_user_obj": None}
    asked = {"fq": "hljshare_open_type:open", "rows": LOOKED_AT, "sort": "metadata_created asc"}
    found: dict[str, str] = {}
    for dataset in tk.get_action("package_search")(context, asked)["results"]:
        for resource in dataset.get("resources") or []:
            if levels.of_resource(dataset, resource) != "open":
                continue
            rows = bool(resource.get("datastore_active"))
            if rows or "dataset" not in found:
                found.update(dataset=dataset["name"], resource=resource["id"])
                found["organization"] = (dataset.get("organization") or {}).get("name", "")
            if rows:
                return {**found, "table": resource["id"]}
    return found
