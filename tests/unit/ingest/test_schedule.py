"""When sources are read: spread, backed off, one of a host at a time."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import schedule
from ckanext.hljshare.ingest.schedule import Turn

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
minutes = st.integers(schedule.SHORTEST, schedule.LONGEST)
chances = st.floats(0, 1)


@pytest.mark.parametrize(
    ("every", "failures", "for_a_person", "expected"),
    [
        (60, 0, False, timedelta(hours=1)),
        (60, 1, False, timedelta(minutes=30)),
        (60, 2, False, timedelta(hours=1)),
        (60, 4, False, timedelta(hours=4)),
        (60, 50, False, DAY),
        (7 * 24 * 60, 1, False, timedelta(minutes=30)),
        (7 * 24 * 60, 9, False, DAY),
        (7 * 24 * 60, 1, True, timedelta(days=7)),  # somebody has to look first
        (60, 1, True, timedelta(hours=1)),
        (60, 9, True, DAY),
    ],
)
def test_a_failure_is_tried_again_soon_then_ever_more_slowly(
    every, failures, for_a_person, expected
):
    assert schedule.wait(every, failures, for_a_person) == expected


@given(minutes, st.integers(1, 100), chances)
def test_a_failing_source_is_asked_at_least_once_a_day_and_never_faster_than_before(
    every, failures, chance
):
    wait = schedule.wait(every, failures)
    assert timedelta(minutes=schedule.SHORTEST) <= wait <= DAY
    assert schedule.wait(every, failures + 1) >= wait
    assert schedule.next_run(NOW, every, chance, failures) <= NOW + DAY * 1.1001


@given(minutes, chances)
def test_turns_are_spread_by_a_tenth(every, chance):
    span = timedelta(minutes=every)
    after = schedule.next_run(NOW, every, chance) - NOW
    assert span * 0.8999 <= after <= span * 1.1001


@given(minutes, chances, st.none() | st.integers(0, 10**6))
def test_a_new_schedule_never_begins_in_the_past(every, chance, ago):
    last = None if ago is None else NOW - timedelta(minutes=ago)
    first = schedule.first_run(NOW, every, last, chance)
    assert first >= NOW
    if last is None:
        assert first == NOW
    else:
        assert first <= max(NOW, last + timedelta(minutes=every) * 1.1001)


turns = st.lists(
    st.builds(
        Turn,
        source_id=st.integers(0, 10**9).map(str),
        host=st.sampled_from(["a", "b", "c", "d"]),
        next_run=st.none() | st.integers(-1000, 1000).map(lambda m: NOW + timedelta(minutes=m)),
        busy=st.booleans(),
    ),
    max_size=20,
    unique_by=lambda turn: turn.source_id,
)


@given(turns, st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_one_of_a_host_at_a_time_and_nobody_is_forgotten(listed, busy_hosts):
    by_id = {turn.source_id: turn for turn in listed}
    chosen = [by_id[name] for name in schedule.due(listed, busy_hosts, NOW)]
    hosts = [turn.host for turn in chosen]
    taken = busy_hosts | {turn.host for turn in listed if turn.busy}
    assert len(hosts) == len(set(hosts))
    assert not taken & set(hosts)
    for turn in chosen:
        assert not turn.busy
        assert turn.next_run <= NOW
    for turn in listed:  # whoever is left out has its host taken, by one that waits as long
        if not turn.busy and turn.next_run and turn.next_run <= NOW and turn not in chosen:
            assert turn.host in taken or any(
                other.host == turn.host and other.next_run <= turn.next_run for other in chosen
            )


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Data.Harbin.gov.cn:8080/odweb", "data.harbin.gov.cn"),
        ("https://data.harbin.gov.cn./x", "data.harbin.gov.cn"),
        ("https://[2001:db8::1]/x", "2001:db8::1"),
        ("file:///srv/list.xlsx", "own"),
        ("push", "own"),
        ("http://[broken", "own"),
    ],
)
def test_the_host_of_an_address(url, host):
    assert schedule.host_of(url, "own") == host


def test_a_run_without_a_sign_of_life_is_stale():
    start = NOW - timedelta(hours=2)
    assert schedule.is_stale(start, None, NOW)
    assert schedule.is_stale(start, NOW - timedelta(minutes=11), NOW)
    assert not schedule.is_stale(start, NOW - timedelta(minutes=9), NOW)
    assert not schedule.is_stale(NOW - timedelta(minutes=1), None, NOW)
