"""The tree of organizations, from a flat list. Pure.

A node is a dict with ``name`` and ``parent`` (the parent's name or None); whatever else it holds is
kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class OrganizationCycleError(ValueError):
    """An organization would stand below itself."""


def paths(parents: Mapping[str, str | None]) -> dict[str, list[str]]:
    """For each name the names from the top down to itself. A parent that is not in the list counts
    as none.

    :raises OrganizationCycleError: the parents go round in a circle
    """
    found: dict[str, list[str]] = {}
    for start in parents:
        trail: list[str] = []
        name: str | None = start
        while name is not None and name not in found:
            if name in trail:
                raise OrganizationCycleError(name)
            trail.append(name)
            parent = parents.get(name)
            name = parent if parent in parents else None
        above = found[name] if name is not None else []
        for step in reversed(trail):
            above = [*above, step]
            found[step] = above
    return found


def path(parents: Mapping[str, str | None], name: str) -> list[str]:
    """The names from the top down to this one.

    :raises OrganizationCycleError: see :func:`paths`
    """
    return paths(parents)[name]


def would_cycle(parents: Mapping[str, str | None], name: str, new_parent: str | None) -> bool:
    """Whether hanging ``name`` under ``new_parent`` would put it below itself."""
    seen: set[str] = set()
    above = new_parent
    while above is not None and above not in seen:
        if above == name:
            return True
        seen.add(above)
        above = parents.get(above)
    return False


def roll_up(parents: Mapping[str, str | None], counts: Mapping[str, int]) -> dict[str, int]:
    """Counts that include descendants, for each name of the tree.

    :raises OrganizationCycleError: see :func:`paths`
    """
    totals = dict.fromkeys(parents, 0)
    for name, above in paths(parents).items():
        own = counts.get(name, 0)
        if own:
            for step in above:
                totals[step] += own
    return totals


def build(
    nodes: Iterable[Mapping[str, Any]], counts: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """The tops of the tree with their ``children``, in the order of the list.

    Each node gets ``count`` (its own datasets), ``total`` (with descendants) and ``depth`` (0 at
    the top).

    :raises OrganizationCycleError: see :func:`paths`
    """
    counts = counts or {}
    listed = [dict(node) for node in nodes]
    parents = {node["name"]: node.get("parent") for node in listed}
    above, totals = paths(parents), roll_up(parents, counts)
    by_name: dict[str, dict[str, Any]] = {node["name"]: node for node in listed}
    tops: list[dict[str, Any]] = []
    for node in listed:
        name, parent = node["name"], node.get("parent")
        node.update(count=counts.get(name, 0), total=totals[name], depth=len(above[name]) - 1)
        node.setdefault("children", [])
        if parent in by_name:
            by_name[parent].setdefault("children", []).append(node)
        else:
            tops.append(node)
    return tops


def walk(tops: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Every node of a built tree, parents before children."""
    for node in tops:
        yield node
        yield from walk(node["children"])


def subtree(tops: Iterable[Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    """The node of that name with what hangs below it."""
    return next((node for node in walk(tops) if node["name"] == name), None)


def holding(tops: Iterable[Mapping[str, Any]], words: str) -> list[dict[str, Any]]:
    """The branches that lead to nodes with ``words`` in title, short title or name; what is below
    such a node stays.
    """
    wanted = words.casefold()
    found = []
    for node in tops:
        names = (node["title"], node.get("short_title") or "", node["name"])
        if any(wanted in name.casefold() for name in names):
            found.append(dict(node))
        elif below := holding(node["children"], words):
            found.append({**node, "children": below})
    return found


def descendants(parents: Mapping[str, str | None], name: str) -> list[str]:
    """The names below ``name``, itself not included."""
    return [other for other, above in paths(parents).items() if name in above[:-1]]
