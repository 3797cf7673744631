"""How often a host is asked, and how long to wait before asking again."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.safety.pace import LONGEST_BACK_OFF, Pace, back_off, retry_after


class Time:
    def __init__(self):
        self.now = 0.0

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def pace(chance=0.0):
    time = Time()
    return Pace(time.clock, time.sleep, lambda: chance), time


def test_requests_to_one_host_are_spaced_and_others_are_not_held_up():
    mine, time = pace()
    for _ in range(5):
        mine.wait("a", 2)
    assert time.now == pytest.approx(2)
    assert mine.wait("b", 2) == 0
    assert mine.wait("c", None) == 0


def test_the_gap_is_stretched_by_chance_never_shortened():
    mine, time = pace(chance=1.0)
    mine.wait("a", 1)
    mine.wait("a", 1)
    assert time.now == pytest.approx(1.2)


def test_a_pause_is_not_saved_up():
    mine, time = pace()
    mine.wait("a", 1)
    time.now += 100
    assert mine.wait("a", 1) == 0
    assert mine.wait("a", 1) == pytest.approx(1)


@given(st.integers(0, 60), st.floats(0, 1))
def test_back_off_doubles_and_is_bounded(attempt, chance):
    wait = back_off(attempt, 0.5, lambda: chance)
    assert 0 < wait <= LONGEST_BACK_OFF
    assert wait == pytest.approx(min(LONGEST_BACK_OFF, 0.5 * 2**attempt * (0.5 + chance)))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("Sun, 01 Mar 2026 00:01:00 GMT", 60),
        ("Sun, 01 Mar 2026 00:00:00", 0),
        ("Sat, 28 Feb 2026 00:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
        ("９", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_retry_after(header, seconds):
    assert retry_after(header, datetime(2026, 3, 1, tzinfo=timezone.utc)) == seconds
