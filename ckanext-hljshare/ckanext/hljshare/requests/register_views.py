"""The public register: what was asked of whom, how it was answered, and whether in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ckan.plugins.toolkit as tk
import flask
from flask import Blueprint, Response, make_response

from ckanext.hljshare.access import delivery, export
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.requests import desk, register
from ckanext.hljshare.requests.logic import reading, schema
from ckanext.hljshare.requests.model import now

blueprint = Blueprint("hljshare_register", __name__)

ROWS = 30
CSV = "hljshare_register.download"
RESULTS = ("open", "overdue", "delivered", "refused", "declined", "withdrawn", "lapsed")
FILTERS = ("q", "agency", "result", "since", "until")
FIRST_YEAR = 2024


@blueprint.after_request
def _unlisted(response: Response) -> Response:
    """Search engines keep no copy of the table, which lists what is corrected later on."""
    if tk.request.endpoint == CSV:
        response.headers["X-Robots-Tag"] = "noindex"
    return response


def results() -> dict[str, str]:
    """What the register can be narrowed to, as people read it."""
    return {
        "open": tk._("Under way"),
        "overdue": tk._("Overdue"),
        "delivered": tk._("Delivered"),
        "refused": tk._("Refused"),
        "declined": tk._("Not accepted"),
        "withdrawn": tk._("Withdrawn"),
        "lapsed": tk._("Lapsed"),
    }


def _filters() -> dict[str, str]:
    args = tk.request.args
    found = {name: args.get(name, "").strip()[:200] for name in FILTERS}
    if found["result"] not in RESULTS:
        found["result"] = ""
    return {name: value for name, value in found.items() if value}


def _wanted(found: Mapping[str, str]) -> dict[str, Any]:
    wanted: dict[str, Any] = dict(found)
    if found.get("agency"):
        wanted["agency"] = desk.agency_named(found["agency"])
    return wanted


@blueprint.route("/request")
def index() -> Any:
    """The register with its filters, the newest first."""
    found = _filters()
    errors: Mapping[str, Any] = {}
    listed: dict[str, Any] = {"count": 0, "more": False, "results": [], "next": None}
    after = tk.request.args.get("after", "")
    try:
        listed = tk.get_action("hljshare_request_register")(
            {}, {**_wanted(found), "after": after, "limit": ROWS}
        )
    except tk.ValidationError as error:
        errors = {name: texts for name, texts in error.error_dict.items() if texts}
    page = tk.render(
        "register/index.html",
        {
            "found": listed,
            "filters": found,
            "after": after,
            "errors": errors,
            "results": results(),
            "agencies": desk.agency_names(),
            "agency_title": _agency_title(found.get("agency", "")),
            "total": _total(_rates(None)),
        },
    )
    return make_response(page, 400 if errors else 200)


def _agency_title(text: str) -> str:
    name = desk.agency_named(text) if text else ""
    return dict(desk.agency_names()).get(name, text)


def _rates(year: str | None) -> list[dict[str, Any]]:
    given = {"year": year} if year else {}
    found: list[dict[str, Any]] = tk.get_action("hljshare_request_rates")({}, given)
    return found


def _total(rates: list[dict[str, Any]]) -> dict[str, Any]:
    """All agencies together; `rate` and `days` are None where there is nothing to say."""
    on_time = sum(line["on_time"] for line in rates)
    late = sum(line["late"] for line in rates)
    waiting = sum(line["overdue_open"] for line in rates)
    ended = on_time + late
    days = sum((line["days"] or 0) * (line["on_time"] + line["late"]) for line in rates)
    return {
        "ended": ended,
        "on_time": on_time,
        "late": late,
        "overdue_open": waiting,
        "rate": register.rate(on_time, late, waiting),
        "days": round(days / ended, 1) if ended else None,
    }


@blueprint.route("/request/rates")
def rates() -> Any:
    """How many requests each agency has answered in time; of all years or of one."""
    this_year = local_date(now()).year
    years = [str(year) for year in range(this_year, FIRST_YEAR - 1, -1)]
    wanted = tk.request.args.get("year")
    year = wanted if wanted in years else ""
    lines = _rates(year)
    return tk.render(
        "register/rates.html",
        {
            "lines": [line for line in lines if line["agency"]],
            "total": _total(lines),
            "year": year,
            "years": years,
        },
    )


@blueprint.route("/request/register.csv")
def download() -> Any:
    """The register by the same filters as CSV, all entries."""
    data, errors = tk.navl_validate(_wanted(_filters()), schema.register_list(), {})
    if errors:
        return tk.abort(400, tk._("The filters cannot be read"))
    heading = [
        tk._("Number"),
        tk._("Name of the data"),
        tk._("Agency"),
        tk._("Submitted"),
        tk._("Accepted"),
        tk._("Last day"),
        tk._("Ended"),
        tk._("Result"),
        tk._("Days used"),
        tk._("Overdue"),
    ]
    yes, no = tk._("Yes"), tk._("No")

    def lines() -> Iterator[list[Any]]:
        for entry in reading.register_entries(data):
            yield [
                entry["number"],
                entry["data_name"],
                entry["agency_title"],
                entry["submitted"],
                entry["accepted"],
                entry["due"],
                entry["closed"],
                entry["result_text"],
                entry["days_used"],
                yes if entry["overdue"] else no,
            ]

    body = flask.stream_with_context(export.stream("csv", heading, lines()))
    response = Response(body, content_type=export.CONTENT_TYPES["csv"])
    stem = f"{tk._('Register of requests')}-{local_date(now()):%Y%m%d}"
    response.headers["Content-Disposition"] = delivery.attachment(f"{stem}.csv")
    response.headers["Cache-Control"] = "no-store"
    return response


def entry(number: str) -> Any:
    """The register's entry of a request, for who is no party; None where it has none. What is no
    number at all is not found."""
    try:
        found = tk.get_action("hljshare_request_register")({}, {"number": number, "limit": 1})
    except tk.ValidationError:
        return tk.abort(404, tk._("Request not found"))
    if not found["results"]:
        return None
    response = make_response(tk.render("register/entry.html", {"entry": found["results"][0]}))
    response.headers["Cache-Control"] = "no-store"
    return response
