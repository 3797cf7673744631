"""Pages of collection tasks: what one's agency owes, what one has asked for, a task."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint, Response

from ckanext.hljshare.access import delivery, export
from ckanext.hljshare.catalog.paging import last_page, page_of
from ckanext.hljshare.deadlines import calendars
from ckanext.hljshare.requests import rules as request_rules
from ckanext.hljshare.requests.collection import files, people, store, words
from ckanext.hljshare.requests.collection.model import Submission
from ckanext.hljshare.requests.model import now

blueprint = Blueprint("hljshare_collection", __name__)

ROWS = 20
LAST = 500  # pages
DOING = ("acknowledge", "submit", "return", "accept", "withdraw")


def _signed_in() -> Any:
    """Ask a visitor to sign in and come back; None for who is signed in."""
    if tk.current_user.is_authenticated:
        return None
    return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))


def _show(number: str) -> dict[str, Any]:
    """A task as the caller may see it; what does not concern him is not there."""
    try:
        found: dict[str, Any] = tk.get_action("hljshare_collection_show")({}, {"number": number})
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        tk.abort(404, tk._("There is no such task"))
    return found


@blueprint.route("/collection")
def index() -> Any:
    """What one's agencies owe, sorted by due date; with `?show=asked` what one has asked for."""
    if answer := _signed_in():
        return answer
    user = model.User.get(tk.current_user.name)
    may_ask = bool(people.askers(user))
    owes = bool(people.agencies_of(user))
    # A superior without an agency task of its own comes for what was asked.
    show = tk.request.args.get("show") or ("asked" if may_ask and not _owed(user) else "owed")
    show = show if show in ("owed", "asked") and (show == "owed" or may_ask) else "owed"
    number, ended = page_of(tk.request.args.get("page"), LAST), bool(tk.request.args.get("ended"))
    try:
        found = tk.get_action("hljshare_collection_list")(
            {}, {"show": show, "ended": ended, "limit": ROWS, "offset": (number - 1) * ROWS}
        )
    except tk.NotAuthorized:
        return tk.abort(403, tk._("For the staff of agencies"))
    return tk.render(
        "collection/index.html",
        {
            "found": found,
            "show": show,
            "ended": ended,
            "may_ask": may_ask,
            "owes": owes,
            "number": number,
            "last": last_page(found["count"], ROWS, LAST),
        },
    )


def _owed(user: model.User) -> int:
    return len(store.deadlines_of(user.id))


@blueprint.route("/collection/new", methods=["GET", "POST"])
def new() -> Any:
    """Ask agencies for data. A due date on a day of rest is shown, and asked about, first."""
    if answer := _signed_in():
        return answer
    user = model.User.get(tk.current_user.name)
    askers = people.askers(user)
    if not askers:
        return tk.abort(403, tk._("For administrators of a city or the province"))
    form = tk.request.form
    wanted = form.get("asker") or tk.request.args.get("asker") or askers[0]["name"]
    asker = next((node for node in askers if node["name"] == wanted), askers[0])
    errors: dict[str, Any] = {}
    rest = ""
    if tk.request.method == "POST":
        rest = "" if form.get("keep_due") else _rest_day(form.get("due", ""))
        if not rest:
            try:
                made = tk.get_action("hljshare_collection_create")(
                    {},
                    {
                        **form.to_dict(),
                        "asker": asker["name"],
                        "agencies": form.getlist("agencies"),
                        "all": form.get("whom") == "all",
                    },
                )
            except tk.ValidationError as error:
                errors = error.error_dict
            else:
                tk.h.flash_success(tk._("The task is made; the agencies are notified."))
                return tk.redirect_to("hljshare_collection.read", number=made["number"])
    allowed = set(people.below(asker["id"]))
    page = tk.render(
        "collection/new.html",
        {
            "asker": asker,
            "askers": askers,
            "groups": tk.h.hljshare_organization_choices(None, allowed),
            "chosen": form.getlist("agencies"),
            "values": form.to_dict(),
            "client_key": form.get("client_key") or uuid.uuid4().hex,
            "errors": errors,
            "summary": _summary(errors),
            "rest": rest,
            "subjects": words.subjects(),
            "repetitions": words.repetitions(),
            "formats": [(code, code) for code in request_rules.load().formats],
        },
    )
    return page, (400 if errors else 200)


