"""The calendar in the database: its versions, the import of a notice, who is told of a change.

A version is one reading of one year's notice and is never changed. `Calendar.version` is the
number of the newest one: with it any count can be made again as it was.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from ckanext.hljshare.deadlines import calendar as rest_days
from ckanext.hljshare.deadlines import notices, outbox, shipped
from ckanext.hljshare.deadlines.calendar import Calendar, Day, Year
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.deadlines.model import CalendarDay, CalendarVersion, now
from ckanext.hljshare.deadlines.notices import N_

CHANGED = "calendar.changed"
MISSING = "calendar.missing"
LOCK = "hljshare-calendar"

log = logging.getLogger(__name__)
versions: sa.Table = CalendarVersion.__table__
days: sa.Table = CalendarDay.__table__
_followers: list[Callable[[int], None]] = []
_kept: dict[tuple[int, datetime], Calendar] = {}

notices.register(
    MISSING,
    N_("The calendar of {year} is missing"),
    N_(
        "The State Council's notice on the holidays of {year} is not in the portal yet, so"
        " deadlines in that year are provisional. Import it as soon as it is published."
    ),
)


@dataclass(frozen=True)
class Change:
    """What an import did with a year: `version` is the new one, or None where nothing differs."""

    year: int
    version: int | None
    added: tuple[date, ...]
    removed: tuple[date, ...]
    changed: tuple[date, ...]


def current(version: int | None = None) -> Calendar:
    """The calendar as it is, or as it was at a version. Raises LookupError for one not made yet."""
    _seed()
    newest = model.Session.execute(
        sa.select(versions.c.id, versions.c.created).order_by(versions.c.id.desc()).limit(1)
    ).one()
    if version is not None:
        if not 1 <= version <= newest.id:
            raise LookupError(version)
        return _load(model.Session(), version)
    key = (newest.id, newest.created)
    if key not in _kept:
        _kept.clear()
        _kept[key] = _load(model.Session(), newest.id)
    return _kept[key]


def listed() -> list[dict[str, Any]]:
    """Every version, newest first: year, source, file, moment, numbers of days."""
    _seed()
    rest = sa.func.count().filter(days.c.is_off).label("rest_days")
    worked = sa.func.count().filter(~days.c.is_off).label("worked_days")
    found = model.Session.execute(
        sa.select(
            versions.c.id, versions.c.year, versions.c.source, versions.c.created, rest, worked
        )
        .join(days, days.c.version_id == versions.c.id)
        .group_by(versions.c.id)
        .order_by(versions.c.id.desc())
    )
    return [
        {
            "version": row.id,
            "year": row.year,
            "source": row.source,
            "created": row.created.isoformat(),
            "rest_days": row.rest_days,
            "worked_days": row.worked_days,
        }
        for row in found
    ]


def days_of(year: int) -> list[Day]:
    """The days that a year's newest notice names; empty where there is none."""
    _seed()
    newest = sa.select(sa.func.max(versions.c.id)).where(versions.c.year == year)
    return _days(model.Session(), newest.scalar_subquery()).get(year, [])


def take(years: Sequence[Year], user_id: str | None, file_name: str) -> list[Change]:
    """Take years into the open transaction of `model.Session`; the caller commits.

    A year that says what is known already makes no version. If anything changes, followers are
    told after the commit, by way of the outbox.
    """
    _seed()
    session = model.Session()
    _lock(session)
    changes = [_take(session, year, user_id, file_name) for year in years]
    made = [change.version for change in changes if change.version]
    if made:
        outbox.put(CHANGED, str(max(made)), {"version": max(made)})
    return changes


def follow(function: Callable[[int], None]) -> Callable[[int], None]:
    """Have a function called with the new version after the calendar has changed.

    It recomputes what is provisional, commits nothing itself and is safe to repeat.
    """
    _followers.append(function)
    return function


@outbox.handler(CHANGED)
def _tell(payload: dict[str, Any]) -> None:
    for follower in _followers:
        follower(payload["version"])


def remind(at: datetime | None = None) -> int:
    """Tell the system administrators of missing years, once in each month, in December each week.

    Returns the number of new notices, which are committed. `at`: the time to take as now.
    """
    today = local_date(at or now())
    made = 0
    for year in rest_days.missing(current().years, today):
        key = rest_days.reminder_key(year, today)
        for user_id in _administrators():
            params = {"year": str(year)}
            made += notices.put(user_id, key, MISSING, params)
    model.Session.commit()
    return made


def _administrators() -> Iterable[str]:
    user = model.User
    return model.Session.scalars(
        sa.select(user.id).where(
            user.sysadmin, user.state == model.State.ACTIVE, user.name != tk.config["ckan.site_id"]
        )
    ).all()


def _take(session: Session, year: Year, user_id: str | None, file_name: str) -> Change:
    newest = sa.select(sa.func.max(versions.c.id)).where(versions.c.year == year.year)
    known = {day.date: day for day in _days(session, newest.scalar_subquery()).get(year.year, [])}
    fresh = {day.date: day for day in year.days}
    added = tuple(sorted(fresh.keys() - known.keys()))
    removed = tuple(sorted(known.keys() - fresh.keys()))
    differ = (day for day in fresh.keys() & known.keys() if fresh[day] != known[day])
    changed = tuple(sorted(differ))
    version = None
    if added or removed or changed:
        version = _insert(session, year, user_id, file_name)
    return Change(year.year, version, added, removed, changed)


def _insert(
    connection: Connection | Session, year: Year, user_id: str | None, file_name: str
) -> int:
    made = connection.execute(
        sa.insert(versions)
        .values(
            year=year.year,
            source=year.source,
            file_name=file_name,
            user_id=user_id,
            created=now(),
        )
        .returning(versions.c.id)
    ).scalar_one()
    connection.execute(
        sa.insert(days),
        [
            {"version_id": made, "date": day.date, "name": day.name, "is_off": day.is_off}
            for day in year.days
        ],
    )
    return int(made)


def _load(session: Session, version: int) -> Calendar:
    newest = (
        sa.select(sa.func.max(versions.c.id))
        .where(versions.c.id <= version)
        .group_by(versions.c.year)
    )
    years = [Year(year, tuple(found)) for year, found in _days(session, newest).items()]
    return Calendar(years, shipped.statutory(), str(version))


def _days(session: Session, chosen: Any) -> dict[int, list[Day]]:
    """The days of chosen versions by year, in order."""
    found: dict[int, list[Day]] = defaultdict(list)
    for row in session.execute(
        sa.select(versions.c.year, days.c.date, days.c.name, days.c.is_off)
        .join(days, days.c.version_id == versions.c.id)
        .where(versions.c.id.in_(chosen))
        .order_by(days.c.date)
    ):
        found[row.year].append(Day(row.date, row.name, row.is_off))
    return found


def _seed() -> None:
    """Bring in the notices that the portal comes with and the database does not have yet.

    In a transaction of its own, so that whoever asks first, even only to read, leaves them there.
    """
    known = set(model.Session.scalars(sa.select(versions.c.year).distinct()))
    if not any(year.year not in known for year in shipped.years()):
        return
    with model.meta.engine.begin() as connection:
        _lock(connection)
        known = set(connection.scalars(sa.select(versions.c.year).distinct()))
        for year in shipped.years():
            if year.year not in known:
                _insert(connection, year, None, f"{year.year}.csv")


def _lock(connection: Connection | Session) -> None:
    """One import at a time, until the transaction's end."""
    connection.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": LOCK}
    )
