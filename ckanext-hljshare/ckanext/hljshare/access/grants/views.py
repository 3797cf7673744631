"""Pages about grants: a person's own, an agency's on its data, and the log of use."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from flask import Blueprint, Response

from ckanext.hljshare.access import delivery, export, levels
from ckanext.hljshare.access.filenames import safe_name
from ckanext.hljshare.access.grants import words
from ckanext.hljshare.catalog.paging import last_page, page_of

blueprint = Blueprint("hljshare_grants", __name__)

ROWS = 20
LOG_ROWS = 50
LAST = 1000  # pages
BATCH = 500  # lines of the log that an export reads at a time


def _login() -> Any:
    """Ask a visitor to sign in and come back here; None for who is signed in."""
    if tk.current_user.is_authenticated:
        return None
    return tk.redirect_to("user.login", came_from=tk.request.full_path.rstrip("?"))


def _may(action: str, **data: Any) -> bool:
    return bool(tk.h.check_access(action, data))


def _dataset(name: str) -> dict[str, Any]:
    """Return a dataset as the caller may see it; what he may not know of is not there."""
    try:
        found: dict[str, Any] = tk.get_action("package_show")({}, {"id": name})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404, tk._("Dataset not found"))
    if found["type"] != "dataset":
        tk.abort(404, tk._("Dataset not found"))
    return found


def _told(grant: dict[str, Any]) -> dict[str, Any]:
    """Return a grant with what its page says: words for the state, first and last moment."""
    limit = grant["max_downloads"]
    return {
        **grant,
        "state_text": words.states()[grant["state"]],
        "state_reason": words.state_reasons().get(grant["state"], ""),
        "first": words.first_moment(grant["not_before"]),
        "last": words.last_moment(grant["not_after"]),
        "left": None if limit is None else max(0, limit - grant["used"]),
    }


# ---------------------------------------------------------------- a person's own


@blueprint.route("/my")
def mine() -> Any:
    """The grants of the person who is signed in, with their downloads."""
    if answer := _login():
        return answer
    number = page_of(tk.request.args.get("page"), LAST)
    found = tk.get_action("hljshare_grant_list")({}, {"limit": ROWS, "offset": (number - 1) * ROWS})
    grants = [_told(grant) for grant in found["results"]]
    for grant in grants:
        grant["files"] = _files(grant) if grant["state"] == "live" else []
    return tk.render(
        "access/mine.html",
        {
            "grants": grants,
            "count": found["count"],
            "number": number,
            "last": last_page(found["count"], ROWS, LAST),
        },
    )


def _files(grant: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the files that a live grant opens, each with the policy's decision at this moment."""
    try:
        dataset = tk.get_action("package_show")({}, {"id": grant["dataset_id"]})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return []
    return [
        {**file, "dataset": dataset}
        for file in tk.h.hljshare_files(dataset)
        if file["level"] != "open" and grant["resource_id"] in (None, file["resource"]["id"])
    ]


# ---------------------------------------------------------------- of an agency's dataset


@blueprint.route("/dataset/<id>/grants")
def of_dataset(id: str) -> Any:  # noqa: A002  (CKAN's name in its routes)
    """The grants on a dataset, for the agency that owns it."""
    if answer := _login():
        return answer
    dataset = _dataset(id)
    number = page_of(tk.request.args.get("page"), LAST)
    found = tk.get_action("hljshare_grant_list")(
        {}, {"dataset": dataset["id"], "limit": ROWS, "offset": (number - 1) * ROWS}
    )
    return tk.render(
        "access/grants.html",
        {
            "pkg_dict": dataset,
            "grants": [_told(grant) for grant in found["results"]],
            "count": found["count"],
            "may_grant": _may("hljshare_grant_create", dataset=dataset["id"]),
            "number": number,
            "last": last_page(found["count"], ROWS, LAST),
        },
    )


@blueprint.route("/dataset/<id>/grants/new", methods=["GET", "POST"])
def give(id: str) -> Any:  # noqa: A002
    """Give a grant on a dataset. The file is chosen first: its columns are offered then."""
    if answer := _login():
        return answer
    dataset = _dataset(id)
    tk.check_access("hljshare_grant_create", {}, {"dataset": dataset["id"]})
    form = tk.request.form
    resource = form.get("resource", tk.request.args.get("resource", ""))
    if resource not in [file["id"] for file in dataset["resources"]]:
        resource = ""
    errors: dict[str, Any] = {}
    if tk.request.method == "POST":
        try:
            tk.get_action("hljshare_grant_create")({}, _given(dataset, resource))
        except tk.ValidationError as error:
            errors = error.error_dict
        else:
            tk.h.flash_success(tk._("The grant is given. It works at once, or from its first day."))
            return tk.redirect_to("hljshare_grants.of_dataset", id=dataset["name"])
    values = form.to_dict() if form else {"axis": _usual_axis(dataset)}
    page = tk.render(
        "access/grant_form.html",
        {
            "pkg_dict": dataset,
            "resource": resource,
            "files": [
                file for file in dataset["resources"] if levels.of_resource(dataset, file) != "open"
            ],
            "columns": _columns(resource),
            "chosen": form.getlist("columns"),
            "values": values,
            "errors": errors,
            "summary": _summary(errors),
        },
    )
    return page, (400 if errors else 200)


