"""One line of a batch: what is taken, what is refused, and why. Pure.

A line is ``{"op": "upsert", "record": {…}}`` or ``{"op": "delete", "id": "…"}``; the record is a
canonical record as `CatalogRecord.to_dict` gives it. Types are strict: nothing is guessed from a
text. Codes outside the portal's lists are never stored: an unknown opening or sharing code holds
the record from the public, any other is left out with a warning. Fields that the portal itself
decides (owner, name, state …) are refused, whoever sends them.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yaml

from ckanext.hljshare.catalog import codelists, codes
from ckanext.hljshare.ingest import suspect, text
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord
from ckanext.hljshare.paths import SCHEMING

MAX_DEPTH = 6
MAX_VALUES = 20_000  # in one line
MAX_ID = 255  # characters
MAX_TEXT = 20_000
MAX_SHORT = 1_000
MAX_URL = 2_000
MAX_RESOURCES = 500
MAX_ITEMS = 2_000
MAX_REASON_DETAIL = 80
SCHEMES = ("http", "https", "ftp", "sftp")
# The portal's own to decide. A record that brings one is refused.
OURS = frozenset(
    {
        "name", "id", "type", "state", "private", "owner_org", "organization", "groups", "tags",
        "tag_string", "title", "source_name", "source_id", "source_site", "held_reason",
        "withdrawn_on", "creator_user_id", "resources", "extras",
    }
)  # fmt: skip
_RECORD_KEYS = frozenset(
    {
        "native_id", "title", "provider", "fields", "tags", "resources", "warnings", "held", "raw",
    }
)  # fmt: skip
_RESOURCE_KEYS = frozenset(
    {"native_id", "name", "url", "format", "description", "size", "modified", "open_type", "hash"}
)
_LONG = frozenset(
    {
        "notes", "desensitize_note", "share_condition", "share_basis", "open_condition",
        "use_condition", "use_scope", "description",
    }
)  # fmt: skip
_WARNED = {"theme": "theme", "industry": "industry", "update_cycle": "cycle"}
_LEVELS = ("open_type", "share_type")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True)
class Line:
    """A line that can be applied. ``record`` is None for a deletion, ``content_hash`` is of the
    record as it was sent ("" for a deletion)."""

    number: int
    native_id: str
    record: CatalogRecord | None
    content_hash: str = ""


@dataclass(frozen=True)
class Refused:
    """A line that is not applied; ``native_id`` as far as it could be read."""

    number: int
    native_id: str
    reasons: tuple[str, ...]


class _WrongError(Exception):
    def __init__(self, code: str, detail: str = "") -> None:
        shown = text.line(detail)[:MAX_REASON_DETAIL]
        super().__init__(f"{code}: {shown}" if shown else code)


@dataclass(frozen=True)
class FieldKind:
    """What a field of a dataset may hold: ``text`` ``code`` ``date`` ``past`` (a day that is not
    in the future) ``url`` ``length`` ``codes`` (resource codes) ``list`` (objects of ``parts``)."""

    kind: str
    codelist: str = ""
    parts: Mapping[str, FieldKind] | None = None


@cache
def field_kinds() -> Mapping[str, FieldKind]:
    """The fields of a dataset that a record may bring, from the portal's own schema."""
    schema = yaml.safe_load((SCHEMING / "dataset.yaml").read_text(encoding="utf-8"))
    fields = schema["dataset_fields"]
    return {item["field_name"]: _kind(item) for item in fields if item["field_name"] not in OURS}


def _kind(item: Mapping[str, Any]) -> FieldKind:
    checks = str(item.get("validators", ""))
    if "repeating_subfields" in item:
        parts = {part["field_name"]: _kind(part) for part in item["repeating_subfields"]}
        return FieldKind("list", parts=parts)
    if "hljshare_code_lines" in checks:
        return FieldKind("codes")
    if item.get("codelist") and "hljshare_catalog_class" not in checks:
        return FieldKind("code", item["codelist"])
    if "hljshare_not_future" in checks:
        return FieldKind("past")
    if item.get("preset") == "hljshare_date" or "hljshare_date" in checks:
        return FieldKind("date")
    if "hljshare_web_address" in checks:
        return FieldKind("url")
    if "hljshare_length" in checks:
        return FieldKind("length")
    return FieldKind("text")


