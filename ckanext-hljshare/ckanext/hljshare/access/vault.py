"""The vault: moves the address of content that is not open out of `resource.url`.

A validator on `url` runs for each new or changed resource, whoever writes it (form, API, harvest),
and leaves the portal's own gated address in its place. The real one waits beside the database
session (validation gets a copy of the action's context) and is stored by `save` in the same
transaction as the dataset; a rollback forgets it.
"""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model
from ckanext.datastore.backend import DatastoreBackend
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access import levels, stored
from ckanext.hljshare.access.filenames import safe_name
from ckanext.hljshare.access.model import VaultEntry, now
from ckanext.hljshare.catalog import known

PENDING = "hljshare_vault_pending"
GATE = "/share/"


def gate_url(resource_id: str) -> str:
    """Return the portal's own address for a resource: it asks the policy before it gives."""
    return f"{tk.config['ckan.site_url'].rstrip('/')}{GATE}{resource_id}"


def is_gate(url: str, resource_id: str | None) -> bool:
    """Tell whether `url` is the gated address of this resource, under whatever site address."""
    return bool(resource_id) and urlsplit(url).path.endswith(f"{GATE}{resource_id}")


def address(resource_id: str) -> str | None:
    """Return the real address of a resource in the vault. For delivery, after the policy."""
    entry = model.Session.get(VaultEntry, resource_id)
    return entry.address if entry else None


def _pending() -> dict[str, tuple[str, bool] | None]:
    """Return what waits for `save`: by resource, (address, uploaded), or None to forget it."""
    return model.Session().info.setdefault(PENDING, {})


@sa.event.listens_for(model.Session, "after_rollback")
@sa.event.listens_for(model.Session, "after_commit")
def _forget_pending(session: Any) -> None:
    session.info.pop(PENDING, None)


def _of_dataset(data: dict[tuple[Any, ...], Any], field: str) -> Any:
    """Return a field of the dataset's own from flattened data, also once converted to an extra."""
    if data.get((field,)):
        return data[(field,)]
    for key, value in data.items():
        if key[0] == "extras" and key[-1] == "key" and value == field:
            return data.get((*key[:-1], "value"))
    return None


def _hidden(data: dict[tuple[Any, ...], Any]) -> bool:
    """Tell whether the dataset is not published, or withdrawn: levels are free while it is private,
    and an address that came out then would be read by whoever may edit; of what is withdrawn only
    the page remains."""
    if _text(_of_dataset(data, "withdrawn_on")):
        return True
    private = data.get(("private",))
    state = data.get(("state",)) or "active"
    return str(private).strip().lower() in ("true", "1", "yes", "on") or state != "active"


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _take(resource: tuple[Any, ...], data: dict[tuple[Any, ...], Any], field: str) -> str:
    """Remove a field that may stand in the schema or, unnamed there, among the extras."""
    extras = data.get((*resource, "__extras"))
    found = [extras.pop(field, None)] if isinstance(extras, dict) else []
    found.append(data.pop((*resource, field), None))
    return next((text for text in map(_text, found) if text), "")


def _upload(resource: tuple[Any, ...], data: dict[tuple[Any, ...], Any]) -> FileStorage | None:
    """Return the file that comes with the request, if one does."""
    extras = data.get((*resource, "__extras"))
    given = extras.get("upload") if isinstance(extras, dict) else None
    return given if isinstance(given, FileStorage) and given.filename else None


def _foreign(resource_id: str, dataset_id: Any, context: Any) -> bool:
    """Tell whether a given id is, or was, that of another dataset's file.

    Only the portal's own jobs choose ids of new files; an editor may name those of this dataset.
    """
    lookups = known.of(context)
    if lookups and context.get("ignore_auth") and resource_id in lookups.absent:
        return False
    standing = model.Session.get(model.Resource, resource_id)
    if standing is not None:
        return standing.package_id != dataset_id
    if authz.is_sysadmin(context.get("user") or ""):
        return False
    return _left_behind(resource_id)


def _left_behind(resource_id: str) -> bool:
    """Tell whether an address, a file or a table of a purged resource still has this id."""
    try:
        uuid.UUID(resource_id)
    except ValueError:
        return False  # CKAN refuses it: ids are UUIDs
    if model.Session.get(VaultEntry, resource_id):
        return True
    if stored.find(resource_id):
        return True
    return DatastoreBackend.get_active_backend().resource_exists(resource_id)


