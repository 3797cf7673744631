"""The canonical record: the only form in which a harvester hands over a dataset.

Pure: standard library only. Adapters make records, the engine compares and writes them. Codes in
``fields`` are
already the portal's own (``open_type``, ``share_type``, ``update_cycle`` …); what could not be
mapped stands in ``held``
(opening or sharing) or in ``warnings`` (everything else).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# What stands for an address in the ledger's memory: enough to see that it changed, no more.
DIGEST = "digest:"

# The warning of a record that a source gave only in part: it must not undo what stood whole.
PARTIAL = "details-unreadable"


@dataclass(frozen=True)
class ResourceRecord:
    """One file or interface of a dataset, as its source names it.

    ``url`` is the source's own address and private until the access policy says otherwise;
    ``size`` is in bytes, ``modified`` an ISO 8601 text, ``hash`` as ``algorithm:hex digits``;
    ``open_type`` only where the source gives the file a level of its own.
    """

    native_id: str
    name: str
    url: str
    format: str = ""
    description: str = ""
    size: int | None = None
    modified: str | None = None
    open_type: str | None = None
    hash: str | None = None


def remembered(resource: ResourceRecord, key: bytes) -> ResourceRecord:
    """The resource as the ledger may keep it: its address as a keyed BLAKE2b digest (20 bytes)."""
    if not resource.url or resource.url.startswith(DIGEST):
        return resource
    digest = hashlib.blake2b(resource.url.encode(), key=key[:64], digest_size=20).hexdigest()
    return replace(resource, url=DIGEST + digest)


def copy_digest(resource: ResourceRecord, key: bytes) -> str:
    """What a stored copy was fetched from: changes with address, size, date or format."""
    said = [remembered(resource, key).url, resource.size, resource.modified, resource.format]
    text = json.dumps(said, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class CatalogRecord:
    """One dataset of a source.

    ``provider`` is the agency's name as the source writes it; ``held`` the reason why the public
    must not see the
    dataset yet; ``raw`` keeps the source's own words where they could not be read (unparsed
    dates, unknown codes).
    """

    native_id: str
    title: str
    provider: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    resources: tuple[ResourceRecord, ...] = ()
    warnings: tuple[str, ...] = ()
    held: str | None = None
    raw: Mapping[str, str] = field(default_factory=dict)

    def mapped(self) -> dict[str, Any]:
        """What a dataset is made from. Warnings and raw texts are not part of it: they must not
        cause an update.
        """
        mapped = self.to_dict()
        del mapped["warnings"], mapped["raw"]
        return mapped

    def content_hash(self) -> str:
        """BLAKE2b over the mapped form, so that a changed mapping imports again what the source
        never changed.
        """
        text = json.dumps(self.mapped(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8"), digest_size=20).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON would hold it."""
        plain = dict(vars(self))
        plain["resources"] = [dict(vars(item)) for item in self.resources]
        for key in ("tags", "warnings"):
            plain[key] = list(plain[key])
        return plain

    def to_json(self) -> str:
        """The record as JSON text (keys sorted, Chinese kept readable)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> CatalogRecord:
        """The inverse of :meth:`to_dict`."""
        values = dict(plain)
        values["resources"] = tuple(
            ResourceRecord(**item) for item in values.get("resources") or ()
        )
        for key in ("tags", "warnings"):
            values[key] = tuple(values.get(key) or ())
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> CatalogRecord:
        """The inverse of :meth:`to_json`."""
        return cls.from_dict(json.loads(text))


@dataclass(frozen=True)
class Deferred:
    """A record that is made only where what it is made from has changed.

    ``fingerprint``: equal ones make equal records (the source's words, the mapping, the portal's
    own reading of both).
    """

    native_id: str
    fingerprint: str
    make: Callable[[], CatalogRecord]


def made(item: CatalogRecord | Deferred) -> CatalogRecord:
    """The record, made now if it was deferred."""
    return item.make() if isinstance(item, Deferred) else item
