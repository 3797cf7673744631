"""What is public, in one order: taking in what was written, and asking for it.

On connections of its own: a request's session, and what it has not committed, stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from ckan import model

SYNTAXES = ("ttl", "rdf", "jsonld", "nt")
BATCH = 5000  # notes that are taken in at a time
# Design, Rules of the domain: an entry is public unless its dataset is private (drafts and what is
# held are), deleted or withdrawn.
PUBLIC = (
    "p.type = 'dataset' AND p.state = 'active' AND NOT p.private "
    "AND coalesce(p.extras ->> 'withdrawn_on', '') = ''"
)
_CITY = "left(nullif(p.extras ->> 'region_code', ''), 4) || '00'"
_FORGOTTEN = ", ".join(f"{column} = NULL" for column in ("stamp", "refs", *SYNTAXES))
# The least of an index, not whether there is any: it steps over what is deleted.
_NOW = (
    "SELECT transaction_timestamp() AS moment, "
    "(SELECT max(changed) FROM hljshare_feed_entry) AS changed, "
    "(SELECT max(at) FROM hljshare_feed_mark) AS marked, "
    "coalesce((SELECT value FROM hljshare_feed_mark WHERE name = 'organizations'), '') "
    "AS organizations, "
    "(SELECT min(id) FROM hljshare_feed_touch) IS NOT NULL AS waiting"
)
_TAKE = """
    DELETE FROM hljshare_feed_touch WHERE id IN (
        SELECT id FROM hljshare_feed_touch ORDER BY id LIMIT :batch) RETURNING dataset_id
"""
_LEFT = f"""
    INSERT INTO hljshare_feed_departure (dataset_id, city, agency, changed)
    SELECT e.dataset_id, e.city, e.agency, clock_timestamp()
    FROM hljshare_feed_entry e JOIN package p ON p.id = e.dataset_id
    WHERE p.id = ANY (:ids) AND {PUBLIC}
        AND (e.city, e.agency) IS DISTINCT FROM ({_CITY}, p.owner_org)
