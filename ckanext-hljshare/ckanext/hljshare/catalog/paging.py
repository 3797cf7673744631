"""How a list is cut into pages. Pure."""

from __future__ import annotations


def page_of(text: str | None, last: int | None = None) -> int:
    """The page number that a person typed or followed: at least 1, at most `last`."""
    try:
        number = int(text or 1)
    except ValueError:
        number = 1
    number = max(1, number)
    return min(number, max(1, last)) if last is not None else number


def last_page(count: int, rows: int, last: int) -> int:
    """The number of pages of so many rows, at least 1, at most `last`."""
    return max(1, min(last, -(-count // rows)))
