"""A record made fit to be stored, whatever its source has sent. Pure: standard library.

PostgreSQL takes no NUL in a text, no half of a surrogate pair, no NaN in JSON, and no more than
2,700 bytes in an index; a record of many megabytes costs memory for all the others. Adapters do
not have to think of it: what cannot be kept is taken out or cut here, and the report says so.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .record import CatalogRecord, ResourceRecord

LONGEST_ID = 500  # characters of a native id
LONGEST_LINE = 600  # of a title or a name; the metadata rules refuse a title of more than 500
LONGEST_TEXT = 20_000  # of any other text
LONGEST_ADDRESS = 2_000  # bytes
LONGEST_REASON = 300
MOST_REASONS = 60
MOST_ROWS = 2_000  # of a list within a record, such as its items
_PLAIN = 30_000  # characters of a record's JSON: what is shorter holds nothing that is too long
_UNKEPT = re.compile("[\x00\ud800-\udfff]")
_SUSPECT = re.compile(r"\\u0000|NaN|Infinity|[\ud800-\udfff]")


def sound(record: CatalogRecord) -> CatalogRecord:
    """The record as it may be stored; itself where nothing is wrong, which is nearly always."""
    words = json.dumps(record.to_dict(), ensure_ascii=False)
    if len(words) > _PLAIN or _SUSPECT.search(words):
        record = _repaired(record)
    if _in_bounds(record):
        return record
    warnings = list(record.warnings)
    files = [item for item in record.resources if len(item.url.encode()) <= LONGEST_ADDRESS]
    if len(files) < len(record.resources):
        warnings.append(f"address-too-long: {len(record.resources) - len(files)}")
    return replace(
        record,
        native_id=_short_id(record.native_id),
        title=_cut(record.title, LONGEST_LINE),
        provider=_cut(record.provider, LONGEST_REASON) if record.provider else record.provider,
        resources=tuple(_short_file(item) for item in files),
        warnings=tuple(_cut(each, LONGEST_REASON) for each in warnings[:MOST_REASONS]),
        held=_cut(record.held, LONGEST_REASON) if record.held else record.held,
        raw={name: _cut(value, LONGEST_REASON) for name, value in record.raw.items()},
    )


def _in_bounds(record: CatalogRecord) -> bool:
    return (
        len(record.native_id) <= LONGEST_ID + 21
        and len(record.title) <= LONGEST_LINE
        and len(record.provider or "") <= LONGEST_REASON
        and len(record.held or "") <= LONGEST_REASON
        and len(record.warnings) <= MOST_REASONS
        and all(len(each) <= LONGEST_REASON for each in record.warnings)
        and all(len(each) <= LONGEST_REASON for each in record.raw.values())
        and all(
            len(item.url.encode()) <= LONGEST_ADDRESS
            and len(item.name) <= LONGEST_LINE
            and len(item.native_id) <= LONGEST_ID + 21
            and len(item.format) <= LONGEST_REASON
            for item in record.resources
        )
    )


def _short_file(item: ResourceRecord) -> ResourceRecord:
    return replace(
        item,
        native_id=_short_id(item.native_id),
        name=_cut(item.name, LONGEST_LINE),
        format=_cut(item.format, 100),
    )


def _short_id(native_id: str) -> str:
    """What is too long for an index ends in a digest (20 hex digits of BLAKE2b)."""
    if len(native_id) <= LONGEST_ID + 21:
        return native_id
    digest = hashlib.blake2b(native_id.encode(), digest_size=10).hexdigest()
    return f"{native_id[:LONGEST_ID]}~{digest}"


def _repaired(record: CatalogRecord) -> CatalogRecord:
    cut: dict[str, None] = {}
    plain = record.to_dict()
    fields = {
        _UNKEPT.sub("", name): _value(value, name, cut) for name, value in plain["fields"].items()
    }
    repaired = CatalogRecord.from_dict(
        {**{name: _value(value, "", {}) for name, value in plain.items()}, "fields": fields}
    )
    warnings = [f"text-cut: {name}" for name in cut]
    return replace(repaired, warnings=(*repaired.warnings, *warnings)) if cut else repaired


def _value(value: Any, name: str, cut: dict[str, None]) -> Any:
    """A value that can be stored; ``cut`` gets the name where it was shortened."""
    if isinstance(value, str):
        kept = _UNKEPT.sub("", value)
        if len(kept) > LONGEST_TEXT:
            cut[name] = None
        return _cut(kept, LONGEST_TEXT)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {_UNKEPT.sub("", str(key)): _value(item, name, cut) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) > MOST_ROWS:
            cut[name] = None
        return [_value(item, name, cut) for item in value[:MOST_ROWS]]
    return value


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
