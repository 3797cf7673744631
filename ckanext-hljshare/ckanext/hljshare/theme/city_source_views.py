"""The page of a source for its administrators: settings, preview, approval, runs, the brake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from ckan import model
from ckanext.harvest.logic import HarvestJobExists, HarvestSourceInactiveError
from flask import Blueprint

from ckanext.hljshare.theme import city
from ckanext.hljshare.theme.city_views import refused

blueprint = Blueprint("hljshare_source", __name__)

RUNS = 10
SETTINGS = ("every", "missed_after", "supplier_name", "supplier_contact", "note")


def _source(name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tk.get_action("hljshare_source_show")({}, {"id": name})
    except tk.ObjectNotFound:
        tk.abort(404, tk._("Harvest source not found"))
    return found


@blueprint.route("/city/source/<name>")
def read(name: str) -> Any:
    """The source with everything its administrators do about it."""
    try:
        return _page(_source(name))
    except tk.NotAuthorized:
        return refused()


def _page(source: dict[str, Any], data: dict[str, Any] | None = None, errors: Any = None) -> Any:
    runs = tk.get_action("hljshare_ingest_run_list")({}, {"source_id": source["id"], "limit": RUNS})
    owner = model.Group.get(source["owner"])
    return tk.render(
        "city/source.html",
        {
            "source": source,
            "owner": {"name": owner.name, "title": owner.title or owner.name} if owner else None,
            "progress": tk.get_action("hljshare_source_progress")({}, {"id": source["id"]}),
            "runs": runs["results"],
            "data": data or {key: source[key] for key in SETTINGS},
            "errors": errors or {},
            "every": city.every_choices(source["every"]),
            "missed": city.missed_choices(source["missed_after"], source["missed_longest"]),
            "every_words": city.every_words(source["every"]),
            "stages": city.stage_words(),
            "counts": city.COUNTS,
            "may_mapping": tk.h.hljshare_may("hljshare_mapping_list"),
        },
    )


@blueprint.route("/city/source/<name>/progress")
def progress(name: str) -> Any:
    """How far its run and its preview are, for the page that shows them."""
    try:
        source = _source(name)
        found = tk.get_action("hljshare_source_progress")({}, {"id": name})
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Only for administrators of the source"))
    preview = source["preview"]
    small = ("id", "state", "done", "total")
    found["preview"] = {key: preview[key] for key in small} if preview else None
    response = flask.jsonify(found)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/city/source/<name>/settings", methods=["POST"])
def settings(name: str) -> Any:
    """Keep the schedule and the supplier."""
    data = {key: tk.request.form.get(key, "") for key in SETTINGS}
    try:
        tk.get_action("hljshare_source_settings_update")({}, {"id": name, **data})
    except tk.ValidationError as error:
        return _page(_source(name), data, error.error_dict), 400
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Harvest source not found"))
    except tk.NotAuthorized:
        return refused()
    tk.h.flash_success(tk._("The settings are kept."))
    return tk.redirect_to("hljshare_source.read", name=name)


def _do(name: str, act: Callable[[], str]) -> Any:
    """Do something with a source, say what came of it, and go back to its page."""
    try:
        said = act()
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("Harvest source not found"))
    except tk.NotAuthorized as error:
        return refused(str(error.message or ""))
    except tk.ValidationError as error:
        for texts in error.error_dict.values():
            for text in texts if isinstance(texts, list) else [texts]:
                tk.h.flash_error(str(text))
    except HarvestJobExists:
        tk.h.flash_notice(tk._("A run is waiting or under way already."))
    except HarvestSourceInactiveError:
        tk.h.flash_error(tk._("The source is deleted."))
    else:
        tk.h.flash_success(said)
    return tk.redirect_to("hljshare_source.read", name=name)


@blueprint.route("/city/source/<name>/preview", methods=["POST"])
def preview(name: str) -> Any:
    """Try the source in the background."""

    def act() -> str:
        tk.get_action("hljshare_source_preview")({}, {"id": name})
        return tk._("The preview is being made; it changes nothing.")

    return _do(name, act)


@blueprint.route("/city/source/<name>/approve", methods=["POST"])
def approve(name: str) -> Any:
    """Agree to the source as the preview showed it."""

    def act() -> str:
        data = {"id": name, "preview": tk.request.form.get("preview", "")}
        tk.get_action("hljshare_source_approve")({}, data)
        return tk._("Approved: it is read from now on, by its schedule or by hand.")

    return _do(name, act)


@blueprint.route("/city/source/<name>/run", methods=["POST"])
def run(name: str) -> Any:
    """Read the source now."""

    def act() -> str:
        _start(name)
        return tk._("The run begins in a moment.")

    return _do(name, act)


def _start(name: str) -> None:
    source = _source(name)
    context = {"model": model, "session": model.Session, "user": tk.current_user.name}
    tk.get_action("harvest_job_create")(context, {"source_id": source["id"], "run": True})


@blueprint.route("/city/source/<name>/abort", methods=["POST"])
def abort(name: str) -> Any:
    """Stop the run that waits or is under way; what it has written stays."""

    def act() -> str:
        tk.get_action("hljshare_source_abort")({}, {"id": name})
        return tk._("The run stops after the records it is at; what it has written stays.")

    return _do(name, act)


@blueprint.route("/city/source/<name>/let-pass", methods=["POST"])
def let_pass(name: str) -> Any:
    """Let the next run pass the brake, and start it."""
    form = tk.request.form

    def act() -> str:
        if form.get("sure") != "yes":
            raise tk.ValidationError({"sure": [tk._("Tick that you have checked it")]})
        data = {key: form.get(key, "") for key in ("run", "missing", "seen")}
        tk.get_action("hljshare_source_let_pass")({}, {"id": name, **data})
        _start(name)
        return tk._("The next run may pass up to these figures; it begins in a moment.")

    return _do(name, act)
