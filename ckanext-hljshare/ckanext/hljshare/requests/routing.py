"""Who has which part in a request: by membership as it is now, never by what was noted before.

The agency's editors handle, its administrators sign as well; administrators of the city or province
above it supervise, and act in its stead where it has nobody. Sysadmins supervise.
"""

from __future__ import annotations

from collections.abc import Collection

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.deadlines.ladder import Audience
from ckanext.hljshare.requests.model import Request

HANDLING = ("editor", "admin")
TOP = "province"


def roles(user: model.User | None, row: Request) -> set[str]:
    """The roles of a person in a request: `applicant`, `handler`, `approver`, `supervisor`, and
    `colleague` (works for the unit that applies: reads only). Empty for everybody else."""
    if user is None or user.state != model.State.ACTIVE:
        return set()
    found: set[str] = set()
    if row.applicant_id == user.id:
        found.add("applicant")
    if row.state == "draft":  # nobody's but who writes it
        return found
    units = grants.units(user.id)
    capacity = units.get(row.agency_id or "")
    if capacity in HANDLING:
        found.add("handler")
    if capacity == "admin":
        found.add("approver")
    if user.sysadmin or any(units.get(place) == "admin" for place in above(row.agency_id)):
        found.add("supervisor")
    if row.unit_id and units.get(row.unit_id) in HANDLING:
        found.add("colleague")
    return found


def above(agency_id: str | None) -> list[str]:
    """The ids of the organizations above an agency, the nearest first."""
    group = model.Session.get(model.Group, agency_id) if agency_id else None
    if group is None:
        return []
    return [parent.id for parent in reversed(group.get_parent_group_hierarchy("organization"))]


def members(group_ids: Collection[str], capacities: Collection[str]) -> list[str]:
    """The ids of active people with one of these capacities in organizations that are active."""
    if not group_ids:
        return []
    member, user, group = model.Member, model.User, model.Group
    query = (
        sa.select(user.id)
        .join(member, member.table_id == user.id)
        .join(group, group.id == member.group_id)
        .where(
            member.group_id.in_(list(group_ids)),
            member.table_name == "user",
            member.state == "active",
            member.capacity.in_(list(capacities)),
            group.state == "active",
            user.state == "active",
            user.name != str(tk.config.get("ckan.site_id") or ""),
        )
        .distinct()
        .order_by(user.id)
    )
    return list(model.Session.scalars(query))


def sysadmins() -> list[str]:
    """The ids of active system administrators, the portal's own account left out."""
    user = model.User
    return list(
        model.Session.scalars(
            sa.select(user.id)
            .where(
                user.sysadmin.is_(True),
                user.state == "active",
                user.name != str(tk.config.get("ckan.site_id") or ""),
            )
            .order_by(user.id)
        )
    )


def people(agency_id: str | None, handler_id: str | None, audience: Audience) -> list[str]:
    """Whom a notice for an audience reaches.

    `handler`: who has the request in hand, if still in the agency, else all who may. Where the
    agency has nobody, or is gone, the administrators of the nearest organization above it that has
    any, in the end the system administrators: nothing is sent to nobody.
    """
    places = [agency_id] if agency_id else []
    up = above(agency_id)
    if audience == "handler":
        handling = members(places, HANDLING)
        if handler_id in handling:
            return [str(handler_id)]
        return handling or supervisors(up)
    if audience == "approver":
        return members(places, ("admin",)) or supervisors(up)
    top = [place for place in up if _level(place) == TOP] or up[-1:]
    if audience == "province":
        return members(top, ("admin",)) or sysadmins()
    return members([place for place in up if place not in top], ("admin",))


def supervisors(up: Collection[str]) -> list[str]:
    """The administrators of the nearest of these organizations that has any, else the sysadmins."""
    for place in up:
        found = members([place], ("admin",))
        if found:
            return found
    return sysadmins()


def may_handle(user_id: str, agency_id: str | None) -> bool:
    """Whether a request of this agency may be given to somebody."""
    return bool(agency_id) and user_id in members([str(agency_id)], HANDLING)


def triage_office() -> str | None:
    """Where requests without an agency go first: the province's own organization (design: Two
    doors)."""
    group = model.Group
    query = (
        sa.select(group)
        .where(group.is_organization.is_(True), group.state == "active")
        .order_by(group.created, group.id)
    )
    for found in model.Session.scalars(query):
        if (found.extras or {}).get("level") == TOP:
            return str(found.id)
    return None


def is_office(agency_id: str | None) -> bool:
    """Whether an organization is a city or province that passes requests on to agencies."""
    return bool(agency_id) and _level(str(agency_id)) in (TOP, "city")


def _level(group_id: str) -> str:
    group = model.Session.get(model.Group, group_id)
    return str((group.extras or {}).get("level") or "") if group is not None else ""
