"""The calendar feed of a handler's deadlines, and the page where its address is got and renewed."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint, Response, make_response

from ckanext.hljshare.requests import feed_tokens, ical
from ckanext.hljshare.requests.collection import store as collections
from ckanext.hljshare.requests.logic import reading

blueprint = Blueprint("hljshare_feed", __name__)


@blueprint.route("/desk/deadlines/<token>.ics")
def deadlines(token: str) -> Any:
    """What the owner of a secret address owes, as iCalendar; needs no session."""
    user = feed_tokens.user_of(token)
    if user is None:
        return tk.abort(404, tk._("This calendar address is not valid any more"))
    site = str(tk.config["ckan.site_url"]).rstrip("/")
    entries = [
        {
            **entry,
            "link": site + entry["link"] if entry["link"].startswith("/") else entry["link"],
            "text": tk._("{name}: due on {day}, until 24:00 (Beijing time).").format(
                name=entry["name"], day=entry["due"]
            ),
        }
        for entry in (*reading.deadlines_of(user.id), *collections.deadlines_of(user.id))
    ]
    title = f"{tk._(tk.config['ckan.site_title'])} · {tk._('Deadlines')}"
    response = Response(ical.feed(entries, title), content_type=ical.CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.route("/desk/deadlines", methods=["GET", "POST"])
def address() -> Any:
    """Show one's own address; `renew` makes one, or another, `end` takes it away."""
    if not tk.current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))
    if not tk.h.hljshare_from_agency():
        return tk.abort(403, tk._("For the staff of agencies"))
    if tk.request.method == "POST":
        if tk.request.form.get("do") == "end":
            feed_tokens.revoke(tk.current_user.id)
            tk.h.flash_success(tk._("The address is gone: calendars that use it get nothing more."))
        else:
            feed_tokens.renew(tk.current_user.id)
            tk.h.flash_success(tk._("The address is made. An older one is not valid any more."))
        model.Session.commit()
        return tk.redirect_to("hljshare_feed.address")
    token = feed_tokens.current(tk.current_user.id)
    response = make_response(
        tk.render(
            "requests/feed_address.html",
            {"address": _address(token) if token else "", "user_dict": {}},
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _address(token: str) -> str:
    found: str = tk.h.url_for("hljshare_feed.deadlines", token=token, _external=True)
    return found
