"""The count of deadlines: worked examples of the law, and what must hold for every date."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ckanext.hljshare.deadlines import shipped
from ckanext.hljshare.deadlines.calendar import Calendar, Day, Year
from ckanext.hljshare.deadlines.count import (
    CountError,
    Rule,
    count,
    days_left,
    end_of,
    local_date,
    used_days,
)

RULES = shipped.rules()
OPEN, SHARE = RULES["open"], RULES["share"]
CALENDAR = shipped.calendar()
ONE = timedelta(days=1)


def day(text: str) -> date:
    return date.fromisoformat(text)


EXAMPLES = [
    # accepted, nominal, due, 10 working days: why it is a good test
    ("2025-01-17", "2025-01-27", "2025-01-27", "2025-02-07"),  # day before New Year's Eve is worked
    ("2025-01-18", "2025-01-28", "2025-02-05", "2025-02-07"),  # Spring Festival: moves 8 days
    ("2025-01-20", "2025-01-30", "2025-02-05", "2025-02-08"),  # working days end on a Saturday
    ("2025-01-26", "2025-02-05", "2025-02-05", "2025-02-14"),  # accepted on a worked Sunday
    ("2025-01-29", "2025-02-08", "2025-02-08", "2025-02-17"),  # worked Saturday: does not move
    ("2025-04-17", "2025-04-27", "2025-04-27", "2025-04-30"),  # worked Sunday
    ("2025-09-21", "2025-10-01", "2025-10-09", "2025-10-10"),  # National Day and Mid-Autumn
    ("2025-09-28", "2025-10-08", "2025-10-09", "2025-10-17"),  # last day of the holiday
    ("2025-10-01", "2025-10-11", "2025-10-11", "2025-10-21"),  # accepted on a holiday
    ("2025-10-09", "2025-10-19", "2025-10-20", "2025-10-22"),  # plain Sunday
    ("2025-12-22", "2026-01-01", "2026-01-04", "2026-01-06"),  # year's end, worked Sunday
    ("2026-02-04", "2026-02-14", "2026-02-14", "2026-02-25"),  # worked Saturday before the holiday
    ("2026-02-05", "2026-02-15", "2026-02-24", "2026-02-26"),  # nine days of Spring Festival
    ("2026-02-18", "2026-02-28", "2026-02-28", "2026-03-06"),  # ends on a worked Saturday
    ("2026-04-24", "2026-05-04", "2026-05-06", "2026-05-12"),
    ("2026-09-10", "2026-09-20", "2026-09-20", "2026-09-23"),  # worked Sunday
    ("2026-09-15", "2026-09-25", "2026-09-28", "2026-09-29"),
    ("2026-09-21", "2026-10-01", "2026-10-08", "2026-10-12"),
    ("2026-09-30", "2026-10-10", "2026-10-10", "2026-10-20"),  # worked Saturday
    ("2026-11-24", "2026-12-04", "2026-12-04", "2026-12-08"),
]


@pytest.mark.parametrize(("accepted", "nominal", "due", "working"), EXAMPLES)
def test_worked_examples(accepted, nominal, due, working):
    found = count(OPEN, day(accepted), [], CALENDAR)
    assert (found.nominal, found.due, found.provisional) == (day(nominal), day(due), False)
    assert count(SHARE, day(accepted), [], CALENDAR).due == day(working)


@pytest.mark.parametrize(
    ("accepted", "suspension", "nominal", "due"),
    [
        ("2026-09-14", ("2026-09-18", "2026-09-28"), "2026-10-04", "2026-10-08"),
        ("2026-02-03", ("2026-02-06", "2026-02-12"), "2026-02-19", "2026-02-24"),
    ],
)
def test_suspended_examples(accepted, suspension, nominal, due):
    start, end = map(day, suspension)
    found = count(OPEN, day(accepted), [(start, end)], CALENDAR)
    assert (found.nominal, found.due) == (day(nominal), day(due))


def test_a_year_without_a_notice_is_provisional():
    found = count(OPEN, day("2026-12-22"), [], CALENDAR)
    assert (found.nominal, found.due) == (day("2027-01-01"), day("2027-01-04"))
    assert found.provisional
    working = count(SHARE, day("2026-12-22"), [], CALENDAR)
    assert day("2027-01-05") <= working.due <= day("2027-01-07")
    assert working.provisional


def test_the_notice_settles_it():
    rest = [Day(day(f"2027-01-0{n}"), "元旦", n != 2) for n in (1, 2, 3)]
    calendar = Calendar([*shipped.years(), Year(2027, tuple(rest))], shipped.statutory(), "2")
    found = count(OPEN, day("2026-12-22"), [], calendar)
    assert (found.due, found.provisional) == (day("2027-01-02"), False)


def test_next_years_notice_may_still_change_the_last_days_of_december():
    assert count(OPEN, day("2026-12-21"), [], CALENDAR).due == day("2026-12-31")
    assert count(OPEN, day("2026-12-21"), [], CALENDAR).provisional
    assert not count(OPEN, day("2026-12-15"), [], CALENDAR).provisional
    assert not count(OPEN, day("2025-12-21"), [], CALENDAR).provisional


def test_statutory_holidays_count_before_their_notice():
    found = count(OPEN, day("2027-09-21"), [], CALENDAR)
    assert (found.nominal, found.due) == (day("2027-10-01"), day("2027-10-04"))
    spring = count(OPEN, day("2027-01-26"), [], CALENDAR)
    assert (spring.nominal, spring.due) == (day("2027-02-05"), day("2027-02-09"))


def test_midnight_in_china_decides_the_day():
    moment = datetime(2026, 2, 4, 16, 30, tzinfo=timezone.utc)  # 00:30 on the 5th in Beijing
    assert local_date(moment) == day("2026-02-05")
    assert count(OPEN, local_date(moment), [], CALENDAR).due == day("2026-02-24")
    with pytest.raises(ValueError):
        local_date(datetime(2026, 2, 4))  # noqa: DTZ001


def test_the_deadline_is_twenty_four_hours_of_the_last_day():
    found = count(OPEN, day("2026-11-24"), [], CALENDAR)
    assert found.due_at.isoformat() == "2026-12-05T00:00:00+08:00"
    assert found.due_at == end_of(found.due)


def test_an_open_suspension_has_no_deadline():
    found = count(OPEN, day("2026-11-24"), [(day("2026-11-27"), None)], CALENDAR)
    assert (found.nominal, found.due, found.due_at) == (None, None, None)
    assert (found.used, found.paused_since) == (3, day("2026-11-27"))
    assert found.days[-1].date == day("2026-11-27")


def test_suspended_on_the_last_day_it_ends_when_the_procedure_goes_on():
    for rule in (OPEN, SHARE):
        last = count(rule, day("2026-11-24"), [], CALENDAR).due
        found = count(rule, day("2026-11-24"), [(last, day("2026-12-16"))], CALENDAR)
        assert found.due == day("2026-12-16")
        assert (found.days[-1].why, found.used) == ("last", 10)


def test_suspended_while_the_last_day_was_moving():
    # Nominal 1 October, due 8 October; suspended from the 5th to the 20th.
    found = count(OPEN, day("2026-09-21"), [(day("2026-10-05"), day("2026-10-20"))], CALENDAR)
    assert found.due == day("2026-10-20")


@pytest.mark.parametrize(
    ("suspensions", "code"),
    [
        ([("2026-11-27", "2026-11-26")], "reversed"),
        ([("2026-12-05", "2026-12-06")], "late"),
        ([("2026-11-25", "2026-11-26"), ("2026-12-08", None)], "late"),
        ([("2026-11-25", None), ("2026-11-27", "2026-11-28")], "after_open"),
    ],
)
def test_impossible_suspensions_are_refused(suspensions, code):
    given_ = [(day(start), end and day(end)) for start, end in suspensions]
    with pytest.raises(CountError) as refused:
        count(OPEN, day("2026-11-24"), given_, CALENDAR)
    assert refused.value.code == code


def test_a_suspension_before_the_acceptance_is_cut_off():
    start = day("2026-11-20")
    plain = count(OPEN, day("2026-11-24"), [], CALENDAR)
    assert count(OPEN, day("2026-11-24"), [(start, day("2026-11-23"))], CALENDAR) == plain
    found = count(OPEN, day("2026-11-24"), [(start, day("2026-11-26"))], CALENDAR)
    assert found.nominal == plain.nominal + 2 * ONE


def test_used_and_left():
    accepted = day("2026-02-05")
    assert used_days(OPEN, accepted, [], CALENDAR, accepted) == 0
    assert used_days(OPEN, accepted, [], CALENDAR, day("2026-02-10")) == 5
    assert used_days(SHARE, accepted, [], CALENDAR, day("2026-02-10")) == 3
    paused = [(day("2026-02-06"), day("2026-02-08"))]
    assert used_days(OPEN, accepted, paused, CALENDAR, day("2026-02-10")) == 3
    assert used_days(OPEN, accepted, [], CALENDAR, day("2026-02-01")) == 0
    assert days_left(day("2026-02-24"), day("2026-02-24")) == 0
    assert days_left(day("2026-02-24"), day("2026-02-27")) == -3


def test_explains_why_each_day_counts_or_not():
    found = count(SHARE, day("2026-02-05"), [], CALENDAR)
    why = {item.date: (item.counted, item.why, item.name) for item in found.days}
    assert why[day("2026-02-05")] == (False, "accepted", "")
    assert why[day("2026-02-06")] == (True, "counted", "")
    assert why[day("2026-02-07")] == (False, "rest", "")
    assert why[day("2026-02-14")] == (True, "worked_weekend", "春节")
    assert why[day("2026-02-16")] == (False, "rest", "春节")
    moved = count(OPEN, day("2026-02-05"), [], CALENDAR)
    assert [(item.date.day, item.why) for item in moved.days[-3:]] == [
        (22, "moved"),
        (23, "moved"),
        (24, "last"),
    ]


# What holds for every date.

dates = st.dates(day("2020-01-01"), day("2026-11-30"))
rules = st.builds(
    Rule,
    kind=st.just("x"),
    length=st.integers(1, 30),
    unit=st.sampled_from(["calendar", "working"]),
    roll=st.just(True),
    basis=st.just(()),
    version=st.just("1"),
)


@given(rules, dates, st.integers(0, 40))
def test_who_is_accepted_later_is_not_due_earlier(rule, accepted, later):
    first = count(rule, accepted, [], CALENDAR).due
    assert count(rule, accepted + later * ONE, [], CALENDAR).due >= first


@given(rules, dates)
def test_never_due_on_a_day_of_rest_nor_earlier_than_the_limit(rule, accepted):
    found = count(rule, accepted, [], CALENDAR)
    assert not CALENDAR.is_rest(found.due)
    assert found.due >= found.nominal >= accepted + rule.length * ONE
    between = [found.nominal + step * ONE for step in range((found.due - found.nominal).days)]
    assert all(CALENDAR.is_rest(item) for item in between), "moves no further than it must"


@st.composite
def suspended(draw):
    """A rule, an acceptance, and suspensions that are possible one after another."""
    rule, accepted = draw(rules), draw(dates)
    found = []
    for _ in range(draw(st.integers(0, 3))):
        due = count(rule, accepted, found, CALENDAR).due
        earliest = found[-1][1] if found else accepted
        start = earliest + draw(st.integers(0, max(0, (due - earliest).days))) * ONE
        assume(start <= due)
        found.append((start, start + draw(st.integers(0, 40)) * ONE))
    return rule, accepted, found


@given(suspended())
def test_the_explanation_agrees_with_the_count(case):
    rule, accepted, suspensions = case
    found = count(rule, accepted, suspensions, CALENDAR)
    assert sum(item.counted for item in found.days) == rule.length == found.used
    assert [item.date for item in found.days] == [
        accepted + step * ONE for step in range(len(found.days))
    ]
    assert found.days[-1].date == found.due
    assert not CALENDAR.is_rest(found.due)
    assert not any(start <= found.due < end for start, end in suspensions if start < end)


@given(dates, st.integers(0, 10), st.integers(0, 60))
def test_a_suspension_moves_the_nominal_day_by_its_length(accepted, after, length):
    start = accepted + after * ONE
    plain = count(OPEN, accepted, [], CALENDAR)
    found = count(OPEN, accepted, [(start, start + length * ONE)], CALENDAR)
    assert found.nominal == plain.nominal + length * ONE


@given(suspended(), st.randoms())
def test_order_and_overlap_of_suspensions_do_not_matter(case, random):
    rule, accepted, suspensions = case
    plain = count(rule, accepted, suspensions, CALENDAR)
    pieces = []
    for start, end in suspensions:
        middle = start + (end - start) // 2
        pieces += [(start, middle), (middle, end), (start, end)]
    random.shuffle(pieces)
    assert count(rule, accepted, pieces, CALENDAR) == plain


@given(suspended())
def test_suspended_working_days_are_excluded_one_by_one(case):
    """An independent count, day after day, of the working variant."""
    rule, accepted, suspensions = case
    assume(rule.unit == "working")
    found = count(rule, accepted, suspensions, CALENDAR)
    out = {
        start + step * ONE
        for start, end in suspensions
        for step in range(1, (end - start).days + 1)
    }
    counted, current = 0, accepted
    while counted < rule.length:
        current += ONE
        counted += current not in out and not CALENDAR.is_rest(current)
    assert found.due >= current
    if current not in {start for start, end in suspensions if start < end}:
        assert found.due == current


@given(rules, dates)
def test_an_unrelated_notice_changes_nothing(rule, accepted):
    more = Calendar([*shipped.years(), Year(2031, ())], shipped.statutory(), "2")
    assert count(rule, accepted, [], more) == count(rule, accepted, [], CALENDAR)
