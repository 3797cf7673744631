"""Pages about the cities' sources and about what their runs held back."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint
from werkzeug.exceptions import Forbidden

from ckanext.hljshare.catalog.paging import last_page, page_of
from ckanext.hljshare.theme import city

blueprint = Blueprint("hljshare_city", __name__)

ROWS = 50
LAST = 1000  # pages


@blueprint.route("/city")
def cities() -> Any:
    """What each city has sent and when; administrators see the runs of their sources besides."""
    user = tk.current_user
    own = city.sources(user.name) if user.is_authenticated else []
    return tk.render("city/index.html", {"places": city.overview(), "sources": own})


@blueprint.route("/city/run/<id>")
def city_run(id: str) -> Any:  # noqa: A002
    """The report of a run: what happened to each record, and why."""
    outcome = tk.request.args.get("outcome", "")
    number = page_of(tk.request.args.get("page"), LAST)
    wanted = {"id": id, "limit": ROWS, "offset": (number - 1) * ROWS}
    if outcome in city.COUNTS:
        wanted["outcome"] = outcome
    try:
        run = tk.get_action("hljshare_ingest_run_show")({}, wanted)
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Run not found"))
    except tk.NotAuthorized:
        return _refused()
    source = model.Package.get(run["source_id"])
    runs = tk.get_action("hljshare_ingest_run_list")(
        {}, {"source_id": run["source_id"], "limit": 10}
    )
    return tk.render(
        "city/run.html",
        {
            "run": run,
            "source": {"name": source.name, "title": source.title or source.name},
            "runs": runs["results"],
            "outcome": wanted.get("outcome", ""),
            "counts": city.COUNTS,
            "number": number,
            "last": last_page(run["entry_count"], ROWS, LAST),
        },
    )


@blueprint.route("/dashboard/held")
def held() -> Any:
    """What waits for a decision in the visitor's part of the tree of organizations."""
    number = page_of(tk.request.args.get("page"), LAST)
    try:
        found = tk.get_action("hljshare_held_list")(
            {}, {"limit": ROWS, "offset": (number - 1) * ROWS}
        )
    except tk.NotAuthorized:
        return _refused()
    owners = {item["owner_org"] for item in found["results"]}
    titles = dict(
        model.Session.query(model.Group.id, model.Group.title).filter(model.Group.id.in_(owners))
    )
    return tk.render(
        "dashboard/held.html",
        {
            "found": found,
            "titles": titles,
            "number": number,
            "last": last_page(found["count"], ROWS, LAST),
            # What CKAN's frame of the dashboard reads.
            "user_dict": {},
        },
    )


@blueprint.route("/harvest/delete/<id>", methods=["POST"])
def delete_source(id: str) -> Any:  # noqa: A002
    """Delete a source, keeping its datasets. ckanext-harvest's own view takes no POST, which is
    what CKAN's question before it sends."""
    try:
        tk.get_action("harvest_source_delete")({}, {"id": id})
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Harvest source not found"))
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Not authorized to see this page"))
    tk.h.flash_success(tk._("The source is deleted; its datasets stay."))
    return tk.redirect_to("harvest.search")


def _refused() -> Any:
    """Visitors are asked to log in, and come back here; others are refused."""
    if not tk.current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))
    raise Forbidden(tk._("Only for administrators of the source"))
