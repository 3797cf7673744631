"""Which opening level counts for a file (pure).

The dataset's `open_type` holds for all its files. A file may be stricter. It may be looser only
when it is a masked derivative or a sample (clause 6.1 b). What is missing or unknown is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Level = Literal["open", "on_request", "closed"]

STRICTNESS: dict[str, int] = {"open": 0, "on_request": 1, "closed": 2}
LOOSENING_DERIVATIVES = frozenset({"masked", "sample"})


def known(value: object) -> Level:
    """Return `value` when it is a level, else `closed`: the default is no."""
    if value == "open":
        return "open"
    if value == "on_request":
        return "on_request"
    return "closed"


def effective(dataset_level: object, resource_level: object, derivative: object = None) -> Level:
    """Return the level that counts for a file of a dataset.

    `resource_level` is empty where the file has none of its own. `derivative` says what the file
    is to its source: `masked`, `sample`, or nothing.
    """
    level = known(dataset_level)
    if not resource_level:
        return level
    own = known(resource_level)
    looser = isinstance(derivative, str) and derivative in LOOSENING_DERIVATIVES
    return own if looser or STRICTNESS[own] >= STRICTNESS[level] else level


def of_resource(dataset: Mapping[str, Any], resource: Mapping[str, Any]) -> Level:
    """Return `effective` for the dictionaries of a dataset and one of its resources."""
    return effective(
        dataset.get("open_type"), resource.get("open_type"), resource.get("derivative")
    )
