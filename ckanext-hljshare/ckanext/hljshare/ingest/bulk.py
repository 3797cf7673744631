"""Many datasets in one transaction, each as package_create or package_update would have left it.

The same validation, the same hooks, the same rows and the same search documents; what costs is
asked once for the batch: look-ups, SQL, the search engine. A plugin that can treat a batch at once
offers ``after_datasets_write(context, written)``; all others are called for each dataset, as CKAN
does. tests/integration/ingest/test_bulk.py compares both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ckan.plugins as p
import sqlalchemy as sa
from ckan import logic, model
from ckan.lib import plugins as lib_plugins
from ckan.lib import uploader
from ckan.lib.datapreview import get_default_view_plugins

from ckanext.hljshare.access import vault
from ckanext.hljshare.catalog import known
from ckanext.hljshare.catalog.standing import DATASET, Shown, Standing, Standings

from . import indexing, parts


@dataclass
class Valid:
    """A proposal that has passed validation, and the dataset it replaces, if one stands."""

    data: dict[str, Any]
    standing: Standing | None
    changed: bool = True


class Batch:
    """Writes of one transaction. Nothing here commits; a rollback makes a batch worthless.

    :param context: as for an action; ``ignore_auth`` and the user whose datasets they are
    """

    def __init__(self, context: Mapping[str, Any]) -> None:
        self.context: dict[str, Any] = {
            **context,
            "model": model,
            "session": model.Session,
            "return_id_only": True,
            "defer_commit": True,
        }
        self._standing = Standings(self.context)

    # -------------------------------------------------------------- reading

    def load(self, dataset_ids: Iterable[str], lock: bool = True) -> dict[str, Shown]:
        """The datasets of these ids that stand (deleted ones too), as package_show shows them.

        They are locked in the order of their ids until the transaction ends.
        """
        found = self._standing.load(dataset_ids, lock)
        return {dataset_id: _copy(standing.shown) for dataset_id, standing in found.items()}

    # -------------------------------------------------------------- validation

    def look_up(self, proposals: Collection[dict[str, Any]], as_new: bool = False) -> None:
        """Ask once what validation of these proposals is going to ask.

        :param as_new: for a trial: as if none of them stood yet
        """
        resources = [
            item["id"] for each in proposals for item in each["resources"] if item.get("id")
        ]
        lookups = known.look_up(
            [each["id"] for each in proposals],
            [each["name"] for each in proposals],
            resources,
            {each["owner_org"] for each in proposals},
        )
        lookups.unvaulted = vault.unvaulted(resources)
        if as_new:
            lookups.datasets = dict.fromkeys(lookups.datasets)
            lookups.names = dict.fromkeys(lookups.names)
            lookups.resources = dict.fromkeys(lookups.resources)
        self.context[known.KNOWN] = lookups

    def validate(self, proposal: dict[str, Any]) -> tuple[Valid, dict[str, Any]]:
        """A proposal by the dataset's own schema: what is to be stored, and the errors by field.

        The proposal itself stays as it is. Nothing is written.
        """
        standing = self._standing.get(proposal["id"])
        plugin = lib_plugins.lookup_package_plugin(DATASET)
        context = dict(self.context)
        given = _copy(proposal)
        if standing is None:
            schema, action = plugin.create_package_schema(), "package_create"
        else:
            context["package"] = standing.package
            schema, action = plugin.update_package_schema(), "package_update"
            _guess_types(given["resources"], standing.shown["resources"])
        data, errors = lib_plugins.plugin_validate(plugin, context, given, schema, action)
        if not proposal["resources"]:
            data[
                "resources"
            ] = []  # validation loses an empty list; absent would mean "as they are"
        return Valid(data, standing), errors

    # -------------------------------------------------------------- writing

    def save(self, valid: Collection[Valid]) -> None:
        """Store validated datasets and call the hooks. Flushes; raises what the database raises."""
        author = model.User.by_name(self.context["user"])
        parts.free_names([each.data["name"] for each in valid if each.standing is None])
        tags = self._tags(each.data for each in valid)
        for each in valid:
            self._save(each, tags, author.id if author else None)
        model.Session.flush()
        parts.tag_new((each.data for each in valid if each.data["created"]), tags)
        written = [each for each in valid if each.changed]
        self._of_owners(written)
        self._call_hooks(written)
        model.Session.flush()

    def _save(self, valid: Valid, tags: Mapping[str, model.Tag], author: str | None) -> None:
        data, standing = valid.data, valid.standing
        data.pop("metadata_created", None)
        data.pop("plugin_data", None)
        for other in ("groups", "relationships_as_subject", "relationships_as_object"):
            data.pop(other, None)  # no source has a say in these
        if standing is None:
            data["creator_user_id"] = author
        extras = {extra["key"]: extra["value"] for extra in data.get("extras", [])}
        package = standing.package if standing else model.Package(resources_all=[])
        changed, _skipped = package.from_dict({**data, "extras": extras})
        model.Session.add(package)
        changed = bool(changed)
        changed |= parts.save_resources(package, data.get("resources"))
        if standing is not None:
            changed |= parts.save_tags(package, data.get("tags") or [], tags)
        valid.changed = changed or standing is None
        now = parts.utc()
        if standing is None:
            package.metadata_created = now
            valid.standing = Standing(package)
            self._standing[package.id] = valid.standing
        if valid.changed and not data.get("metadata_modified"):
            package.metadata_modified = now
        data["id"] = package.id
        data["created"] = standing is None

    def _tags(self, proposals: Iterable[dict[str, Any]]) -> dict[str, model.Tag]:
        """The tags of a batch by name; new ones are made by one writer at a time."""
        names = {tag["name"] for data in proposals for tag in data.get("tags") or []}
        found = parts.stored_tags(names)
        if names - set(found):
            model.Session.execute(
                sa.text("SELECT pg_advisory_xact_lock(hashtext('hljshare:tags'))")
            )
            found = parts.stored_tags(names)
            for name in sorted(names - set(found)):
                found[name] = model.Tag(name=name)
                model.Session.add(found[name])
            model.Session.flush()
        return found

    def _of_owners(self, written: Collection[Valid]) -> None:
        """The memberships that package_owner_org_update keeps."""
        owners = {
            each.data["id"]: each.standing.package.owner_org for each in written if each.standing
        }
        member = model.Member
        rows = model.Session.execute(
            sa.select(member.id, member.table_id, member.group_id).where(
                member.table_id.in_(
                    [each.data["id"] for each in written if not each.data["created"]]
                ),
                member.capacity == "organization",
            )
        ).all()
        left = [row.id for row in rows if row.group_id != owners[row.table_id]]
        kept = {row.table_id for row in rows if row.group_id == owners[row.table_id]}
        if left:
            model.Session.execute(
                sa.update(member).where(member.id.in_(left)).values(state="deleted")
            )
        new = [
            {
                "id": model.types.make_uuid(),
                "table_id": dataset_id,
                "table_name": "package",
                "group_id": owner,
                "capacity": "organization",
                "state": "active",
            }
            for dataset_id, owner in owners.items()
            if dataset_id not in kept
        ]
        if new:
            model.Session.execute(sa.insert(model.member_table), new)

    def _call_hooks(self, written: list[Valid]) -> None:
        for item in p.PluginImplementations(p.IPackageController):
            at_once: Callable[..., None] | None = getattr(item, "after_datasets_write", None)
            for each in written:
                assert each.standing
                package = each.standing.package
                (item.create if each.data["created"] else item.edit)(package)
                if at_once is None and each.data["created"]:
                    item.after_dataset_create(self.context, each.data)
                elif at_once is None:
                    item.after_dataset_update(self.context, each.data)
            if at_once is not None and written:
                at_once(self.context, [each.data for each in written])
        if get_default_view_plugins():
            for each in written:
                if each.data["created"] and each.data.get("resources"):
                    logic.get_action("package_create_default_resource_views")(
                        logic.fresh_context(self.context, ignore_auth=True), {"package": each.data}
                    )

    # -------------------------------------------------------------- showing and indexing

    def documents(self, valid: Collection[Valid]) -> list[dict[str, Any]]:
        """The search documents of written datasets, as CKAN's own index makes them."""
        ids = [each.data["id"] for each in valid]
        self._standing.load_rows(ids)
        return self.documents_of(ids)

    def documents_of(self, dataset_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The search documents of datasets that were loaded or written."""
        documents: list[dict[str, Any]] = []
        wanted = list(dataset_ids)
        index = indexing.collecting(documents, indexing.harvest_objects(wanted))
        for dataset_id in wanted:
            standing = self._standing[dataset_id]
            default, custom = self._standing.in_both_schemas(standing)
            logic.apply_after_dataset_show_plugins(
                {**self.context, "use_cache": False, "validate": False}, custom
            )
            index({**default, "with_custom_schema": custom})
        return documents


def _guess_types(resources: list[dict[str, Any]], standing: list[dict[str, Any]]) -> None:
    """As package_update does for resources that change: the media type by the address's ending."""
    unchanged = {item["id"]: item for item in standing}
    for item in resources:
        if "mimetype" not in item and item != unchanged.get(item.get("id")):
            upload = uploader.get_resource_uploader(item)
            if hasattr(upload, "mimetype"):
                item["mimetype"] = upload.mimetype


def _copy(proposal: Mapping[str, Any]) -> dict[str, Any]:
    """Validation changes what it is given; a second attempt needs the first one's words."""
    return {
        name: [dict(item) if isinstance(item, dict) else item for item in value]
        if isinstance(value, list)
        else value
        for name, value in proposal.items()
    }
