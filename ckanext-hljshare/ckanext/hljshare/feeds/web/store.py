"""What sitemaps and Atom feeds ask of the list of entries.

A statement that gives anything of datasets asks themselves whether they are public: the list says
in which order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy as sa

from ckanext.hljshare.feeds.entries.store import EVERYTHING, PUBLIC, Scope, connect

BLOCK = 10_000  # positions of one sitemap; the protocol allows 50,000 addresses
_PUBLIC_ENTRY = f"p.id = e.dataset_id AND {PUBLIC}"
# Which sitemaps there are, and whether they changed, tells of no dataset: `live`, as of the last
# time that notes were taken in, is enough.
_BLOCKS = """
    SELECT e.position / :size AS number, max(e.version) AS version, max(e.changed) AS changed
    FROM hljshare_feed_entry e {where} GROUP BY 1 HAVING bool_or(e.live) ORDER BY 1
"""
_PAGES = f"""
    SELECT p.name, p.metadata_modified FROM hljshare_feed_entry e JOIN package p ON {_PUBLIC_ENTRY}
    WHERE e.position >= :low AND e.position < :high ORDER BY e.position
"""
_CHANGES = f"""
    SELECT e.dataset_id, e.position, e.changed, p.id IS NOT NULL AS live, p.name, p.title, p.notes,
        p.metadata_created AS created, p.metadata_modified AS modified,
        p.extras ->> 'theme' AS theme, p.extras ->> 'open_type' AS level, g.title AS agency
    FROM ({{entries}}) e LEFT JOIN package p ON e.here AND {_PUBLIC_ENTRY}
    LEFT JOIN "group" g ON g.id = p.owner_org AND g.state = 'active'
    WHERE {{where}} ORDER BY e.changed DESC, e.position DESC LIMIT :limit
"""
_HERE = "SELECT dataset_id, position, changed, true AS here FROM hljshare_feed_entry e WHERE {here}"
# What has left a city or an agency, and not come back; when it did so for the last time.
_LEFT = """
    SELECT e.dataset_id, e.position, max(d.changed), false
    FROM hljshare_feed_departure d JOIN hljshare_feed_entry e USING (dataset_id)
    WHERE {there} AND NOT coalesce({here}, false) GROUP BY e.dataset_id, e.position
"""
_AGENCIES = """
    SELECT name FROM "group" WHERE is_organization AND state = 'active'
        AND type = 'organization' ORDER BY name
"""


@dataclass(frozen=True)
class Block:
    """The entries of one sitemap: ``version`` and ``changed`` grow whenever any of them is written
    to, or is public no more."""

    number: int
    version: int
    changed: datetime


@dataclass(frozen=True)
class Change:
    """A dataset as a feed of changes tells it. One that is public no more, or has left the city or
    the agency of the feed (``live`` False), has nothing but its id and when that was noticed."""

    dataset_id: str
    position: int
    changed: datetime
    live: bool
    name: str = ""
    title: str = ""
    notes: str = ""
    created: datetime | None = None
    modified: datetime | None = None
    theme: str = ""
    level: str = ""
    agency: str = ""


def blocks() -> list[Block]:
    """The sitemaps that have something to tell, in their order."""
    return _blocks("", {})


def block(number: int) -> Block | None:
    """One of :func:`blocks`."""
    low = number * BLOCK
    found = _blocks(
        "WHERE e.position >= :low AND e.position < :high", {"low": low, "high": low + BLOCK}
    )
    return found[0] if found else None


def _blocks(where: str, values: dict[str, int]) -> list[Block]:
    query = sa.text(_BLOCKS.format(where=where))
    with connect() as connection:
        rows = connection.execute(query, {"size": BLOCK, **values}).all()
    return [Block(**row._mapping) for row in rows]


def pages(number: int) -> list[tuple[str, datetime | None]]:
    """The names of the public datasets of one sitemap, and when each was last written to."""
    low = number * BLOCK
    with connect() as connection:
        rows = connection.execute(sa.text(_PAGES), {"low": low, "high": low + BLOCK}).all()
    return [(row.name, _aware(row.metadata_modified)) for row in rows]


def agencies() -> list[str]:
    """The names of all organizations."""
    with connect() as connection:
        return list(connection.scalars(sa.text(_AGENCIES)))


def changes(scope: Scope, limit: int, before: tuple[datetime, int] | None = None) -> list[Change]:
    """What changed, the latest first. What has left the city or the agency is live no more.

    :param before: only what stands behind the entry of this moment and position
    """
    here, where = scope.condition, "true"
    values: dict[str, object] = {**scope.values, "limit": limit}
    entries = _HERE.format(here=here)
    if scope != EVERYTHING:
        left = _LEFT.format(here=here, there=here.replace("e.", "d."))
        entries = f"{entries} UNION ALL {left}"
    if before is not None:
        where = "(e.changed, e.position) < (:changed, :position)"
        values |= {"changed": before[0], "position": before[1]}
    query = sa.text(_CHANGES.format(entries=entries, where=where))
    with connect() as connection:
        rows = connection.execute(query, values).all()
    return [_change(dict(row._mapping)) for row in rows]


def _change(row: dict[str, object]) -> Change:
    for name in ("created", "modified"):
        row[name] = _aware(row[name])
    return Change(**{key: value for key, value in row.items() if value is not None})  # type: ignore[arg-type]


def _aware(moment: object) -> datetime | None:
    """A moment of CKAN's, which are UTC without saying so."""
    return moment.replace(tzinfo=timezone.utc) if isinstance(moment, datetime) else None
