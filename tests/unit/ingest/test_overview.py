"""How a city's line is told: freshness, silence, difference."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import overview
from ckanext.hljshare.ingest.overview import Connection, Place

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=timezone.utc)
PLACE = Place("230100", "哈尔滨市", "哈尔滨", "harbin", frozenset({"o1", "o2"}))


def ago(**span):
    return NOW - timedelta(**span)


def source(**more):
    values = {"id": "s", "name": "s", "title": "甲", "kind": "odweb", "owner_id": "o1", **more}
    return Connection(**values)


@pytest.mark.parametrize(
    ("last", "every", "missed_after", "state"),
    [
        (None, 60, None, "none"),
        (ago(hours=2), 60, None, "fresh"),
        (ago(hours=3), 60, None, "due"),
        (ago(hours=5), 60, None, "late"),
        (ago(days=1), 1440, None, "fresh"),
        (ago(days=2), 1440, None, "due"),
        (ago(days=4), 1440, None, "late"),
        (ago(days=30), None, None, "fresh"),
        (ago(days=40), None, None, "due"),
        (ago(days=100), None, None, "late"),
        (ago(hours=30), None, 48, "due"),
        (ago(hours=49), None, 48, "late"),
        (ago(hours=30), 1440, 48, "fresh"),
    ],
)
def test_freshness_is_measured_by_what_was_agreed(last, every, missed_after, state):
    assert overview.freshness(last, every, missed_after, NOW) == state


@given(st.none() | st.integers(15, 10**5), st.none() | st.integers(1, 10**4))
def test_a_catalog_is_never_late_before_it_is_due(every, missed_after):
    due, late = overview.limits(every, missed_after)
    assert timedelta(0) < due <= late


def test_silence_is_an_alarm_only_where_somebody_promised_to_be_heard():
    assert overview.is_silent(source(missed_after=24, last_success=ago(hours=25)), NOW)
    assert overview.is_silent(source(missed_after=24, made=ago(hours=25)), NOW)
    assert not overview.is_silent(source(missed_after=24, made=ago(hours=1)), NOW)
    assert not overview.is_silent(source(missed_after=24, last_success=ago(hours=23)), NOW)
    assert not overview.is_silent(source(last_success=ago(days=999)), NOW)
    assert not overview.is_silent(source(missed_after=24, refused="not-approved"), NOW)
    changed = source(missed_after=24, refused="changed-since-approval", made=ago(hours=25))
    assert overview.is_silent(changed, NOW)  # a change is no way out of the promise


def test_a_city_without_a_source_has_a_line():
    line = overview.city(PLACE, [source(owner_id="elsewhere")], NOW)
    assert (line["state"], line["ways"], line["days"], line["silent"]) == ("none", [], None, False)
    assert line["difference"] is None


def test_a_city_that_moved_to_push_is_not_late_because_its_old_source_is_silent():
    old = source(last_success=ago(days=200), every=1440)
    new = source(id="p", kind="push", owner_id="o2", last_success=ago(hours=3), missed_after=24)
    line = overview.city(PLACE, [old, new], NOW)
    assert (line["state"], line["days"], line["ways"]) == ("fresh", 0, ["pull", "push"])


def test_what_waits_is_added_up_and_differences_too():
    one = source(waiting={"held": 3}, total=100, seen=98)
    two = source(id="p", kind="push", waiting={"held": 1, "rejected": 2})
    line = overview.city(PLACE, [one, two], NOW)
    assert (line["held"], line["rejected"], line["difference"]) == (4, 2, 2)
    assert overview.difference(source(reconciled={"missing": 2, "extra": ["a"], "at": "x"})) == 3
    assert overview.difference(source(reconciled={})) == 0
    assert overview.difference(source(total=5, seen=5, stopped="unreachable")) is None


@pytest.mark.parametrize(
    ("published", "held", "missing", "expected"),
    [(10, 10, [], 1), (10, 4, [], 6), (10, 9, ["a", "b"], 2), (0, 0, [], 1)],
)
def test_trees_that_differ_are_a_difference_whatever_was_listed(published, held, missing, expected):
    told = {"published": published, "held": held, "missing": missing, "unexplained": not missing}
    assert overview.difference(source(reconciled={"same": False, **told})) == expected
    assert overview.difference(source(reconciled={"same": True, "held": 3, "published": 3})) == 0
