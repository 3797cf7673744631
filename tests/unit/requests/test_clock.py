"""Which deadline runs in which state, and when a request is looked at next."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.deadlines import shipped
from ckanext.hljshare.deadlines.count import ZONE, CountError, end_of
from ckanext.hljshare.requests import clock, workflow
from ckanext.hljshare.requests.clock import Rules, Timing, Watch, dates, look_at, next_moment, steps

RULES = shipped.rules()
LIMITS = Rules(RULES["acceptance"], RULES["correction"], RULES["third_party"])
CALENDAR = shipped.calendar()


def at(text):
    """A moment in China."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def of(state, limit_from=None, accepted=None, pauses=(), kind="open"):
    """The dates of a request, moments as texts."""
    return dates(
        Timing(
            state,
            limit_from and at(limit_from),
            accepted and at(accepted),
            RULES[kind] if accepted else None,
            tuple((at(start), end and at(end)) for start, end in pauses),
        ),
        LIMITS,
        CALENDAR,
    )


@pytest.mark.parametrize(
    ("submitted", "last"),
    [
        ("2026-03-02 09:00", "2026-03-09"),  # five working days, a weekend between
        ("2026-03-02 23:59", "2026-03-09"),  # the same day in China
        ("2026-02-10 09:00", "2026-02-24"),  # Saturday 14 is worked, 15 to 23 are the festival
        ("2026-02-14 09:00", "2026-02-28"),  # submitted on a worked Saturday; 28 is one as well
        ("2026-09-28 09:00", "2026-10-10"),  # 29, 30, then 8, 9 and the worked Saturday 10
    ],
)
def test_acceptance_is_limited_to_five_working_days(submitted, last):
    """Counted from the day of submission, which does not count itself."""
    found = of("submitted", submitted)
    assert found.limit_due == date.fromisoformat(last)
    assert found.limit_at == end_of(date.fromisoformat(last))
    assert found.due is found.due_at is None


def test_correction_is_limited_to_fifteen_working_days():
    """After that the request lapses; nothing else runs meanwhile."""
    found = of("returned", "2026-09-21 10:00")
    assert found.limit_due == date(2026, 10, 19)
    assert found.due is None


def test_a_suspension_is_limited_to_fifteen_working_days():
    """The deadline has no date meanwhile; the consultation has."""
    found = of("suspended", "2026-02-06 10:00", "2026-02-04 10:00", [("2026-02-06 10:00", None)])
    assert found.limit_due == date(2026, 3, 5)
    assert found.due is found.due_at is found.nominal is None


def test_the_deadline_is_counted_from_acceptance_only():
    """Ten days; the wait before is not part of it, and its limit is shown no more."""
    found = of("accepted", None, "2026-02-05 00:30")
    assert found.due == date(2026, 2, 24)
    assert found.nominal == date(2026, 2, 15)
    assert found.due_at == datetime(2026, 2, 24, 16, tzinfo=timezone.utc)
    assert found.limit_due is None
    assert not found.provisional
    assert of("accepted", None, "2026-12-24 10:00").provisional


def test_agencies_have_ten_working_days():
    """The kind between agencies counts working days."""
    assert of("accepted", None, "2026-02-10 10:00", kind="share").due == date(2026, 3, 2)


def test_a_pause_moves_the_deadline_by_its_days():
    """From the day after it began to the day it ended."""
    plain = of("accepted", None, "2026-03-02 10:00")
    later = of("accepted", None, "2026-03-02 10:00", [("2026-03-04 09:00", "2026-03-09 17:00")])
    assert later.nominal - plain.nominal == timedelta(days=5)
    same_day = of("accepted", None, "2026-03-02 10:00", [("2026-03-04 09:00", "2026-03-04 17:00")])
    assert same_day.due == plain.due


def test_impossible_pauses_are_refused():
    """An error, not a guess."""
    with pytest.raises(CountError):
        of("accepted", None, "2026-03-02 10:00", [("2026-03-09 09:00", "2026-03-04 17:00")])


def test_overdue_is_the_moment_the_last_day_is_over():
    """24:00 is too late, a second before is not; what was closed in time is never overdue."""
    end = at("2026-03-13 00:00")
    second = timedelta(seconds=1)
    assert clock.is_overdue(end, None, end)
    assert not clock.is_overdue(end, None, end - second)
    assert clock.is_overdue(end, end, end + timedelta(days=30))
    assert not clock.is_overdue(end, end - second, end + timedelta(days=30))
    assert not clock.is_overdue(None, None, end)