def _usual_axis(dataset: dict[str, Any]) -> str:
    return "open" if dataset.get("open_type") == "on_request" else "share"


def _given(dataset: dict[str, Any], resource: str) -> dict[str, Any]:
    """Return what was entered as the action wants it; a last day is a whole day."""
    form = tk.request.form
    start, end = words.day(form.get("not_before")), words.day(form.get("not_after"))
    given: dict[str, Any] = {
        name: form.get(name, "").strip()
        for name in ("user", "organization", "axis", "purpose", "conditions", "max_downloads")
    }
    return {
        **given,
        "dataset": dataset["id"],
        "resource": resource,
        "columns": form.getlist("columns") or None,  # none chosen: all
        "not_before": words.start_of(start) if start else form.get("not_before", ""),
        "not_after": words.end_of(end) if end else form.get("not_after", ""),
    }


def _columns(resource: str) -> list[dict[str, str]]:
    """Return the columns of a file's table as `value` and `text`; none where it has no table, or
    where the caller may not read it: the names of columns tell something of the content."""
    if not resource:
        return []
    try:
        found = tk.get_action("datastore_search")(
            {}, {"resource_id": resource, "limit": 0, "include_total": False}
        )
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return []
    return [{"value": name, "text": heading} for name, heading in export.columns(found["fields"])]


def _labels() -> dict[str, str]:
    return {
        "user": tk._("User name"),
        "organization": tk._("Unit"),
        "axis": tk._("Kind of grant"),
        "resource": tk._("Files"),
        "dataset": tk._("Dataset"),
        "columns": tk._("Columns"),
        "purpose": tk._("Purpose"),
        "conditions": tk._("Conditions of use"),
        "not_before": tk._("First day"),
        "not_after": tk._("Last day"),
        "max_downloads": tk._("Number of downloads"),
    }


def _summary(errors: dict[str, Any]) -> dict[str, str]:
    """Return the errors by the labels of their fields, for the head of the form."""
    labels = _labels()
    return {
        labels.get(name, name): " ".join(map(str, texts))
        for name, texts in errors.items()
        if texts and isinstance(texts, list)
    }


@blueprint.route("/dataset/<id>/grants/<grant_id>/revoke", methods=["POST"])
def revoke(id: str, grant_id: str) -> Any:  # noqa: A002
    """End a grant at once, with the reason that its holder reads."""
    if answer := _login():
        return answer
    dataset = _dataset(id)
    grant = tk.get_action("hljshare_grant_show")({}, {"id": grant_id})
    if grant["dataset_id"] != dataset["id"]:
        tk.abort(404, tk._("Grant not found"))
    try:
        tk.get_action("hljshare_grant_revoke")(
            {}, {"id": grant_id, "reason": tk.request.form.get("reason", "")}
        )
    except tk.ValidationError as error:
        told = error.error_dict.get("id") or [tk._("State the reason: the holder reads it.")]
        tk.h.flash_error(str(told[0]))
    else:
        tk.h.flash_success(tk._("The grant is revoked; a download under way is broken off."))
    return tk.redirect_to("hljshare_grants.of_dataset", id=dataset["name"])


# ---------------------------------------------------------------- the log


