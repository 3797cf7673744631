"""The part ``json`` of a mapping, compiled: paths, templates, calls. No CKAN import.

What can be wrong with it beyond its schema is found here, before a source is asked anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.hljshare.ingest import text

from . import templates
from .mapping import MappingError
from .paths import Path

PAGING = ("page", "start", "end", "size", "cursor", "today", "now")
OK_CODES = frozenset({"", "0", "1", "00000", "200", "success", "ok", "true"})


@dataclass(frozen=True)
class Check:
    """Where an answer says whether all is well."""

    path: Path
    ok: frozenset[str]
    message: Path | None


@dataclass(frozen=True)
class Request:
    """One request with places to fill."""

    url: str
    method: str
    query: Mapping[str, Any]
    form: Mapping[str, Any] | None
    json: Any
    headers: Mapping[str, str]
    check: Check | None
    encoding: str | None

    def secret(self) -> bool:
        """Whether its address or body holds a secret."""
        parts = [self.url, dict(self.query), dict(self.form or {}), self.json]
        return any(name.startswith("secret:") for name in templates.places(parts))


@dataclass(frozen=True)
class Status:
    """What a record's own status means."""

    path: Path
    current: frozenset[str]
    gone: frozenset[str]

    def hides(self, row: Any) -> bool:
        """Whether the record is not, or no longer, published."""
        code = text.code(self.path.first(row))
        return code in self.gone or bool(self.current and code not in self.current)


@dataclass(frozen=True)
class Listing:
    """A list that comes in pages."""

    request: Request
    rows: Path
    total: tuple[Path, ...]
    pages: Path | None
    paging: str
    first: int
    next: Path


@dataclass(frozen=True)
class Join:
    """Another table whose rows belong to datasets."""

    name: str
    listing: Listing
    key: Path
    id: Path | None
    changes: tuple[Path, ...]
    status: tuple[Status, ...]


@dataclass(frozen=True)
class Detail:
    """What is asked for each dataset."""

    name: str
    request: Request
    object: Path
    merge: bool


@dataclass(frozen=True)
class Files:
    """Where a record's files are."""

    rows: Path
    url: str
    paths: Mapping[str, Path]


@dataclass(frozen=True)
class Plan:
    """How to read a JSON portal."""

    lists: tuple[Listing, ...]
    id: tuple[tuple[Path, ...], ...]
    id_hash: bool
    fields: Mapping[str, tuple[Path, ...]]
    page: str
    status: tuple[Status, ...]
    changes: tuple[Path, ...] | None
    joins: tuple[Join, ...]
    details: tuple[Detail, ...]
    item_rows: Path | None
    items: Mapping[str, Path]
    files: Files | None


def read(section: Mapping[str, Any]) -> Plan:
    """The plan of a mapping's part ``json``. Raises MappingError, which says where."""
    if not section:
        raise MappingError("json: missing; it says how the portal is asked")
    own = section["list"]
    lists = own if isinstance(own, list) else [own]
    items = section.get("items", {})
    changes = section.get("changes")
    return Plan(
        lists=tuple(
            _listing(entry, section, f"json/list/{number}") for number, entry in enumerate(lists)
        ),
        id=_id(section["id"]),
        id_hash=section.get("id_hash", False),
        fields={
            name: _paths(value, f"json/fields/{name}")
            for name, value in section.get("fields", {}).items()
        },
        page=_template(section.get("page", ""), "json/page", ("id",), ("row.",)),
        status=_status(section.get("status", []), "json/status"),
        changes=None if changes is None else _paths(changes, "json/changes"),
        joins=tuple(
            _join(entry, section, f"json/joins/{number}")
            for number, entry in enumerate(section.get("joins", []))
        ),
        details=tuple(
            _detail(entry, section, f"json/details/{number}")
            for number, entry in enumerate(section.get("details", []))
        ),
        item_rows=_path(items["rows"], "json/items/rows") if items else None,
        items={
            name: _path(value, f"json/items/{name}")
            for name, value in items.items()
            if name != "rows"
        },
        files=_files(section.get("files")),
    )


def _path(words: str, where: str) -> Path:
    try:
        return Path(words)
    except ValueError as error:
        raise MappingError(f"{where}: {error}") from None


def _paths(value: str | list[str], where: str) -> tuple[Path, ...]:
    return tuple(_path(words, where) for words in ([value] if isinstance(value, str) else value))


def _id(value: str | list[Any]) -> tuple[tuple[Path, ...], ...]:
    alternatives = [value] if isinstance(value, str) else value
    return tuple(_paths(entry, "json/id") for entry in alternatives)


