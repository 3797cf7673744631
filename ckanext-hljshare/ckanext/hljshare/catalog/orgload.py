"""Writing many organizations at once: one transaction, no action per organization."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import ckan.model as model
from sqlalchemy import select

from ckanext.hljshare.catalog import orgdata, orgtree

Progress = Callable[[int, int], None]


def load(
    organizations: Sequence[dict[str, Any]], progress: Progress | None = None
) -> dict[str, int]:
    """Create the organizations that are not there yet, each below its parent.

    What exists is left as it is; only one that never had a parent is hung below the one of the
    list. Counts ``created``, ``attached`` and ``existing``. Commits once, at the end; on an error
    nothing is written.

    :raises ValueError: a parent is neither in the list nor in the database
    :raises orgtree.OrganizationCycleError: the list's parents go round in a circle
    """
    orgtree.paths({item["name"]: item.get("parent") for item in organizations})
    try:
        counts = _write(organizations, progress)
        model.Session.commit()
    except BaseException:
        model.Session.rollback()
        raise
    return counts


def _write(organizations: Sequence[dict[str, Any]], progress: Progress | None) -> dict[str, int]:
    query = select(model.Group).where(model.Group.is_organization)
    groups: dict[str, model.Group] = {group.name: group for group in model.Session.scalars(query)}
    placed = set(
        model.Session.scalars(
            select(model.Member.group_id).where(model.Member.table_name == "group")
        )
    )
    created = attached = 0
    for done, item in enumerate(organizations, start=1):
        group = groups.get(item["name"])
        known = group is not None
        if group is None:
            created += 1
            group = groups[item["name"]] = _new(item)
            model.Session.add(group)
        parent = item.get("parent")
        if parent and parent not in groups:
            raise ValueError(f"{item['name']}: no organization named {parent}")
        if parent and group.id not in placed and group.state == "active":
            attached += known
            # CKAN's own form of the tree: the child holds its parent as a member
            # (ckan.model.group, HIERARCHY_*_CTE). Member() clears group_id unless it gets the
            # group.
            model.Session.add(
                model.Member(
                    group=group,
                    group_id=group.id,
                    table_id=groups[parent].id,
                    table_name="group",
                    capacity="public",
                    state="active",
                )
            )
        if progress:
            progress(done, len(organizations))
    existing = len(organizations) - created
    return {"created": created, "attached": attached, "existing": existing}


def _new(item: dict[str, Any]) -> model.Group:
    group = model.Group(
        name=item["name"],
        title=item["title"],
        description=item.get("description", ""),
        type="organization",
        is_organization=True,
        approval_status="approved",
    )
    group.id = str(uuid.uuid4())
    group.state = "active"
    group.extras = {key: item[key] for key in orgdata.EXTRAS if item.get(key)}
    return group
