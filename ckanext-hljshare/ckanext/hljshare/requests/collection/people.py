"""Who has which part in a collection task, by membership as it is now, and who is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.catalog import organizations, orgtree
from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.notices import N_
from ckanext.hljshare.requests import routing
from ckanext.hljshare.requests.collection.model import Assignment, Collection

ASKING = ("province", "city")  # levels whose administrators may ask agencies below them
PREFIX = "collection."

_TEXTS: dict[str, tuple[str, str]] = {
    "assigned": (
        N_("Data to be handed in by {due}: {title}"),
        N_(
            "{asker} asks your agency for “{title}” ({number}), by {due}, 24:00. What is wanted and"
            " how it is to be processed stands in the task; please acknowledge it."
        ),
    ),
    "due": (
        N_("Due on {due}: {title}"),
        N_("The data of the collection task “{title}” ({number}) is due on {due}, until 24:00."),
    ),
    "overdue": (
        N_("Overdue: {title}"),
        N_(
            "The data of the collection task “{title}” ({number}) was due on {due} and has not been"
            " handed in."
        ),
    ),
    "overdue_above": (
        N_("{agency} has not handed in: {title}"),
        N_("{agency} owes the data of “{title}” ({number}); it was due on {due}."),
    ),
    "submitted": (
        N_("{agency} has handed in: {title}"),
        N_("{agency} has handed in the data of “{title}” ({number}). Accept it or return it."),
    ),
    "returned": (
        N_("Returned: {title}"),
        N_(
            "{asker} returns the data of “{title}” ({number}); due again on {due}. Reason: {reason}"
        ),
    ),
    "accepted": (
        N_("Receipt {receipt}: {title}"),
        N_(
            "{asker} has accepted the data of “{title}” ({number}). Receipt {receipt}, file {file},"
            " SHA-256 {sha256}."
        ),
    ),
    "withdrawn": (
        N_("Withdrawn: {title}"),
        N_("{asker} no longer asks for “{title}” ({number}). Reason: {reason}"),
    ),
}
for _kind, _words in _TEXTS.items():
    notices.register(PREFIX + _kind, *_words)


def roles(user: model.User | None, asker_id: str, agency_id: str) -> set[str]:
    """The roles of a person in an agency's task (`rules.Role`); empty for everybody else."""
    return parts(user, asker_id, [agency_id])[agency_id]


def parts(user: model.User | None, asker_id: str, agency_ids: Iterable[str]) -> dict[str, set[str]]:
    """The roles of a person in the tasks of several agencies, by agency."""
    if user is None or user.state != model.State.ACTIVE:
        return {agency: set() for agency in agency_ids}
    units = grants.units(user.id)
    above_all = user.sysadmin or _administers(units, [asker_id, *routing.above(asker_id)])
    found: dict[str, set[str]] = {}
    for agency in agency_ids:
        found[agency] = {"handler"} if units.get(agency) in routing.HANDLING else set()
        if above_all:
            found[agency].add("superior")
        elif units and _administers(units, routing.above(agency)):
            found[agency].add("overseer")
    return found


def is_superior(user: model.User | None, asker_id: str) -> bool:
    """Whether a person administers the organization that asks, or one above it."""
    return "superior" in roles(user, asker_id, "")


def _administers(units: Mapping[str, str], places: Iterable[str]) -> bool:
    return any(units.get(place) == "admin" for place in places)


def agencies_of(user: model.User) -> list[str]:
    """The ids of the agencies for which a person acknowledges and hands in."""
    return [
        group for group, capacity in grants.units(user.id).items() if capacity in routing.HANDLING
    ]


def askers(user: model.User) -> list[dict[str, str]]:
    """The organizations on whose behalf a person may ask: cities and provinces he administers,
    directly or from above, with somebody below them; as `id`, `name`, `title`."""
    units = grants.units(user.id)
    nodes = organizations.flat()
    paths = orgtree.paths({node["name"]: node["parent"] for node in nodes})
    mine = {node["name"] for node in nodes if units.get(node["id"]) == "admin"}
    parents = {node["parent"] for node in nodes}
    return [
        {key: node[key] for key in ("id", "name", "title")}
        for node in nodes
        if node["level"] in ASKING
        and node["name"] in parents
        and (user.sysadmin or mine & set(paths[node["name"]]))
    ]


def below(asker_id: str) -> dict[str, str]:
    """The active organizations below one: id → name, in the order of the tree's list."""
    nodes = organizations.flat()
    name = next((node["name"] for node in nodes if node["id"] == asker_id), None)
    if name is None:
        return {}
    inside = set(orgtree.descendants({node["name"]: node["parent"] for node in nodes}, name))
    return {node["id"]: node["name"] for node in nodes if node["name"] in inside}


def title_of(group_id: str) -> str:
    """An organization's title, also of one that is gone."""
    group = model.Session.get(model.Group, group_id)
    return str(group.title or group.name) if group is not None else group_id


def display(user_id: str | None) -> str:
    """A person's name; empty for the portal itself."""
    user = model.Session.get(model.User, user_id) if user_id else None
    return str(user.display_name) if user is not None else (user_id or "")


def superiors(row: Collection) -> list[str]:
    """Whom the asking side's notices reach: who made the task, while he still may, else the
    administrators of the organization, or of the nearest above it that has any."""
    creator = model.Session.get(model.User, row.creator)
    if creator is not None and not creator.sysadmin and is_superior(creator, row.asker_id):
        return [creator.id]
    return administrators(row)


def administrators(row: Collection) -> list[str]:
    """The administrators of the organization that asks, or of the nearest above it that has any."""
    return routing.supervisors([row.asker_id, *routing.above(row.asker_id)])


def handlers(row: Assignment) -> list[str]:
    """An agency's editors and administrators, or where it has none, who stands above it."""
    return routing.people(row.agency_id, None, "handler")


def tell(
    receivers: Iterable[str],
    kind: str,
    row: Collection,
    task: Assignment,
    key: str,
    **more: str,
) -> int:
    """Put a notice to each receiver in the open transaction; return how many are new.

    `key`: says what it is about; the same key reaches a person once.
    """
    params = {
        "number": row.number,
        "title": row.title,
        "asker": title_of(row.asker_id),
        "agency": title_of(task.agency_id),
        "due": task.due.isoformat(),
        **more,
    }
    link = f"/collection/{row.number}"
    return sum(
        notices.put(person, f"{PREFIX}{key}", PREFIX + kind, params, link)
        for person in dict.fromkeys(receivers)
    )


def acting(context: Mapping[str, object]) -> model.User:
    """The person who acts. Raises NotAuthorized: what is done here is done by a person."""
    user = model.User.get(str(context.get("user") or ""))
    if user is None or user.state != model.State.ACTIVE:
        raise tk.NotAuthorized(tk._("Log in first"))
    return user
