"""Sources that the portal reads and that have fallen silent: a notice, once for each silence.

Of those that push, the room `push` tells.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from ckan import model
from ckan.common import config

from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.count import ZONE
from ckanext.hljshare.deadlines.notices import N_, Letter

from . import approval, overview, received
from .model import SourceSettings, now

KIND = "pull.missed"
notices.register(
    KIND,
    N_("Nothing from {title} since {since}"),
    N_(
        "Nothing sound has come from {title} for more than {hours} hours (last: {since}). The "
        "page of the source says what its last run was stopped for, or what it waits for."
    ),
)


def tell(at: datetime | None = None) -> int:
    """Tell the administrators of the owner and of the organizations above it about each source with
    a limit from which nothing sound has come for longer; once for each silence, however often this
    runs. Commits. How many notices were written.
    """
    limited = sa.select(SourceSettings.source_id).where(SourceSettings.missed_after.is_not(None))
    if model.Session.scalar(limited.limit(1)) is None:
        return 0
    moment = at or now()
    letters = []
    for one in received.connections():
        if overview.way(one) == overview.PUSH or not overview.is_silent(one, moment):
            continue
        since = one.last_success or one.made or moment
        values = {
            "title": one.title,
            "since": since.astimezone(ZONE).strftime("%Y-%m-%d %H:%M"),
            "hours": str(one.missed_after),
        }
        last = one.last_success.isoformat() if one.last_success else "never"
        key, page = f"pull-missed:{one.id}:{last}", f"/city/source/{one.name}"
        letters += [Letter(user, key, KIND, values, page) for user in _people(one.owner_id)]
    made = notices.put_all(letters)
    model.Session.commit()
    return made


def _people(owner_id: str) -> list[str]:
    """The administrators of an organization and of those above it, else the system administrators;
    never the portal's own account, which made the organizations."""
    return _administrators([owner_id, *approval.above(owner_id)]) or _named(
        model.User.sysadmin.is_(True)
    )


def _administrators(organization_ids: Collection[str]) -> list[str]:
    member = model.Member
    return _named(
        model.User.id.in_(
            sa.select(member.table_id).where(
                member.group_id.in_(organization_ids),
                member.table_name == "user",
                member.state == "active",
                member.capacity == "admin",
            )
        )
    )


def _named(which: sa.ColumnElement[bool]) -> list[str]:
    user = model.User
    own = str(config.get("ckan.site_id") or "")
    query = sa.select(user.id).where(which, user.state == "active", user.name != own)
    return list(model.Session.scalars(query.order_by(user.id)))