def test_days_used_are_days_in_china():
    """00:30 in China is the next day there, whatever the day in UTC."""
    accepted = datetime(2026, 3, 2, 16, 30, tzinfo=timezone.utc)  # 00:30 on the 3rd in China
    assert clock.days_used(accepted, accepted + timedelta(hours=20)) == 0
    assert clock.days_used(accepted, accepted + timedelta(hours=24)) == 1
    assert clock.days_used(accepted, accepted - timedelta(days=3)) == 0  # the clock went back


def names(found):
    """Steps as short texts."""
    return [f"{about} {step.name}" for about, _due, step in found]


def test_each_wait_has_its_own_notices():
    """Acceptance, correction, consultation and report, each under its name."""
    since, due = at("2026-03-02 10:00"), date(2026, 3, 16)
    for state, about, last in (
        ("submitted", "acceptance", "T"),
        ("returned", "correction", "T"),
        ("suspended", "pause", "T"),
    ):
        watch = Watch(state, None, None, limit_since=since, limit_due=due)
        assert names(steps(watch, at("2026-03-15 09:00"))) == [
            f"{about} T-2" if state == "submitted" else f"{about} T-3"
        ]
        assert names(steps(watch, at("2026-03-16 09:00"))) == [f"{about} {last}"]
        assert steps(watch, at("2026-03-17 00:00")) == []  # nobody is reminded of what is over
    watch = Watch("delivered", None, None, report_due=due, report_since=since)
    assert names(steps(watch, at("2026-03-16 09:00"))) == ["report T"]
    assert names(steps(watch, at("2026-03-30 09:00"))) == ["report T+1"]


@pytest.mark.parametrize("state", sorted(set(workflow.STATES) - workflow.RUNNING))
def test_the_ladder_is_of_what_runs_only(state):
    """A closed or unaccepted request has no ladder of clause 6.1 f."""
    watch = Watch(state, at("2026-03-02 10:00"), date(2026, 3, 12))
    assert steps(watch, at("2026-04-01 09:00")) == []
    assert next_moment(watch, at("2026-03-02 10:00")) is None


DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
TIMES = st.builds(
    lambda day, minute: datetime.combine(day, time(0), ZONE) + timedelta(minutes=minute),
    DAYS,
    st.integers(0, 24 * 60 - 1),
)
WATCHES = st.builds(
    Watch,
    state=st.sampled_from(workflow.STATES),
    since=st.none() | TIMES,
    due=st.none() | DAYS,
    limit_since=st.none() | TIMES,
    limit_due=st.none() | DAYS,
    report_due=st.none() | DAYS,
    report_since=st.none() | TIMES,
    ends_at=st.none() | TIMES,
)


@settings(deadline=None, derandomize=True)
@given(WATCHES, TIMES)
def test_the_next_moment_lies_ahead_and_is_the_first(watch, now):
    """Up to it nothing new comes; at it something does, as far as notices go."""
    found = next_moment(watch, now)
    if found is None:
        assert not [
            s
            for s in steps(watch, now + timedelta(days=800))
            if s not in steps(watch, now) and s[2].at(s[1]) > now
        ]
        return
    assert found > now
    before = {(about, due, step.name) for about, due, step in steps(watch, now)}
    just = {
        (about, due, step.name)
        for about, due, step in steps(watch, found - timedelta(microseconds=1))
    }
    assert just <= before  # less, where a reminder is over meanwhile


@settings(deadline=None, max_examples=50, derandomize=True)
@given(WATCHES, TIMES, st.integers(0, 200))
def test_nothing_is_missed_between_two_looks(watch, start, days):
    """Who looks at each next moment sees every step that comes, as who looks at all times does."""
    end = start + timedelta(days=days)
    seen, now = set(), start
    while True:
        seen |= {(about, due, step.name) for about, due, step in steps(watch, now)}
        following = next_moment(watch, now)
        if following is None or following > end:
            break
        now = following
    moment = start
    while moment <= end:
        assert {(about, due, s.name) for about, due, s in steps(watch, moment)} <= seen
        moment += timedelta(hours=11)


@settings(deadline=None, derandomize=True)
@given(WATCHES, TIMES)
def test_what_is_due_already_is_looked_at_at_once(watch, now):
    """A deadline that moved into the past does not wait for the next step, or for ever."""
    found = look_at(watch, now)
    ends = [watch.ends_at, watch.limit_due and end_of(watch.limit_due)]
    due = steps(watch, now) or any(end is not None and end <= now for end in ends)
    assert found == (now if due else next_moment(watch, now))
