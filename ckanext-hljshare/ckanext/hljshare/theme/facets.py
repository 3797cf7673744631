"""The order and the tree of a facet's values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ckanext.hljshare.catalog import codelists, search

# The index field of a facet and the code list that names its values.
LISTS = {name: list_id for name, list_id in search.FACETS.items() if list_id}
# The tree of places. Its index field holds the path from the province down, so every dataset has
# the province's code; what the province itself holds is asked by the other field.
TREE, OWN_FIELD, PROVINCE = "hljshare_region", "hljshare_city", "230000"
# Lists with an order of their own; other values stand by their counts.
ORDERED = frozenset({"open_type", "share_type", "update_cycle"})


@dataclass
class Value:
    """One value to choose: `children` are the values below it in a tree; `open` where one of them
    is chosen."""

    name: str
    label: str
    count: int
    active: bool = False
    href: str = ""
    children: list[Value] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.active or any(child.open for child in self.children)


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
    """Counties under their city where both are there. First what belongs to no city: the
    province's own count is that of everything, less those of the cities."""
    by_name = {value.name: value for value in values}
    province = by_name.pop(PROVINCE, None)
    tops: list[Value] = []
    for value in by_name.values():
        found = codelists.item("region", value.name)
        above = by_name.get((found or {}).get("parent", ""))
        (above.children if above is not None else tops).append(value)
    if province is not None:
        province.count -= sum(value.count for value in tops)
        if province.count > 0 or province.active:
            tops.insert(0, province)
    return tops


def replace_place(args: list[tuple[str, str]], code: str, active: bool) -> list[tuple[str, str]]:
    """The parameters of a request with another place, or none: a dataset stands in one place, so
    choosing one gives up the other."""
    rest = [pair for pair in args if pair[0] not in (TREE, OWN_FIELD, "page")]
    if active:
        return rest
    return [*rest, (OWN_FIELD if code == PROVINCE else TREE, code)]