def read(number: int, data: bytes | None, today: date) -> Line | Refused:
    """Read one line. ``data`` is None for one that is too long; ``today`` in Asia/Shanghai."""
    native_id = ""
    try:
        line = load(data)
        native_id = _claimed_id(line)
        return _line(number, line, today)
    except _WrongError as wrong:
        return Refused(number, native_id, (str(wrong),))


def load(data: bytes | None) -> dict[str, Any]:
    """The JSON object of a line, free of what no honest sender writes: repeated keys, NaN, numbers
    beyond JSON's, deep nesting, control characters. Raises an error whose text is a reason."""
    if data is None:
        raise _WrongError("line-too-long")
    if not data.strip():
        raise _WrongError("line-empty")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise _WrongError("line-not-json") from None
    if not isinstance(value, dict):
        raise _WrongError("line-not-an-object")
    _scan(value)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        raise _WrongError("line-duplicate-key", next(n for n in names if names.count(n) > 1))
    return found


def _no_constant(word: str) -> None:
    raise _WrongError("line-not-json", word)


def _scan(value: Any) -> None:
    """Depth, size, and characters of everything in a line, without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", value, 1)]
    seen = 0
    while waiting:
        path, item, depth = waiting.pop()
        seen += 1
        if seen > MAX_VALUES:
            raise _WrongError("line-too-many-values", str(MAX_VALUES))
        if isinstance(item, (dict, list)):
            if depth > MAX_DEPTH:
                raise _WrongError("line-too-deep", str(MAX_DEPTH))
            inner: Iterator[tuple[str, Any]] = (
                iter(item.items()) if isinstance(item, dict) else ((path, one) for one in item)
            )
            for name, one in inner:
                if isinstance(item, dict) and not _clean(name):
                    raise _WrongError("line-control-characters", path)
                waiting.append((name, one, depth + 1))
        elif isinstance(item, str):
            if not _clean(item):
                raise _WrongError("line-control-characters", path)
            if len(item) > MAX_TEXT:
                raise _WrongError("line-value-too-long", path)
        elif isinstance(item, (int, float)) and abs(item) > 1 << 53:
            raise _WrongError("line-wrong-type", path)


def _clean(value: str) -> bool:
    """No control characters but line breaks and tabs, no halves of pairs, no non-characters."""
    if value.isprintable():
        return True
    return not any(
        char not in "\n\r\t" and unicodedata.category(char) in ("Cc", "Cs") for char in value
    )


def _claimed_id(line: Mapping[str, Any]) -> str:
    record = line.get("record")
    claimed = record.get("native_id") if isinstance(record, dict) else line.get("id")
    return claimed if isinstance(claimed, str) and _is_id(claimed) else ""


def _is_id(value: str) -> bool:
    return 0 < len(value) <= MAX_ID and value == text.line(value)


def native_id(value: object) -> str:
    """An id as a source may give it: 1 to 255 visible characters on one line. Raises ValueError."""
    if not isinstance(value, str) or not _is_id(value):
        raise ValueError("id")
    return value


def _line(number: int, line: Mapping[str, Any], today: date) -> Line:
    operation = line.get("op")
    if operation == "delete":
        _only(line, {"op", "id"}, "")
        return Line(number, _id(line.get("id"), "id"), None)
    if operation != "upsert":
        raise _WrongError("line-unknown-op", operation if isinstance(operation, str) else "")
    _only(line, {"op", "record"}, "")
    given = line.get("record")
    if not isinstance(given, dict):
        raise _WrongError("line-wrong-type", "record")
    sent = _typed(given)
    return Line(number, sent.native_id, _judged(sent, today), hash_of(given))


def hash_of(record: Mapping[str, Any]) -> str:
    """What a version of a record is called: BLAKE2b-160 (hexadecimal) of the record as it is sent,
    without ``warnings`` and ``raw``, as JSON with sorted keys and no blanks. For a record of this
    software it is `CatalogRecord.content_hash`; that of another release, with more or fewer keys,
    has the same name on both sides."""
    kept = {name: value for name, value in record.items() if name not in ("warnings", "raw")}
    plain = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(plain.encode("utf-8"), digest_size=20).hexdigest()


def _only(given: Mapping[str, Any], allowed: set[str] | frozenset[str], path: str) -> None:
    for name in given:
        if name not in allowed:
            raise _WrongError("line-unknown-key", f"{path}.{name}" if path else name)


# ------------------------------------------------------------------ types


def _typed(given: Mapping[str, Any]) -> CatalogRecord:
    """The record exactly as it was sent, all types checked: its hash is the sender's."""
    _only(given, _RECORD_KEYS, "record")
    for name in ("native_id", "title"):
        if name not in given:
            raise _WrongError("line-missing", f"record.{name}")
    fields = given.get("fields", {})
    if not isinstance(fields, dict):
        raise _WrongError("line-wrong-type", "fields")
    for name in ("warnings", "tags"):
        _texts(given.get(name, []), name)
    raw = given.get("raw", {})
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise _WrongError("line-wrong-type", "raw")
    for name, value in fields.items():
        _check_field(name, value)
    resources = given.get("resources", [])
    if not isinstance(resources, list):
        raise _WrongError("line-wrong-type", "resources")
    if len(resources) > MAX_RESOURCES:
        raise _WrongError("line-too-many-values", f"resources {MAX_RESOURCES}")
    files = tuple(_resource(item) for item in resources)
    if len({item.native_id for item in files}) != len(files):
        raise _WrongError("line-duplicate-key", "resources.native_id")
    return CatalogRecord(
        native_id=_id(given["native_id"], "native_id"),
        title=_text(given["title"], "title", MAX_SHORT),
        provider=_optional(given.get("provider"), "provider"),
        fields=fields,
        tags=tuple(given.get("tags", [])),
        resources=files,
        warnings=tuple(given.get("warnings", [])),
        held=_optional(given.get("held"), "held"),
        raw=raw,
    )


