"""Writing one record: through CKAN's own package_create and package_update, with the same schema as
form and API.

One record's failure is that record's outcome. What would be invalid to publish is kept as a
private dataset for its
administrators; what is invalid even so is rejected. A public dataset is never taken back because
an update of it is incomplete.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import plugins as lib_plugins
from ckan.lib import uploader
from ckan.lib.search import SearchIndexError

from ckanext.hljshare.access import levels as access_levels

from . import dataset as build
from . import load, mirror, naming, tabular, text
from .dataset import Placement, Source
from .diff import Step
from .fetch import Fetcher, SourceError
from .providers import Directory, Organization
from .record import CatalogRecord, ResourceRecord, remembered

log = logging.getLogger(__name__)
INLINE_ROWS = 50_000
ORGANIZATION_PHONES = ("data_manager_phone", "contact_phone")


@dataclass
class Result:
    """What became of a record. ``unmirrored``: files the portal should hold if the dataset is open,
    and does not.
    """

    outcome: str
    reasons: list[str] = field(default_factory=list)
    package_id: str | None = None
    unmirrored: int = 0


def address_key() -> bytes:
    """The installation's key for digests of addresses."""
    return hashlib.sha256(b"ledger" + str(tk.config["SECRET_KEY"]).encode()).digest()


