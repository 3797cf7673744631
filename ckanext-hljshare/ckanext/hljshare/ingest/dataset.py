"""From a canonical record to the dictionary of a dataset. Pure: what is written, not how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import naming, text
from .record import CatalogRecord, ResourceRecord

# What a level brings with it: kept together when a person's stricter level stands against the
# source's.
LEVEL_FIELDS = ("open_type", "open_condition", "open_basis")
AXES = {
    "open_type": LEVEL_FIELDS,
    "share_type": ("share_type", "share_condition", "share_basis"),
}
NOT_FILES = frozenset(
    {"html", "htm", "api", "link", "url", ""}
)  # pages and interfaces are not kept


# What every record says of itself.
_ALWAYS = {"title", "owner_org", "tags", "source_name", "source_id", "source_site"}


@dataclass(frozen=True)
class Source:
    """A harvest source as the engine needs it. ``owner_id``: the organization it files under."""

    id: str
    name: str
    title: str
    kind: str
    url: str
    owner_id: str
    providers: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    trust_total: bool = True


@dataclass(frozen=True)
class Placement:
    """Where a dataset belongs, and what its provider's own entry in the tree adds to it."""

    owner_org: str
    contact_phone: str = ""
    contact_name: str = ""
    region_code: str = ""
    provider_note: str = ""


def fields_of(record: CatalogRecord, source: Source, place: Placement) -> dict[str, Any]:
    """The dataset's fields without its resources and its state.

    The source has published what it lists, so its own review before that stands as 保密审查 unless
    the mapping names another;
    the telephone is the provider's office where the list has none.
    """
    filled = {
        "contact_phone": place.contact_phone,
        "contact_name": place.contact_name,
        "region_code": place.region_code,
        "provider_inner": place.provider_note,
        "secrecy_review": f"由提供方在来源平台发布前审查（{source.title}）",
        "source_site": source.title,
    }
    return {
        **{name: value for name, value in filled.items() if value},
        **{name: value for name, value in source.defaults.items() if value},
        **{name: value for name, value in record.fields.items() if value not in (None, "", [])},
        "title": record.title,
        "owner_org": place.owner_org,
        "tags": [{"name": name} for name in record.tags],
        "source_name": source.name,
        "source_id": record.native_id,
    }


def new_dataset(
    record: CatalogRecord, source: Source, place: Placement, held: str | None
) -> dict[str, Any]:
    """A dataset that is not there yet, without resources."""
    return {
        "type": "dataset",
        "id": naming.dataset_id(source.id, record.native_id),
        "name": naming.dataset_name(source.name, record.native_id),
        **fields_of(record, source, place),
        "private": bool(held),
        "held_reason": held or "",
        "resources": [],
    }


def merged_dataset(
    existing: Mapping[str, Any],
    record: CatalogRecord,
    previous: CatalogRecord | None,
    source: Source,
    place: Placement,
    keep_level: str | None,
    held: str | None,
) -> dict[str, Any]:
    """The dataset after an update: the source's words over what stood; what it no longer says goes,
    what people added stays.
    """
    fields = fields_of(record, source, place)
    for name in fields.keys() - record.fields.keys() - _ALWAYS:
        if existing.get(name):  # the source says nothing of it: what stands may be a person's word
            fields[name] = existing[name]
    gone = set(previous.fields if previous else ()) - set(fields)
    result = {name: value for name, value in existing.items() if name not in gone}
    result.update(fields)
    if keep_level is not None:
        for name in LEVEL_FIELDS:
            result.pop(name, None)
            if existing.get(name):
                result[name] = existing[name]
    if existing.get("held_reason"):  # still waiting, unless the source has made itself clear
        result["private"] = bool(held)
        result["held_reason"] = held or ""
    result["withdrawn_on"] = ""
    return result


def level_fields(record: CatalogRecord) -> dict[str, Any]:
    """The level of opening a source gives, with what belongs to it."""
    return {name: record.fields[name] for name in LEVEL_FIELDS if record.fields.get(name)}


def is_file(resource: ResourceRecord) -> bool:
    """Whether the portal should hold a copy (not of pages and interfaces)."""
    return bool(resource.url) and resource.format.casefold() not in NOT_FILES


def resource_dict(source: Source, native_id: str, resource: ResourceRecord) -> dict[str, Any]:
    """A resource as the source gives it. ``url`` is the real address; the vault takes it if the
    resource is not open.
    """
    result: dict[str, Any] = {
        "id": naming.resource_id(source.id, native_id, resource.native_id),
        "name": resource.name,
        "url": resource.url,
        "format": resource.format,
        "description": resource.description,
    }
    if resource.size is not None:
        result["size"] = resource.size
    day = text.parse_date(resource.modified).day
    if day:
        result["data_updated"] = day
    for name in ("open_type", "hash"):
        if getattr(resource, name):
            result[name] = getattr(resource, name)
    return {name: value for name, value in result.items() if value not in (None, "")}


def best_for_table(formats: Iterable[tuple[str, str]]) -> str | None:
    """Of (resource id, format) the one to load as a table: CSV before XLSX before JSON, the first
    of its kind.
    """
    listed = list(formats)
    for wanted in ("CSV", "XLSX", "JSON"):
        for resource_id, file_format in listed:
            if file_format == wanted:
                return resource_id
    return None


def readable_errors(error_dict: Mapping[str, Any]) -> str:
    """CKAN's validation errors as one line of text, without the values."""
    parts = []
    for name, messages in error_dict.items():
        for message in messages if isinstance(messages, list) else [messages]:
            if isinstance(message, dict):
                nested = readable_errors(message)
                parts.append(f"{name}.{nested}" if nested else "")
            elif message:
                parts.append(f"{name} {message}")
    return "; ".join(part for part in parts if part)[:500]
