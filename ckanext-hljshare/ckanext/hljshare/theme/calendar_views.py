"""The calendar of rest days: for everybody to check, for system administrators to bring in."""

from __future__ import annotations

import datetime
from typing import Any

import ckan.plugins.toolkit as tk
from flask import Blueprint

from ckanext.hljshare.deadlines.calendar import Day, holidays
from ckanext.hljshare.deadlines.count import ZONE

blueprint = Blueprint("hljshare_calendar", __name__)

KINDS = ("open", "share")


@blueprint.route("/calendar")
def calendar() -> Any:
    """The holidays of a year, and on request the count of a deadline, day by day."""
    return _page({})


@blueprint.route("/calendar/import", methods=["POST"])
def import_file() -> Any:
    """Take in the file of a year; a file that is wrong changes nothing and is told why."""
    try:
        answer = tk.get_action("hljshare_calendar_import")(
            {}, {"upload": tk.request.files.get("upload")}
        )
    except tk.NotAuthorized:
        return tk.abort(403, tk._("Only for system administrators"))
    except tk.ValidationError as error:
        return _page(error.error_dict), 400
    years = [str(change["year"]) for change in answer["changes"] if change["version"]]
    if years:
        tk.h.flash_success(tk._("Imported: {years}").format(years=", ".join(years)))
    else:
        tk.h.flash_notice(tk._("The file says what is in the calendar already."))
    return tk.redirect_to("hljshare_calendar.calendar", year=answer["changes"][-1]["year"])


def _page(errors: dict[str, Any]) -> str:
    args = tk.request.args
    today = datetime.datetime.now(ZONE).date()
    found = tk.get_action("hljshare_calendar_list")({}, {})
    year = args.get("year", "")
    chosen = int(year) if year in map(str, found["years"]) else today.year
    listed = tk.get_action("hljshare_calendar_list")({}, {"year": chosen})["days"]
    days = [
        Day(datetime.date.fromisoformat(day["date"]), day["name"], day["is_off"]) for day in listed
    ]
    kind, accepted = args.get("kind", KINDS[0]), args.get("accepted", "")
    explained = None
    if accepted:
        try:
            explained = tk.get_action("hljshare_deadline_explain")(
                {}, {"kind": kind, "accepted_at": accepted}
            )
        except tk.ValidationError as error:
            errors = {**errors, **error.error_dict}
    source = next((item for item in found["versions"] if item["year"] == chosen), None)
    return tk.render(
        "calendar/index.html",
        {
            "found": found,
            "year": chosen,
            "holidays": holidays(days),
            "source": source,
            "kind": kind,
            "kinds": KINDS,
            "accepted": accepted,
            "explained": explained,
            "errors": errors,
            "today": today.isoformat(),
        },
    )
