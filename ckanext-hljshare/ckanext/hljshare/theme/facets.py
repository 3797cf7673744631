"""The order and the tree of a facet's values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ckanext.hljshare.catalog import codelists, search

# The index field of a facet and the code list that names its values.
LISTS = {name: list_id for name, list_id in search.FACETS.items() if list_id} | {
    "hljshare_region": "region"
}
# Lists with an order of their own; other values stand by their counts.
ORDERED = frozenset({"open_type", "share_type", "update_cycle"})


@dataclass
class Value:
    """One value to choose: `children` are the values below it in a tree."""

    name: str
    label: str
    count: int
    active: bool = False
    href: str = ""
    children: list[Value] = field(default_factory=list)


def label(facet: str, item: dict[str, Any], language: str) -> str:
    """What people read for a value."""
    list_id = LISTS.get(facet)
    if list_id:
        return codelists.label(list_id, item["name"], language)
    return str(item.get("display_name") or item["name"])


def arrange(
    facet: str,
    items: Iterable[dict[str, Any]],
    chosen: Iterable[str],
    language: str,
    href: Callable[[str, bool], str] = lambda name, active: "",
) -> list[Value]:
    """The values in their order, those below a region under it."""
    active = set(chosen)
    values = [
        Value(
            item["name"],
            label(facet, item, language),
            item["count"],
            item["name"] in active,
            href(item["name"], item["name"] in active),
        )
        for item in items
    ]
    list_id = LISTS.get(facet)
    if list_id is not None and list_id in ORDERED:
        order = {code: place for place, code in enumerate(codelists.codes(list_id))}
        return sorted(values, key=lambda value: order.get(value.name, len(order)))
    values.sort(key=lambda value: (-value.count, value.name))
    return _tree(values) if list_id == "region" else values


def _tree(values: list[Value]) -> list[Value]:
    """Counties under their city where both are there; the province stands first."""
    by_name = {value.name: value for value in values}
    tops = []
    for value in values:
        found = codelists.item("region", value.name)
        above = by_name.get((found or {}).get("parent", ""))
        # The province is a value beside the cities, not the root of everything.
        if above is not None and above.name != "230000":
            above.children.append(value)
        else:
            tops.append(value)
    return sorted(tops, key=lambda value: value.name != "230000")
