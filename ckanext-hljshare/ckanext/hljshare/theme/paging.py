"""Which page numbers a pager shows, and how a table's columns are. Pure."""

from __future__ import annotations

from collections.abc import Sequence


def page_numbers(current: int, last: int, around: int = 2) -> list[int | None]:
    """The numbers to show: first, last and those around the current one; None marks a gap.

    A gap of a single number is filled with that number.
    """
    if last <= 1:
        return []
    shown = sorted({1, last, *range(max(1, current - around), min(last, current + around) + 1)})
    result: list[int | None] = []
    for number in shown:
        previous = result[-1] if result else 0
        if previous is not None and number - previous == 2:
            result.append(number - 1)
        elif previous is not None and number - previous > 2:
            result.append(None)
        result.append(number)
    return result


def columns(fields: Sequence[dict[str, object]]) -> list[str]:
    """The names of a DataStore table's columns, its own row number left out."""
    return [str(field["id"]) for field in fields if field["id"] != "_id"]


def is_number(data_type: object) -> bool:
    """Whether a DataStore column is set flush right."""
    return str(data_type) in {"int", "int4", "int8", "float", "float8", "numeric", "bigint"}
