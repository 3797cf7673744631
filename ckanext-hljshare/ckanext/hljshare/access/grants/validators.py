"""Validators of grants: times, columns, rows."""

from __future__ import annotations

import datetime
import json
from typing import Any
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk

SHANGHAI = ZoneInfo("Asia/Shanghai")
MAX_COLUMNS = 500

__all__ = ["hljshare_aware_time", "hljshare_columns", "hljshare_count", "hljshare_rows"]


def hljshare_aware_time(value: Any) -> datetime.datetime:
    """A time with its zone (ISO 8601). Without a zone it is that of China; a date alone is the
    start of its day."""
    if isinstance(value, datetime.datetime):
        found = value
    else:
        try:
            found = datetime.datetime.fromisoformat(str(value).strip().replace("Z", "+00:00"))
        except ValueError:
            raise tk.Invalid(tk._("A date or time as 2026-01-05 or 2026-01-05 09:00")) from None
    if not 2000 <= found.year <= 2200:
        raise tk.Invalid(tk._("A date or time as 2026-01-05 or 2026-01-05 09:00"))
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def hljshare_count(value: Any) -> int | None:
    """How many: a whole number from 1; None where nothing is given. Zero is never "unlimited"."""
    if value is None or value == "":
        return None
    try:
        count = int(value)
    except (TypeError, ValueError, OverflowError):
        count = 0
    if not 1 <= count <= 1_000_000:
        raise tk.Invalid(tk._("A whole number from 1 is expected"))
    return count


def _read(value: Any) -> Any:
    if isinstance(value, str) and value.strip().startswith(("[", "{")):
        try:
            return json.loads(value)
        except ValueError:
            raise tk.Invalid(tk._("This is not valid JSON")) from None
    return value


def hljshare_columns(value: Any) -> list[str]:
    """Names of columns: a list, or text with commas between them. An empty choice is a mistake: it
    must not mean all of them."""
    found = _read(value)
    if isinstance(found, str):
        found = found.replace("，", ",").replace("、", ",").split(",")
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise tk.Invalid(tk._("A list of column names is expected"))
    names = list(dict.fromkeys(name.strip() for name in found if name.strip()))
    if not names or len(names) > MAX_COLUMNS:
        raise tk.Invalid(tk._("A list of column names is expected"))
    return names


def hljshare_rows(value: Any) -> dict[str, list[Any]]:
    """Which rows: column → values (a list, or one)."""
    found = _read(value)
    if not isinstance(found, dict) or not found:
        raise tk.Invalid(tk._("Rows are chosen by column and values"))
    rows = {
        str(name): values if isinstance(values, list) else [values]
        for name, values in found.items()
    }
    for values in rows.values():
        if not values or not all(isinstance(item, str | int | float | bool) for item in values):
            raise tk.Invalid(tk._("Rows are chosen by column and values"))
    return rows
