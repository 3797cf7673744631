"""Parts of dumps in the database: which are out of date, keeping them, reading them all at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.feeds.entries.store import Entry, Scope, connect, entries_between

POSITIONS = 100  # of a part
BUFFERED = 16  # parts that are in memory at a time
WAITS = "15s"  # for somebody else who makes parts
# A reader who stops reading must not hold a connection, and old rows, for ever.
STOPS = "60s"

# What a part holds now. Each change of an entry gives it a version that is larger than all before,
# and one that leaves makes one fewer: how many and the newest never come back with other content.
_HOLD = (
    "SELECT (e.position / :positions)::integer AS number, count(*)::integer AS entries, "
    "max(e.version) AS newest FROM hljshare_feed_entry e WHERE {scope} GROUP BY 1"
)
_FRESH = (
    "s.city = :in_city AND s.agency = :in_agency AND s.syntax = :syntax AND s.stamp = :stamp "
    "AND s.number = h.number AND s.entries = h.entries AND s.newest = h.newest "
    "AND NOT EXISTS (SELECT FROM hljshare_feed_touch t JOIN hljshare_feed_entry e "
    "USING (dataset_id) WHERE (e.position / :positions)::integer = s.number)"
)


@dataclass(frozen=True)
class Holds:
    """What a part holds: its number, how many entries, and the newest of their versions."""

    number: int
    entries: int
    newest: int


@dataclass(frozen=True)
class Part:
    """One part as it is kept, without its body: what it holds, the IRIs that are to be described,
    the bytes of its gzip member."""

    holds: Holds
    refs: frozenset[str]
    size: int


class BusyError(Exception):
    """Somebody else makes parts of the same dump."""


def _values(scope: Scope, syntax: str, stamp: str) -> dict[str, Any]:
    agency = f"{scope.agency} {scope.key}" if scope.agency else ""
    own = {"in_city": scope.city, "in_agency": agency, "syntax": syntax, "stamp": stamp}
    return {**scope.values, **own, "positions": POSITIONS}


def holds(scope: Scope) -> list[Holds]:
    """What each part of a dump must hold now, in their order."""
    query = _HOLD.format(scope=scope.condition) + " ORDER BY 1"
    with connect() as connection:
        rows = connection.execute(sa.text(query), {**scope.values, "positions": POSITIONS})
        return [Holds(*row) for row in rows]


def outdated(scope: Scope, syntax: str, stamp: str) -> list[int]:
    """Numbers of the parts that are not there, or not as they should be, in their order."""
    query = (
        f"SELECT h.number FROM ({_HOLD.format(scope=scope.condition)}) h WHERE NOT EXISTS "
        f"(SELECT FROM hljshare_feed_part s WHERE {_FRESH}) ORDER BY 1"
    )
    with connect() as connection:
        return list(connection.scalars(sa.text(query), _values(scope, syntax, stamp)))


def entries_of(scope: Scope, syntax: str, stamp: str, number: int) -> list[Entry]:
    """The entries of a part, with those that are live no more."""
    low = number * POSITIONS
    return entries_between(scope, syntax, stamp, low, low + POSITIONS - 1)


def keep(
    scope: Scope, syntax: str, stamp: str, holds: Holds, refs: frozenset[str], body: bytes
) -> None:
    """Put a part in the place of what was kept of it."""
    statement = (
        "INSERT INTO hljshare_feed_part "
        "(city, agency, syntax, number, entries, newest, stamp, refs, body) VALUES "
        "(:in_city, :in_agency, :syntax, :number, :entries, :newest, :stamp, :refs, :body) "
        "ON CONFLICT (city, agency, syntax, number) DO UPDATE SET entries = excluded.entries, "
        "newest = excluded.newest, stamp = excluded.stamp, refs = excluded.refs, "
        "body = excluded.body"
    )
    own = {**vars(holds), "refs": sorted(refs), "body": body}
    with connect() as connection:
        connection.execute(sa.text(statement), {**_values(scope, syntax, stamp), **own})


class Snapshot:
    """All parts of a dump as of one moment, on a connection of its own until it is closed."""

    def __init__(self, scope: Scope, syntax: str, stamp: str) -> None:
        engine = model.meta.engine.execution_options(isolation_level="REPEATABLE READ")
        self._connection = engine.connect()
        self._values = _values(scope, syntax, stamp)
        self._hold = _HOLD.format(scope=scope.condition)
        self._connection.execute(
            sa.text(f"SET LOCAL idle_in_transaction_session_timeout = '{STOPS}'")
        )

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def parts(self) -> list[Part] | None:
        """The parts in their order, None if one of them is out of date."""
        query = (
            "SELECT h.number, h.entries, h.newest, s.refs, length(s.body) AS size "
            f"FROM ({self._hold}) h LEFT JOIN hljshare_feed_part s ON {_FRESH} ORDER BY 1"
        )
        rows = self._connection.execute(sa.text(query), self._values).all()
        if any(row.size is None for row in rows):
            return None
        return [Part(Holds(*row[:3]), frozenset(row.refs), row.size) for row in rows]

    def bodies(self, first: int, last: int) -> Iterator[bytes]:
        """The gzip members of the parts from one number to another, in their order."""
        query = (
            "SELECT body FROM hljshare_feed_part WHERE city = :in_city AND agency = :in_agency "
            "AND syntax = :syntax AND number BETWEEN :first AND :last ORDER BY number"
        )
        streamed = self._connection.execution_options(stream_results=True, max_row_buffer=BUFFERED)
        values = {**self._values, "first": first, "last": last}
        for row in streamed.execute(sa.text(query), values):
            yield bytes(row.body)


@contextmanager
def building(scope: Scope, syntax: str) -> Iterator[None]:
    """One maker of a dump's parts at a time: who waits finds them made.

    :raises BusyError: if that takes longer than `WAITS`
    """
    with model.meta.engine.begin() as connection:
        connection.execute(sa.text(f"SET LOCAL lock_timeout = '{WAITS}'"))
        try:
            connection.execute(
                sa.text("SELECT pg_advisory_xact_lock(hashtext('hljshare:dumps'), hashtext(:key))"),
                {"key": f"{scope} {syntax}"},
            )
        except sa.exc.OperationalError:
            raise BusyError from None
        yield


def forget_outdated(stamp: str) -> int:
    """Delete parts that nobody will be given any more; how many. Of an agency's, all in whose
    positions something is newer than they are: they are made again when they are asked for."""
    statement = """
        DELETE FROM hljshare_feed_part s WHERE s.stamp <> :stamp OR CASE WHEN s.agency = ''
            THEN (s.entries, s.newest) IS DISTINCT FROM (
                SELECT (count(*)::integer, max(e.version)) FROM hljshare_feed_entry e
                WHERE (e.position / :positions)::integer = s.number
                AND (s.city = '' OR e.city = s.city))
            ELSE EXISTS (SELECT FROM hljshare_feed_entry e
                WHERE (e.position / :positions)::integer = s.number AND e.version > s.newest) END
    """
    with connect() as connection:
        values = {"positions": POSITIONS, "stamp": stamp}
        found: int = connection.execute(sa.text(statement), values).rowcount
        return found
