"""The 13 cities of the province with the organizations that belong to each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz

from ckanext.hljshare.catalog import codelists, language, orgtree

from .overview import Place


def places() -> tuple[list[Place], Place | None]:
    """Each city of GB/T 2260, whether or not it has an organization here, in the order of its code;
    and what is the province's own (None without an organization). Counted as for a visitor."""
    tree = tk.get_action("hljshare_organization_tree")({"user": "", "auth_user_obj": None}, {})
    by_region: dict[str, Any] = {}
    for node in orgtree.walk(tree):
        if node["level"] == "city":
            by_region.setdefault(node["region_code"], node)
    found = [
        _place(item["code"], item.get("short") or "", by_region.get(item["code"]))
        for item in codelists.items("region")
        if item.get("level") == "city"
    ]
    top = next((node for node in tree if node["level"] == "province"), None)
    if top is None:
        return found, None
    elsewhere = frozenset().union(*(place.below for place in found))
    own = _place(top["region_code"], top["short_title"], top)
    total = own.total - sum(place.total for place in found)
    return found, replace(own, title=top["title"], below=own.below - elsewhere, total=total)


def _place(code: str, short: str, node: Mapping[str, Any] | None) -> Place:
    return Place(
        code=code,
        title=codelists.label("region", code, language.language()),
        short=short,
        organization=node["name"] if node else None,
        below=frozenset(item["id"] for item in orgtree.walk([node])) if node else frozenset(),
        total=node["total"] if node else 0,
    )


def administered(user_name: str | None) -> set[str] | None:
    """The organizations somebody administers, those below included; None for all of them."""
    if not user_name:
        return set()
    if authz.is_sysadmin(user_name):
        return None
    found = tk.get_action("organization_list_for_user")(
        {"user": user_name}, {"permission": "admin"}
    )
    return {organization["id"] for organization in found}
