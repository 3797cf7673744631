"""The tree of organizations as it stands in the database."""

from __future__ import annotations

from typing import Any

import ckan.model as model
from sqlalchemy import and_, select
from sqlalchemy.orm import aliased

from ckanext.hljshare.catalog import codelists, orgtree


def flat() -> list[dict[str, Any]]:
    """Every active organization with the name of its parent; one query. In the order of level,
    region and title.
    """
    parent, member = aliased(model.Group), aliased(model.Member)
    query = (
        select(
            model.Group.id,
            model.Group.name,
            model.Group.title,
            model.Group.extras,
            parent.name.label("parent"),
        )
        .outerjoin(
            member,
            and_(
                member.group_id == model.Group.id,
                member.table_name == "group",
                member.state == "active",
            ),
        )
        .outerjoin(
            parent,
            and_(parent.id == member.table_id, parent.is_organization, parent.state == "active"),
        )
        .where(model.Group.is_organization, model.Group.state == "active")
    )
    found: dict[str, dict[str, Any]] = {}
    for row in model.Session.execute(query):
        extras = row.extras or {}
        node = {
            "id": row.id,
            "name": row.name,
            "title": row.title or row.name,
            "short_title": extras.get("short_title", ""),
            "level": extras.get("level", ""),
            "region_code": extras.get("region_code", ""),
            "parent": row.parent,
        }
        if row.name not in found or row.parent:
            found[row.name] = node
    return sorted(found.values(), key=_order)


def _order(node: dict[str, Any]) -> tuple[int, str, str]:
    level = codelists.item("org_level", node["level"])
    return (level["rank"] if level else 9, node["region_code"] or "999999", node["title"])


def parents() -> dict[str, str | None]:
    """The parent's name of each active organization."""
    return {node["name"]: node["parent"] for node in flat()}


def path(name_or_id: str) -> list[dict[str, str]]:
    """``id name title short_title region_code`` of an organization and those above it, the top
    first.
    """
    group = model.Group.get(name_or_id)
    if group is None:
        return []
    above = group.get_parent_group_hierarchy(type="organization")
    return [
        {
            "id": item.id,
            "name": item.name,
            "title": item.title or item.name,
            "short_title": (item.extras or {}).get("short_title", ""),
            "region_code": (item.extras or {}).get("region_code", ""),
        }
        for item in [*above, group]
    ]


def dataset_ids(name: str) -> list[str]:
    """Ids of the datasets of an organization and of those below it."""
    tree = parents()
    names = [name, *orgtree.descendants(tree, name)] if name in tree else [name]
    query = (
        select(model.Package.id)
        .join(model.Group, model.Group.id == model.Package.owner_org)
        .where(model.Group.name.in_(names), model.Package.state == "active")
        .order_by(model.Package.id)
    )
    return list(model.Session.scalars(query))
