"""Dates and sizes as people say them."""

import datetime

import pytest

from ckanext.hljshare.theme import dates

TODAY = datetime.date(2026, 11, 24)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (TODAY, "today"),
        (datetime.date(2026, 11, 23), "yesterday"),
        (datetime.date(2026, 11, 12), "12 days ago"),
        (datetime.date(2026, 10, 1), "2026-10-01"),
        (datetime.date(2027, 1, 1), "2027-01-01"),
        (None, ""),
    ],
)
def test_a_date_is_said_as_people_say_it(day, said):
    assert dates.ago(day, TODAY, str) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, ""),
        (None, ""),
        ("x", ""),
        (900, "900 B"),
        (2048, "2.0 KB"),
        (5 * 1024**2, "5.0 MB"),
        (123456, "121 KB"),
    ],
)
def test_a_size_is_short(count, said):
    assert dates.size(count) == said


def test_a_time_stamp_without_a_zone_is_utc_and_shown_on_chinas_clock():
    zone = datetime.timezone(datetime.timedelta(hours=8))
    assert dates.when("2026-11-24T13:52:00.123", zone) == "2026-11-24 21:52"
    assert dates.when("2026-11-24T21:52:00+08:00", zone) == "2026-11-24 21:52"
    assert dates.when(None, zone) == ""
