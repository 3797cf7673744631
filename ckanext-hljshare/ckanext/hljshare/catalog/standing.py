"""Datasets as they stand in the database, many at once, as package_show gives them.

The same dictionaries that CKAN makes one by one, from a handful of queries for all of them. The
bulk write compares with them and makes search documents of them, the feeds describe them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ckan.plugins as p
import sqlalchemy as sa
from ckan import model
from ckan.lib.dictization import model_dictize, table_dictize
from sqlalchemy import orm

from ckanext.hljshare.catalog import shown

DATASET = "dataset"
_TAG = ("id", "name", "vocabulary_id", "state")
Shown = dict[str, Any]


@dataclass
class Standing:
    """A dataset with everything a document of it needs: beside CKAN's object, the columns of it and
    of its resources, and its tags, as rows."""

    package: model.Package
    row: Any = None
    resources: list[Any] = field(default_factory=list)
    tags: list[Any] = field(default_factory=list)
    shown: Shown = field(default_factory=dict)
    groups: list[dict[str, Any]] = field(default_factory=list)
    as_subject: list[dict[str, Any]] = field(default_factory=list)
    as_object: list[dict[str, Any]] = field(default_factory=list)


class Standings(dict[str, Standing]):
    """By id, the datasets that were loaded.

    :param context: as for an action
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        super().__init__()
        self._context = context
        self._organizations: dict[str, dict[str, Any] | None] = {}
        self._fast: bool | None = None

    def load(self, dataset_ids: Iterable[str], lock: bool = False) -> dict[str, Standing]:
        """Read the datasets of these ids (deleted ones too); those that there are.

        :param lock: hold their rows, in the order of their ids, until the transaction ends
        """
        query = _whole(sorted(set(dataset_ids)))
        if lock:
            query = query.with_for_update(of=model.Package)
        found = {package.id: Standing(package) for package in model.Session.scalars(query)}
        self.update(found)
        if found:
            self.load_rows(list(found))
            # One that has been deleted for good in between is not there.
            found = {key: each for key, each in found.items() if each.row is not None}
            self._load_beside(found)
        for standing in found.values():
            standing.shown = self.in_both_schemas(standing)[1]
        return found

    def load_rows(self, dataset_ids: Collection[str]) -> None:
        """What is stored, as PostgreSQL gives it back: it has the last word on types."""
        package, resource = model.package_table, model.resource_table
        tag, tagged = model.tag_table, model.package_tag_table
        for row in model.Session.execute(
            sa.select(package).where(package.c["id"].in_(dataset_ids))
        ):
            standing = self[row.id]
            standing.row, standing.resources, standing.tags = row, [], []
        for row in model.Session.execute(
            sa.select(resource).where(
                resource.c["package_id"].in_(dataset_ids), resource.c["state"] == "active"
            )
        ):
            self[row.package_id].resources.append(row)
        for package_id, *row in model.Session.execute(
            sa.select(tagged.c["package_id"], tag, tagged.c["state"])
            .join(tagged, tag.c["id"] == tagged.c["tag_id"])
            .where(tagged.c["package_id"].in_(dataset_ids), tagged.c["state"] == "active")
        ):
            self[package_id].tags.append(row)

    def _load_beside(self, found: dict[str, Standing]) -> None:
        member, group, relation = model.Member, model.Group, model.PackageRelationship
        rows = model.Session.execute(
            sa.select(model.group_table, member.table_id)
            .join(member, group.id == member.group_id)
            .where(
                member.table_id.in_(found),
                member.state == "active",
                group.is_organization.is_(False),
            )
        )
        for row in rows:
            context = {**self._context, "with_capacity": False}
            shown_group = model_dictize.group_list_dictize(
                [model.Session.get(group, row.id)], context, with_package_counts=False
            )
            found[row.table_id].groups += shown_group
        for each in model.Session.scalars(
            sa.select(relation).where(
                sa.or_(
                    relation.subject_package_id.in_(found), relation.object_package_id.in_(found)
                )
            )
        ):
            plain = table_dictize(each, self._context)
            if each.subject_package_id in found:
                found[each.subject_package_id].as_subject.append(plain)
            if each.object_package_id in found:
                found[each.object_package_id].as_object.append(plain)

    def in_both_schemas(self, standing: Standing) -> tuple[Shown, Shown]:
        """By CKAN's default show schema, and by the dataset type's own."""
        dictized = self._dictize(standing)
        for item in p.PluginImplementations(p.IPackageController):
            item.read(standing.package)
        for shower in p.PluginImplementations(p.IResourceController):
            for resource in dictized["resources"]:
                shower.before_resource_show(resource)
        if self._fast is None:
            self._fast = shown.agrees(self._context, standing.package, dictized)
        if not self._fast:
            return shown.in_ckans_way(self._context, standing.package, dictized)
        return shown.with_default_schema(dictized), shown.with_custom_schema(dictized)

    def _dictize(self, standing: Standing) -> dict[str, Any]:
        """As CKAN's package_dictize, from what is loaded."""
        package = standing.package
        result = table_dictize(standing.row, self._context)
        result.pop("plugin_data", None)
        if result.get("title"):
            result["title"] = result["title"].strip()
        result["resources"] = model_dictize.resource_list_dictize(standing.resources, self._context)
        result["num_resources"] = len(result["resources"])
        result["tags"] = sorted(
            (
                {**dict(zip(_TAG, row, strict=True)), "display_name": row[1]}
                for row in standing.tags
            ),
            key=lambda tag: tag["name"],
        )
        result["num_tags"] = len(result["tags"])
        result["extras"] = [
            {"key": key, "value": value} for key, value in (result["extras"] or {}).items()
        ]
        result["groups"] = [dict(group) for group in standing.groups]
        result["organization"] = self._organization(standing.row.owner_org)
        result["relationships_as_subject"] = list(standing.as_subject)
        result["relationships_as_object"] = list(standing.as_object)
        result["isopen"] = package.isopen()
        result["type"] = standing.row.type or DATASET
        licence = package.license
        if licence and licence.url:
            result["license_url"] = licence.url
            result["license_title"] = licence.title.split("::")[-1]
        else:
            result["license_title"] = licence.title if licence else standing.row.license_id
        return result

    def _organization(self, owner: str | None) -> dict[str, Any] | None:
        if str(owner) not in self._organizations:
            row = model.Session.execute(
                sa.select(model.group_table).where(
                    model.group_table.c["id"] == owner, model.group_table.c["state"] == "active"
                )
            ).first()
            dictized = table_dictize(row, self._context) if row else None
            if dictized:
                del dictized["extras"]
            self._organizations[str(owner)] = dictized
        found = self._organizations[str(owner)]
        return dict(found) if found else None


def _whole(dataset_ids: Collection[str]) -> Any:
    """Datasets with all their parts, as the database has them, in the order of their ids."""
    return (
        sa.select(model.Package)
        .where(model.Package.id.in_(dataset_ids))
        .order_by(model.Package.id)
        .options(
            orm.selectinload(model.Package.resources_all),
            orm.selectinload(model.Package.package_tags).selectinload(model.PackageTag.tag),
        )
        .execution_options(populate_existing=True)
    )
