"""A city's own dataset as the canonical record that it sends. Pure.

What leaves the city is what its portal shows to everybody: of a file that is not open, the portal's
gated address, never where the file is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.hljshare.access import levels
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord

from . import lines

# The province gives codes of its own, and knows how a record came.
LEFT_OUT = frozenset({"resource_code", "supply_channel"})


def record_of(dataset: Mapping[str, Any], site: str) -> CatalogRecord:
    """The record of a published dataset, as `package_show` gives it to a visitor.

    :param site: the address of the city's portal
    """
    site = site.rstrip("/")
    fields: dict[str, Any] = {}
    for name, kind in lines.field_kinds().items():
        value = dataset.get(name)
        if name in LEFT_OUT or value in (None, "", []):
            continue
        if kind.kind == "list":
            value = [_item(kind, one) for one in value if isinstance(one, dict)]
        elif kind.kind == "codes":
            value = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        else:
            value = str(value)
        fields[name] = value
    fields["source_url"] = f"{site}/dataset/{dataset['name']}"
    organization = dataset.get("organization") or {}
    return CatalogRecord(
        native_id=str(dataset["id"]),
        title=str(dataset["title"]),
        provider=organization.get("title") or None,
        fields=fields,
        tags=tuple(sorted(str(tag["name"]) for tag in dataset.get("tags", []))),
        resources=tuple(
            _resource(dataset, item, site)
            for item in dataset.get("resources", [])
            if item.get("state", "active") == "active"
        ),
    )


def _item(kind: lines.FieldKind, given: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a repeated field that hold something."""
    return {
        part: str(given[part]) for part in kind.parts or {} if given.get(part) not in (None, "")
    }


def _resource(dataset: Mapping[str, Any], item: Mapping[str, Any], site: str) -> ResourceRecord:
    level = levels.of_resource(dataset, item)
    own = item.get("open_type") or None
    url = str(item.get("url") or "") if level == "open" else f"{site}/share/{item['id']}"
    if not lines.is_address(url, lines.SCHEMES) or len(url) > lines.MAX_URL:
        url = ""
    # Only a stricter level travels: what a masked file may be opened further than its dataset for,
    # the province decides for itself.
    stricter = (
        own
        and levels.STRICTNESS[levels.known(own)]
        > levels.STRICTNESS[levels.known(dataset.get("open_type"))]
    )
    size = item.get("size")
    return ResourceRecord(
        native_id=str(item["id"]),
        name=str(item.get("name") or ""),
        url=url,
        format=str(item.get("format") or "")[:40],
        description=str(item.get("description") or ""),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        modified=str(item["data_updated"]) if item.get("data_updated") else None,
        open_type=levels.known(own) if stricter else None,
        hash=str(item["hash"]) if item.get("hash") else None,
    )
