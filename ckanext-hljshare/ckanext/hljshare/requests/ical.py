"""What a handler owes as an iCalendar feed (RFC 5545). Pure.

A calendar program asks for it again and again and puts each entry in place by its UID; a newer
SEQUENCE replaces the older one, an entry that is missing disappears.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

from icalendar import Alarm, Calendar, Event

CONTENT_TYPE = "text/calendar; charset=utf-8"
REFRESH = timedelta(hours=1)
# From the beginning of the last day: 08:00 of the day before.
REMINDER = timedelta(hours=-16)
# Nothing here needs more than a line, and controls have no place in iCalendar text.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def feed(
    entries: Iterable[Mapping[str, Any]], site_title: str, moment: datetime | None = None
) -> bytes:
    """A calendar of deadlines, each an all-day event on its last day with a reminder before it.

    An entry has ``number``, ``name``, ``due`` (date; None: suspended, left out), ``version``,
    ``link`` (absolute) and, if it likes, ``text``, ``uid`` (the number by default) and
    ``cancelled`` (true: left out). `moment`: when it was asked for.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//hljshare//deadlines//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("name", _clean(site_title))
    calendar.add("x-wr-calname", _clean(site_title))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for entry in entries:
        if entry["due"] is not None and not entry.get("cancelled"):
            calendar.add_component(_event(entry, moment or datetime.now(timezone.utc)))
    written: bytes = calendar.to_ical()
    return written


def _event(entry: Mapping[str, Any], moment: datetime) -> Event:
    title = _clean(f"{entry['number']} {entry['name']}")
    event = Event()
    uid = entry.get("uid") or entry["number"]
    event.add("uid", f"{uid}@{urlsplit(entry['link']).hostname or 'localhost'}")
    event.add("sequence", int(entry["version"]))
    event.add("dtstamp", moment.astimezone(timezone.utc))
    event.add("dtstart", entry["due"])
    event.add("dtend", entry["due"] + timedelta(days=1))
    event.add("summary", title)
    event.add("description", _clean(str(entry.get("text") or entry["link"])))
    event.add("url", entry["link"])
    event.add("transp", "TRANSPARENT")
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", REMINDER)
    event.add_component(alarm)
    return event


def _clean(text: str) -> str:
    return _CONTROLS.sub(" ", text).strip()
