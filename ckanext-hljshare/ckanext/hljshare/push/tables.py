"""Tables of content (clause 5.2 a: articles, interaction, service guides): header and rows. Pure.

The first line describes the table, each other line writes or deletes a row. Types are strict, as
JSON has them; what is sent as text stays text, a formula too. Values come out as text for COPY.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from ckanext.hljshare.ingest import naming, text

from . import lines

LOCAL = timezone(timedelta(hours=8), "Asia/Shanghai")
MAX_COLUMNS = 200
MAX_KEYS = 8
MAX_TITLE = 200
MAX_KEY_VALUE = 500  # characters: an index cannot take long ones
# our types → PostgreSQL's, as the DataStore writes them
TYPES = {
    "text": "text",
    "integer": "int8",
    "number": "numeric",
    "boolean": "bool",
    "date": "date",
    "timestamp": "timestamp",
}
_HEADER_KEYS = frozenset({"title", "fields", "key", "replace"})
_INT8 = 1 << 63


class TableError(ValueError):
    """The header is wrong; the text says where."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its type (a key of `TYPES`), what people call it."""

    name: str
    kind: str
    label: str


@dataclass(frozen=True)
class Header:
    """A table: its columns, the names of those that make its key, and whether rows that are not
    in this content go."""

    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    replace: bool = False


@dataclass(frozen=True)
class Row:
    """A row to write (values in the order of the columns) or to delete (only those of the key)."""

    number: int
    delete: bool
    values: tuple[str | None, ...]
    shown: str


def header(data: bytes | None) -> Header:
    """Read the first line. Raises TableError."""
    try:
        given = lines.load(data)
    except Exception as error:
        raise TableError(str(error)) from None
    unknown = set(given) - _HEADER_KEYS
    if unknown:
        raise TableError(f"unknown key {text.line(sorted(unknown)[0])[:40]}")
    title = given.get("title")
    if not isinstance(title, str) or not text.line(title) or len(title) > MAX_TITLE:
        raise TableError("title")
    fields = given.get("fields")
    if not isinstance(fields, list) or not 0 < len(fields) <= MAX_COLUMNS:
        raise TableError("fields")
    columns = tuple(_column(item) for item in fields)
    names = [column.name for column in columns]
    if len({name.casefold() for name in names}) != len(names):
        raise TableError("fields: the same name twice")
    key = given.get("key")
    if not isinstance(key, list) or not 0 < len(key) <= MAX_KEYS:
        raise TableError("key")
    if len(set(map(str, key))) != len(key):
        raise TableError("key: the same name twice")
    if not all(isinstance(name, str) and name in names for name in key):
        raise TableError("key: not a field")
    replace = given.get("replace", False)
    if not isinstance(replace, bool):
        raise TableError("replace")
    plain_title = text.line(text.strip_html(title))
    return Header(plain_title, columns, tuple(key), replace)


def _column(item: object) -> Column:
    if not isinstance(item, dict) or set(item) - {"id", "type", "label"}:
        raise TableError("fields")
    name, kind, label = item.get("id"), item.get("type", "text"), item.get("label")
    if not isinstance(name, str) or naming.column_ids([name]) != [name] or name != text.line(name):
        raise TableError(f"fields: {text.line(name)[:40]} cannot name a column")
    if re.match(r"_|.*[\"%]", name):
        raise TableError("fields: a name")
    if kind not in TYPES:
        raise TableError(f"fields: type of {name}")
    if label is not None and (not isinstance(label, str) or len(label) > MAX_TITLE):
        raise TableError(f"fields: label of {name}")
    return Column(name, str(kind), text.line(label) or name)


def row(number: int, data: bytes | None, table: Header) -> Row | lines.Refused:
    """Read a line below the header: ``{"op":"upsert","row":{…}}`` or ``{"op":"delete","key":{…}}``.

    A column that a row leaves out is empty in it afterwards: a row is always sent whole.
    """
    try:
        given = lines.load(data)
        return _row(number, given, table)
    except TableError as error:
        return lines.Refused(number, "", (str(error),))
    except Exception as error:
        return lines.Refused(number, "", (str(error) or "line-not-json",))


def _row(number: int, given: Mapping[str, Any], table: Header) -> Row:
    operation = given.get("op")
    if operation not in ("upsert", "delete"):
        raise TableError("line-unknown-op")
    name = "row" if operation == "upsert" else "key"
    if set(given) != {"op", name}:
        raise TableError(f"line-unknown-key: {'op, ' + name}")
    values = given[name]
    if not isinstance(values, dict):
        raise TableError(f"line-wrong-type: {name}")
    columns = {column.name: column for column in table.columns}
    if name == "key":
        columns = {one: columns[one] for one in table.key}
    for column in values:
        if column not in columns:
            raise TableError(f"line-unknown-key: {text.line(column)[:40]}")
    for column in table.key:
        if values.get(column) is None:
            raise TableError(f"line-missing: {column}")
    read = {one: _value(columns[one], values.get(one)) for one in columns}
    parts = [str(read[one]) for one in table.key]
    if any(len(part) > MAX_KEY_VALUE for part in parts):
        raise TableError("line-value-too-long: key")
    shown = parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)
    return Row(number, operation == "delete", tuple(read.values()), shown)


def _value(column: Column, value: object) -> str | None:
    """A value as PostgreSQL reads it."""
    if value is None:
        return None
    kind = column.kind
    found: str | None = None
    if kind == "text" and isinstance(value, str):
        found = value
    elif kind == "boolean" and isinstance(value, bool):
        found = "true" if value else "false"
    elif isinstance(value, bool):
        found = None
    elif kind == "integer" and isinstance(value, int) and -_INT8 <= value < _INT8:
        found = str(value)
    elif kind == "number" and isinstance(value, (int, float)) and math.isfinite(value):
        found = str(Decimal(repr(value)))
    elif kind in ("date", "timestamp") and isinstance(value, str):
        found = _moment(kind, value)
    if found is None:
        raise TableError(f"line-wrong-type: {column.name}")
    return found


def _moment(kind: str, value: str) -> str | None:
    """ISO 8601; a time with an offset becomes local time, as the whole province has one."""
    try:
        if kind == "date":
            return date.fromisoformat(value).isoformat() if len(value) == 10 else None
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.astimezone(LOCAL).replace(tzinfo=None)
    return moment.isoformat()
