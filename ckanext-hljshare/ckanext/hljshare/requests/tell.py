"""Who is told of what happens to a request. Words are registered here, read in any language.

Notices about other people's requests hold a number and the name of the data, no applicant: mails go
through other people's hands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ckan import model

from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.notices import N_
from ckanext.hljshare.requests import routing
from ckanext.hljshare.requests.model import Request

PREFIX = "request."

# event: (subject, body for the applicant), (subject, body for the agency), audiences of the agency
_TO_APPLICANT: dict[str, tuple[str, str]] = {
    "submitted": (
        N_("Received: your request {number}"),
        N_(
            "“{name}” was sent to {agency}. It is accepted or answered by {limit}; otherwise it"
            " counts as accepted."
        ),
    ),
    "returned": (
        N_("Please complete your request {number}"),
        N_("{agency} asks you to complete “{name}” by {limit}: {text}"),
    ),
    "accepted": (
        N_("Accepted: your request {number}"),
        N_("{agency} has accepted “{name}”. You have the data or an answer by {due}, 24:00."),
    ),
    "deemed": (
        N_("Counts as accepted: your request {number}"),
        N_(
            "{agency} has not answered in time, so “{name}” counts as accepted. You have the data"
            " or an answer by {due}, 24:00."
        ),
    ),
    "declined": (
        N_("Not accepted: your request {number}"),
        N_("{agency} has not accepted “{name}”. Reason: {text}"),
    ),
    "reopened": (
        N_("Taken up again: your request {number}"),
        N_("“{name}” is looked at again by {agency}."),
    ),
    "transferred": (
        N_("Passed on: your request {number}"),
        N_("“{name}” is now with {agency}. The deadline stays as it was."),
    ),
    "suspended": (
        N_("The clock rests: your request {number}"),
        N_("{agency} consults others about “{name}”: {text}. It goes on by {limit} at the latest."),
    ),
    "resumed": (
        N_("The clock goes on: your request {number}"),
        N_("“{name}”: the last day is now {due}, 24:00."),
    ),
    "approved": (
        N_("Approved: your request {number}"),
        N_("“{name}” is approved. {agency} still has to provide the data, by {due}, 24:00."),
    ),
    "reconsidered": (
        N_("Looked at again: your request {number}"),
        N_("{agency} looks at “{name}” again. The deadline stays {due}, 24:00. {text}"),
    ),
    "delivered": (
        N_("The data is ready: your request {number}"),
        N_("“{name}” is provided by {agency}. The page of your request leads to it."),
    ),
    "refused": (
        N_("Refused: your request {number}"),
        N_("{agency} has refused “{name}”. Reason: {text}"),
    ),
    "message": (
        N_("A message about your request {number}"),
        N_("{agency} has written to you about “{name}”."),
    ),
    "lapsed": (
        N_("Lapsed: your request {number}"),
        N_("“{name}” was not completed in time. You can make it again at any time."),
    ),
    "reviewed": (
        N_("Your objection about {number} was answered"),
        N_("The authority above {agency} has answered about “{name}”."),
    ),
    "closed": (
        N_("The use has ended: request {number}"),
        N_("Your permission to use “{name}” has ended. Delete what you have kept of the data."),
    ),
    "due_moved": (
        N_("The last day has moved: request {number}"),
        N_("The calendar of holidays has changed; “{name}” is now due on {due}, 24:00."),
    ),
    "dataset_gone": (
        N_("The data of your request {number} was withdrawn"),
        N_("“{name}” is not in the catalog any more. {agency} answers your request all the same."),
    ),
    "dataset_opened": (
        N_("Open to everybody now: the data of your request {number}"),
        N_("“{name}” was opened: you can download it at once."),
    ),
}
_TO_AGENCY: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "submitted": (
        N_("New request {number}"),
        N_("“{name}”: accept, return or decline it by {limit}; after that it counts as accepted."),
        ("handler",),
    ),
    "deemed": (
        N_("Counts as accepted: request {number}"),
        N_("“{name}” was not accepted in time and counts as accepted. Due on {due}, 24:00."),
        ("handler", "approver", "city", "province"),
    ),
    "declined": (
        N_("Not accepted: request {number}"),
        N_("{agency} has not accepted “{name}”. Reason: {text}"),
        ("approver", "city"),
    ),
    "withdrawn": (
        N_("Withdrawn: request {number}"),
        N_("The applicant has withdrawn “{name}”."),
        ("handler",),
    ),
    "transferred": (
        N_("Passed on to you: request {number}"),
        N_("“{name}” is now with {agency}. The clock has not stopped: {limit}{due}."),
        ("handler",),
    ),
    "assigned": (
        N_("Yours to handle: request {number}"),
        N_("“{name}” was given to you. Due: {limit}{due}."),
        ("handler",),
    ),
    "proposed": (
        N_("To be signed: request {number}"),
        N_("A decision on “{name}” waits for your signature. Due on {due}, 24:00."),
        ("approver",),
    ),
    "sent_back": (
        N_("Not signed: request {number}"),
        N_("The decision proposed on “{name}” was sent back: {text}"),
        ("handler",),
    ),
    "approved": (
        N_("Signed, to be delivered: request {number}"),
        N_("“{name}” is approved. The data has to be provided by {due}, 24:00."),
        ("handler",),
    ),
    "message": (
        N_("A message about request {number}"),
        N_("The applicant has written about “{name}”."),
        ("handler",),
    ),
    "resumed": (
        N_("The clock goes on: request {number}"),
        N_("“{name}”: the last day is now {due}, 24:00."),
        ("handler",),
    ),
    "supervised": (
        N_("Order on request {number}"),
        N_("The authority above you asks about “{name}” and wants an answer: {text}"),
        ("handler", "approver"),
    ),
    "answered": (
        N_("Your order on request {number} was answered"),
        N_("{agency} has answered about “{name}”: {text}"),
        ("city", "province"),
    ),
    "objected": (
        N_("Objection about request {number}"),
        N_("The applicant objects to the answer of {agency} about “{name}”."),
        ("city", "province"),
    ),
    "reported": (
        N_("Report of use: request {number}"),
        N_("The applicant has reported on the use of “{name}”."),
        ("handler",),
    ),
    "due_moved": (
        N_("The last day has moved: request {number}"),
        N_("The calendar of holidays has changed; “{name}” is now due on {due}, 24:00."),
        ("handler",),
    ),
    "dataset_gone": (
        N_("The data of request {number} was withdrawn"),
        N_("“{name}” is not in the catalog any more. The request still has to be answered."),
        ("handler",),
    ),
    "suspended_again": (
        N_("Clock stopped again: request {number}"),
        N_("{agency} has stopped the clock of “{name}” once more, until {limit} at the latest."),
        ("city", "province"),
    ),
    "returned_again": (
        N_("Returned more than once: request {number}"),
        N_(
            "{agency} has returned “{name}” again; what is missing is to be named once, completely."
        ),
        ("city",),
    ),
}
# The ladder: (about, before or after the end) → words. `when` is the last day.
_LADDER: dict[str, tuple[str, str]] = {
    "due.before": (
        N_("Due in {days} days: request {number}"),
        N_("“{name}” has to be delivered or refused by {when}, 24:00."),
    ),
    "due.today": (
        N_("Due today: request {number}"),
        N_("“{name}” has to be delivered or refused today, by 24:00."),
    ),
    "due.after": (
        N_("Overdue: request {number}"),
        N_("“{name}” of {agency} was due on {when} and is not answered."),
    ),
    "due.counts": (
        N_("Overdue for {days} days: request {number}"),
        N_("“{name}” of {agency} was due on {when}. From today it counts in the assessment."),
    ),
    "acceptance.before": (
        N_("To be accepted in {days} days: request {number}"),
        N_("“{name}”: accept, return or decline it by {when}; after that it counts as accepted."),
    ),
    "acceptance.today": (
        N_("To be accepted today: request {number}"),
        N_("“{name}”: accept, return or decline it today; after that it counts as accepted."),
    ),
    "correction.before": (
        N_("{days} days to complete your request {number}"),
        N_("“{name}” lapses unless you complete it and send it again by {when}."),
    ),
    "correction.today": (
        N_("The last day to complete your request {number}"),
        N_("“{name}” lapses unless you complete it and send it again today."),
    ),
    "pause.before": (
        N_("The clock goes on in {days} days: request {number}"),
        N_("“{name}”: the consultation ends on {when} at the latest."),
    ),
    "pause.today": (
        N_("The consultation ends today: request {number}"),
        N_("“{name}”: from tomorrow the clock goes on."),
    ),
    "report.before": (
        N_("Report of use in {days} days: request {number}"),
        N_("Please report by {when} what “{name}” was used for."),
    ),
    "report.today": (
        N_("Report of use due today: request {number}"),
        N_("Please report today what “{name}” was used for."),
    ),
    "report.after": (
        N_("No report of use: request {number}"),
        N_("The report on the use of “{name}” was due on {when}."),
    ),
    "order.after": (
        N_("No answer to the order on request {number}"),
        N_("The order on “{name}” was to be answered by {when}."),
    ),
}

for _event, (_subject, _body) in _TO_APPLICANT.items():
    notices.register(f"{PREFIX}{_event}.applicant", _subject, _body)
for _event, (_subject, _body, _audiences) in _TO_AGENCY.items():
    notices.register(f"{PREFIX}{_event}.agency", _subject, _body)
for _event, (_subject, _body) in _LADDER.items():
    notices.register(f"{PREFIX}{_event}", _subject, _body)


def about(
    row: Request,
    event: str,
    position: int,
    actor: str | None,
    role: str,
    extra: Mapping[str, str],
) -> None:
    """Write the notices of an event, in the open transaction. Nobody is told of their own deed."""
    params = {**_params(row), **extra}
    key = f"{PREFIX}{row.id}:{position}"
    if (event in _TO_APPLICANT and role != "applicant") or event == "submitted":
        _put([row.applicant_id], f"{key}:a", f"{PREFIX}{event}.applicant", params, row)
    if event in _TO_AGENCY and not (event == "message" and role != "applicant"):
        audiences = _TO_AGENCY[event][2]
        people = {
            person
            for audience in audiences
            for person in routing.people(row.agency_id, row.handler_id, audience)  # type: ignore[arg-type]
        }
        if event == "answered":
            people |= {extra["asked_by"]} if extra.get("asked_by") else set()
        _put(
            sorted(people - {actor or "", row.applicant_id}),
            f"{key}:b",
            f"{PREFIX}{event}.agency",
            params,
            row,
        )


def letters(
    row: Request,
    what: str,
    case: str,
    key: str,
    days: int,
    when: str,
    people: Iterable[str],
    agency: str,
) -> list[notices.Letter]:
    """The notices of a step of the ladder: about `what`, in which `case` (before, today, after,
    counts); `days` from the last day `when`."""
    params = {
        "number": row.number,
        "name": row.data_name or "—",
        "agency": agency or "—",
        "days": str(days),
        "when": when,
    }
    link = f"/request/{row.number}"
    kind = f"{PREFIX}{what}.{case}"
    return [notices.Letter(person, f"{PREFIX}{key}", kind, params, link) for person in people]


def _put(
    people: Iterable[str], key: str, kind: str, params: Mapping[str, str], row: Request
) -> None:
    link = f"/request/{row.number}"
    notices.put_all([notices.Letter(person, key, kind, params, link) for person in people])


def agency_title(agency_id: str | None) -> str:
    """The name of an agency for people; empty where there is none."""
    group = model.Session.get(model.Group, agency_id) if agency_id else None
    return str(group.display_name) if group is not None else ""


def _params(row: Request) -> dict[str, str]:
    return {
        "number": row.number,
        "name": row.data_name or "—",
        "agency": agency_title(row.agency_id) or "—",
        "due": row.due.isoformat() if row.due else "",
        "limit": row.limit_due.isoformat() if row.limit_due else "",
        "text": "",
    }