"""
_MARK = """
    INSERT INTO hljshare_feed_mark AS m (name, value, at)
    VALUES (:name, :value, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at
        WHERE m.value <> excluded.value
"""
_STANDING = f"""
    UPDATE hljshare_feed_entry e SET name = p.name, city = {_CITY}, agency = p.owner_org,
        live = true, version = nextval('hljshare_feed_version'), changed = clock_timestamp(),
        {_FORGOTTEN}
    FROM package p WHERE p.id = ANY (:ids) AND e.dataset_id = p.id AND {PUBLIC}
"""
_GONE = f"""
    UPDATE hljshare_feed_entry e SET live = false, version = nextval('hljshare_feed_version'),
        changed = clock_timestamp(), {_FORGOTTEN}
    WHERE e.dataset_id = ANY (:ids) AND e.live
        AND NOT EXISTS (SELECT FROM package p WHERE p.id = e.dataset_id AND {PUBLIC})
"""
_NEW = f"""
    INSERT INTO hljshare_feed_entry (dataset_id, name, live, city, agency, changed)
    SELECT p.id, p.name, true, {_CITY}, p.owner_org, clock_timestamp()
    FROM package p WHERE p.id = ANY (:ids) AND {PUBLIC}
        AND NOT EXISTS (SELECT FROM hljshare_feed_entry e WHERE e.dataset_id = p.id)
    ORDER BY p.metadata_created, p.id
"""
# What is kept is read only where nothing was written since: the notes and the dataset itself are
# asked in the same statement, whatever has been taken in or not. Asked entry by entry, as a value:
# as a condition PostgreSQL would go through all datasets to give a page of them.
_COLUMNS = f"""
    e.dataset_id, e.name, e.position, e.version, now.live, e.changed, e.agency,
    array_to_string(e.refs, ' ') AS refs,
    CASE WHEN now.live AND e.stamp = :stamp AND e.dataset_id NOT IN (
        SELECT dataset_id FROM hljshare_feed_touch)
    THEN {{body}} END AS body
    FROM hljshare_feed_entry e CROSS JOIN LATERAL (
        SELECT coalesce(e.live AND {{scope}} AND
            (SELECT {PUBLIC} FROM package p WHERE p.id = e.dataset_id), false) AS live OFFSET 0) now
"""
_UNTOUCHED = (
    "FROM hljshare_feed_entry e WHERE e.dataset_id = ANY (:ids) AND NOT EXISTS ("
    "SELECT FROM hljshare_feed_touch t WHERE t.dataset_id = e.dataset_id)"
)
_KEEP = (
    "UPDATE hljshare_feed_entry SET "
    + ", ".join(f"{column} = :{column}" for column in ("stamp", "refs", *SYNTAXES))
    + " WHERE dataset_id = :id"
)


@dataclass(frozen=True)
class Made:
    """What feeds tell of a dataset: its text in each of `SYNTAXES`, and the IRIs in it that have a
    description of their own."""

    refs: frozenset[str]
    bodies: Mapping[str, str]


@dataclass(frozen=True)
class Scope:
    """Of which entries: all, or those of one city (region code), or of one organization (id) and
    all below it, whose ids are ``members``, sorted."""

    city: str = ""
    agency: str = ""
    members: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A word for it: another one where other organizations belong to it."""
        return hashlib.blake2b(repr(self).encode(), digest_size=12).hexdigest()

    @property
    def condition(self) -> str:
        """What it asks of an entry ``e``, in SQL; its values are :attr:`values`."""
        asked = ["e.city = :city"] if self.city else []
        asked += ["e.agency = ANY (:members)"] if self.agency else []
        return " AND ".join(asked) or "true"

    @property
    def values(self) -> dict[str, Any]:
        """The values of :attr:`condition`."""
        found: dict[str, Any] = {"city": self.city} if self.city else {}
        return {**found, "members": list(self.members)} if self.agency else found


EVERYTHING = Scope()


@dataclass(frozen=True)
class Entry:
    """An entry as a feed needs it. ``body``: what was made of the dataset in the syntax asked for;
    None where it must be made anew. ``live`` False: it is public no more."""

    dataset_id: str
    name: str
    position: int
    version: int
    live: bool
    changed: datetime
    agency: str | None
    refs: frozenset[str]
    body: str | None

    def with_made(self, made: Made, syntax: str) -> Entry:
        """The same with what was made of it now."""
        return replace(self, refs=made.refs, body=made.bodies[syntax])


@contextmanager
def connect() -> Iterator[Any]:
    """A transaction of its own, or that of :func:`together`; gives the connection."""
    held = _held.get()
    if held is not None:
        yield held
        return
    with model.meta.engine.begin() as connection:
        yield connection


@contextmanager
def together() -> Iterator[None]:
    """Ask several things in one transaction: to take a connection, and to end its transaction,
    takes longer than most answers."""
    with model.meta.engine.begin() as connection:
        token = _held.set(connection)
        try:
            yield
        finally:
            _held.reset(token)


_held: ContextVar[Any] = ContextVar("hljshare_feeds_connection", default=None)


@dataclass(frozen=True)
class Now:
    """How things stand when all that is committed has been taken in.

    ``moment``: nothing more will be said to have changed before it: a client that asks for changes
    since then misses none, however long a transaction takes. ``changed``: when the last change of
    any entry was noticed, None where there is none; ``marked``: that of any organization, or of
    what texts depend on besides. ``organizations``: a word that changes with any of them; what is
    read after it is not older than it says.
    """

    moment: datetime
    changed: datetime | None
    marked: datetime | None
    organizations: str

    @property
    def last(self) -> datetime | None:
        """When anything last changed that feeds tell."""
        return max(filter(None, (self.changed, self.marked)), default=None)


def settle() -> Now:
    """Take in what was written since the last time, so that entries tell of all that is committed.
    Within :func:`together` who comes next waits until that ends, if there was anything."""
    with connect() as connection:
        # Notes that somebody else is taking in are seen until that is committed. Where none is
        # seen, nothing noticed before this transaction began is still on its way.
        *first, waiting = connection.execute(sa.text(_NOW)).one()
        if not waiting:
            return Now(*first)
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('hljshare:feeds'))"))
        while True:
            moment = connection.scalar(sa.text("SELECT clock_timestamp()"))
            taken = connection.scalars(sa.text(_TAKE), {"batch": BATCH}).all()
            if not taken:
                _moment, *rest, _waiting = connection.execute(sa.text(_NOW)).one()
                return Now(moment, *rest)
            ids = sorted(set(taken))
            for statement in (_LEFT, _STANDING, _GONE, _NEW):
                connection.execute(sa.text(statement), {"ids": ids})
            if "" in ids:
                value = {"name": "organizations", "value": uuid4().hex}
                connection.execute(sa.text(_MARK), value)


