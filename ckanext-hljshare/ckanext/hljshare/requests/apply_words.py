"""What the applicant's pages say: labels, days with their weekday, what happens next."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.deadlines.count import ZONE

OPEN_DELIVERED = "opened"


def steps() -> dict[str, str]:
    """The steps of the form."""
    return {
        "data": tk._("Which data"),
        "purpose": tk._("What for"),
        "applicant": tk._("Who applies"),
        "confirm": tk._("Check and submit"),
    }


def labels() -> dict[str, str]:
    """The fields of the form, as clause 6.1 e names them."""
    return {
        "data_name": tk._("Name of the data"),
        "agency": tk._("Agency that has the data"),
        "resources": tk._("Files"),
        "dataset": tk._("Dataset"),
        "demand_type": tk._("Kind of demand"),
        "description": tk._("Description of the data"),
        "fields": tk._("Items wanted"),
        "share_mode": tk._("How the data is provided"),
        "theme": tk._("Subject area"),
        "format": tk._("Data format"),
        "purpose": tk._("Purpose"),
        "business_basis": tk._("Duty that needs the data"),
        "use_until": tk._("Needed until"),
        "security_measures": tk._("Security measures"),
        "other": tk._("Anything else"),
        "unit": tk._("Agency that applies"),
        "applicant_kind": tk._("Kind of applicant"),
        "applicant_name": tk._("Applicant"),
        "identity": tk._("Identity number or credit code"),
        "contact": tk._("How to reach you"),
        "upload": tk._("Attachments"),
        "agreement": tk._("Agreement"),
        "email": tk._("E-mail address"),
        "applicant": tk._("Your account"),
        "version": tk._("Changed meanwhile"),
        "message": tk._("Your text"),
        "id": tk._("Request"),
    }


def marks() -> dict[str, str]:
    """The places on the way of a request."""
    return {
        "submitted": tk._("Submitted"),
        "accepting": tk._("To be accepted"),
        "returned": tk._("To be completed by you"),
        "accepted": tk._("Accepted"),
        "deciding": tk._("Being examined"),
        "suspended": tk._("Clock rests"),
        "decided": tk._("Examined and signed"),
        "approved": tk._("Approved"),
        "delivering": tk._("Data being prepared"),
        "delivered": tk._("Data provided"),
        "refused": tk._("Not provided"),
        "declined": tk._("Not accepted"),
        "withdrawn": tk._("Taken back"),
        "lapsed": tk._("Lapsed"),
    }


def share_modes() -> dict[str, str]:
    """How agencies get data from each other (5.2)."""
    return {
        "file": tk._("Files"),
        "api": tk._("Interface (API)"),
        "table": tk._("Database tables"),
    }


def weekday(day: date) -> str:
    """The name of a day of the week."""
    return [
        tk._("Monday"),
        tk._("Tuesday"),
        tk._("Wednesday"),
        tk._("Thursday"),
        tk._("Friday"),
        tk._("Saturday"),
        tk._("Sunday"),
    ][day.weekday()]


def day_of(value: str | None) -> date | None:
    """The day in China of a date or moment (ISO 8601)."""
    if not value:
        return None
    if len(value) <= 10:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value).astimezone(ZONE).date()


def day_text(value: str | None) -> str:
    """A day with its weekday; empty where there is none."""
    day = day_of(value)
    if day is None:
        return ""
    return tk._("{day} ({weekday})").format(day=day.isoformat(), weekday=weekday(day))


def due_text(value: str | None) -> str:
    """The end of a last day, in full: date, weekday, 24:00; empty where there is none."""
    return tk._("{day} 24:00").format(day=day_text(value)) if value else ""


def left_text(days: int) -> str:
    """How many days are left, in a word that fits the ring."""
    if days < 0:
        return tk.ungettext("{days} day over", "{days} days over", -days).format(days=-days)
    if days == 0:
        return tk._("today")
    return tk.ungettext("{days} day", "{days} days", days).format(days=days)


def next_step(request: Mapping[str, Any]) -> str:
    """What happens next with a request, who acts, until when; for the applicant."""
    agency = request["agency_title"] or tk._("The province")
    due, limit = due_text(request["due"]), due_text(request["limit_due"])
    state = request["state"]
    if state in ("accepted", "approved") and request["overdue"]:
        return tk._(
            "{agency} should have provided the data or refused by {due}. It is late; the authority"
            " above it has been told. Your request stays in force, you need do nothing."
        ).format(agency=agency, due=due)
    texts = {
        "draft": tk._("This is a draft: nobody but you sees it until you submit it."),
        "submitted": tk._(
            "{agency} accepts your request, or says once and completely what is missing, by"
            " {limit}. If it does neither, the request counts as accepted then."
        ),
        "returned": tk._(
            "Complete the request and send it in again by {limit}; otherwise it lapses, and you can"
            " make it anew."
        ),
        "accepted": tk._(
            "{agency} examines the request. By {due} it provides the data through this portal, or"
            " refuses with reason and basis. Two people decide."
        ),
        "suspended": tk._(
            "{agency} consults third parties; meanwhile the days are not counted. It goes on by"
            " {limit} at the latest."
        ),
        "approved": tk._("Approved. {agency} prepares the data and provides it by {due}."),
        "delivered": tk._("The data is ready for you below. Each download is recorded."),
        "refused": tk._(
            "Reason and basis stand below. If you think they do not hold, you may object here; the"
            " remedies of the law remain open to you."
        ),
        "declined": tk._(
            "The request was not taken up; the reason stands below. You may object, or make it"
            " again with changes."
        ),
        "withdrawn": tk._("You have taken the request back. You can make it again at any time."),
        "lapsed": tk._(
            "It was not completed in time, so it is over. You can make it again at any time."
        ),
    }
    if state == "submitted" and request.get("triage"):
        return tk._(
            "{agency} passes your request on to the agency that has the data. It is accepted by"
            " {limit}, or counts as accepted then."
        ).format(agency=agency, limit=limit)
    if state == "delivered" and request.get("use_ended_at"):
        return tk._("Your permission has ended. Delete what you have kept of the data.")
    if state == "delivered" and request.get("outcome") == OPEN_DELIVERED:
        return tk._("The data was opened to everybody: download it from the page of the dataset.")
    return texts[state].format(agency=agency, due=due, limit=limit)


def cannot(why: str) -> str:
    """Why a dataset is not asked for here."""
    return {
        "public": tk._(
            "This data is open to everybody: no request is needed, download it at once."
        ),
        "shared": tk._("This data is shared unconditionally: your agency may download it at once."),
        "closed": tk._(
            "By law this data is not opened, so it cannot be requested. Its page names the basis;"
            " if you think it does not hold, you may object."
        ),
        "own": tk._("This is your own agency's data: you have it already."),
        "withdrawn": tk._("This data was withdrawn and cannot be requested."),
    }[why]
