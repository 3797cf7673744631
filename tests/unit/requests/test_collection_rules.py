"""Who may do what with a collection task, when it is due, and when it comes again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ckanext.hljshare.requests.collection import rules
from ckanext.hljshare.requests.collection.rules import Owing, Round

ZONE = ZoneInfo("Asia/Shanghai")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


# state: what the agency's staff, who asks, and who only oversees may do
TABLE = {
    "assigned": (["acknowledge", "submit"], ["withdraw"], []),
    "acknowledged": (["submit"], ["withdraw"], []),
    "submitted": ([], ["return", "accept", "withdraw"], []),
    "returned": (["submit"], ["withdraw"], []),
    "accepted": ([], [], []),
    "withdrawn": ([], [], []),
}


@pytest.mark.parametrize("state", rules.STATES)
def test_the_table(state):
    handler, superior, overseer = TABLE[state]
    assert rules.allowed(state, {"handler"}) == handler
    assert rules.allowed(state, {"superior"}) == superior
    assert rules.allowed(state, {"overseer"}) == overseer
    assert rules.allowed(state, set()) == []


@pytest.mark.parametrize(
    ("action", "state", "target"),
    [
        ("acknowledge", "assigned", "acknowledged"),
        ("submit", "assigned", "submitted"),
        ("submit", "returned", "submitted"),
        ("return", "submitted", "returned"),
        ("accept", "submitted", "accepted"),
        ("withdraw", "returned", "withdrawn"),
    ],
)
def test_what_becomes_of_it(action, state, target):
    assert rules.step(action, state, {"handler", "superior"}).target == target


@pytest.mark.parametrize(
    ("action", "state", "roles", "code"),
    [
        ("steal", "assigned", {"superior"}, "unknown"),
        ("accept", "submitted", {"handler"}, "role"),
        ("submit", "assigned", {"superior"}, "role"),
        ("submit", "accepted", {"overseer"}, "role"),
        ("submit", "accepted", {"handler"}, "state"),
        ("accept", "returned", {"superior"}, "state"),
        ("withdraw", "accepted", {"superior"}, "state"),
    ],
)
def test_what_cannot_be(action, state, roles, code):
    with pytest.raises(rules.RefusedError) as error:
        rules.step(action, state, roles)
    assert error.value.code == code


@pytest.mark.parametrize("action", ["accept", "return"])
def test_nobody_decides_on_what_they_handed_in(action):
    with pytest.raises(rules.RefusedError) as error:
        rules.step(action, "submitted", {"handler", "superior"}, own=True)
    assert error.value.code == "own"
    assert rules.allowed("submitted", {"handler", "superior"}, own=True) == ["withdraw"]


# ---------------------------------------------------------------- the clock

DUE = date(2026, 4, 10)


def names(owing, now):
    return [step.name for step in rules.due_notices(owing, now)]


@pytest.mark.parametrize(
    ("now", "steps"),
    [
        ("2026-04-05 07:59", []),
        ("2026-04-05 08:00", ["T-5"]),
        ("2026-04-08 12:00", ["T-3"]),
        ("2026-04-10 23:59", ["T"]),
        ("2026-04-11 00:00", ["T+1"]),
        ("2026-05-01 00:00", ["T+1", "T+5"]),
    ],
)
def test_the_ladder(now, steps):
    assert names(Owing(at("2026-04-01 09:00"), DUE, None), at(now)) == steps


def test_handed_in_late_is_recorded_and_in_time_is_not():
    since = at("2026-04-01 09:00")
    assert names(Owing(since, DUE, at("2026-04-10 23:59")), at("2026-06-01 00:00")) == []
    assert names(Owing(since, DUE, at("2026-04-11 00:01")), at("2026-06-01 00:00")) == ["T+1"]


@pytest.mark.parametrize(
    ("met", "now", "late"),
    [
        (None, "2026-04-10 23:59", False),
        (None, "2026-04-11 00:00", True),
        ("2026-04-10 23:59", "2026-05-01 00:00", False),
        ("2026-04-11 00:00", "2026-05-01 00:00", True),
    ],
)
def test_overdue_from_the_end_of_the_due_date(met, now, late):
    owing = Owing(at("2026-04-01 09:00"), DUE, at(met) if met else None)
    assert rules.is_overdue(owing, at(now)) is late


def test_the_next_look_is_at_the_next_step_and_none_after_the_last():
    owing = Owing(at("2026-04-01 09:00"), DUE, None)
    assert rules.next_moment(owing, at("2026-04-01 09:00")) == at("2026-04-05 08:00")
    assert rules.next_moment(owing, at("2026-04-11 00:00")) == at("2026-04-15 00:00")
    assert rules.next_moment(owing, at("2026-04-15 00:00")) is None
    met = Owing(at("2026-04-01 09:00"), DUE, at("2026-04-02 09:00"))
    assert rules.next_moment(met, at("2026-04-02 09:00")) is None


@pytest.mark.parametrize(
    ("due", "period_to", "wrong"),
    [
        (date(2026, 4, 1), None, "past"),
        (date(2026, 3, 1), None, "past"),
        (date(2026, 4, 2), None, ""),
        (date(2026, 4, 2), date(2026, 4, 2), "period"),
        (date(2026, 4, 3), date(2026, 4, 2), ""),
        (date(2031, 4, 2), None, "far"),
    ],
)
def test_which_days_can_be_due(due, period_to, wrong):
    assert rules.wrong_due(due, date(2026, 4, 1), period_to) == wrong


# ---------------------------------------------------------------- repetition


@pytest.mark.parametrize(
    ("start", "end", "repeats", "wrong"),
    [
        (date(2026, 2, 2), date(2026, 2, 1), "none", "reversed"),
        (date(2026, 2, 1), date(2026, 2, 28), "monthly", ""),
        (date(2026, 2, 1), date(2026, 3, 1), "monthly", "long"),
        (date(2026, 1, 1), date(2026, 3, 31), "quarterly", ""),
        (date(2026, 1, 1), date(2026, 12, 31), "annual", ""),
        (date(2026, 1, 1), date(2027, 1, 1), "annual", "long"),
        (date(2026, 1, 1), date(2030, 1, 1), "none", ""),
    ],
)
def test_periods(start, end, repeats, wrong):
    assert rules.wrong_period(start, end, repeats) == wrong


def test_months_go_on_ending_with_their_last_day():
    first = Round(date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 10))
    found = [rules.occurrence(first, "monthly", n) for n in range(1, 6)]
    assert [each.period_to for each in found] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]
    assert [each.due.isoformat() for each in found][1:3] == ["2026-03-10", "2026-04-10"]
    assert found[1].opens_at == at("2026-03-01 00:00")


def test_quarters_and_years():
    quarter = Round(date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 15))
    second = rules.occurrence(quarter, "quarterly", 2)
    assert (second.period_from, second.period_to) == (date(2026, 4, 1), date(2026, 6, 30))
    leap = Round(date(2024, 2, 29), date(2024, 2, 29), date(2024, 3, 31))
    assert rules.occurrence(leap, "annual", 2).period_to == date(2025, 2, 28)
    assert rules.occurrence(leap, "annual", 5).period_to == date(2028, 2, 29)


MONTHLY = Round(date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 10))


def test_a_round_made_in_time_keeps_its_day_and_one_made_late_the_same_number_of_days():
    second = rules.occurrence(MONTHLY, "monthly", 2)
    assert rules.made(second, at("2026-03-01 00:05")).due == date(2026, 3, 10)
    late = rules.made(second, at("2026-03-20 09:00"))
    assert late.due == date(2026, 3, 29)
    assert late.period_to == date(2026, 2, 28)


@given(
    start=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    repeats=st.sampled_from(["monthly", "quarterly", "annual"]),
    length=st.integers(1, 366),
    lag=st.integers(1, 90),
    number=st.integers(1, 60),
)
@example(start=date(2026, 1, 2), repeats="monthly", length=29, lag=1, number=2)
def test_rounds_never_overlap_and_are_due_after_their_period(start, repeats, length, lag, number):
    end = start + timedelta(days=length - 1)
    if rules.wrong_period(start, end, repeats):
        return
    first = Round(start, end, end + timedelta(days=lag))
    one = rules.occurrence(first, repeats, number)
    two = rules.occurrence(first, repeats, number + 1)
    assert one.period_from <= one.period_to < one.due
    assert one.period_from < two.period_from
    assert one.opens_at < two.opens_at
    assert rules.made(one, one.opens_at) == one


def test_progress_leaves_out_who_need_not_answer():
    found = rules.tally(["assigned", "submitted", "accepted", "withdrawn", "returned"])
    assert (found["done"], found["all"]) == (2, 4)
    assert rules.tally([])["all"] == 0