def protect_url(
    key: tuple[Any, ...], data: dict[tuple[Any, ...], Any], errors: Any, context: Any
) -> None:
    """Validator of a resource's `url`: vault what is not open or not published, give back what has
    become so.

    The editors' own field `locator`, when filled in, is the new address; it is never stored in
    the resource.
    """

    def at(name: str) -> tuple[Any, ...]:
        return (*key[:-1], name)

    locator = _text(data.pop(at("locator"), None))
    level = levels.effective(
        _of_dataset(data, "open_type"), data.get(at("open_type")), data.get(at("derivative"))
    )
    named = _text(data.get(at("id")))
    resource_id = named or str(uuid.uuid4())
    data[at("id")] = resource_id
    url = _text(data.get(key))
    gated = is_gate(url, resource_id)
    given = _upload(key[:-1], data)
    uploaded = given is not None or data.get(at("url_type")) == "upload"
    pending = _pending()
    pending.pop(resource_id, None)
    if named and _foreign(resource_id, data.get(("id",)), context):
        # Whoever takes over another file's id would get its address, its bytes and its table.
        errors[at("id")] = [tk._("Resource id already exists.")]
        data[key] = ""
        return

    if level == "open" and not _hidden(data):
        lookups = known.of(context)
        unvaulted = lookups is not None and resource_id in lookups.unvaulted
        entry = None if unvaulted else model.Session.get(VaultEntry, resource_id)
        data[key] = locator or ("" if gated else url)
        if entry and uploaded and entry.uploaded:
            data[at("filename")] = entry.address
        elif entry and gated and not locator:
            data[key] = entry.address
        pending[resource_id] = None
        return
    data[at("cache_url")] = None  # CKAN's own second address of a file
    new: str | None
    if uploaded:
        # The file itself is outside anything served; its name may tell as much as its content.
        stored = PurePosixPath(urlsplit(url).path)
        suffix = stored.suffix.lower()[:8]
        data[key] = f"file{suffix}" if suffix.isascii() else "file"
        new = _take(key[:-1], data, "filename")
        if given is not None:
            # CKAN reads the name from the upload once more, after validation.
            new = new or safe_name(PurePosixPath(str(given.filename)).name)
            given.filename = data[key]
        new = new or (stored.name if stored.name != data[key] else "")
    else:
        _take(key[:-1], data, "filename")
        new = locator or ("" if gated else url)
        data[key] = gate_url(resource_id)
        guessed = mimetypes.guess_type(new)[0] if new else None
        if guessed and not _text(data.get(at("format"))):
            data[at("format")] = guessed  # as CKAN would from the address, which it does not see
    if new:
        pending[resource_id] = (new, uploaded)
        data[at("locator_updated")] = now().isoformat()


def save(resources: Iterable[Mapping[str, Any]]) -> None:
    """Store what `protect_url` put aside for these resources, in the open transaction."""
    save_many(str(resource.get("id")) for resource in resources)


def save_many(resource_ids: Iterable[str]) -> None:
    """:func:`save` by their ids, however many: one look into the table."""
    pending = model.Session().info.pop(PENDING, {})
    wanted = [resource_id for resource_id in resource_ids if resource_id in pending]
    entries = {
        entry.resource_id: entry
        for entry in model.Session.scalars(
            sa.select(VaultEntry).where(VaultEntry.resource_id.in_(wanted))
        )
    }
    for resource_id in wanted:
        value, entry = pending[resource_id], entries.get(resource_id)
        if value is None:
            if entry:
                model.Session.delete(entry)
            continue
        if not entry:
            entry = VaultEntry(resource_id=resource_id)
            model.Session.add(entry)
        entry.address, entry.uploaded = value
        entry.updated = now()


def unvaulted(resource_ids: Iterable[str]) -> set[str]:
    """Return those of the ids that have no protected address; entries found are loaded."""
    wanted = set(resource_ids)
    found = model.Session.scalars(sa.select(VaultEntry).where(VaultEntry.resource_id.in_(wanted)))
    return wanted - {entry.resource_id for entry in found}


def forget(resource_ids: list[str]) -> None:
    """Erase the addresses of resources that are gone."""
    model.Session.query(VaultEntry).filter(VaultEntry.resource_id.in_(resource_ids)).delete(
        synchronize_session=False
    )


def forget_deleted(*dataset_ids: str) -> None:
    """Erase the addresses of resources that datasets no longer have."""
    gone = sa.select(model.Resource.id).where(
        model.Resource.package_id.in_(dataset_ids), model.Resource.state == "deleted"
    )
    model.Session.query(VaultEntry).filter(VaultEntry.resource_id.in_(gone)).delete(
        synchronize_session=False
    )
