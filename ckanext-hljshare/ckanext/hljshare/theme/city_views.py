"""Pages about how the cities are connected and about what their runs did."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from flask import Blueprint
from werkzeug.exceptions import Forbidden

from ckanext.hljshare.access import delivery
from ckanext.hljshare.access.filenames import safe_name
from ckanext.hljshare.catalog.paging import last_page, page_of
from ckanext.hljshare.ingest import supplier
from ckanext.hljshare.theme import city

blueprint = Blueprint("hljshare_city", __name__)

ROWS = 50
LAST = 1000  # pages


@blueprint.route("/city")
def cities() -> Any:
    """How each city is connected and when its catalog came; its administrators see more."""
    found = tk.get_action("hljshare_city_list")({}, {})
    return tk.render(
        "city/index.html",
        {
            "cities": found["results"],
            "province": found["province"],
            "tiles": city.map_tiles(found["results"]),
            "figures": city.figures(found["results"]),
            "sources": found["sources"],
            "states": city.states(),
            "looks": city.LOOKS,
            "ways": city.ways(),
        },
    )


def _run(id_: str, **more: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tk.get_action("hljshare_ingest_run_show")({}, {"id": id_, **more})
    except tk.ObjectNotFound:
        tk.abort(404, tk._("Run not found"))
    return found


@blueprint.route("/city/run/<id>")
def city_run(id: str) -> Any:  # noqa: A002
    """The report of a run: what happened to each record, why, and what to do."""
    outcome = tk.request.args.get("outcome", "")
    number = page_of(tk.request.args.get("page"), LAST)
    wanted: dict[str, Any] = {"limit": ROWS, "offset": (number - 1) * ROWS}
    if outcome in city.COUNTS:
        wanted["outcome"] = outcome
    try:
        run = _run(id, **wanted)
    except tk.NotAuthorized:
        return refused()
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
            "stages": city.stage_words(),
            "number": number,
            "last": last_page(run["entry_count"], ROWS, LAST),
        },
    )


@blueprint.route("/city/run/<id>/progress")
def run_progress(id: str) -> Any:  # noqa: A002
    """How far a run is, for the page that shows it."""
    try:
        run = _run(id, brief=True)
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Only for administrators of the source"))
    names = ("id", "stage", "done", "todo", "total", "alive", "finished", "seen", *city.COUNTS)
    return _unkept(flask.jsonify({name: run[name] for name in names}))


def _unkept(response: Any) -> Any:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/city/run/<id>/report.xlsx")
def run_report(id: str) -> Any:  # noqa: A002
    """The report as a workbook for the supplier."""
    try:
        run = _run(id, limit=1)
    except tk.NotAuthorized:
        return refused()
    source = model.Package.get(run["source_id"])
    title = source.title or source.name
    when = tk.h.hljshare_when(run["started"])
    facts: list[tuple[str, Any]] = [
        (tk._("Source"), title),
        (tk._("Started"), when),
        (tk._("Records seen"), run["seen"]),
    ]
    if run["total"] is not None:
        facts.append((tk._("Records the source says it has"), run["total"]))
    if run["stopped"] in city.CUT_OFF:
        stays = tk._("What it had written stays; the next run goes on from there.")
        facts.append((run["stopped_text"], stays))
    elif run["stopped"]:
        facts.append((tk._("Stopped; nothing was changed"), run["stopped_text"]))
        facts.append((tk._("What to do"), run["stopped_advice"]))
    book = supplier.workbook(
        facts,
        {name: run[name] for name in city.COUNTS},
        run["reasons"],
        supplier.lines(run["id"]),
    )
    response = flask.Response(book, mimetype=supplier.CONTENT_TYPE, direct_passthrough=True)
    name = safe_name(f"{title} {tk._('Run report')} {when[:10]}.xlsx")
    response.headers["Content-Disposition"] = delivery.attachment(name)
    return _unkept(response)


@blueprint.route("/dashboard/held")
def held() -> Any:
    """What waits for a decision in the visitor's part of the tree of organizations."""
    number = page_of(tk.request.args.get("page"), LAST)
    try:
        found = tk.get_action("hljshare_held_list")(
            {}, {"limit": ROWS, "offset": (number - 1) * ROWS}
        )
    except tk.NotAuthorized:
        return refused()
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


def refused(words: str = "") -> Any:
    """Visitors are asked to log in, and come back here; others are refused."""
    if not tk.current_user.is_authenticated:
        return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))
    raise Forbidden(words or tk._("Only for administrators of the source"))
