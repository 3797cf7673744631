"""The tree of organizations as it stands in the database."""

from __future__ import annotations

import time
from typing import Any

import ckan.model as model
from sqlalchemy import and_, event, func, select
from sqlalchemy.orm import Session, aliased

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


SECONDS = 10  # how long another web process may still show the tree as it was
_CHANGED = "hljshare_organizations_changed"
_kept: dict[str, Any] = {}


def kept() -> list[dict[str, Any]]:
    """:func:`flat` for pages, remembered in this process for a few seconds.

    A change made here is seen at once, an organization made or deleted elsewhere too; a move or a
    new title elsewhere after :data:`SECONDS`. Nobody may change what is returned. What decides
    (who stands below whom) asks :func:`flat`.
    """
    if model.Session.info.get(_CHANGED):
        return flat()  # of this transaction: nothing to remember for others
    mark = model.Session.execute(
        select(func.count(), func.max(model.Group.created)).where(
            model.Group.is_organization, model.Group.state == "active"
        )
    ).one()
    now = time.monotonic()
    if not _kept or _kept["mark"] != mark or now - _kept["since"] > SECONDS:
        _kept.update(mark=mark, since=now, nodes=flat())
    nodes: list[dict[str, Any]] = _kept["nodes"]
    return nodes


def _touched(_mapper: Any, _connection: Any, target: Any) -> None:
    if isinstance(target, model.Group) or target.table_name == "group":
        model.Session.info[_CHANGED] = True


def _ended(session: Session) -> None:
    if session.info.pop(_CHANGED, None):
        _kept.clear()


for _name in ("after_insert", "after_update", "after_delete"):
    event.listen(model.Group, _name, _touched)
    event.listen(model.Member, _name, _touched)
event.listen(Session, "after_commit", _ended)
event.listen(Session, "after_rollback", _ended)


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
