"""The vault: moves the address of content that is not open out of `resource.url`.

A validator on `url` runs for each new or changed resource, whoever writes it (form, API, harvest),
and leaves the portal's own gated address in its place. The real one waits beside the database
session (validation gets a copy of the action's context) and is stored by `save` in the same
transaction as the dataset; a rollback forgets it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access import levels
from ckanext.hljshare.access.model import VaultEntry, now

PENDING = "hljshare_vault_pending"
GATE = "/share/"


def gate_url(resource_id: str) -> str:
    """Return the portal's own address for a resource: it asks the policy before it gives."""
    return f"{tk.config['ckan.site_url'].rstrip('/')}{GATE}{resource_id}"


def is_gate(url: str, resource_id: str | None) -> bool:
    """Tell whether `url` is the gated address of this resource, under whatever site address."""
    return bool(resource_id) and urlsplit(url).path.endswith(f"{GATE}{resource_id}")


def address(resource_id: str) -> str | None:
    """Return the real address of a resource that is in the vault. For delivery, after the policy."""
    entry = model.Session.get(VaultEntry, resource_id)
    return entry.address if entry else None


def _pending() -> dict[str, tuple[str, bool] | None]:
    """Return what waits for `save`: by resource, (address, uploaded), or None to forget it."""
    return model.Session().info.setdefault(PENDING, {})


@sa.event.listens_for(model.Session, "after_rollback")
@sa.event.listens_for(model.Session, "after_commit")
def _forget_pending(session: Any) -> None:
    session.info.pop(PENDING, None)


def _dataset_level(data: dict[tuple[Any, ...], Any]) -> Any:
    """Return the dataset's own level from flattened data, also once converted to an extra."""
    if data.get(("open_type",)):
        return data[("open_type",)]
    for key, value in data.items():
        if key[0] == "extras" and key[-1] == "key" and value == "open_type":
            return data.get((*key[:-1], "value"))
    return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def protect_url(
    key: tuple[Any, ...], data: dict[tuple[Any, ...], Any], errors: Any, context: Any
) -> None:
    """Validator of a resource's `url`: vault what is not open, give back what has become open.

    The editors' own field `locator`, when filled in, is the new address; it is never stored in
    the resource.
    """

    def at(name: str) -> tuple[Any, ...]:
        return (*key[:-1], name)

    locator = _text(data.pop(at("locator"), None))
    level = levels.effective(
        _dataset_level(data), data.get(at("open_type")), data.get(at("derivative"))
    )
    resource_id = _text(data.get(at("id"))) or str(uuid.uuid4())
    data[at("id")] = resource_id
    url = _text(data.get(key))
    gated = is_gate(url, resource_id)
    uploaded = data.get(at("url_type")) == "upload"
    pending = _pending()
    pending.pop(resource_id, None)

    if level == "open":
        entry = model.Session.get(VaultEntry, resource_id)
        data[key] = locator or ("" if gated else url)
        if entry and uploaded and entry.uploaded:
            data[at("filename")] = entry.address
        elif entry and gated and not locator:
            data[key] = entry.address
        pending[resource_id] = None
        return
    new: str | None
    if uploaded:
        # The file itself is outside anything served; its name may tell as much as its content.
        stored = PurePosixPath(urlsplit(url).path)
        suffix = stored.suffix.lower()[:8]
        data[key] = f"file{suffix}" if suffix.isascii() else "file"
        new = _text(data.pop(at("filename"), None))
        new = new or (stored.name if stored.name != data[key] else "")
    else:
        new = locator or ("" if gated else url)
        data[key] = gate_url(resource_id)
    if new:
        pending[resource_id] = (new, uploaded)
        data[at("locator_updated")] = now().isoformat()


def save(resources: Iterable[Mapping[str, Any]]) -> None:
    """Store what `protect_url` put aside for these resources, in the open transaction."""
    pending = model.Session().info.pop(PENDING, {})
    for resource_id in (resource.get("id") for resource in resources):
        if resource_id not in pending:
            continue
        entry = model.Session.get(VaultEntry, resource_id)
        value = pending[resource_id]
        if value is None:
            if entry:
                model.Session.delete(entry)
            continue
        if not entry:
            entry = VaultEntry(resource_id=resource_id)
            model.Session.add(entry)
        entry.address, entry.uploaded = value
        entry.updated = now()


def forget(resource_ids: list[str]) -> None:
    """Erase the addresses of resources that are gone."""
    model.Session.query(VaultEntry).filter(VaultEntry.resource_id.in_(resource_ids)).delete(
        synchronize_session=False
    )
