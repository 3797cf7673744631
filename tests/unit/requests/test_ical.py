"""What a handler's calendar program reads."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from ckanext.hljshare.requests import ical

NOW = datetime(2026, 4, 1, 8, 0, tzinfo=timezone.utc)


def entry(**more):
    return {
        "number": "SQ202604010001",
        "name": "公交线路",
        "due": date(2026, 4, 10),
        "version": 3,
        "link": "https://data.example.gov.cn/request/SQ202604010001",
        **more,
    }


def events(*entries):
    return Calendar.from_ical(ical.feed(entries, "开放平台", NOW)).walk("VEVENT")


def test_an_all_day_event_on_the_last_day():
    [event] = events(entry())
    assert event.decoded("dtstart") == date(2026, 4, 10)
    assert event.decoded("dtend") == date(2026, 4, 11)
    assert event["summary"] == "SQ202604010001 公交线路"
    assert event["url"] == "https://data.example.gov.cn/request/SQ202604010001"
    assert event["sequence"] == 3


def test_reminds_in_the_morning_of_the_day_before():
    [event] = events(entry())
    [alarm] = event.walk("VALARM")
    midnight = datetime(2026, 4, 10)  # noqa: DTZ001  floating, as the event
    assert midnight + alarm.decoded("trigger") == datetime(2026, 4, 9, 8, 0)  # noqa: DTZ001


def test_the_same_entry_is_the_same_event_and_a_moved_one_a_newer():
    [before] = events(entry())
    [after] = events(entry(due=date(2026, 4, 13), version=4, name="公交线路与站点"))
    assert before["uid"] == after["uid"] == "SQ202604010001@data.example.gov.cn"
    assert after["sequence"] > before["sequence"]
    [other] = events(entry(number="SQ202604010002"))
    assert other["uid"] != before["uid"]


@pytest.mark.parametrize("gone", [{"due": None}, {"cancelled": True}])
def test_what_is_suspended_or_cancelled_is_left_out(gone):
    assert events(entry(**gone)) == []


def test_an_empty_feed_is_a_calendar():
    calendar = Calendar.from_ical(ical.feed([], "开放平台", NOW))
    assert calendar["x-wr-calname"] == "开放平台"
    assert calendar["version"] == "2.0"
    assert calendar["prodid"]


def test_asked_again_nothing_but_the_stamp_differs():
    later = ical.feed([entry()], "x", NOW + timedelta(hours=1)).splitlines()
    differing = [
        (a, b)
        for a, b in zip(ical.feed([entry()], "x", NOW).splitlines(), later, strict=True)
        if a != b
    ]
    assert [a.split(b":")[0] for a, _b in differing] == [b"DTSTAMP"]


@pytest.mark.parametrize(
    "name",
    [
        "x\r\nEND:VEVENT\r\nBEGIN:VEVENT",
        "x\nATTENDEE:mailto:evil@example.org",
        "x\rURL:https://evil.example",
        "逗号,分号;反斜杠\\",
    ],
)
def test_what_people_typed_stays_text(name):
    [event] = events(entry(name=name, text=f"{name}："))
    assert "attendee" not in event
    assert event["url"] == entry()["link"]


@given(st.text(max_size=80))
def test_any_name_makes_a_readable_calendar_with_one_event(name):
    found = ical.feed([entry(name=name, text=name)], name, NOW)
    assert all(len(line) <= 75 for line in found.split(b"\r\n"))
    [event] = Calendar.from_ical(found).walk("VEVENT")
    assert event["sequence"] == 3
