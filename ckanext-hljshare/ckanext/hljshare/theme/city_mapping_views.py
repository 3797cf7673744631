"""Pages to read, edit and try the mappings of sources, for the province's administrators."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
import flask
from flask import Blueprint

from ckanext.hljshare.ingest import mappings
from ckanext.hljshare.ingest.logic import maps
from ckanext.hljshare.theme.city_views import refused

blueprint = Blueprint("hljshare_mapping", __name__)

NEW = "title: \nsite: \ncodes:\n  open: {}\n  share: {}\n"


def _refused() -> Any:
    return refused(tk._("Only for administrators of the province"))


@blueprint.route("/city/mapping")
def index() -> Any:
    """All mappings, and the way to a new one."""
    try:
        found = tk.get_action("hljshare_mapping_list")({}, {})
    except tk.NotAuthorized:
        return _refused()
    wanted = tk.request.args.get("new", "").strip()
    error = ""
    if wanted:
        if mappings.is_name(wanted):
            return tk.redirect_to("hljshare_mapping.edit", name=wanted)
        error = tk._("Small letters, digits, - and _; at most 60 of them")
    page = tk.render(
        "city/mappings.html", {"mappings": found["results"], "wanted": wanted, "error": error}
    )
    return page, (400 if error else 200)


@blueprint.route("/city/mapping/<name>", methods=["GET", "POST"])
def edit(name: str) -> Any:
    """A mapping's text: read, checked, compared, tried against a source, saved."""
    try:
        shown = tk.get_action("hljshare_mapping_show")(
            {}, {"name": name, "version": tk.request.args.get("version", "")}
        )
    except tk.NotAuthorized:
        return _refused()
    except tk.ValidationError:
        return tk.abort(404, tk._("There is no such mapping"))
    if tk.request.method == "POST":
        return _posted(shown)
    tried = _tried(shown)
    body = tried["body"] if tried else shown["body"] or NEW
    return _page(shown, body, preview=tried["preview"] if tried else None)


def _page(
    shown: dict[str, Any],
    body: str,
    errors: list[str] | None = None,
    preview: dict[str, Any] | None = None,
    status: int = 200,
) -> Any:
    checked = tk.get_action("hljshare_mapping_check")({}, {"name": shown["name"], "body": body})
    return (
        tk.render(
            "city/mapping.html",
            {
                "mapping": shown,
                "body": body,
                "lines": max(20, min(40, body.count("\n") + 2)),
                "before": tk.request.form.get("before") or shown["before"],
                "problems": checked["problems"],
                "difference": checked["difference"],
                "errors": errors or [],
                "preview": preview,
                "chosen": tk.request.form.get("source", ""),
            },
        ),
        status,
    )


def _posted(shown: dict[str, Any]) -> Any:
    form = tk.request.form
    name, body = shown["name"], form.get("body", "").replace("\r\n", "\n")
    data = {"name": name, "body": body, "source": form.get("source", "")}
    try:
        if form.get("do") == "save":
            data["before"] = form.get("before", "")
            tk.get_action("hljshare_mapping_save")({}, data)
            tk.h.flash_success(
                tk._("Saved and in force. Sources that use it wait for a new approval.")
            )
            return tk.redirect_to("hljshare_mapping.edit", name=name)
        if form.get("do") == "try":
            preview = tk.get_action("hljshare_mapping_try")({}, data)
            return tk.redirect_to("hljshare_mapping.edit", name=name, tried=preview["id"])
    except tk.NotAuthorized:
        return _refused()
    except tk.ObjectNotFound:
        return _page(shown, body, [tk._("Choose a source to try it against")], status=400)
    except tk.ValidationError as error:
        # What is wrong with the text stands beside it, line by line.
        texts = [text for key, found in error.error_dict.items() if key != "body" for text in found]
        return _page(shown, body, texts, status=400)
    return _page(shown, body)


def _tried(shown: dict[str, Any]) -> dict[str, Any] | None:
    """The preview that the address names, with the text it tried."""
    preview_id = tk.request.args.get("tried", "")
    if not preview_id:
        return None
    try:
        body = maps.tried_body({"user": tk.current_user.name}, preview_id, shown["name"])
        preview = tk.get_action("hljshare_source_preview_show")({}, {"id": preview_id})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return None
    return {"body": body, "preview": preview} if body is not None else None


@blueprint.route("/city/mapping/<name>/tried/<id>")
def tried_progress(name: str, id: str) -> Any:  # noqa: A002
    """How far a trial of a text is, for the page that shows it."""
    try:
        tk.check_access("hljshare_mapping_show", {"user": tk.current_user.name}, {"name": name})
        preview = tk.get_action("hljshare_source_preview_show")({}, {"id": id})
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Only for administrators of the province"))
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("There is no such preview"))
    small = ("id", "state", "done", "total")
    response = flask.jsonify({"preview": {key: preview[key] for key in small}})
    response.headers["Cache-Control"] = "no-store"
    return response
