"""Pages of level changes: a dataset's levels with their history, and what waits for a decision."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint

from ckanext.hljshare.access import levels
from ckanext.hljshare.access.changes.action import OF_DATASET
from ckanext.hljshare.catalog import forms
from ckanext.hljshare.catalog.paging import last_page, page_of

blueprint = Blueprint("hljshare_levels", __name__)

ROWS = 20
LAST = 1000  # pages
SHOWN = 100  # proposals on a dataset's own page


def _dataset(name: str) -> dict[str, Any]:
    """Return a dataset as the caller may see it; what he may not know of is not there."""
    try:
        found: dict[str, Any] = tk.get_action("package_show")({}, {"id": name})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404, tk._("Dataset not found"))
    if found["type"] != "dataset":
        tk.abort(404, tk._("Dataset not found"))
    return found


def _signed_in() -> Any:
    """Ask a visitor to sign in and come back; None for who is signed in."""
    if tk.current_user.is_authenticated:
        return None
    return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))


@blueprint.route("/dataset/<id>/level", methods=["GET", "POST"])
def level(id: str) -> Any:  # noqa: A002  (CKAN's name in its routes)
    """A dataset's levels and what became of them, for everybody who may see it; for its editors
    the form to change them, or one file's (`?file=`), and the open proposals."""
    if tk.request.method == "POST" and (answer := _signed_in()):
        return answer
    dataset = _dataset(id)
    chosen = tk.request.values.get("file", "")
    file = next((item for item in dataset["resources"] if item["id"] == chosen), None)
    if chosen and file is None:
        return tk.abort(404, tk._("Resource not found"))
    data: dict[str, Any] = {
        name: (file if file and name in ("open_type", "derivative") else dataset).get(name, "")
        for name in (*OF_DATASET, "derivative")
    }
    errors: dict[str, Any] = {}
    if tk.request.method == "POST":
        data = _entered(file is not None)
        try:
            change = tk.get_action("hljshare_level_change_propose")(
                {}, {"id": dataset["id"], "resource_id": file["id"] if file else "", **data}
            )
        except tk.ValidationError as error:
            errors = _flat(error.error_dict)
        except tk.NotAuthorized:
            return tk.abort(403, tk._("Only the agency's editors change the levels"))
        else:
            if change["state"] == "proposed":
                tk.h.flash_notice(
                    tk._("Proposed. It takes effect when another administrator confirms it.")
                )
            else:
                tk.h.flash_success(tk._("The levels are changed, with your reason in the history."))
            return tk.redirect_to("hljshare_levels.level", id=dataset["name"])
    may_edit = tk.current_user.is_authenticated and bool(
        tk.h.check_access("hljshare_level_change_propose", {"id": dataset["id"]})
    )
    page = tk.render(
        "access/level.html",
        {
            "pkg_dict": dataset,
            "file": file,
            "files": [
                {"resource": item, "level": levels.of_resource(dataset, item)}
                for item in dataset["resources"]
            ],
            "data": data,
            "errors": errors,
            "may_edit": may_edit,
            "proposals": _proposals(dataset["id"]) if may_edit else [],
            "history": tk.get_action("hljshare_level_history")({}, {"id": dataset["id"]}),
        },
    )
    return page, (400 if errors else 200)


def _proposals(dataset_id: str) -> list[dict[str, Any]]:
    """Return what was proposed and did not take effect; the history has the rest."""
    found = tk.get_action("hljshare_level_change_list")({}, {"dataset": dataset_id, "limit": SHOWN})
    return [
        change for change in found["results"] if change["state"] not in ("applied", "confirmed")
    ]


def _entered(of_file: bool) -> dict[str, Any]:
    """Return what the form holds, in the shape of the API."""
    data: dict[str, Any] = dict(tk.request.form.items())
    if of_file:
        return {name: data.get(name, "") for name in ("open_type", "derivative", "reason")}
    forms.collect_rows(data, "open_basis")
    given = {name: data[name] for name in OF_DATASET if name in data}
    given.setdefault("open_basis", [])
    return {**given, "reason": data.get("reason", "")}


def _flat(error_dict: dict[str, Any]) -> dict[str, Any]:
    """Return errors by field; those of files under ``open_type``, where the form shows them."""
    errors = {name: texts for name, texts in error_dict.items() if name != "resources"}
    for of_file in error_dict.get("resources") or []:
        for texts in (of_file or {}).values():
            listed = errors.setdefault("open_type", [])
            listed += [text for text in texts if isinstance(text, str) and text not in listed]
    return errors


@blueprint.route("/dataset/<id>/level/<change_id>/decide", methods=["POST"])
def decide(id: str, change_id: str) -> Any:  # noqa: A002
    """Confirm or reject a proposal, as its second person."""
    form = tk.request.form
    data = {
        "id": change_id,
        "confirm": form.get("confirm") == "yes",
        "message": form.get("message", ""),
        "version": form.get("version", ""),
    }
    done = {
        True: tk._("Confirmed: the levels are changed."),
        False: tk._("Not confirmed: the levels stay as they are."),
    }[data["confirm"]]
    return _act(id, "hljshare_level_change_decide", data, done)


@blueprint.route("/dataset/<id>/level/<change_id>/withdraw", methods=["POST"])
def withdraw(id: str, change_id: str) -> Any:  # noqa: A002
    """Take back a proposal of one's own."""
    data = {"id": change_id, "version": tk.request.form.get("version", "")}
    done = tk._("Your proposal is withdrawn.")
    return _act(id, "hljshare_level_change_withdraw", data, done)


def _act(name: str, action: str, data: dict[str, Any], done: str) -> Any:
    if answer := _signed_in():
        return answer
    dataset = _dataset(name)
    try:
        tk.get_action(action)({}, data)
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("There is no such proposal"))
    except tk.NotAuthorized as error:
        return tk.abort(403, str(error) or tk._("Not authorized to see this page"))
    except tk.ValidationError as error:
        for texts in _flat(error.error_dict).values():
            for text in texts if isinstance(texts, list) else [texts]:
                tk.h.flash_error(str(text))
    else:
        tk.h.flash_success(done)
    if tk.request.form.get("from") == "list":
        return tk.redirect_to("hljshare_levels.waiting")
    return tk.redirect_to("hljshare_levels.level", id=dataset["name"])


@blueprint.route("/dashboard/levels")
def waiting() -> Any:
    """The proposals that wait for the visitor's decision."""
    if answer := _signed_in():
        return answer
    number = page_of(tk.request.args.get("page"), LAST)
    try:
        found = tk.get_action("hljshare_level_change_list")(
            {}, {"limit": ROWS, "offset": (number - 1) * ROWS}
        )
    except tk.NotAuthorized:
        return tk.abort(403, tk._("For administrators of an agency"))
    owners = {item["owner_org"] for item in found["results"]}
    titles = dict(
        model.Session.query(model.Group.id, model.Group.title)
        .filter(model.Group.id.in_(owners))
        .tuples()
        .all()
    )
    return tk.render(
        "access/levels_waiting.html",
        {
            "found": found,
            "titles": titles,
            "number": number,
            "last": last_page(found["count"], ROWS, LAST),
            # What CKAN's frame of the dashboard reads.
            "user_dict": {},
        },
    )