def mark_stamp(stamp: str, name: str = "stamp") -> None:
    """Remember since when texts are made with a stamp; ``name``: of which texts."""
    with connect() as connection:
        connection.execute(sa.text(_MARK), {"name": name, "value": stamp})


def page(
    scope: Scope,
    syntax: str,
    stamp: str,
    *,
    limit: int,
    after: int | None = None,
    before: int | None = None,
    since: datetime | None = None,
    slot: int | None = None,
    bodies: bool = True,
) -> list[Entry]:
    """Live entries in their order; with ``since`` all that changed from then on. What has left a
    city or an agency for another is, for who asks for that one's changes, live no more.

    :param stamp: only what was made with it is given as a body
    :param after: behind this position; ``before``: the last ``limit`` in front of it
    :param slot: the ``limit`` entries from this one on, counted from 0, with what is live no more
        in its place: so a numbered page holds the same entries for good
    """
    where = []
    if since is not None:
        where.append(
            f"({scope.condition} AND e.changed >= :since OR EXISTS ("
            "SELECT FROM hljshare_feed_departure d WHERE d.dataset_id = e.dataset_id "
            f"AND d.changed >= :since AND {scope.condition.replace('e.', 'd.')}))"
        )
    elif slot is None:
        where.append(f"{scope.condition} AND now.live")
    else:  # not by OFFSET: each entry that is stepped over would be asked about its dataset
        where.append(
            f"{scope.condition} AND e.position >= (SELECT e.position FROM hljshare_feed_entry e "
            f"WHERE {scope.condition} ORDER BY 1 LIMIT 1 OFFSET :slot)"
        )
    if after is not None:
        where.append("e.position > :after")
    if before is not None:
        where.append("e.position < :before")
    columns = _columns(scope, syntax if bodies else None)
    query = f"""
        SELECT {columns} WHERE {" AND ".join(where)}
        ORDER BY e.position {"ASC" if before is None else "DESC"}
        LIMIT :limit OFFSET :skipped
    """
    skipped = 0 if since is None else slot or 0
    values = {"stamp": stamp, "limit": limit, "slot": slot, "skipped": skipped, "since": since}
    with connect() as connection:
        rows = connection.execute(
            sa.text(query), {**scope.values, **values, "after": after, "before": before}
        ).all()
    found = [_entry(row) for row in rows]
    return found if before is None else found[::-1]


def entries_between(scope: Scope, syntax: str, stamp: str, low: int, high: int) -> list[Entry]:
    """All entries from one position to another, both included, live or not."""
    query = (
        f"SELECT {_columns(scope, syntax)} WHERE {scope.condition} "
        "AND e.position BETWEEN :low AND :high ORDER BY e.position"
    )
    values = {**scope.values, "stamp": stamp, "low": low, "high": high}
    with connect() as connection:
        return [_entry(row) for row in connection.execute(sa.text(query), values)]


def counts(scope: Scope, changed: datetime | None) -> tuple[int, int]:
    """How many entries are live, and how many there are with those that are no more.

    :param changed: of :func:`settle`; they are counted anew when it is another
    """
    known = _counts.get(scope.key)
    if known is None or known[0] != changed:
        if len(_counts) >= COUNTS_KEPT:
            _counts.clear()
        with connect() as connection:
            row = connection.execute(
                sa.text(
                    "SELECT count(*) FILTER (WHERE e.live) AS live, count(*) AS whole "
                    f"FROM hljshare_feed_entry e WHERE {scope.condition}"
                ),
                scope.values,
            ).one()
        known = _counts[scope.key] = (changed, (row.live, row.whole))
    return known[1]


