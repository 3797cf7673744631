"""What the handlers' desk says beside its list: counts, orders, who may be given what, who is late.

Counts stop at a thousand: a desk has to be as fast with a million requests as with ten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.deadlines.count import end_of, local_date
from ckanext.hljshare.requests import routing, workflow
from ckanext.hljshare.requests.logic import paging, reading
from ckanext.hljshare.requests.model import Request, RequestOrder, now

MOST = 1000  # counted; a list says "1000+" beyond
SOON = 3  # days
ORDERS = 6  # shown at once
LATE_AGENCIES = 40


@dataclass(frozen=True)
class Desk:
    """Whose desk it is: `own` agencies, all that are seen (`scope`, None: every one), whether some
    of them are supervised."""

    user: model.User
    own: tuple[str, ...]
    scope: tuple[str, ...] | None

    @property
    def supervises(self) -> bool:
        """Whether agencies below are looked after too."""
        return self.scope is None or set(self.scope) != set(self.own)

    def within(self) -> Any:
        """The condition that a request is one of this desk."""
        if self.scope is None:
            return sa.true()
        return Request.agency_id.in_(self.scope) if self.scope else sa.false()


def of(user: model.User | None) -> Desk | None:
    """The desk of a person; None for who handles and supervises nothing."""
    if user is None or user.state != model.State.ACTIVE:
        return None
    units = grants.units(user.id)
    own = tuple(unit for unit, role in units.items() if role in routing.HANDLING)
    if user.sysadmin:
        return Desk(user, own, None)
    return Desk(user, own, tuple(reading.agencies_of(user))) if own else None


def counts(desk: Desk) -> dict[str, tuple[int, bool]]:
    """How many requests wait under each tab, and how many are due `today` and `soon`: the number,
    and whether there are more than that."""
    row, moment = Request, now()
    today = local_date(moment)
    ahead = row.next_due > moment
    tabs: dict[str, Any] = {
        "all": sa.true(),
        "mine": row.handler_id == desk.user.id,
        "nobody": row.handler_id.is_(None),
        "sign": row.proposal.isnot(None),
        "overdue": reading.late_now(moment),
        "today": ahead & (row.next_due <= end_of(today)),
        "soon": ahead & (row.next_due <= end_of(today + timedelta(days=SOON))),
    }
    where = (row.state.in_(sorted(workflow.OPEN)), desk.within())
    if desk.supervises:  # tens of thousands: no count goes further than it is shown
        queries = {name: sa.select(row).where(*where, tab) for name, tab in tabs.items()}
        return {name: paging.count(query, MOST) for name, query in queries.items()}
    columns = [sa.func.count().filter(tab).label(name) for name, tab in tabs.items()]
    found = model.Session.execute(sa.select(*columns).where(*where)).one()._mapping
    return {name: (min(found[name], MOST), found[name] > MOST) for name in tabs}


def orders(desk: Desk) -> list[dict[str, Any]]:
    """The orders that wait for their answer, the oldest due first."""
    rows = model.Session.execute(
        sa.select(RequestOrder, Request)
        .join(Request, Request.id == RequestOrder.request_id)
        .where(RequestOrder.answered_at.is_(None), desk.within())
        .order_by(RequestOrder.answer_due, RequestOrder.id)
        .limit(ORDERS)
    )
    today = local_date(now())
    return [
        {
            "number": request.number,
            "data_name": request.data_name,
            "text": order.text,
            "answer_due": order.answer_due.isoformat(),
            "overdue": order.answer_due < today,
            "own": request.agency_id in desk.own,
        }
        for order, request in rows
    ]


def late_places(desk: Desk, moment: datetime | None = None) -> list[dict[str, Any]]:
    """Who is overdue below a supervisor: by city, with its agencies, the most first."""
    row = Request
    found = model.Session.execute(
        sa.select(row.agency_id, sa.func.count().label("late"))
        .where(
            desk.within(),
            row.state.in_(sorted(workflow.OPEN)),
            row.due_at.isnot(None),
            row.due_at <= (moment or now()),
        )
        .group_by(row.agency_id)
        .order_by(sa.desc("late"), row.agency_id)
        .limit(LATE_AGENCIES)
    )
    places: dict[str, dict[str, Any]] = {}
    for agency_id, late in found:
        group = model.Session.get(model.Group, agency_id) if agency_id else None
        if group is None:
            continue
        city = _city(group)
        place = places.setdefault(
            city.id, {"title": str(city.display_name), "late": 0, "agencies": []}
        )
        place["late"] += late
        place["agencies"].append(
            {"name": group.name, "title": str(group.display_name), "late": late}
        )
    return sorted(places.values(), key=lambda place: -place["late"])


def _city(group: model.Group) -> model.Group:
    """The city that an agency belongs to; of the province's own agencies the agency itself."""
    line = [*group.get_parent_group_hierarchy("organization"), group]
    for place in line:
        if (place.extras or {}).get("level") == "city":
            return place
    return line[-1]


def agency_names(scope: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Names and titles of active agencies, by title; of these only, or all."""
    group = model.Group
    query = sa.select(group.name, group.title).where(
        group.is_organization.is_(True), group.state == "active"
    )
    if scope is not None:
        query = query.where(group.id.in_(list(scope)))
    rows = model.Session.execute(query.order_by(group.title, group.name))
    return [(row.name, row.title or row.name) for row in rows]


def agency_named(text: str) -> str:
    """The name of the agency that somebody typed: by its name, or its title where only one has
    it; what is neither is given back as it is."""
    wanted = " ".join(text.split()).replace("\x00", "")
    group = model.Group
    if not wanted or model.Group.get(wanted) is not None:
        return wanted
    found = model.Session.scalars(
        sa.select(group.name)
        .where(group.is_organization.is_(True), group.state == "active", group.title == wanted)
        .limit(2)
    ).all()
    return str(found[0]) if len(found) == 1 else wanted


def people(agency_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Who may be given requests, by agency: `title` and `people` (name, title)."""
    found = []
    for agency_id in agency_ids:
        group = model.Session.get(model.Group, agency_id)
        members = [
            model.Session.get(model.User, user_id)
            for user_id in routing.members([agency_id], routing.HANDLING)
        ]
        if group is None or not members:
            continue
        named = sorted((str(user.display_name), user.name) for user in members if user is not None)
        found.append(
            {
                "title": str(group.display_name),
                "people": [{"name": name, "title": title} for title, name in named],
            }
        )
    return found
