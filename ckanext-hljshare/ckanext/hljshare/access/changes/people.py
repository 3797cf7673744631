"""Who decides about a change of levels, and who is told of it."""

from __future__ import annotations

from collections.abc import Iterable

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import authz, model

from ckanext.hljshare.access.changes import rules
from ckanext.hljshare.access.changes.model import LevelChange
from ckanext.hljshare.access.grants import store
from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.notices import N_

PROPOSED = "level.proposed"
CONFIRMED = "level.confirmed"
REJECTED = "level.rejected"
STALE = "level.stale"
TIGHTENED = "level.tightened"

notices.register(
    PROPOSED,
    N_("A change of levels waits for your decision: {title}"),
    N_("{who} proposes for “{title}”: {change}. Reason: {reason}"),
)
notices.register(
    CONFIRMED,
    N_("Confirmed: the levels of {title} are changed"),
    N_("{who} has confirmed your proposal for “{title}”: {change}."),
)
notices.register(
    REJECTED,
    N_("Not confirmed: the levels of {title} stay"),
    N_("{who} has not confirmed your proposal for “{title}”: {change}. Reason: {reason}"),
)
notices.register(
    STALE,
    N_("Your proposal for {title} has lapsed"),
    N_("“{title}” was changed before anybody decided about: {change}. Propose it again if needed."),
)
notices.register(
    TIGHTENED,
    N_("The levels of data granted to you were tightened: {title}"),
    N_("“{title}”: {change}. Reason: {reason}. What your grant still opens is shown in My grants."),
)


def administers(user_name: str | None, owner_org: str | None) -> bool:
    """Tell whether a person administers an agency, directly or from the city or province above."""
    return bool(
        user_name
        and owner_org
        and authz.has_user_permission_for_group_or_org(owner_org, user_name, "admin")
    )


def may_decide(user: model.User | None, change: LevelChange, owner_org: str | None) -> bool:
    """Tell whether somebody may be the second person of a change: never who proposed it."""
    return (
        user is not None
        and user.state == "active"
        and user.id != change.proposer
        and administers(user.name, owner_org)
    )


def deciders(owner_org: str | None, proposer: str) -> list[str]:
    """Return whom to ask: the agency's administrators, else those of the nearest organization above
    that has any besides the proposer, else the system administrators (user ids)."""
    group = model.Group.get(owner_org) if owner_org else None
    if group is not None:
        above = group.get_parent_group_hierarchy(type="organization")
        for place in (group, *reversed(above)):
            found = _administrators(place.id, proposer)
            if found:
                return found
    query = sa.select(model.User.id).where(
        model.User.sysadmin.is_(True),
        model.User.state == "active",
        model.User.id != proposer,
        model.User.name != _site_user(),
    )
    return list(model.Session.scalars(query))


def _administrators(group_id: str, proposer: str) -> list[str]:
    member, user = model.Member, model.User
    query = (
        sa.select(user.id)
        .join(member, member.table_id == user.id)
        .where(
            member.group_id == group_id,
            member.table_name == "user",
            member.state == "active",
            member.capacity == "admin",
            user.state == "active",
            user.id != proposer,
            user.name != _site_user(),  # the portal's own account, which made the organization
        )
    )
    return list(model.Session.scalars(query))


def _site_user() -> str:
    return str(tk.config.get("ckan.site_id") or "")


def describe(change: LevelChange) -> str:
    """Return a change in the words of the code lists; for notices, which are kept as written."""
    difference = rules.compare(change.before, change.after)
    steps = rules.without_echoes((*difference.looser, *difference.stricter))
    return "；".join(_step(step) for step in steps) or "—"


def _step(step: rules.Step) -> str:
    code_list = "open_type" if step.axis == "open" else "share_type"
    before, after = (
        codelists.label(code_list, code, codelists.DEFAULT_LANGUAGE)
        for code in (step.before, step.after)
    )
    resource = model.Session.get(model.Resource, step.file) if step.file else None
    name = f"{resource.name}: " if resource is not None and resource.name else ""
    return f"{name}{before} → {after}"


def display(person: str | None) -> str:
    """Return the name of a user, by id, for colleagues to read; the id itself where he is gone.

    Of a harvest source (``source:NAME``) its title.
    """
    if person and person.startswith("source:"):
        name = person.removeprefix("source:")
        source = model.Package.get(name)
        return str(source.title or name) if source is not None else name
    user = model.User.get(person) if person else None
    return str(user.display_name) if user is not None else (person or "")


def _put(people: Iterable[str], kind: str, change: LevelChange, link: str, title: str) -> None:
    who = change.proposer if kind == PROPOSED else change.decider
    params = {
        "title": title,
        "who": display(who),
        "change": describe(change),
        "reason": (change.message if kind == REJECTED else change.reason) or "—",
    }
    for person in people:
        notices.put(person, f"{kind}:{change.id}", kind, params, link)


def tell_deciders(change: LevelChange, owner_org: str | None, name: str, title: str) -> None:
    """Ask the second person, in the open transaction."""
    people = deciders(owner_org, change.proposer)
    _put(people, PROPOSED, change, f"/dataset/{name}/level", title)


def tell_proposer(change: LevelChange, name: str, title: str) -> None:
    """Tell who proposed how it went, in the open transaction."""
    kind = {"confirmed": CONFIRMED, "rejected": REJECTED, "stale": STALE}[change.state]
    if model.Session.get(model.User, change.proposer) is not None:
        _put([change.proposer], kind, change, f"/dataset/{name}/level", title)


def tell_holders(change: LevelChange, name: str, title: str) -> None:
    """Tell everybody with a live grant on the dataset that it was tightened."""
    _put(store.holders(change.dataset_id), TIGHTENED, change, f"/dataset/{name}", title)