class Writer:
    """Writes the records of one source. ``attach`` is called with the dataset's id inside each
    write's transaction.
    """

    def __init__(self, source: Source, fetcher: Fetcher) -> None:
        self.source = source
        self.fetcher = fetcher
        self.address_key = address_key()
        self.user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        self.folder = tempfile.TemporaryDirectory(prefix="hljshare-ingest-")
        self._directory = directory(source)
        self._placements: dict[str | None, tuple[Placement, list[str]]] = {}

    def close(self) -> None:
        """Remove what was fetched and not stored."""
        self.folder.cleanup()

    def apply(
        self,
        step: Step,
        record: CatalogRecord | None,
        previous: CatalogRecord | None,
        attach: Callable[[str], None],
    ) -> Result:
        """Do one step. Never raises for what is wrong with the record or its files; a database or
        search engine that is down ends the run, and the next one goes on from there."""
        try:
            if step.act == "withdraw":
                return self._withdraw(step, attach)
            assert record is not None
            return self._write(step, record, previous, attach)
        except tk.ValidationError as error:
            model.Session.rollback()
            return Result("rejected", [f"invalid: {build.readable_errors(error.error_dict)}"])
        except (SearchIndexError, sa.exc.OperationalError):  # the portal is ill, not the record
            model.Session.rollback()
            raise
        except Exception as error:
            model.Session.rollback()
            log.exception("Ingest of a record of source %s failed", self.source.name)
            return Result("rejected", [f"error: {type(error).__name__}"])

    def check(self, record: CatalogRecord) -> str | None:
        """For a trial run: why the record would be rejected, None if it would not. Writes
        nothing.
        """
        place, _reasons = self.place(record)
        proposed = build.new_dataset(record, self.source, place, "trial")
        proposed["id"] = proposed["name"] = ""
        proposed["resources"] = [
            {**build.resource_dict(self.source, record.native_id, item), "id": ""}
            for item in record.resources
        ]
        for blank in (proposed, *proposed["resources"]):
            blank.pop("id")
        proposed["name"] = naming.dataset_name(self.source.name, record.native_id)[-40:] + "-trial"
        plugin = lib_plugins.lookup_package_plugin("dataset")
        context = self._context()
        _data, errors = lib_plugins.plugin_validate(
            plugin, context, proposed, plugin.create_package_schema(), "package_create"
        )
        model.Session.rollback()
        return f"invalid: {build.readable_errors(errors)}" if errors else None

    def place(self, record: CatalogRecord) -> tuple[Placement, list[str]]:
        """The organization a record belongs to; an unknown agency's records are filed under the
        source's owner.
        """
        if record.provider not in self._placements:
            found = self._directory.find(record.provider)
            reasons = []
            if found is None:
                reasons = [
                    f"provider-unknown: {record.provider}"
                    if record.provider
                    else "provider-missing"
                ]
            group = model.Group.get(found or self.source.owner_id)
            phones = (_extra(group, name) for name in ORGANIZATION_PHONES)
            self._placements[record.provider] = (
                Placement(
                    owner_org=group.id,
                    contact_phone=next((phone for phone in phones if phone), ""),
                    contact_name=_extra(group, "data_manager_name"),
                    region_code=_extra(group, "region_code"),
                    provider_note="" if found else record.provider or "",
                ),
                reasons,
            )
        return self._placements[record.provider]

    # ------------------------------------------------------------------ writing

    def _context(self) -> dict[str, Any]:
        return {
            "user": self.user,
            "ignore_auth": True,
            "return_id_only": True,
            "model": model,
            "session": model.Session,
        }

    def _write(
        self,
        step: Step,
        record: CatalogRecord,
        previous: CatalogRecord | None,
        attach: Callable[[str], None],
    ) -> Result:
        package_id = naming.dataset_id(self.source.id, record.native_id)
        place, place_reasons = self.place(record)
        reasons = [*step.reasons, *place_reasons, *record.warnings]
        existing = self._existing(package_id)
        if existing is None:
            action, held = "package_create", record.held
            proposed = build.new_dataset(record, self.source, place, held)
        else:
            action, held = "package_update", record.held if existing.get("held_reason") else None
            proposed = build.merged_dataset(
                existing, record, previous, self.source, place, step.keep_level, held
            )
        files = self._resources(record, previous, existing, proposed, reasons)
        if step.act == "refetch" and not files.fetched:
            return Result(step.outcome, [*reasons, *files.failed], package_id, files.unmirrored)
        outcome = (
            "updated" if step.act == "refetch" and step.outcome == "unchanged" else step.outcome
        )
        try:
            self._store(action, proposed, attach)
        except tk.ValidationError as error:
            was_public = existing is not None and not existing.get("private")
            if proposed["private"] or was_public:
                raise
            reason = f"invalid: {build.readable_errors(error.error_dict)}"
            proposed.update(private=True, held_reason=reason)
            self._store(action, proposed, attach)
            outcome, reasons = "held", [*reasons, reason]
        for resource_id in files.dropped:
            mirror.remove(resource_id)
        if files.table:
            failure = self._load(*files.table)
            reasons += [failure] if failure else []
        return Result(outcome, [*reasons, *files.failed], package_id, files.unmirrored)

    def _store(self, action: str, proposed: dict[str, Any], attach: Callable[[str], None]) -> None:
        attach(proposed["id"])
        if action == "package_update" and not proposed["resources"]:
            _drop_all_resources(proposed["id"])
        tk.get_action(action)(self._context(), _copy(proposed))

    def _existing(self, package_id: str) -> dict[str, Any] | None:
        package = model.Package.get(package_id)
        if package is None:
            return None
        context = {"user": self.user, "ignore_auth": True, "use_cache": False, "for_update": True}
        shown: dict[str, Any] = tk.get_action("package_show")(context, {"id": package_id})
        del shown["metadata_modified"]  # given back, it would stay: the update would not be seen
        return shown

    def _withdraw(self, step: Step, attach: Callable[[str], None]) -> Result:
        package_id = naming.dataset_id(self.source.id, step.native_id)
        existing = self._existing(package_id)
        if existing is None:
            return Result("withdrawn", list(step.reasons), None)
        gone = [resource["id"] for resource in existing["resources"]]
        existing.update(resources=[], withdrawn_on=text.today().isoformat())
        try:
            self._store("package_update", existing, attach)
        except tk.ValidationError:  # no longer fit to be public: the page goes, the record stays
            existing["private"] = True
            self._store("package_update", existing, attach)
        for resource_id in gone:
            mirror.remove(resource_id)
        return Result("withdrawn", list(step.reasons), package_id)

    # ------------------------------------------------------------------ files

    def _resources(
        self,
        record: CatalogRecord,
        previous: CatalogRecord | None,
        existing: dict[str, Any] | None,
        proposed: dict[str, Any],
        reasons: list[str],
    ) -> _Files:
        """Fill ``proposed["resources"]``: files of open ones are fetched and stored, of all others
        never.
        """
        files = _Files()
        standing = {item["id"]: item for item in (existing or {}).get("resources", [])}
        before = {item.native_id: item for item in (previous.resources if previous else ())}
        own = {naming.resource_id(self.source.id, record.native_id, native) for native in before}
        key = self.address_key
        resources = []
        for item in record.resources:
            new = build.resource_dict(self.source, record.native_id, item)
            old = standing.get(new["id"])
            level = access_levels.effective(proposed.get("open_type"), new.get("open_type"))
            wanted = level == "open" and not proposed.get("private")
            stored = old is not None and old.get("url_type") == "upload"
            if (
                old
                and before.get(item.native_id) == remembered(item, key)
                and stored == (wanted and build.is_file(item))
            ):
                resources.append(old)
            else:
                new = {**{k: v for k, v in (old or {}).items() if k not in _OF_THE_FILE}, **new}
                if wanted and build.is_file(item):
                    stored = self._mirror(item, new, files, reasons)
                elif stored:
                    files.dropped.append(new["id"])
                    stored = False
                resources.append(new)
            files.unmirrored += build.is_file(item) and not stored
        kept = [
            item
            for key, item in standing.items()
            if key not in own and key not in {r["id"] for r in resources}
        ]
        files.dropped += [
            key for key in own if key in standing and key not in {r["id"] for r in resources}
        ]
        proposed["resources"] = [*resources, *kept]
        self._choose_table(proposed["resources"], files, reasons)
        return files

    def _mirror(
        self, item: ResourceRecord, new: dict[str, Any], files: _Files, reasons: list[str]
    ) -> bool:
        try:
            copy = mirror.fetch(self.fetcher, item, Path(self.folder.name))
        except SourceError as error:
            code = (
                error.reason
                if error.reason.startswith("file-format")
                else f"file-unreachable: {error.reason.split(': ')[-1]}"
            )
            files.failed.append(code)
            return False
        reasons += copy.reasons
        mirror.store(copy, new)
        files.fetched.append(new["id"])
        return True

    def _choose_table(
        self, resources: list[dict[str, Any]], files: _Files, reasons: list[str]
    ) -> None:
        """Decide which file becomes the dataset's table, and say so in the resource before it is
        written.
        """
        held = [
            (item["id"], item.get("format", ""))
            for item in resources
            if item.get("url_type") == "upload"
        ]
        best = build.best_for_table(held)
        for item in resources:
            if item["id"] != best and item.get("datastore_active"):
                item["datastore_active"] = False
                load.drop(item["id"])
            if item["id"] != best or (item.get("datastore_active") and best not in files.fetched):
                continue
            item["datastore_active"] = False
            path = Path(
                uploader.get_resource_uploader({"id": item["id"], "url": item["url"]}).get_path(
                    item["id"]
                )
            )
            try:
                table = tabular.read(path, item["format"])
            except tabular.TableError as error:
                reasons.append(f"table-unreadable: {error}")
                continue
            files.table = (item["id"], table)
            item["datastore_active"] = table.count <= INLINE_ROWS

    def _load(self, resource_id: str, table: tabular.Table) -> str | None:
        if table.count > INLINE_ROWS:
            tk.enqueue_job(
                load_later,
                [resource_id],
                title=f"DataStore {resource_id}",
                rq_kwargs={"timeout": 3600},
            )
            return None
        try:
            load.load(resource_id, table)
        except Exception as error:
            log.exception("Loading a table of source %s failed", self.source.name)
            model.Session.rollback()
            # CKAN's resource actions need the whole dataset back from the update below them.
            whole = {**self._context(), "return_id_only": False}
            tk.get_action("resource_patch")(whole, {"id": resource_id, "datastore_active": False})
            return f"table-unreadable: {type(error).__name__}"
        return None


