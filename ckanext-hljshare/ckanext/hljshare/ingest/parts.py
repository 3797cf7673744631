"""The parts of a dataset in the database, as CKAN's own saving leaves them, from what is loaded."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from ckan import model


def utc() -> datetime.datetime:
    """CKAN's columns have no zone and mean UTC."""
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def free_names(names: list[str]) -> None:
    """As CKAN does: a deleted dataset gives its name to a new one."""
    package = model.Package
    if names:
        model.Session.execute(
            sa.update(package)
            .where(package.name.in_(names), package.state == model.State.DELETED)
            .values(name=package.id)
            .execution_options(synchronize_session=False)
        )


def stored_tags(names: Collection[str]) -> dict[str, model.Tag]:
    found = model.Session.scalars(
        sa.select(model.Tag).where(model.Tag.name.in_(names), model.Tag.vocabulary_id.is_(None))
    )
    return {tag.name: tag for tag in found}


def save_resources(package: model.Package, proposed: list[dict[str, Any]] | None) -> bool:
    """As CKAN's package_resource_list_save, on resources that are loaded."""
    if proposed is None:
        return False
    standing = {item.id: item for item in package.resources_all}
    old = [item for item in package.resources_all if item.state != "deleted"]
    gone = [item for item in package.resources_all if item.state == "deleted"]
    result, changed = [], False
    for values in proposed:
        values.setdefault("package_id", package.id)
        if values.get("url") and values.get("url_type") == "upload":
            values["url"] = values["url"].rsplit("/")[-1]
        for ignored in ("extras", "revision_timestamp", "tracking_summary"):
            values.pop(ignored, None)
        item = standing.get(values.get("id") or "")
        new = item is None
        if item is None:
            item = model.Resource()
        differs, extras = item.from_dict(values)
        if "url" in differs or ("last_modified" in differs and not new):
            item.url_changed = True
        if differs or item.extras != extras:
            item.metadata_modified = utc()
            changed = True
        item.state, item.extras = "active", extras
        result.append(item)
    if result == old:
        return changed
    for item in gone:
        if item not in result:
            model.Session.delete(item)
    left = [item for item in old if item not in result]
    for item in left:
        item.state = "deleted"
    package.resources_all[:] = [*result, *left]
    return True


def save_tags(
    package: model.Package, proposed: list[dict[str, Any]], tags: Mapping[str, model.Tag]
) -> bool:
    """As CKAN's package_tag_list_save, on tags that are loaded."""
    standing = {each.tag: each for each in package.package_tags}
    wanted = {tags[tag["name"]] for tag in proposed}
    changed = False
    for tag, each in standing.items():
        state = "active" if tag in wanted else "deleted"
        changed |= each.state != state
        each.state = state
    for tag in sorted(wanted - set(standing), key=lambda found: found.name):
        model.Session.add(model.PackageTag(package, tag, "active"))
        changed = True
    return changed


def tag_new(datasets: Iterable[Mapping[str, Any]], tags: Mapping[str, model.Tag]) -> None:
    """Give datasets that were just made their tags, in one statement."""
    rows = [
        {
            "id": model.types.make_uuid(),
            "package_id": dataset["id"],
            "tag_id": tags[name].id,
            "state": "active",
        }
        for dataset in datasets
        for name in dict.fromkeys(tag["name"] for tag in dataset.get("tags") or [])
    ]
    if rows:
        model.Session.execute(sa.insert(model.package_tag_table), rows)
