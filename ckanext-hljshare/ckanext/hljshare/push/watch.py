"""Whoever falls silent is noticed: a notice, once, to the city's and the province's people."""

from __future__ import annotations

from datetime import datetime

from ckan import model

from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.count import ZONE
from ckanext.hljshare.deadlines.notices import N_, Letter
from ckanext.hljshare.requests import routing

from . import state
from .model import now

KIND = "push.missed"
notices.register(
    KIND,
    N_("No push from {title} since {since}"),
    N_(
        "{title} has sent nothing for more than {hours} hours (last: {since}). The city's portal "
        "runs `hljshare push run`; its log says why nothing arrives."
    ),
)


def run(at: datetime | None = None) -> dict[str, int]:
    """Tell the administrators of the city and of the organizations above it about each source that
    has missed its push; once for each silence, however often this runs. Commits.

    ``missed``: sources that are silent now; ``notices``: how many were written.
    """
    found = state.missed(at or now())
    letters = [
        Letter(
            user_id,
            f"push-missed:{one.source_id}:{one.key or 'never'}",
            KIND,
            {
                "title": one.title,
                "since": one.since.astimezone(ZONE).strftime("%Y-%m-%d %H:%M"),
                "hours": str(one.hours),
            },
            "/city",
        )
        for one in found
        for user_id in _people(one.owner_id)
    ]
    made = notices.put_all(letters)
    model.Session.commit()
    return {"missed": len(found), "notices": made}


def _people(owner: str) -> list[str]:
    places = [owner, *routing.above(owner)]
    return routing.members(places, ("admin",)) or routing.sysadmins()
