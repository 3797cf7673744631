"""Actions: a person's notices, what the outbox has given up, the calendar and the count."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.types import Context

from ckanext.hljshare.deadlines import calendar as rest_days
from ckanext.hljshare.deadlines import calendar_files, calendars, notices, shipped, words
from ckanext.hljshare.deadlines.count import (
    Count,
    CountError,
    Rule,
    Suspension,
    count,
    local_date,
)
from ckanext.hljshare.deadlines.logic import schema
from ckanext.hljshare.deadlines.model import Notice, OutboxItem, now

__all__ = [
    "hljshare_calendar_import",
    "hljshare_calendar_list",
    "hljshare_deadline_explain",
    "hljshare_notice_list",
    "hljshare_notice_read",
    "hljshare_outbox_failed",
]

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
SUSPENSIONS = 50
SUSPENDED_DAYS = 3660


@tk.side_effect_free
@tk.validate(schema.window)
def hljshare_notice_list(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The caller's notices: the unread ones first, then the newest.

    :param unread: (optional, false) only those not read yet
    :param limit: (optional, 20, at most 200) and ``offset``
    :returns: ``{"count", "unread", "results": [{"id", "kind", "subject", "body", "link",
        "created", "read_at"}]}``, words in the caller's language, times in UTC
    """
    tk.check_access("hljshare_notice_list", context, data_dict)
    user_id = _caller(context)
    chosen = [Notice.user_id == user_id]
    if data_dict["unread"]:
        chosen.append(Notice.read_at.is_(None))
    found = model.Session.scalars(
        sa.select(Notice)
        .where(*chosen)
        .order_by(Notice.read_at.isnot(None), Notice.created.desc(), Notice.id)
        .limit(data_dict["limit"])
        .offset(data_dict["offset"])
    )
    return {
        "count": model.Session.scalar(sa.select(sa.func.count(Notice.id)).where(*chosen)),
        "unread": notices.unread(user_id),
        "results": [_dictize(notice) for notice in found],
    }


