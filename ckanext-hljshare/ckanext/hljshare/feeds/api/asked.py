"""Parameters of the API that no action can take, and that CKAN's own fail on. Pure."""

from __future__ import annotations

from collections.abc import Iterable

COUNTS = frozenset({"limit", "offset", "rows", "start"})
MOST = 2**31 - 1  # what the database and the index take as a count


def wrong(parameters: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    """The names of those with a value that cannot be read: U+0000, which no text of the database
    holds, or a count beyond `MOST`."""
    return [
        name
        for name, values in parameters
        if "\x00" in name or any(not _readable(name, value) for value in values)
    ]


def _readable(name: str, value: str) -> bool:
    if "\x00" in value:
        return False
    digits = value.strip().lstrip("+-").lstrip("0")
    if name not in COUNTS or not digits.isdecimal():
        return True
    return len(digits) <= len(str(MOST)) and int(digits) <= MOST
