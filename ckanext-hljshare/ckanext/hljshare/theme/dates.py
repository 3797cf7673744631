"""Dates as people say them. Pure: the words come from the caller's translation function."""

from __future__ import annotations

import datetime
from collections.abc import Callable


def ago(day: datetime.date | None, today: datetime.date, _: Callable[[str], str]) -> str:
    """`today`, `yesterday`, `3 days ago`, else the date; an empty text where there is none."""
    if day is None:
        return ""
    days = (today - day).days
    if days == 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    if 1 < days <= 30:
        return _("{days} days ago").format(days=days)
    return day.isoformat()


def when(text: str | None, zone: datetime.tzinfo) -> str:
    """A time stamp (ISO; without a zone UTC) to the minute in a zone; empty where there is none."""
    if not text:
        return ""
    try:
        moment = datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def size(count: object) -> str:
    """A file's size for people: `12 KB`, `3.4 MB`; empty where unknown."""
    try:
        amount = float(str(count))
    except ValueError:
        return ""
    if amount <= 0:
        return ""
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:.0f} {unit}" if amount >= 10 or unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return ""
