"""On time, due or late against the update cycle."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.catalog.freshness import freshness, parse_date

DAY = datetime.timedelta(days=1)
UPDATED = datetime.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("cycle", "days", "state"),
    [
        ("daily", 1, "on_time"),
        ("daily", 2, "due"),
        ("daily", 3, "late"),
        ("monthly", 31, "on_time"),
        ("monthly", 32, "due"),
        ("monthly", 40, "due"),
        ("monthly", 41, "late"),
        ("annual", 400, "due"),
        ("annual", 401, "late"),
        ("realtime", 1, "due"),
        ("realtime", 2, "late"),
        ("irregular", 5000, "not_scored"),
        ("never", 5000, "not_scored"),
        (None, 1, "not_scored"),
        ("moon", 1, "not_scored"),
    ],
)
def test_by_cycle_and_days_since_the_last_update(cycle, days, state):
    assert freshness(cycle, UPDATED, UPDATED + days * DAY).state == state


def test_without_a_date_nothing_is_said():
    assert freshness("daily", None, UPDATED).state == "not_scored"


@given(
    st.sampled_from(codelists.codes("update_cycle")), st.integers(-5, 3000), st.integers(0, 3000)
)
def test_time_alone_never_makes_data_fresher(cycle, days, more):
    order = ["not_scored", "on_time", "due", "late"]
    early = freshness(cycle, UPDATED, UPDATED + days * DAY)
    later = freshness(cycle, UPDATED, UPDATED + (days + more) * DAY)
    assert order.index(early.state) <= order.index(later.state)
    if early.due and early.late_from:
        assert UPDATED <= early.due < early.late_from


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T08:00:00", "2026-01-01 08:00"])
def test_dates_of_records(text):
    assert parse_date(text) == UPDATED


@pytest.mark.parametrize("text", [None, "", "2026年", "01/01/2026"])
def test_what_is_no_date(text):
    assert parse_date(text) is None