def _rest_day(text: str) -> str:
    """The warning that a day is one of rest; empty for other days, and for what is no day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    calendar = calendars.current()
    return words.rest_day(calendar.name(day)) if calendar.is_rest(day) else ""


def _summary(errors: dict[str, Any]) -> dict[str, str]:
    """The errors by the labels of their fields, for the head of the form."""
    labels = {
        "asker": tk._("Who asks"),
        "subject": tk._("Kind of data"),
        "title": tk._("Title"),
        "purpose": tk._("Purpose"),
        "basis": tk._("Basis"),
        "fields": tk._("Fields wanted"),
        "processing": tk._("How the data is to be processed"),
        "format": tk._("Format"),
        "period_from": tk._("First day of the period"),
        "period_to": tk._("Last day of the period"),
        "due": tk._("Due date"),
        "agencies": tk._("Agencies"),
        "repeats": tk._("Repetition"),
    }
    return {
        labels.get(name, name): " ".join(map(str, texts))
        for name, texts in errors.items()
        if texts and isinstance(texts, list)
    }


@blueprint.route("/collection/<number>")
def read(number: str) -> Any:
    """A task: for who asks all agencies with what they handed in, for an agency its own part."""
    if answer := _signed_in():
        return answer
    return tk.render("collection/read.html", {"task": _show(number), "errors": {}})


@blueprint.route("/collection/<number>/<do>", methods=["POST"])
def act(number: str, do: str) -> Any:
    """Acknowledge, hand in, return, accept or withdraw."""
    if answer := _signed_in():
        return answer
    if do not in DOING:
        return tk.abort(404, tk._("There is no such task"))
    _show(number)
    data: dict[str, Any] = tk.request.form.to_dict()
    if do == "submit":
        data["upload"] = tk.request.files.get("upload")
    if do == "withdraw":
        data["id"] = number
    done = {
        "acknowledge": tk._("Acknowledged."),
        "submit": tk._("Handed in. You are notified when it is accepted or returned."),
        "return": tk._("Returned to the agency, with your reason."),
        "accept": tk._("Accepted; the agency has its receipt."),
        "withdraw": tk._("Withdrawn; the agencies are notified."),
    }[do]
    if data.get("repeats_only"):
        done = tk._("The task does not come again.")
    try:
        tk.get_action(f"hljshare_collection_{do}")({}, data)
    except tk.ObjectNotFound:
        return tk.abort(404, tk._("There is no such task"))
    except tk.NotAuthorized as error:
        return tk.abort(403, str(error) or tk._("This is not for you to do"))
    except tk.ValidationError as error:
        for text in _summary(error.error_dict).values():
            tk.h.flash_error(text)
    else:
        tk.h.flash_success(done)
    return tk.redirect_to("hljshare_collection.read", number=number)


@blueprint.route("/collection/<number>.csv")
def state(number: str) -> Any:
    """How far each agency is, as a table; for who asks."""
    if answer := _signed_in():
        return answer
    task = _show(number)
    if not task["superior"]:
        return tk.abort(403, tk._("Only for who asks for the data"))
    heading = [
        tk._("Agency"),
        tk._("State"),
        tk._("Due date"),
        tk._("Overdue"),
        tk._("Acknowledged"),
        tk._("Handed in"),
        tk._("Times returned"),
        tk._("Receipt"),
        tk._("File"),
        tk._("Size (bytes)"),
        "SHA-256",
        tk._("How the data was processed"),
        tk._("Reason"),
    ]
    body = export.stream("csv", heading, _lines(task))
    response = Response(body, content_type=export.CONTENT_TYPES["csv"])
    response.headers["Content-Disposition"] = delivery.attachment(f"{number}.csv")
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(task: dict[str, Any]) -> Iterator[list[Any]]:
    for part in task["tasks"]:
        file = part["submissions"][0] if part["submissions"] else {}
        yield [
            part["agency_title"],
            part["state_text"],
            part["due"],
            tk._("Yes") if part["overdue"] else tk._("No"),
            _when(part["acknowledged_at"]),
            _when(part["met_at"] if part["state"] != "withdrawn" else None),
            part["returns"],
            part["receipt"],
            file.get("name"),
            file.get("size"),
            file.get("sha256"),
            file.get("note"),
            part["reason"],
        ]


def _when(text: str | None) -> str:
    shown: str = tk.h.hljshare_when(text) if text else ""
    return shown


@blueprint.route("/collection/<number>/file/<file_id>")
def file(number: str, file_id: str) -> Any:
    """What an agency has handed in: for itself, for who asks, and for those above them. Who takes
    another one's file stands in the record."""
    if answer := _signed_in():
        return answer
    task = _show(number)
    found = {entry["id"]: part for part in task["tasks"] for entry in part["submissions"]}
    part = found.get(file_id)
    if part is None:
        return tk.abort(404, tk._("File not found"))
    submission = model.Session.get_one(Submission, file_id)
    path = files.place(submission.id)
    if not path.is_file():
        return tk.abort(404, tk._("File not found"))
    user = model.User.get(tk.current_user.name)
    if submission.user_id != user.id:
        assignment = store.assignment(part["id"])
        row = store.get(assignment.collection_id)
        role = sorted(people.roles(user, row.asker_id, assignment.agency_id))[0]
        facts = {"file": submission.name, "sha256": submission.sha256}
        store.record(row, assignment, "read", role, user.id, now(), facts)
        model.Session.commit()
    response = delivery.of_file(path, submission.name, submission.media_type, by_server=True)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
