"""Parameters of the API that no action can take, and that CKAN's own fail on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

COUNTS = frozenset({"limit", "offset", "rows", "start"})
MOST = 2**31 - 1  # what the database and the index take as a count
LONGEST = 100  # characters of a count; Python reads thousands of digits, or refuses to
DEEPEST = 50  # lists and objects within each other


def wrong(parameters: Iterable[tuple[str, Any]]) -> list[str]:
    """The names of those whose value, a text or anything that JSON can hold, cannot be read: text
    that the database cannot hold (U+0000, halves of pairs), a count that is none or beyond `MOST`,
    or more than `DEEPEST` levels of lists and objects."""
    return [
        name for name, value in parameters if not _is_text(name) or not _readable(name, value, 0)
    ]


def _readable(name: str, value: Any, depth: int) -> bool:
    if depth > DEEPEST:
        return False
    if isinstance(value, dict):
        return all(_is_text(key) and _readable("", value[key], depth + 1) for key in value)
    if isinstance(value, list):
        return all(_readable(name, each, depth + 1) for each in value)
    if isinstance(value, str):
        return _is_text(value) and (name not in COUNTS or _is_count(name, value))
    if name in COUNTS and isinstance(value, (int, float)):
        return abs(value) <= MOST  # neither of infinity nor of what is no number
    return True


def _is_text(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_count(name: str, value: str) -> bool:
    """As CKAN reads it: `int` takes blanks around, underscores within, digits of any script."""
    if not value.strip():
        return name == "rows" and not value  # CKAN takes only this as not given
    if len(value) > LONGEST:
        return False
    try:
        return abs(int(value)) <= MOST
    except ValueError:
        return True  # CKAN says itself what is wrong with it