# What describes a stored copy: never carried over to another one.
_OF_THE_FILE = frozenset(
    (
        "url",
        "url_type",
        "size",
        "hash",
        "mimetype",
        "encoding",
        "filename",
        "datastore_active",
        "last_modified",
        "open_type",
    )
)


@dataclass
class _Files:
    fetched: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unmirrored: int = 0
    table: tuple[str, tabular.Table] | None = None


def _drop_all_resources(package_id: str) -> None:
    """CKAN 2.12 loses an empty list in validation, and an absent one means "as they are"."""
    for resource in model.Package.get(package_id).resources:
        resource.state = model.State.DELETED
    model.Session.flush()


def load_later(resource_id: str) -> None:
    """Background job: load a large table."""
    resource = model.Resource.get(resource_id)
    if resource is None or resource.url_type != "upload":
        return
    path = Path(
        uploader.get_resource_uploader({"id": resource_id, "url": resource.url}).get_path(
            resource_id
        )
    )
    load.load(resource_id, tabular.read(path, resource.format))


def directory(source: Source) -> Directory:
    """The organizations below a source's owner, and itself."""
    owner = model.Group.get(source.owner_id)
    below = owner.get_children_group_hierarchy(type="organization")
    return Directory(
        Organization(owner.id, owner.title or owner.name),
        [Organization(row[0], row[2] or row[1]) for row in below],
        source.providers,
    )


def _extra(group: model.Group, name: str) -> str:
    with suppress(AttributeError, KeyError):
        return str(group.extras.get(name) or "")
    return ""


def _copy(proposed: dict[str, Any]) -> dict[str, Any]:
    """Actions change what they are given; a second attempt needs the first one's words."""
    copied = dict(proposed)
    copied["resources"] = [dict(item) for item in proposed["resources"]]
    for name in ("items", "open_basis", "tags"):
        if isinstance(copied.get(name), list):
            copied[name] = [dict(item) if isinstance(item, dict) else item for item in copied[name]]
    return copied
