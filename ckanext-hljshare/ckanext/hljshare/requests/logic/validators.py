"""Validators of requests: texts as people write them, days, bases, parts of tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.access.grants.validators import hljshare_columns, hljshare_rows

__all__ = [
    "hljshare_basis",
    "hljshare_columns_of",
    "hljshare_day",
    "hljshare_ids",
    "hljshare_ref",
    "hljshare_request_text",
    "hljshare_rows_of",
    "hljshare_version",
]

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MOST_IDS = 200
REF_MAX = 500
BASIS_MAX = 10_000
EARLIEST, LATEST = 2000, 2100


def hljshare_request_text(longest: int) -> Callable[[Any], str]:
    """A text of at most `longest` characters, trimmed, with no control characters in it."""

    def check(value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise tk.Invalid(tk._("A text is expected"))
        if len(value) > 4 * longest + 1000:  # before any work on it
            raise tk.Invalid(tk._("At most {count} characters").format(count=longest))
        text = value.replace("\r\n", "\n").strip()
        if _CONTROL.search(text):
            raise tk.Invalid(tk._("The text holds characters that cannot be shown"))
        if len(text) > longest:
            raise tk.Invalid(tk._("At most {count} characters").format(count=longest))
        return text

    return check


def hljshare_ref(value: Any) -> str:
    """An id, a name, a number or a mark: short, in one line."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise tk.Invalid(tk._("A text is expected"))
    if len(value) > REF_MAX:
        raise tk.Invalid(tk._("At most {count} characters").format(count=REF_MAX))
    text = value.strip()
    if _CONTROL.search(text) or len(text.splitlines()) > 1:
        raise tk.Invalid(tk._("The text holds characters that cannot be shown"))
    return text


def hljshare_day(value: Any) -> date:
    """A day, as 2026-12-31; also from a moment in ISO 8601, whose date it is."""
    try:
        found = date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise tk.Invalid(tk._("A date as 2026-01-05")) from None
    if not EARLIEST <= found.year <= LATEST:
        raise tk.Invalid(tk._("The date is too far away"))
    return found


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.strip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            raise tk.Invalid(tk._("This is not valid JSON")) from None
    return value


def hljshare_ids(value: Any) -> list[str]:
    """A list of ids: as a list, JSON, or text with commas."""
    found = _read(value)
    if isinstance(found, str):
        found = [part.strip() for part in found.split(",") if part.strip()]
    if (
        not isinstance(found, list)
        or len(found) > MOST_IDS
        or not all(isinstance(item, str) and item and not _CONTROL.search(item) for item in found)
    ):
        raise tk.Invalid(tk._("A list of ids is expected"))
    return list(dict.fromkeys(found))


def hljshare_basis(value: Any) -> Any:
    """Legal bases as they were given: text, JSON, or a list; what they are worth is decided with
    the decision they belong to (`requests/bases.py`)."""
    found = _read(value)
    try:
        size = len(json.dumps(found, default=str))
    except RecursionError:
        size = BASIS_MAX + 1
    if size > BASIS_MAX:
        raise tk.Invalid(tk._("At most {count} characters").format(count=BASIS_MAX))
    if any(_CONTROL.search(text) for text in _texts(found)):
        raise tk.Invalid(tk._("The text holds characters that cannot be shown"))
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value of JSON, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def hljshare_columns_of(value: Any) -> Any:
    """Columns: a list for one file, or file → list."""
    found = _read(value)
    if found in (None, "", [], {}):
        return None
    if isinstance(found, dict):
        return {str(file): hljshare_columns(names) for file, names in found.items()}
    return hljshare_columns(found)


def hljshare_rows_of(value: Any) -> Any:
    """Rows: column → values for one file, or file → column → values."""
    found = _read(value)
    if found in (None, "", {}):
        return None
    if not isinstance(found, dict):
        raise tk.Invalid(tk._("Rows are chosen by column and values"))
    if all(isinstance(item, dict) for item in found.values()):
        return {str(file): hljshare_rows(rows) for file, rows in found.items()}
    return hljshare_rows(found)


def hljshare_version(value: Any) -> int | None:
    """The version that was looked at: a whole number from 1; nothing where none is given."""
    if value is None or value == "":
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 1 <= number < 2**31:
        raise tk.Invalid(tk._("A whole number from 1 is expected"))
    return number