@tk.validate(schema.notice_read)
def hljshare_notice_read(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Mark the caller's notices as read; one that is read already stays as it is.

    :param id: the notice, or
    :param all: true for all of them
    :returns: ``{"unread", "link"}``: how many remain unread; where the one notice leads, or ""
    """
    tk.check_access("hljshare_notice_read", context, data_dict)
    user_id = _caller(context)
    notice_id, every = data_dict.get("id"), data_dict["all"]
    if bool(notice_id) == every:
        raise tk.ValidationError({"id": [tk._("Give the id of a notice, or all")]})
    mine = [Notice.user_id == user_id]
    link = ""
    if notice_id:
        mine.append(Notice.id == notice_id)
        notice = model.Session.scalar(sa.select(Notice).where(*mine))
        if notice is None:
            raise tk.ObjectNotFound(tk._("Notice not found"))
        link = notice.link
    model.Session.execute(
        sa.update(Notice).where(*mine, Notice.read_at.is_(None)).values(read_at=now())
    )
    model.Session.commit()
    return {"unread": notices.unread(user_id), "link": link}


@tk.side_effect_free
@tk.validate(schema.window)
def hljshare_outbox_failed(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What the outbox has given up, newest first. `ckan hljshare outbox retry` takes it up again.

    :param limit: (optional, 20, at most 200) and ``offset``
    :returns: ``{"count", "results": [{"id", "kind", "key", "created", "attempts",
        "last_error"}]}``; the error is a class name, never data
    """
    tk.check_access("hljshare_outbox_failed", context, data_dict)
    failed = OutboxItem.state == "failed"
    found = model.Session.scalars(
        sa.select(OutboxItem)
        .where(failed)
        .order_by(OutboxItem.id.desc())
        .limit(data_dict["limit"])
        .offset(data_dict["offset"])
    )
    return {
        "count": model.Session.scalar(sa.select(sa.func.count(OutboxItem.id)).where(failed)),
        "results": [
            {
                "id": item.id,
                "kind": item.kind,
                "key": item.key,
                "created": item.created.isoformat(),
                "attempts": item.attempts,
                "last_error": item.last_error,
            }
            for item in found
        ],
    }


@tk.side_effect_free
@tk.validate(schema.calendar_list)
def hljshare_calendar_list(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Which years the calendar of rest days covers, and its versions.

    :param year: (optional) also the days that the notice of this year names
    :returns: ``{"version", "years", "missing", "versions": [{"version", "year", "source",
        "created", "rest_days", "worked_days"}]}`` and with ``year`` ``days``: ``[{"date", "name",
        "is_off"}]``. ``missing``: years whose notice should be here by now.
    """
    tk.check_access("hljshare_calendar_list", context, data_dict)
    calendar = calendars.current()
    found: dict[str, Any] = {
        "version": calendar.version,
        "years": sorted(calendar.years),
        "missing": rest_days.missing(calendar.years, local_date(now())),
        "versions": calendars.listed(),
    }
    if "year" in data_dict:
        found["days"] = [
            {"date": day.date.isoformat(), "name": day.name, "is_off": day.is_off}
            for day in calendars.days_of(data_dict["year"])
        ]
    return found


@tk.validate(schema.calendar_import)
def hljshare_calendar_import(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Take in the State Council's notice of a year, or of several: whole, or not at all.

    :param upload: the file, or ``content``: its text
    :param format: (optional) ``json`` (holiday-cn), ``csv`` (date, name, is_off) or ``ical``
    :param year: (optional) take only this year of the file
    :returns: ``{"version", "changes": [{"year", "version", "added", "removed", "changed"}]}``;
        ``version`` of a change is null where the file says what is known already
    :raises ValidationError: the file cannot be read or is incomplete; nothing is changed
    """
    tk.check_access("hljshare_calendar_import", context, data_dict)
    content, name = _content(data_dict)
    try:
        years = calendar_files.read(
            content, shipped.statutory(), data_dict.get("format"), data_dict.get("year")
        )
    except calendar_files.CalendarFileError as error:
        raise tk.ValidationError({"upload": [words.file_error(error)]}) from None
    user = model.User.get(context.get("user") or "")
    changes = calendars.take(years, user.id if user else None, name[:200])
    model.Session.commit()
    return {
        "version": calendars.current().version,
        "changes": [
            {
                "year": change.year,
                "version": change.version,
                **{
                    kind: [day.isoformat() for day in getattr(change, kind)]
                    for kind in ("added", "removed", "changed")
                },
            }
            for change in changes
        ],
    }


@tk.side_effect_free
@tk.validate(schema.deadline_explain)
def hljshare_deadline_explain(context: Context, data_dict: dict[str, Any]) -> dict[str, Any]:
    """How a deadline is counted, day by day.

    :param kind: ``open`` (6.1 f: 10 days), ``share`` (10 working days) or ``acceptance``
    :param accepted_at: when the request was accepted: ISO 8601; without a zone it is UTC, as
        CKAN's own times; a date alone is a date in China
    :param suspensions: (optional) ``[[from, to], …]`` in the same form; ``to`` null for one that
        has not ended
    :returns: ``{"nominal", "due", "due_at", "provisional", "warning", "basis", "rule_version",
        "calendar_version", "days": [{"date", "counted", "why"}]}``. ``due_at`` is 24:00 of the
        last day. While suspended, ``nominal``, ``due`` and ``due_at`` are null.
    """
    tk.check_access("hljshare_deadline_explain", context, data_dict)
    rule = shipped.rules().get(data_dict["kind"])
    if rule is None:
        raise tk.ValidationError({"kind": [tk._("There is no such kind of deadline")]})
    accepted = _day("accepted_at", data_dict["accepted_at"])
    calendar = calendars.current()
    try:
        counted = count(rule, accepted, _suspensions(data_dict["suspensions"]), calendar)
    except CountError as error:
        raise tk.ValidationError({"suspensions": [words.count_error(error)]}) from None
    return explain(counted, rule, calendar.version)


def explain(counted: Count, rule: Rule, calendar_version: str) -> dict[str, Any]:
    """Return a count as `hljshare_deadline_explain` answers it."""
    return {
        "nominal": counted.nominal.isoformat() if counted.nominal else None,
        "due": counted.due.isoformat() if counted.due else None,
        "due_at": counted.due_at.isoformat() if counted.due_at else None,
        "provisional": counted.provisional,
        "warning": words.warning(counted, rule),
        "basis": _in_language(dict(rule.basis)),
        "rule_version": rule.version,
        "calendar_version": calendar_version,
        "days": [
            {"date": day.date.isoformat(), "counted": day.counted, "why": words.why(day)}
            for day in counted.days
        ],
    }


def _caller(context: Context) -> str:
    user = model.User.get(context.get("user") or "")
    if user is None:
        raise tk.NotAuthorized(tk._("Log in to read your notices"))
    return str(user.id)


def _dictize(notice: Notice) -> dict[str, Any]:
    text = notices.render(notice.kind, notice.params, tk._)
    return {
        "id": notice.id,
        "kind": notice.kind,
        "subject": text.subject,
        "body": text.body,
        "link": notice.link,
        "created": notice.created.isoformat(),
        "read_at": notice.read_at.isoformat() if notice.read_at else None,
    }


def _content(data_dict: dict[str, Any]) -> tuple[bytes, str]:
    """The bytes of an imported file and its name; no more is read than may be."""
    upload, text = data_dict.get("upload"), data_dict.get("content")
    name = data_dict.get("file_name", "")
    if upload is not None and hasattr(upload, "stream"):
        return upload.stream.read(calendar_files.LARGEST + 1), name or upload.filename or ""
    if isinstance(text, str) and text.strip():
        return text.encode(), name
    raise tk.ValidationError({"upload": [tk._("Choose a file")]})


def _day(field: str, text: object) -> date:
    """A date in China, from a date or a moment."""
    try:
        value = str(text).strip()
        if len(value) == len("2026-01-01"):
            day = date.fromisoformat(value)
        else:
            moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
            day = local_date(moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc))
    except (ValueError, OverflowError):
        raise tk.ValidationError({field: [tk._("Give a date or time as ISO 8601")]}) from None
    if not EARLIEST <= day <= LATEST:
        raise tk.ValidationError({field: [tk._("The date is too far away")]})
    return day


def _suspensions(given: object) -> list[Suspension]:
    wrong = tk.ValidationError({"suspensions": [tk._("Give a list of pairs: from, to")]})
    if not isinstance(given, list) or len(given) > SUSPENSIONS:
        raise wrong
    found: list[Suspension] = []
    for pair in given:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise wrong
        start = _day("suspensions", pair[0])
        end = None if pair[1] is None else _day("suspensions", pair[1])
        if end is not None and (end - start).days > SUSPENDED_DAYS:
            raise tk.ValidationError({"suspensions": [tk._("The date is too far away")]})
        found.append((start, end))
    return found


def _in_language(texts: dict[str, str]) -> str:
    try:
        language = str(tk.h.lang())
    except (RuntimeError, TypeError, AttributeError):  # no request: a command, a job
        language = str(tk.config.get("ckan.locale_default"))
    return texts.get(language) or texts["zh_Hans_CN"]
