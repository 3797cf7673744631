"""A person's inbox."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from flask import Blueprint

from ckanext.hljshare.catalog.paging import last_page, page_of

blueprint = Blueprint("hljshare_notices", __name__)

ROWS = 20
LAST = 500  # pages


@blueprint.route("/my/notices")
def inbox() -> Any:
    """The visitor's notices, the unread ones first."""
    if not tk.current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))
    number = page_of(tk.request.args.get("page"), LAST)
    wanted = {"limit": ROWS, "offset": (number - 1) * ROWS}
    found = tk.get_action("hljshare_notice_list")({}, wanted)
    last = last_page(found["count"], ROWS, LAST)
    return tk.render("my/notices.html", {"found": found, "number": number, "last": last})


@blueprint.route("/my/notices/read", methods=["POST"])
def mark_read() -> Any:
    """Mark one notice, or all, as read; `open` goes on to where the notice leads."""
    form = tk.request.form
    what: dict[str, Any] = {"all": True} if form.get("all") else {"id": form.get("id", "")}
    try:
        answer = tk.get_action("hljshare_notice_read")({}, what)
    except (tk.ObjectNotFound, tk.ValidationError):
        return tk.abort(404, tk._("Notice not found"))
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Log in to read your notices"))
    if form.get("open") and answer["link"]:
        return tk.redirect_to(answer["link"])
    return tk.redirect_to("hljshare_notices.inbox")
