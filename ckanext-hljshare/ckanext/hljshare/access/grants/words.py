"""What the codes of grants and of the log are called, and how their times are read (for pages)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk

SHANGHAI = ZoneInfo("Asia/Shanghai")
OUTCOMES = ("complete", "started", "cut", "refused")


def states() -> dict[str, str]:
    """Return what a grant is worth, in words, by state."""
    return {
        "live": tk._("Valid"),
        "not_yet": tk._("Not begun"),
        "expired": tk._("Expired"),
        "revoked": tk._("Revoked"),
        "used_up": tk._("Used up"),
        "left_unit": tk._("Unit left"),
    }


def state_reasons() -> dict[str, str]:
    """Return why a grant opens nothing now, by state; nothing for one that is live."""
    return {
        "not_yet": tk._("It opens the data from the day on which it begins."),
        "expired": tk._("Its time is over. Apply again if you still need the data."),
        "revoked": tk._("The agency has ended it."),
        "used_up": tk._("All its downloads are used. Apply again if you still need the data."),
        "left_unit": tk._("It was given for a unit that the person no longer belongs to."),
    }


def outcomes() -> dict[str, str]:
    """Return how a use ended, in words."""
    return {
        "complete": tk._("Completed"),
        "started": tk._("Under way"),
        "cut": tk._("Broken off"),
        "refused": tk._("Refused"),
    }


def kinds() -> dict[str, str]:
    """Return what was taken or done, in words."""
    return {
        "file": tk._("Download of the file"),
        "table": tk._("Download of the table"),
        "query": tk._("Query of rows"),
        "address": tk._("Address shown"),
        "statement": tk._("Purpose stated"),
        "delivery": tk._("Delivered data of a request"),
        "proof": tk._("Proof of identity of a request"),
        "identity": tk._("Identity number of a request"),
    }


def reasons() -> dict[str, str]:
    """Return why something was allowed or refused, by the policy's code."""
    return {
        "owner": tk._("The providing agency itself"),
        "shared": tk._("Shared unconditionally"),
        "grant": tk._("By grant"),
        "request": tk._("By request"),
        "handling": tk._("Handling of the request"),
        "administrator": tk._("Administrator, purpose stated"),
        "on_request": tk._("Without a grant"),
        "closed": tk._("The level does not allow it"),
        "withdrawn": tk._("Withdrawn"),
        "unpublished": tk._("Not public"),
        "purpose_missing": tk._("No purpose stated"),
        "machine": tk._("Administrator's API token"),
        "grant_counted": tk._("The grant is for downloads only"),
        "grant_not_yet": tk._("Grant not begun"),
        "grant_expired": tk._("Grant expired"),
        "grant_revoked": tk._("Grant revoked"),
        "grant_used_up": tk._("Grant used up"),
        "grant_left_unit": tk._("Unit left"),
    }


def details() -> dict[str, str]:
    """Return why a download was broken off, by the log's code."""
    return {
        "client": tk._("ended by the recipient"),
        "grant-ended": tk._("the grant ended meanwhile"),
        "source": tk._("the source did not answer"),
        "web-server": tk._("sent by the web server"),
    }


def last_moment(until: str) -> str:
    """Return the last day of a grant that ends at `until` (ISO 8601), or, where it ends within a
    day, the minute."""
    moment = datetime.fromisoformat(until).astimezone(SHANGHAI)
    if (moment.hour, moment.minute) == (0, 0):
        return (moment - timedelta(days=1)).date().isoformat()
    return moment.strftime("%Y-%m-%d %H:%M")


def first_moment(since: str) -> str:
    """Return the first day of a grant, or, where it begins within a day, the minute."""
    moment = datetime.fromisoformat(since).astimezone(SHANGHAI)
    at_midnight = (moment.hour, moment.minute) == (0, 0)
    return moment.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%d %H:%M")


def day(text: str | None) -> date | None:
    """Return the day that a person entered; None where it is none."""
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


def start_of(found: date) -> datetime:
    """Return the beginning of a day in China."""
    return datetime(found.year, found.month, found.day, tzinfo=SHANGHAI)


def end_of(found: date) -> datetime:
    """Return the end of a day in China: the beginning of the next."""
    return start_of(found) + timedelta(days=1)


def log_row(line: dict[str, Any]) -> list[Any]:
    """Return a line of the log as a row of the export, in the order of `log_headings`."""
    result = outcomes().get(line["outcome"], line["outcome"])
    return [
        local(line["at"]),
        local(line["ended"]),
        line["user"],
        line["resource"] or "",
        kinds().get(line["what"], line["what"]),
        result,
        reasons().get(line["reason"], line["reason"]),
        purpose_of(line),
        detail_of(line),
        line["sent"],
        line["size"],
        line["grant_id"] or "",
    ]


def log_headings() -> list[str]:
    """Return the headings of the log's export."""
    return [
        tk._("Time"),
        tk._("Ended"),
        tk._("Person"),
        tk._("File"),
        tk._("Kind"),
        tk._("Result"),
        tk._("On what ground"),
        tk._("Purpose"),
        tk._("Note"),
        tk._("Bytes sent"),
        tk._("Size in bytes"),
        tk._("Number of the grant"),
    ]


def purpose_of(line: dict[str, Any]) -> str:
    """Return the purpose of a use: the grant's, or the one that was stated."""
    return str(line["detail"] if line["what"] == "statement" else line["purpose"] or "")


def detail_of(line: dict[str, Any]) -> str:
    """Return what is to be said besides about a use."""
    if line["what"] == "statement":
        return ""
    return details().get(line["detail"], line["detail"])


def local(text: str | None) -> str:
    """Return a time as the clock in China shows it, to the second."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