COUNTS_KEPT = 2000
# Counting 100,000 rows takes longer than reading a page; each change of any entry moves `changed`.
_counts: dict[str, tuple[datetime | None, tuple[int, int]]] = {}


def keep(entries: Iterable[Entry], made: Mapping[str, Made], stamp: str) -> set[str]:
    """Keep what was made of datasets, unless they were written to since the entries were read.

    :returns: the ids of those that were not written to, whether or not somebody else keeps them
    """
    versions = {entry.dataset_id: entry.version for entry in entries if entry.dataset_id in made}
    with connect() as connection:
        # Whoever holds an entry is about to forget what was made of it.
        free = connection.execute(
            sa.text(f"SELECT e.dataset_id, e.version {_UNTOUCHED} FOR UPDATE SKIP LOCKED"),
            {"ids": list(versions)},
        ).all()
        rows = [
            {
                "id": row.dataset_id,
                "stamp": stamp,
                "refs": sorted(made[row.dataset_id].refs),
                **made[row.dataset_id].bodies,
            }
            for row in free
            if row.version == versions[row.dataset_id]
        ]
        if rows:
            connection.execute(sa.text(_KEEP), rows)
        standing = connection.execute(
            sa.text(f"SELECT e.dataset_id, e.version {_UNTOUCHED}"), {"ids": list(versions)}
        )
        return {row.dataset_id for row in standing if row.version == versions[row.dataset_id]}


def stale(stamp: str, limit: int, behind: int = -1) -> list[Entry]:
    """Live entries of which nothing is kept that was made with this stamp, in their order, behind a
    position."""
    query = """
        SELECT dataset_id, name, position, version, live, changed, agency,
            NULL AS refs, NULL AS body
        FROM hljshare_feed_entry
        WHERE live AND stamp IS DISTINCT FROM :stamp AND position > :behind
        ORDER BY position LIMIT :limit
    """
    values = {"stamp": stamp, "limit": limit, "behind": behind}
    with connect() as connection:
        rows = connection.execute(sa.text(query), values).all()
    return [_entry(row) for row in rows]


def missing(scope: Scope, stamp: str) -> int:
    """Of how many live entries nothing is kept that was made with this stamp."""
    query = (
        "SELECT count(*) FROM hljshare_feed_entry e "
        f"WHERE {scope.condition} AND e.live AND e.stamp IS DISTINCT FROM :stamp"
    )
    with connect() as connection:
        found: int = connection.scalar(sa.text(query), {**scope.values, "stamp": stamp})
        return found


def find(dataset_id: str, syntax: str, stamp: str) -> Entry | None:
    """The entry of one dataset, live or not."""
    query = f"SELECT {_columns(EVERYTHING, syntax)} WHERE e.dataset_id = :id"
    with connect() as connection:
        row = connection.execute(sa.text(query), {"id": dataset_id, "stamp": stamp}).one_or_none()
    return _entry(row) if row else None


def find_all(dataset_ids: Iterable[str], stamp: str) -> list[Entry]:
    """The live ones of some entries, without bodies."""
    query = f"SELECT {_columns(EVERYTHING, None)} WHERE e.dataset_id = ANY (:ids) AND now.live"
    with connect() as connection:
        values = {"ids": sorted(dataset_ids), "stamp": stamp}
        return [_entry(row) for row in connection.execute(sa.text(query), values)]


def _entry(row: Any) -> Entry:
    *first, refs, body = row
    values = (*first, frozenset((refs or "").split()), body)
    return Entry(*values)


def _columns(scope: Scope, syntax: str | None) -> str:
    """What is asked of an entry; without a syntax no body. Live is what is public in the scope."""
    body = f"e.{SYNTAXES[SYNTAXES.index(syntax)]}" if syntax else "NULL"
    return _COLUMNS.format(body=body, scope=scope.condition)
