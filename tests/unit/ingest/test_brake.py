"""A person's word lets one stop pass, up to the figures that were seen, for a day."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import brake

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=timezone.utc)


def word(code="shrink", missing=40, seen=100, at=NOW):
    return brake.word(code, missing, seen, "u1", at)


@pytest.mark.parametrize(
    ("code", "missing", "seen", "expected"),
    [
        ("shrink", 40, 100, True),
        ("shrink: 40 / 140", 39, 90, True),  # the detail does not count, fewer missing is no worse
        ("shrink", 41, 100, False),  # more would disappear than was seen
        ("empty-list", 40, 0, False),  # another stop than the one that was judged
        ("unreachable: HTTP 500", 0, 0, False),
    ],
)
def test_a_word_holds_for_what_was_seen(code, missing, seen, expected):
    assert brake.passes(word(), code, missing, seen, NOW) is expected


def test_a_list_that_disagrees_may_not_have_become_shorter():
    given = word("total-disagrees", missing=0, seen=100)
    assert brake.passes(given, "total-disagrees: 100 / 120", 0, 100, NOW)
    assert not brake.passes(given, "total-disagrees: 1 / 120", 0, 1, NOW)


def test_a_word_holds_a_day_and_not_before_it_was_given():
    assert brake.passes(word(), "shrink", 40, 100, NOW + timedelta(hours=24))
    assert not brake.passes(word(), "shrink", 40, 100, NOW + timedelta(hours=24, seconds=1))
    assert not brake.passes(word(), "shrink", 40, 100, NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    "code",
    [
        "unreachable",
        "not-a-catalog",
        "login-page",
        "source-error",
        "address-refused",
        "interrupted",
    ],
)
def test_what_gave_no_list_is_never_let_pass(code):
    assert not brake.may_pass(f"{code}: x")
    assert not brake.passes(word(code), code, 0, 10, NOW)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        {},
        {"code": "shrink"},
        {"code": "shrink", "missing": 40, "seen": 100, "at": "gestern"},
        {"code": "shrink", "missing": "40", "seen": 100, "at": NOW.isoformat()},
        {"code": "shrink", "missing": True, "seen": 1, "at": NOW.isoformat()},
    ],
)
def test_what_cannot_be_read_lets_nothing_pass(broken):
    assert not brake.passes(broken, "shrink", 0, 100, NOW)


@given(
    code=st.sampled_from(sorted(brake.PASSABLE)),
    allowed=st.integers(0, 1000),
    saw=st.integers(0, 1000),
    missing=st.integers(0, 1000),
    seen=st.integers(0, 1000),
    age=st.integers(-100, 200_000),
)
def test_never_more_than_was_seen_and_never_later(code, allowed, saw, missing, seen, age):
    given = brake.word(code, allowed, saw, "u1", NOW)
    if brake.passes(given, code, missing, seen, NOW + timedelta(seconds=age)):
        assert missing <= allowed
        assert 0 <= age <= 24 * 3600
