"""What a grant is worth at a moment, and how much of a table it lets out (pure).

A grant is for one person, within one unit where a unit is named; it ends by date, by number of
downloads, by revocation, or when the person leaves the unit. It is checked on every read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Axis = Literal["open", "share"]
State = Literal["live", "not_yet", "expired", "revoked", "used_up", "left_unit"]


@dataclass(frozen=True)
class Grant:
    """One grant. `resource_id` None: all files of the dataset. `columns` None: all columns;
    `rows` None: all rows, else column → the values let out. `max_downloads` None: not counted.
    """

    id: str
    dataset_id: str
    axis: Axis
    not_before: datetime
    not_after: datetime
    resource_id: str | None = None
    organization_id: str | None = None
    columns: tuple[str, ...] | None = None
    rows: Mapping[str, tuple[Any, ...]] | None = None
    max_downloads: int | None = None
    used: int = 0
    revoked: bool = False

    @property
    def limited(self) -> bool:
        """Whether only a part of the table may leave, so that the file as it is may not."""
        return self.columns is not None or bool(self.rows)


def state(grant: Grant, now: datetime, units: Collection[str]) -> State:
    """Return what a grant is worth at `now` for a person in these `units` (organization ids)."""
    if grant.revoked:
        return "revoked"
    if now >= grant.not_after:
        return "expired"
    if grant.organization_id is not None and grant.organization_id not in units:
        return "left_unit"
    if grant.max_downloads is not None and grant.used >= grant.max_downloads:
        return "used_up"
    if now < grant.not_before:
        return "not_yet"
    return "live"


_DIRECTION = re.compile(r"(\s+(asc|desc))?(\s+nulls\s+(first|last))?\Z", re.IGNORECASE)

# Which of several grants speaks for the person: a live one first, then the one that says most.
_ORDER: dict[State, int] = {
    "live": 0,
    "not_yet": 1,
    "used_up": 2,
    "left_unit": 3,
    "expired": 4,
    "revoked": 5,
}


def best(
    grants: Iterable[Grant], resource_id: str | None, now: datetime, units: Collection[str]
) -> tuple[Grant, State] | None:
    """Return the grant that counts for a file, with its state; None where there is none.

    Of live ones the widest: the whole file before a part of it, uncounted before counted, the
    longest. `resource_id` None asks for the dataset as a whole.
    """
    fitting = [
        (grant, state(grant, now, units))
        for grant in grants
        if resource_id is None or grant.resource_id in (None, resource_id)
    ]
    if not fitting:
        return None
    return min(
        fitting,
        key=lambda pair: (
            _ORDER[pair[1]],
            pair[0].limited,
            pair[0].max_downloads is not None,
            -pair[0].not_after.timestamp(),
            pair[0].id,
        ),
    )


class OutsideScopeError(ValueError):
    """A query names what the grant does not let out; the message is for people, with `name`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _listed(value: Any) -> list[str]:
    """Return a DataStore argument that may be a list or a comma-separated text as a list."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value]


def narrow(grant: Grant, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a `datastore_search` query that gives no more than the grant.

    Columns that are not granted may not be shown, filtered, sorted by or searched: each would tell
    their content. Words are therefore not searched for where columns are limited.

    :raises OutsideScopeError: the query names something outside the grant
    """
    narrowed = dict(query)
    if query.get("filters") is not None and not isinstance(query["filters"], Mapping):
        raise OutsideScopeError("filters")
    if grant.columns is not None:
        allowed = {*grant.columns, "_id"}
        asked = _listed(query.get("fields"))
        _check(asked, allowed)
        narrowed["fields"] = asked or list(grant.columns)
        _check((_sorted_by(part) for part in _listed(query.get("sort"))), allowed)
        for words in ("q", "full_text"):
            # Also for one column: CKAN looks in the whole row besides.
            if query.get(words):
                raise OutsideScopeError(words)
        _check(query.get("filters") or (), allowed)
    if grant.rows:
        narrowed["filters"] = _within(grant.rows, query.get("filters") or {})
    return narrowed


def _sorted_by(part: str) -> str:
    """Return the column of one part of a sort: `name`, `name desc`, `"a name" asc nulls last`."""
    return _DIRECTION.sub("", part.strip()).strip().strip('"')


def _check(names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            raise OutsideScopeError(str(name))


def _within(rows: Mapping[str, tuple[Any, ...]], filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return `filters` cut down to the granted values of each column."""
    merged = dict(filters)
    for column, values in rows.items():
        if column not in filters:
            merged[column] = list(values)
            continue
        wanted = filters[column]
        wanted = wanted if isinstance(wanted, list | tuple) else [wanted]
        texts = {str(value) for value in values}
        for value in wanted:
            # A comparison such as {"gt": 1} would reach rows that were not granted.
            if isinstance(value, Mapping) or str(value) not in texts:
                raise OutsideScopeError(column)
        merged[column] = list(wanted)
    return merged
