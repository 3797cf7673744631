"""Entries of the list as they stand in the database now: how many, some, or all in one stream."""

from __future__ import annotations

import threading
from collections.abc import Collection, Generator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.feeds.entries import store as entries
from ckanext.hljshare.feeds.entries.store import PUBLIC

from . import columns
from .asking import Filters

AT_ONCE = 500  # rows in memory while a list is read
# A program that stops reading must not hold a connection, and old rows, for ever.
MOST_WAIT = "SET LOCAL idle_in_transaction_session_timeout = '60s'"
PROVINCE = "230000"
_CITY = f"coalesce(e.city, '{PROVINCE}')"
# As access/levels.py: what is missing or unknown is closed.
_LEVEL = (
    "CASE WHEN p.extras ->> 'open_type' IN ('open', 'on_request') "
    "THEN p.extras ->> 'open_type' ELSE 'closed' END"
)
_SHARE = "coalesce(p.extras ->> 'share_type', '')"
_FROM = f"FROM hljshare_feed_entry e JOIN package p ON p.id = e.dataset_id AND {PUBLIC}"
_SUMS = f"""
    SELECT {_CITY} AS city, coalesce(p.owner_org, '') AS agency, {_LEVEL} AS level,
        {_SHARE} AS share, count(*) AS count, sum(e.version) AS weight, max(e.version) AS newest
    {_FROM} GROUP BY 1, 2, 3, 4
"""
# Which entries first, then what stands in them. PostgreSQL cannot guess how many a condition on
# `extras` leaves; asked so, it walks along the order and looks each dataset up by its id, whatever
# it guesses.
_ROWS = f"""
    WITH chosen AS MATERIALIZED (
        SELECT e.dataset_id, e.position FROM hljshare_feed_entry e
        CROSS JOIN LATERAL (
            SELECT FROM package p WHERE p.id = e.dataset_id AND {PUBLIC} AND {{where}} OFFSET 0) p
        WHERE e.live AND e.position > :after {{entries}}
        ORDER BY e.position LIMIT :limit OFFSET :offset)
    SELECT c.position, p.id, p.name, p.title, p.notes, p.extras, g.title AS provider,
        g.name AS provider_name, g.extras ->> 'uscc' AS provider_code,
        (SELECT array_agg(t.name ORDER BY t.name) FROM package_tag pt JOIN tag t ON t.id = pt.tag_id
            WHERE pt.package_id = p.id AND pt.state = 'active') AS tags,
        CASE WHEN coalesce(p.extras ->> 'format_type', '') = '' THEN (
            SELECT array_agg(r.format ORDER BY r.position) FROM resource r
            WHERE r.package_id = p.id AND r.state = 'active') END AS formats
    FROM chosen c JOIN package p ON p.id = c.dataset_id
    LEFT JOIN "group" g ON g.id = p.owner_org AND g.is_organization AND g.state = 'active'
    ORDER BY c.position
"""


@dataclass(frozen=True)
class Sum:
    """Entries of one city, agency (id), level and sharing type: how many, the sum of their versions
    and the newest one."""

    city: str
    agency: str
    level: str
    share: str
    count: int
    weight: int
    newest: int


@dataclass(frozen=True)
class Overview:
    """All that is public, summed up. ``changed``: when anything last changed that a list tells;
    ``organizations``: a word that changes with any of them."""

    sums: tuple[Sum, ...]
    changed: datetime | None
    organizations: str

    def of(self, filters: Filters, agencies: Collection[str] | None) -> list[Sum]:
        """Those that the filters ask for. ``agencies``: ids; None for all."""
        levels = filters.levels
        return [
            each
            for each in self.sums
            if each.level in levels
            and filters.city in ("", each.city)
            and filters.share in ("", each.share)
            and (agencies is None or each.agency in agencies)
        ]


# Summing up 100,000 entries takes longer than reading a page. By when an entry last changed; what
# one thread sums up, the others need not.
_kept: dict[datetime | None, tuple[Sum, ...]] = {}
_summing = threading.Lock()


@lru_cache(maxsize=8)
def _mark(stamp: str) -> None:
    """Remember since when lists are made with a stamp: the date of a list is not older."""
    entries.mark_stamp(stamp, "list")


def overview() -> Overview:
    """Sum up what is public now, with all that is committed."""
    _mark(columns.STAMP)
    now = entries.settle()
    with _summing:
        sums = _kept.get(now.changed)
        if sums is None:
            with entries.connect() as connection:
                rows = connection.execute(sa.text(_SUMS)).all()
            sums = tuple(Sum(**{**row._mapping, "weight": int(row.weight)}) for row in rows)
            _kept.clear()
            _kept[now.changed] = sums
    return Overview(sums, now.last, now.organizations)


def _query(filters: Filters, agencies: Collection[str] | None) -> tuple[str, dict[str, Any]]:
    where, narrowed = [f"{_LEVEL} = ANY (:levels)"], []
    if filters.city:
        narrowed.append(f"AND {_CITY} = :city")
    if filters.share:
        where.append(f"{_SHARE} = :share")
    if agencies is not None:
        where.append("p.owner_org = ANY (:agencies)")
        narrowed.append("AND e.agency = ANY (:agencies)")
    values = {
        "levels": list(filters.levels),
        "city": filters.city,
        "share": filters.share,
        "agencies": list(agencies or ()),
    }
    return _ROWS.format(where=" AND ".join(where), entries=" ".join(narrowed)), values


def page(
    filters: Filters, agencies: Collection[str] | None, site: str, limit: int, offset: int
) -> list[dict[str, Any]]:
    """Some entries, as :func:`rows.row` takes them. ``site``: the portal's address."""
    query, values = _query(filters, agencies)
    with entries.connect() as connection:
        found = connection.execute(
            sa.text(query), {**values, "after": -1, "limit": limit, "offset": offset}
        ).all()
    return [_dataset(row, site) for row in found]


def stream(
    filters: Filters, agencies: Collection[str] | None, site: str
) -> Generator[dict[str, Any], None, None]:
    """All entries, as they stood at one moment, `AT_ONCE` in memory."""
    query, values = _query(filters, agencies)
    values |= {"after": -1, "limit": AT_ONCE, "offset": 0}
    with model.meta.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        connection.execute(sa.text(MOST_WAIT))
        while True:
            found = connection.execute(sa.text(query), values).all()
            for row in found:
                yield _dataset(row, site)
            if len(found) < AT_ONCE:
                return
            values["after"] = found[-1].position


def _dataset(row: Any, site: str) -> dict[str, Any]:
    return {
        **(row.extras or {}),
        "id": row.id,
        "name": row.name,
        "title": row.title or row.name,
        "notes": row.notes,
        "provider": row.provider or row.provider_name,
        "provider_code": row.provider_code,
        "tags": row.tags,
        "formats": row.formats,
        "page": f"{site}/dataset/{row.name}",
    }
