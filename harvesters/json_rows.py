"""From a row of a JSON portal to the canonical record. Pure.

Every dataset of every run goes through here: what does not depend on the row is worked out once.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from ckanext.hljshare.ingest import text
from ckanext.hljshare.ingest.record import PARTIAL, CatalogRecord, ResourceRecord

from . import build, templates
from .json_plan import Files, Plan
from .mapping import Mapping as SourceMapping
from .pages import whole_number
from .paths import Path

LONGEST_ID = 500  # characters; an index of PostgreSQL takes 2,700 bytes
MAX_KEYS = 10_000
ITEM_KEYS = {
    "item_name": ("column_name", "item_name", "columnName", "itemName", "name"),
    "item_field": ("column_field", "column_code", "columnCode", "field", "name_en", "nameEn"),
    "item_type": ("column_type", "data_type", "columnType", "dataType", "type"),
    "item_length": ("column_length", "columnLength", "dataLength", "length"),
    "item_description": ("column_description", "column_desc", "columnDesc", "description"),
}
FILE_KEYS = {
    "id": ("id", "fileId", "file_id", "idInRc", "rowGuid"),
    "name": ("name", "fileName", "file_name", "title"),
    "url": ("url", "fileUrl", "downloadUrl", "path"),
    "format": ("format", "fileFormat", "file_format", "fileType", "type", "suffix"),
    "size": ("size", "fileSize", "file_size"),
    "modified": ("updateTime", "update_time", "modified"),
    "description": ("description",),
}
UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)
MARKS = ("title", "provider", "open")
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>")
_MISSING = object()


def digest(value: Any) -> str:
    """A short name for a value that has none: 20 hex digits of BLAKE2b."""
    words = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(words.encode(), digest_size=10).hexdigest()


def identity(value: object) -> str:
    """A native id as the portal keeps it: ``/`` and ``%2F`` stay what they are, control characters
    and outer blanks go, and what is too long for an index ends in a digest.
    """
    words = text.line(value)
    if text.is_empty(words):
        return ""
    if len(words) > LONGEST_ID:
        return words[:LONGEST_ID] + "~" + digest(words)
    return words


class Reader:
    """Reads the rows of one source. ``base`` is the address that others are relative to."""

    def __init__(
        self, plan: Plan, mapping: SourceMapping, base: str, today: date | None = None
    ) -> None:
        self._plan, self._mapping, self._base, self._today = plan, mapping, base, today
        self._known: dict[str, str | None] = {}
        self._fields = tuple(plan.fields.items())
        self._page = templates.Address(plan.page, base) if plan.page else None
        files = plan.files
        self._file_url = templates.Address(files.url, base) if files and "${" in files.url else None
        places = [*(self._page.names if self._page else ())]
        places += self._file_url.names if self._file_url else ()
        self._places = {name: Path(name.partition(".")[2]) for name in places if "." in name}
        self._shift = int(mapping.dates.get("shift_hours", 0))
        self._forms = tuple(mapping.dates.get("formats", ()))

    def raw_id(self, row: Any) -> str:
        """The row's identifier as the source writes it, for its own requests; "" for none."""
        for paths in self._plan.id:
            parts = [templates.row_text(path.first(row)) for path in paths]
            if any(part.strip() for part in parts):
                return parts[0] if len(parts) == 1 else "\n".join(parts)
        return ""

    def native_id(self, row: Any) -> str:
        """The row's identity, "" for none."""
        raw = self.raw_id(row)
        if not raw:
            return ""
        return digest(raw) if self._plan.id_hash else identity(raw)

    def identity_of(self, value: Any) -> str:
        """The identity of the dataset that another table's row names."""
        raw = templates.row_text(value)
        return (digest(raw) if self._plan.id_hash else identity(raw)) if raw else ""

    def likeness(self, row: Any) -> Any:
        """What tells a row without identifier from others: title and agency, else all of it."""
        if isinstance(row, dict):
            values = self._values(row)
            known = [text.key(values.get(name)) for name in ("title", "provider")]
            if known[0]:
                return known
        return row

    def hidden(self, row: Any) -> bool:
        """Whether the source itself does not, or no longer, publish it."""
        return any(status.hides(row) for status in self._plan.status)

    def record(self, native_id: str, row: Any, *, partial: bool = False) -> CatalogRecord:
        """The record of a row with all that was joined to it.

        A row that cannot be read at all gives a record that the metadata rules refuse (or that
        leaves a standing dataset alone): a line in the report, and the others go on.
        """
        try:
            made = self._record(native_id, row)
        except (
            ValueError,
            TypeError,
            AttributeError,
            LookupError,
            ArithmeticError,
            RecursionError,
        ):
            title = row.get("title") if isinstance(row, dict) else ""
            return CatalogRecord(native_id, text.line(title)[:200], warnings=(PARTIAL,))
        return replace(made, warnings=(*made.warnings, PARTIAL)) if partial else made

    def _record(self, native_id: str, row: Any) -> CatalogRecord:
        if not isinstance(row, dict):
            return CatalogRecord(native_id, "", held="opening-missing")
        values = self._values(row)
        resources, formats = self._files(native_id, row)
        if formats and not values.get("formats"):
            values["formats"] = ",".join(formats)
        raw = build.Raw(values, items=self._items(row), resources=resources)
        return build.record(native_id, raw, self._mapping, self._today)

    def _values(self, row: dict[str, Any]) -> dict[str, object]:
        values: dict[str, object] = {}
        self._take(row, values)
        for detail in self._plan.details:
            told = row.get(detail.name)
            if detail.merge and isinstance(told, dict):
                self._take(told, values)
        for name, paths in self._fields:
            for path in paths:
                value = _flat(name, path.first(row))
                if not text.is_empty(value):
                    values[name] = value
                    break
        title = values.get("title")
        if isinstance(title, str) and "<" in title and _MARKUP.search(title):
            values["title"] = text.strip_html(title)
        if self._shift or self._forms:
            for name in ("released", "updated"):
                if name in values:
                    values[name] = self.moment(values[name])
        if self._page and not values.get("source_url"):
            values["source_url"] = self._filled(self._page, row)
        elif values.get("source_url"):
            values["source_url"] = self._address(values["source_url"])
        return values

    def mark(self, row: Any) -> str:
        """What must be the same where a row comes again: title, agency, level of opening. Holds for
        this process alone; counters of visits and the like are not part of it.
        """
        if not isinstance(row, dict):
            return ""
        told = [str(value) for key, value in row.items() if self._field_of(key) in MARKS]
        for name in MARKS:
            told += [str(path.first(row)) for path in self._plan.fields.get(name, ())]
        return str(hash(tuple(told)))

    def _field_of(self, key: str) -> str | None:
        """Our field of a key that is known by itself (aliases and the mapping's ``headers``)."""
        name: Any = self._known.get(key, _MISSING)
        if name is _MISSING:
            name = self._mapping.headers.get(text.key(key))
            if len(self._known) < MAX_KEYS:
                self._known[key] = name
        return name

    def _take(self, row: dict[str, Any], values: dict[str, object]) -> None:
        for key, value in row.items():
            name = self._field_of(key)
            if name is not None:
                flat = _flat(name, value)
                if not text.is_empty(flat):
                    values[name] = flat

    def moment(self, value: object) -> object:
        """A date in the mapping's own forms, moved by its shift; what cannot be read, as it is."""
        found: datetime | None = None
        exact = True
        for form in self._forms:
            try:
                found = datetime.strptime(text.line(value), form)  # noqa: DTZ007
            except ValueError:
                continue
            exact = "%H" in form
            break
        if found is None:
            read = text.parse_date(value)
            found, exact = read.value, read.precision == "second"
            if found is None or not self._shift:
                return value
        return found + timedelta(hours=self._shift) if exact and self._shift else found

    def _items(self, row: dict[str, Any]) -> list[dict[str, object]]:
        if self._plan.item_rows is None:
            return []
        found = self._plan.item_rows.rows(row)
        if found is None:
            found = list(text.split_list(self._plan.item_rows.first(row)))
        return [self._item(entry) for entry in found]

    def _item(self, entry: Any) -> dict[str, object]:
        if not isinstance(entry, dict):
            return {"item_name": entry}
        own = self._plan.items
        return {name: _pick(entry, own.get(name), keys) for name, keys in ITEM_KEYS.items()}

    def _files(self, native_id: str, row: dict[str, Any]) -> tuple[list[ResourceRecord], list[str]]:
        """The files that have an address, and the formats of those that have none."""
        wanted = self._plan.files
        if wanted is None:
            return [], []
        found = wanted.rows.rows(row)
        if found is None:
            found = text.clean(wanted.rows.first(row)).split()
        files: list[ResourceRecord] = []
        formats: list[str] = []
        taken: set[str] = set()
        for number, entry in enumerate(found[: build.MAX_RESOURCES + 1], start=1):
            part = self._file(wanted, row, entry, number, taken)
            if part.url:
                files.append(part)
                taken.add(part.native_id)
            elif part.format:
                formats.append(part.format)
        return files, formats

    def _file(
        self, wanted: Files, row: dict[str, Any], entry: Any, number: int, taken: set[str]
    ) -> ResourceRecord:
        told = entry if isinstance(entry, dict) else {}
        values = {
            name: _pick(told, wanted.paths.get(name), keys) for name, keys in FILE_KEYS.items()
        }
        if isinstance(entry, str):
            values["url"] = entry
        if self._file_url:
            url = self._filled(self._file_url, row, entry)
        else:
            url = self._address(values["url"])
        name = text.line(values["name"]) or url.split("?")[0].rpartition("/")[2] or str(number)
        own = key = identity(values["id"]) or name
        again = 1
        while key in taken:
            again += 1
            key = f"{own}-{again}"
        told_date = values["modified"]
        modified = text.parse_date(self.moment(told_date)).value if told_date else None
        ending = name.rpartition(".")[2] if re.search(r"\.[A-Za-z0-9]{2,5}$", name) else ""
        return build.file_record(
            key,
            name,
            url,
            text.line(values["format"]) or ending,
            size=whole_number(values["size"]),
            modified=modified.isoformat() if modified else None,
            description=text.strip_html(values["description"])[:2000]
            if values["description"]
            else "",
        )

    def _address(self, value: object) -> str:
        """An address of the source made whole, "" for what is none."""
        words = text.line(value)
        if text.is_empty(words):
            return ""
        try:
            whole = urljoin(self._base, words)
        except ValueError:
            return ""
        return whole if whole.startswith(("http://", "https://")) else ""

    def _filled(self, address: templates.Address, row: dict[str, Any], entry: Any = None) -> str:
        def scope(name: str) -> Any:
            if name == "id":
                return self.raw_id(row)
            told = entry if name.startswith("file.") else row
            return templates.row_text(self._places[name].first(told))

        if address.whole:
            return self._address(scope(address.names[0]))
        filled = address.fill(scope)
        return filled if filled.startswith(("http://", "https://")) else ""


def _pick(entry: dict[str, Any], path: Path | None, keys: tuple[str, ...]) -> object:
    """The mapped value, else that of the first usual key that holds something."""
    if path is not None:
        return _flat("", path.first(entry))
    for key in keys:
        if key in entry and not text.is_empty(entry[key]):
            return _flat("", entry[key])
    return None


def _flat(name: str, value: Any) -> object:
    """A list as one text (tags stay a list), an object as nothing."""
    if isinstance(value, list):
        plain = [item for item in value if not isinstance(item, (dict, list))]
        return plain if name == "tags" else ",".join(templates.words(item) for item in plain)
    return None if isinstance(value, dict) else value