def _template(value: Any, where: str, names: tuple[str, ...], prefixes: tuple[str, ...]) -> Any:
    """The template, if every place in it is one that is filled there."""
    for name in templates.places(value):
        prefix = next((known for known in prefixes if name.startswith(known)), None)
        if name not in names and not (prefix and name[len(prefix) :].strip()):
            known = ", ".join([*names, *(f"{prefix}…" for prefix in prefixes)])
            raise MappingError(f"{where}: ${{{name}}} is not known here; known: {known}")
        if prefix in ("row.", "file."):
            _path(name[len(prefix) :], where)
    return value


def _codes(values: list[Any]) -> frozenset[str]:
    return frozenset(text.code(value) for value in values)


def _check(section: Mapping[str, Any] | None, where: str) -> Check | None:
    if not section:
        return None
    message = section.get("message")
    return Check(
        _path(section["path"], f"{where}/path"),
        _codes(section["ok"]),
        _path(message, f"{where}/message") if message else None,
    )


def _request(
    entry: Mapping[str, Any],
    section: Mapping[str, Any],
    where: str,
    names: tuple[str, ...],
    prefixes: tuple[str, ...],
) -> Request:
    for part in ("url", "query", "form", "json"):
        _template(entry.get(part), f"{where}/{part}", names, prefixes)
    headers = section.get("headers", {})
    _template(headers, "json/headers", (), ("secret:",))
    posts = "form" in entry or "json" in entry
    if "form" in entry and "json" in entry:
        raise MappingError(f"{where}: a form and a JSON body exclude each other")
    method = entry.get("method", "POST" if posts else "GET")
    if posts and method == "GET":
        raise MappingError(f"{where}/method: GET takes neither form nor json; use query")
    return Request(
        url=entry.get("url", ""),
        method=method,
        query=entry.get("query", {}),
        form=entry.get("form"),
        json=entry.get("json"),
        headers=headers,
        check=_check(entry.get("error", section.get("error")), f"{where}/error"),
        encoding=section.get("encoding"),
    )


def _listing(entry: Mapping[str, Any], section: Mapping[str, Any], where: str) -> Listing:
    paging = entry.get("paging", "none")
    if paging in ("cursor", "next") and "next" not in entry:
        raise MappingError(f"{where}/next: missing; paging by {paging} needs it")
    asked = set(templates.places([entry.get(part) for part in ("url", "query", "form", "json")]))
    needed = {"page": {"page"}, "offset": {"start", "end"}, "cursor": {"cursor"}}.get(paging, set())
    if needed and not asked & needed:
        name = sorted(needed)[-1]
        raise MappingError(f"{where}: paging by {paging}, but no ${{{name}}} in the request")
    pages = entry.get("pages")
    return Listing(
        request=_request(entry, section, where, PAGING, ("secret:",)),
        rows=_path(entry["rows"], f"{where}/rows"),
        total=_paths(entry.get("total", []), f"{where}/total"),
        pages=_path(pages, f"{where}/pages") if pages is not None else None,
        paging=paging,
        first=entry.get("first", 1),
        next=_path(entry.get("next", ""), f"{where}/next"),
    )


def _status(entries: list[Mapping[str, Any]], where: str) -> tuple[Status, ...]:
    return tuple(
        Status(
            _path(entry["path"], where),
            _codes(entry.get("current", [])),
            _codes(entry.get("gone", [])),
        )
        for entry in entries
    )


def _join(entry: Mapping[str, Any], section: Mapping[str, Any], where: str) -> Join:
    return Join(
        name=entry["name"],
        listing=_listing(entry, section, where),
        key=_path(entry["key"], f"{where}/key"),
        id=_path(entry["id"], f"{where}/id") if "id" in entry else None,
        changes=_paths(entry.get("changes", []), f"{where}/changes"),
        status=_status(entry.get("status", []), f"{where}/status"),
    )


def _detail(entry: Mapping[str, Any], section: Mapping[str, Any], where: str) -> Detail:
    names, prefixes = ("id", "today", "now"), ("row.", "secret:")
    return Detail(
        name=entry["name"],
        request=_request(entry, section, where, names, prefixes),
        object=_path(entry.get("object", ""), f"{where}/object"),
        merge=entry.get("merge", False),
    )


def _files(section: Mapping[str, Any] | None) -> Files | None:
    if not section:
        return None
    url = section.get("url", "")
    if "${" in url:
        _template(url, "json/files/url", ("id",), ("row.", "file."))
    return Files(
        rows=_path(section["rows"], "json/files/rows"),
        url=url,
        paths={
            name: _path(value, f"json/files/{name}")
            for name, value in section.items()
            if name != "rows" and "${" not in value
        },
    )