def _log_filters(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return what the log is narrowed to by the address; days are whole days in China."""
    args = tk.request.args
    wanted: dict[str, Any] = {"dataset": dataset["id"]}
    if args.get("user", "").strip():
        wanted["user"] = args["user"].strip()
    if args.get("outcome") in words.OUTCOMES:
        wanted["outcome"] = args["outcome"]
    if since := words.day(args.get("since")):
        wanted["since"] = words.start_of(since)
    if until := words.day(args.get("until")):
        wanted["until"] = words.end_of(until)
    return wanted


def _log_parameters() -> dict[str, str]:
    names = ("user", "outcome", "since", "until")
    return {name: tk.request.args[name] for name in names if tk.request.args.get(name)}


@blueprint.route("/dataset/<id>/access-log")
def log(id: str) -> Any:  # noqa: A002
    """Who took, or tried to take, a dataset's content; for the agency that owns it."""
    if answer := _login():
        return answer
    dataset = _dataset(id)
    number = page_of(tk.request.args.get("page"), LAST)
    found = tk.get_action("hljshare_access_log_list")(
        {}, {**_log_filters(dataset), "limit": LOG_ROWS, "offset": (number - 1) * LOG_ROWS}
    )
    lines = [
        {
            **line,
            "at_text": words.local(line["at"]),
            "what_text": words.kinds().get(line["what"], line["what"]),
            "reason_text": words.reasons().get(line["reason"], line["reason"]),
            "outcome_text": words.outcomes().get(line["outcome"], line["outcome"]),
            "purpose_text": words.purpose_of(line),
            "detail_text": words.detail_of(line),
        }
        for line in found["results"]
    ]
    return tk.render(
        "access/log.html",
        {
            "pkg_dict": dataset,
            "lines": lines,
            "count": found["count"],
            "outcomes": words.outcomes(),
            "parameters": _log_parameters(),
            "number": number,
            "last": last_page(found["count"], LOG_ROWS, LAST),
        },
    )


@blueprint.route("/dataset/<id>/access-log.<any(csv, xlsx):fmt>")
def log_download(id: str, fmt: str) -> Any:  # noqa: A002
    """The log by the same filters as a file, all lines."""
    if answer := _login():
        return answer
    dataset = _dataset(id)
    wanted = _log_filters(dataset)
    # What is written while it is read would shift the lines.
    moment = datetime.datetime.now(datetime.timezone.utc)
    wanted["until"] = min(wanted.get("until", moment), moment)
    user = tk.current_user.name

    def read(offset: int) -> list[dict[str, Any]]:
        found: dict[str, Any] = tk.get_action("hljshare_access_log_list")(
            {"user": user}, {**wanted, "limit": BATCH, "offset": offset}
        )
        lines: list[dict[str, Any]] = found["results"]
        return lines

    first = read(0)

    def rows() -> Iterator[list[Any]]:
        lines, offset = first, 0
        while lines:
            yield from map(words.log_row, lines)
            offset += BATCH
            lines = read(offset) if len(lines) == BATCH else []

    body = export.stream(fmt, words.log_headings(), rows())
    if not hasattr(body, "read"):
        body = flask.stream_with_context(body)
    response = Response(body, content_type=export.CONTENT_TYPES[fmt])
    today = moment.astimezone(words.SHANGHAI).date()
    stem = safe_name(f"{tk._('Access log')}-{today:%Y%m%d}-{dataset['title'] or dataset['name']}")
    response.headers["Content-Disposition"] = delivery.attachment(f"{stem}.{fmt}")
    response.headers["Cache-Control"] = "no-store"
    return response


# ---------------------------------------------------------------- an administrator's purpose


@blueprint.route("/dataset/<id>/resource/<resource_id>/purpose", methods=["GET", "POST"])
def state_purpose(id: str, resource_id: str) -> Any:  # noqa: A002
    """State why an administrator above the agency must read a file; it is open for half an hour
    then, and the agency sees the purpose in its log."""
    if answer := _login():
        return answer
    dataset = _dataset(id)
    file = next((file for file in dataset["resources"] if file["id"] == resource_id), None)
    if file is None:
        return tk.abort(404, tk._("Resource not found"))
    decision = tk.h.hljshare_access(dataset, file)
    if decision.reason not in ("purpose_missing", "administrator"):
        if decision.allowed:
            return tk.redirect_to(
                "dataset_resource.read", id=dataset["name"], resource_id=file["id"]
            )
        raise tk.NotAuthorized
    error = ""
    if tk.request.method == "POST":
        try:
            tk.get_action("hljshare_access_state_purpose")(
                {}, {"resource_id": resource_id, "purpose": tk.request.form.get("purpose", "")}
            )
        except tk.ValidationError as found:
            error = " ".join(map(str, found.error_dict.get("purpose") or [str(found)]))
        else:
            tk.h.flash_success(
                tk._("Your purpose is written down. The file is open for 30 minutes.")
            )
            return tk.redirect_to(
                "dataset_resource.read", id=dataset["name"], resource_id=file["id"]
            )
    page = tk.render(
        "access/purpose.html",
        {
            "pkg_dict": dataset,
            "resource": file,
            "error": error,
            "purpose": tk.request.form.get("purpose", ""),
        },
    )
    return page, (400 if error else 200)
