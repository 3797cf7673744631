"""The handlers' desk: what is to be done, first what is due first; and handing it out."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint, make_response

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.requests import desk, rules, words

blueprint = Blueprint("hljshare_desk", __name__)

ROWS = 30
TABS = ("all", "mine", "nobody", "sign", "overdue", "ended")
STATES = ("submitted", "returned", "accepted", "suspended", "approved")
ENDED = ("delivered", "refused", "declined", "withdrawn", "lapsed")
FILTERS = ("tab", "state", "kind", "agency", "q", "after")
MOST_PLACES = 5  # agencies whose people are offered at once


def _desk() -> tuple[desk.Desk | None, Any]:
    """The visitor's desk, or the answer for who has none."""
    if not tk.current_user.is_authenticated:
        return None, tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))
    found = desk.of(model.User.get(tk.current_user.name))
    if found is None:
        return None, tk.abort(403, tk._("For the staff of agencies"))
    return found, None


def _filters() -> dict[str, str]:
    """What the address narrows the desk to; only what is there."""
    args = tk.request.args
    found = {name: args.get(name, "").strip() for name in FILTERS}
    if found["tab"] not in TABS or found["tab"] == "all":
        found["tab"] = ""
    known = ENDED if found["tab"] == "ended" else STATES
    if found["state"] not in known:
        found["state"] = ""
    if found["kind"] not in ("open", "share"):
        found["kind"] = ""
    return {name: value[:200] for name, value in found.items() if value}


def _wanted(found: dict[str, str], mine: desk.Desk) -> dict[str, Any]:
    """The filters as the action wants them."""
    tab = found.get("tab", "all")
    wanted: dict[str, Any] = {"limit": ROWS}
    if tab != "ended":
        wanted["state"] = "open"
    if found.get("state"):
        wanted["state"] = found["state"]
    if tab == "ended":
        wanted["ended"] = True
    if tab == "mine":
        wanted["handler"] = mine.user.name
    elif tab == "nobody":
        wanted["handler"] = "none"
    elif tab == "sign":
        wanted["signature"] = True
    elif tab == "overdue":
        wanted["overdue"] = True
    if found.get("agency"):
        wanted["agency"] = desk.agency_named(found["agency"])
    for name in ("kind", "q", "after"):
        if found.get(name):
            wanted[name] = found[name]
    return wanted


@blueprint.route("/desk")
def index() -> Any:
    """What waits for the visitor's agencies, with filters by the address."""
    mine, answer = _desk()
    if mine is None:
        return answer
    return _page(mine)


def _page(
    mine: desk.Desk, code: int = 200, error: str = "", chosen: tuple[str, ...] = (), who: str = ""
) -> Any:
    found = _filters()
    wanted = _wanted(found, mine)
    try:
        listed = tk.get_action("hljshare_request_list")({}, wanted)
    except tk.ValidationError:
        # A mark of a page that is none: the desk from its beginning.
        found.pop("after", None)
        wanted.pop("after", None)
        wanted.pop("q", None)
        wanted.pop("agency", None)
        listed = tk.get_action("hljshare_request_list")({}, wanted)
    agency = model.Group.get(wanted["agency"]) if wanted.get("agency") else None
    # Only people of an agency handle its requests; a supervisor chooses the agency first.
    here = {request["agency_id"] for request in listed["results"]}
    places = [agency.id] if agency is not None else [unit for unit in mine.own if unit in here]
    labels = rules.load().applicant_kinds
    page = tk.render(
        "desk/index.html",
        {
            "desk": mine,
            "own": set(mine.own),
            "places": set(places),
            "me": mine.user,
            "filters": found,
            "tab": found.get("tab", "all"),
            "found": listed,
            "counts": desk.counts(mine),
            "orders": desk.orders(mine),
            "late_places": desk.late_places(mine) if mine.supervises else [],
            "agencies": desk.agency_names(mine.scope) if mine.supervises else [],
            "agency_title": str(agency.display_name) if agency else found.get("agency", ""),
            "title": _title(mine),
            "people": desk.people(places[:MOST_PLACES]),
            "states": words.states(),
            "state_codes": ENDED if found.get("tab") == "ended" else STATES,
            "kinds": words.kinds(),
            "kind_labels": {
                name: codelists.text_of(dict(label), _language()) for name, label in labels.items()
            },
            "error": error,
            "chosen": chosen,
            "who": who,
        },
    )
    response = make_response(page, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def _language() -> str:
    return "en" if str(tk.h.lang()).startswith("en") else codelists.DEFAULT_LANGUAGE


def _title(mine: desk.Desk) -> str:
    """The names of the agencies whose desk it is."""
    groups = [model.Session.get(model.Group, unit) for unit in mine.own[:3]]
    names = [str(group.display_name) for group in groups if group is not None]
    text = str(tk._(", ")).join(names) or str(tk._("All agencies"))
    return text if len(mine.own) <= 3 else f"{text} …"


@blueprint.route("/desk/assign", methods=["POST"])
def assign() -> Any:
    """Give the chosen requests to somebody, or take one; all or none."""
    mine, answer = _desk()
    if mine is None:
        return answer
    form = tk.request.form
    taken = form.get("take", "")
    ids = [taken] if taken else form.getlist("ids")
    who = mine.user.name if taken else form.get("handler", "")
    if not ids:
        return _page(mine, 400, tk._("Choose at least one request first."), (), who)
    if not taken and not who:
        return _page(mine, 400, tk._("Choose who is to handle them."), tuple(ids), who)
    given: dict[str, Any] = {"ids": ids}
    if who != "-":
        given["handler"] = who
    try:
        done = tk.get_action("hljshare_request_assign")({}, given)
    except tk.ValidationError as error:
        text = " ".join(str(t) for texts in error.error_dict.values() for t in _flat(texts))
        told = tk._("Nothing was assigned: {why}").format(why=text)
        return _page(mine, 409 if "version" in error.error_dict else 400, told, tuple(ids), who)
    except (tk.NotAuthorized, tk.ObjectNotFound) as error:
        told = tk._("Nothing was assigned: {why}").format(why=error)
        return _page(mine, 403, told, tuple(ids), who)
    count = done["assigned"]
    if who == "-":
        text = tk.ungettext("{n} request laid back", "{n} requests laid back", count)
    elif who == mine.user.name:
        text = tk.ungettext("You have taken {n} request", "You have taken {n} requests", count)
    else:
        text = tk.ungettext("{n} request assigned", "{n} requests assigned", count)
    tk.h.flash_success(text.format(n=count))
    return tk.redirect_to("hljshare_desk.index", **_filters())


def _flat(texts: Any) -> list[Any]:
    return list(texts) if isinstance(texts, list) else [texts]