def _id(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _WrongError("line-missing" if value is None else "line-wrong-type", path)
    if not _is_id(value):
        raise _WrongError("line-bad-id", path)
    return value


def _text(value: object, path: str, longest: int) -> str:
    if not isinstance(value, str):
        raise _WrongError("line-wrong-type", path)
    if len(value) > longest:
        raise _WrongError("line-value-too-long", path)
    return value


def _texts(value: object, path: str) -> None:
    if not isinstance(value, list):
        raise _WrongError("line-wrong-type", path)
    for one in value:
        _text(one, path, MAX_SHORT)


def _optional(value: object, path: str) -> str | None:
    return None if value is None else _text(value, path, MAX_SHORT)


def _resource(given: object) -> ResourceRecord:
    if not isinstance(given, dict):
        raise _WrongError("line-wrong-type", "resources")
    _only(given, _RESOURCE_KEYS, "resources")
    for name in ("native_id", "name", "url"):
        if name not in given:
            raise _WrongError("line-missing", f"resources.{name}")
    size = given.get("size")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise _WrongError("line-wrong-type", "resources.size")
    url = _text(given["url"], "resources.url", MAX_URL)
    if url and not is_address(url, SCHEMES):
        raise _WrongError("line-bad-url", "resources.url")
    return ResourceRecord(
        native_id=_id(given["native_id"], "resources.native_id"),
        name=_text(given["name"], "resources.name", MAX_SHORT),
        url=url,
        format=_text(given.get("format", ""), "resources.format", 40),
        description=_text(given.get("description", ""), "resources.description", MAX_TEXT),
        size=size,
        modified=_optional(given.get("modified"), "resources.modified"),
        open_type=_optional(given.get("open_type"), "resources.open_type"),
        hash=_optional(given.get("hash"), "resources.hash"),
    )


def is_address(url: str, schemes: tuple[str, ...] = ("http", "https")) -> bool:
    """Whether a text is an address of one of these schemes: with a host, without a name and
    password, without blanks."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    plain = url.isprintable() and not re.search(r"[\s\\<>\"]", url)
    return plain and parts.scheme in schemes and bool(host) and "@" not in parts.netloc


def _check_field(name: str, value: object) -> None:
    """Types of one field. Unknown names are let by: they are left out with a warning."""
    if name in OURS:
        raise _WrongError("line-refused-field", name)
    kind = field_kinds().get(name)
    if kind is None or value is None:
        return
    if kind.kind != "list":
        _check_value(name, kind, value)
        return
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _WrongError("line-wrong-type", name)
    if len(value) > MAX_ITEMS:
        raise _WrongError("line-too-many-values", f"{name} {MAX_ITEMS}")
    parts = kind.parts or {}
    for one in value:
        _only(one, set(parts), name)
        for part, inner in one.items():
            if inner is not None:
                _check_value(f"{name}.{part}", parts[part], inner)


def _check_value(path: str, kind: FieldKind, value: object) -> None:
    last = path.rpartition(".")[2]
    if kind.kind == "codes":
        _texts([value] if isinstance(value, str) else value, path)
        return
    if kind.kind == "length" and isinstance(value, int) and not isinstance(value, bool):
        return
    found = _text(value, path, MAX_TEXT if last in _LONG else MAX_SHORT)
    if kind.kind == "url" and found and not is_address(found):
        raise _WrongError("line-bad-url", path)


# ------------------------------------------------------------------ judgement


def _judged(sent: CatalogRecord, today: date) -> CatalogRecord:
    """The record as it is filed: texts without markup, codes of our lists only, and held where it
    must not be seen yet. What the sender says of its own warnings is not repeated."""
    warnings: list[str] = []
    title = text.line(text.strip_html(sent.title))
    if text.is_empty(title):
        raise _WrongError("line-missing", "title")
    fields = dict(_fields(sent.fields, warnings, today))
    held = _levels(sent, fields)
    if held is None and fields.get("open_type") == "open":
        names = [str(item.get("name", "")) for item in fields.get("items", [])]
        risky = suspect.identifying_items(names)
        if risky:
            held = f"personal-data-columns: {'、'.join(risky[:5])}"
        people = suspect.people_in_title(title)
        if people:
            warnings.append(f"personal-data-suspected: {people}")
    if held is None and sent.held:
        held = f"held-by-sender: {text.line(sent.held)[:MAX_REASON_DETAIL]}"
    return CatalogRecord(
        native_id=sent.native_id,
        title=title,
        provider=text.line(sent.provider) or None,
        fields={name: value for name, value in fields.items() if value not in (None, "", [])},
        tags=text.tags(list(sent.tags)),
        resources=tuple(_filed(item, warnings) for item in sent.resources),
        warnings=tuple(dict.fromkeys(warnings)),
        held=held,
    )


def _fields(
    given: Mapping[str, Any], warnings: list[str], today: date
) -> Iterator[tuple[str, Any]]:
    kinds = field_kinds()
    yield "supply_channel", "push"
    for name, value in given.items():
        kind = kinds.get(name)
        if kind is None:
            warnings.append(f"field-unknown: {text.line(name)[:MAX_REASON_DETAIL]}")
        elif name in _LEVELS or name == "supply_channel":
            continue  # below; how it came is no question
        elif kind.kind == "list":
            yield name, _items(name, kind, value or [], warnings)
        else:
            yield name, _value(name, kind, value, warnings, today)
    if not any(
        name == "update_cycle" and _known(kinds[name], value) for name, value in given.items()
    ):
        yield "update_cycle", "irregular"  # promises nothing and is not scored
        if not given.get("update_cycle"):
            warnings.append("cycle-missing")


def _known(kind: FieldKind, value: object) -> bool:
    return isinstance(value, str) and codelists.item(kind.codelist, value) is not None


def _items(
    name: str, kind: FieldKind, value: list[dict[str, Any]], warnings: list[str]
) -> list[dict[str, Any]]:
    parts = kind.parts or {}
    found = []
    for one in value:
        item = {
            part: _value(f"{name}.{part}", parts[part], inner, warnings, None)
            for part, inner in one.items()
        }
        kept = {part: inner for part, inner in item.items() if inner not in (None, "")}
        if kept:
            found.append(kept)
    return found


def _value(path: str, kind: FieldKind, value: Any, warnings: list[str], today: date | None) -> Any:
    """A value as it is stored; None where it is left out, with a warning that says so."""
    if value is None or value == "":
        return None
    readers: dict[str, Callable[[], Any]] = {
        "code": lambda: _code(path, kind, value, warnings),
        "codes": lambda: _codes(path, value, warnings),
        "date": lambda: _date(value, warnings, None),
        "past": lambda: _date(value, warnings, today),
        "length": lambda: value if isinstance(value, int) else text.line(value),
        "url": lambda: value,
    }
    if kind.kind in readers:
        return readers[kind.kind]()
    plain = text.strip_html(value)
    return plain if path.rpartition(".")[2] in _LONG else text.line(plain)


def _code(path: str, kind: FieldKind, value: str, warnings: list[str]) -> str | None:
    if _known(kind, value):
        return value
    shown = text.line(value)[:40]
    known = _WARNED.get(path)
    warnings.append(f"{known}-unknown: {shown}" if known else f"code-unknown: {path} {shown}")
    return None


def _codes(path: str, value: str | list[str], warnings: list[str]) -> list[str]:
    listed = text.split_list(value) if isinstance(value, str) else [text.line(v) for v in value]
    good = [one for one in listed if codes.parse(one) is not None]
    if len(good) != len(listed):
        warnings.append(f"code-unknown: {path}")
    return good


def _date(value: str, warnings: list[str], today: date | None) -> str | None:
    """A day CCYY-MM-DD. One in the future, by the portal's clock, is left out: the sender's clock
    or its data is wrong, and the record should not fail for it."""
    shown = text.line(value)[:40]
    try:
        day = date.fromisoformat(value) if _DAY.match(value) else None
    except ValueError:
        day = None
    if day is None:
        warnings.append(f"date-unreadable: {shown}")
    elif today is not None and day > today:
        warnings.append(f"date-in-future: {shown}")
        day = None
    return day.isoformat() if day else None


def _levels(sent: CatalogRecord, fields: dict[str, Any]) -> str | None:
    """Put the levels the portal knows into the fields; why the record is held, or None."""
    opened, shared = (sent.fields.get(name) for name in _LEVELS)
    for name, value in (("open_type", opened), ("share_type", shared)):
        if isinstance(value, str) and codelists.is_valid(name, value):
            fields[name] = value
    if _blank(opened):
        return "opening-missing"
    if "open_type" not in fields:
        return f"opening-unknown: {text.line(opened)[:40]}"
    if _blank(shared):
        _assume_sharing(fields)
    elif "share_type" not in fields:
        return f"sharing-unknown: {text.line(shared)[:40]}"
    if fields["open_type"] == "open" and fields.get("share_type") == "none":
        del fields["share_type"]  # with it, it could not even be kept for a person to look at
        return "sharing-contradicts-opening"
    return None


def _blank(value: object) -> bool:
    """Nothing; not `text.is_empty`: ``none`` is a level."""
    return not text.clean(value)


def _assume_sharing(fields: dict[str, Any]) -> None:
    """What everybody may take, agencies may take; of the rest nothing is assumed."""
    if fields["open_type"] == "open":
        fields["share_type"] = "unconditional"


def _filed(item: ResourceRecord, warnings: list[str]) -> ResourceRecord:
    level = item.open_type or None
    if level is not None and not codelists.is_valid("open_type", level):
        warnings.append(f"opening-unknown: {text.line(level)[:40]}")
        level = "closed"  # the strictest: nothing is let out on a word nobody knows
    return replace(
        item,
        name=text.line(text.strip_html(item.name)),
        format=text.line(item.format).upper().lstrip("."),
        description=text.strip_html(item.description),
        modified=text.parse_date(item.modified).day,
        open_type=level,
        hash=item.hash if item.hash and _SHA256.match(item.hash) else None,
    )
