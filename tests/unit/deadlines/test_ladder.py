"""Notices about a deadline: each in its time, each once, whatever the job's delays."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.deadlines.count import ZONE, end_of
from ckanext.hljshare.deadlines.ladder import STEPS, Facts, due_steps, key

DUE = date(2026, 12, 4)
ACCEPTED = datetime(2026, 11, 24, 10, tzinfo=ZONE)


def at(month, day, hour=9):
    return datetime(2026, month, day, hour, tzinfo=ZONE)


def names(facts, now):
    return [step.name for step in due_steps(facts, now)]


def test_each_step_in_its_time():
    facts = Facts(ACCEPTED, DUE)
    assert names(facts, at(11, 28)) == []
    assert names(facts, at(11, 29, 7)) == []
    assert names(facts, at(11, 29)) == ["T-5"]
    assert names(facts, at(12, 1)) == ["T-3"]
    assert names(facts, at(12, 3)) == ["T-1"]
    assert names(facts, at(12, 4)) == ["T"]
    assert names(facts, at(12, 4, 23)) == ["T"]
    assert names(facts, at(12, 5, 0)) == ["T+1"]
    assert names(facts, at(12, 9, 0)) == ["T+1", "T+5"]


def test_who_is_told():
    told = {step.name: step.audience for step in STEPS}
    assert told["T-5"] == told["T-3"] == ("handler",)
    assert told["T"] == ("handler", "approver")
    assert {"city", "province"} <= set(told["T+1"])
    assert [step.name for step in STEPS if step.counts] == ["T+5"]


def test_the_overdue_mark_is_dated_to_the_end_of_the_last_day():
    late = due_steps(Facts(ACCEPTED, DUE), at(12, 31))
    assert late[0].at(DUE) == end_of(DUE)


def test_a_late_job_sends_the_newest_reminder_only_but_every_record():
    facts = Facts(ACCEPTED, DUE)
    assert names(facts, at(12, 4)) == ["T"]
    assert names(facts, at(12, 31)) == ["T+1", "T+5"]


def test_met_in_time_says_nothing_more():
    facts = Facts(ACCEPTED, DUE, closed_at=at(12, 4, 23))
    assert names(facts, at(12, 31)) == []


def test_met_late_keeps_the_record_although_the_job_comes_later():
    assert names(Facts(ACCEPTED, DUE, closed_at=at(12, 6)), at(12, 31)) == ["T+1"]


def test_suspended_is_silent():
    assert names(Facts(ACCEPTED, None), at(12, 31)) == []


def test_a_short_limit_has_no_reminders_from_before_it_began():
    facts = Facts(at(12, 2), DUE)
    assert names(facts, at(12, 2, 12)) == []
    assert names(facts, at(12, 3)) == ["T-1"]


def test_a_deadline_that_moved_has_its_reminders_anew():
    first = STEPS[0]
    assert key("request:1", DUE, first) == "request:1:2026-12-04:T-5"
    assert key("request:1", DUE, first) != key("request:1", DUE + timedelta(days=3), first)


@given(
    st.lists(st.integers(0, 24 * 30), max_size=40),
    st.one_of(st.none(), st.integers(0, 24 * 30)),
)
def test_once_each_and_the_record_complete_however_irregular_the_job(hours, closed):
    closed_at = None if closed is None else ACCEPTED + timedelta(hours=closed)
    sent = []
    for hour in [*sorted(hours), 24 * 40]:
        now = ACCEPTED + timedelta(hours=hour)
        known = closed_at if closed_at is not None and closed_at <= now else None
        for step in due_steps(Facts(ACCEPTED, DUE, known), now):
            if key("r", DUE, step) not in [item for item, _ in sent]:
                sent.append((key("r", DUE, step), step))
                assert step.at(DUE) <= now
    order = [step.days for _, step in sent]
    assert order == sorted(set(order))
    end = closed_at or ACCEPTED + timedelta(days=40)
    late = [step.days for step in STEPS if step.overdue and step.at(DUE) <= end]
    assert [days for days in order if days > 0] == late
