"""Grants: what they are worth at a moment, and how much of a table they let out."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.access import tickets
from ckanext.hljshare.access.grants import rules
from ckanext.hljshare.access.grants.rules import Grant

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=timezone.utc)
DAY = timedelta(days=1)
GRANT = Grant("g", "d", "open", NOW - DAY, NOW + DAY)
SECRET = "s" * 40


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "live"),
        ({"not_before": NOW}, "live"),
        ({"not_before": NOW + timedelta(seconds=1)}, "not_yet"),
        ({"not_after": NOW}, "expired"),
        ({"not_after": NOW + timedelta(microseconds=1)}, "live"),
        ({"revoked": True}, "revoked"),
        ({"max_downloads": 2, "used": 1}, "live"),
        ({"max_downloads": 2, "used": 2}, "used_up"),
        ({"organization_id": "mine"}, "live"),
        ({"organization_id": "former"}, "left_unit"),
    ],
)
def test_a_grant_at_a_moment(changes, expected):
    """From the first moment to the last, counted, bound to a unit, until it is revoked."""
    assert rules.state(replace(GRANT, **changes), NOW, {"mine"}) == expected


grants = st.builds(
    Grant,
    id=st.uuids().map(str),
    dataset_id=st.just("d"),
    axis=st.sampled_from(["open", "share"]),
    not_before=st.timedeltas(-5 * DAY, 5 * DAY).map(lambda delta: NOW + delta),
    not_after=st.timedeltas(-5 * DAY, 5 * DAY).map(lambda delta: NOW + delta),
    resource_id=st.sampled_from([None, "r1", "r2"]),
    columns=st.sampled_from([None, ("a",)]),
    max_downloads=st.sampled_from([None, 1]),
    used=st.integers(0, 1),
    revoked=st.booleans(),
)


@given(st.lists(grants, max_size=6))
def test_the_best_grant_is_live_if_any_fitting_one_is(listed):
    """Whatever other grants a person has, a live one for this file speaks for them."""
    best = rules.best(listed, "r1", NOW, ())
    fitting = [grant for grant in listed if grant.resource_id in (None, "r1")]
    live = [grant for grant in fitting if rules.state(grant, NOW, ()) == "live"]
    assert (best is None) == (not fitting)
    if best:
        assert best[0] in fitting
        assert (best[1] == "live") == bool(live)
    if live and any(not grant.limited for grant in live):
        assert not best[0].limited


LIMITED = replace(GRANT, columns=("线路", "票价"), rows={"区": ("道里区", "南岗区")})


def test_a_limited_grant_adds_its_limits():
    """Nothing asked: exactly the granted columns and rows."""
    assert rules.narrow(LIMITED, {"resource_id": "r"}) == {
        "resource_id": "r",
        "fields": ["线路", "票价"],
        "filters": {"区": ["道里区", "南岗区"]},
    }


@pytest.mark.parametrize(
    "query",
    [
        {"fields": ["身份证号"]},
        {"fields": "线路,身份证号"},
        {"sort": "身份证号"},
        {"sort": '"身份证号" desc nulls last'},
        {"sort": ["线路", "身份证号 asc"]},
        {"filters": {"身份证号": "230102"}},
        {"q": "2301"},
        {"q": {"身份证号": "2301"}},
        {"q": {"线路": "1 & !230102"}},
        {"filters": ["身份证号"]},
        {"full_text": "2301"},
    ],
)
def test_what_is_not_granted_cannot_be_asked_about(query):
    """Sorting, filtering and searching would tell a column's content without showing it."""
    with pytest.raises(rules.OutsideScopeError):
        rules.narrow(replace(GRANT, columns=("线路", "票价")), query)


@pytest.mark.parametrize(
    "wanted", ["呼兰区", ["道里区", "呼兰区"], [{"gt": "a"}], {"gte": "a"}, None]
)
def test_rows_that_are_not_granted_stay(wanted):
    """Nor by a comparison, which would reach past the granted values."""
    with pytest.raises(rules.OutsideScopeError):
        rules.narrow(LIMITED, {"filters": {"区": wanted}})


def test_within_the_grant_people_choose_freely():
    """Fewer columns, fewer rows, any order."""
    narrowed = rules.narrow(
        replace(LIMITED, columns=("线路", "票价", "区")),
        {
            "fields": "线路",
            "filters": {"区": "道里区"},
            "sort": "票价 desc, 线路",
        },
    )
    assert narrowed["fields"] == ["线路"]
    assert narrowed["filters"] == {"区": ["道里区"]}


columns = st.sampled_from(["a", "b", "secret"])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "fields": st.lists(columns, max_size=3),
            "sort": st.lists(columns.map(lambda name: f"{name} desc"), max_size=2),
            "filters": st.dictionaries(columns, st.text(max_size=3), max_size=2),
            "q": st.one_of(st.text(max_size=3), st.dictionaries(columns, st.text(max_size=2))),
        },
    )
)
def test_no_query_reaches_a_secret_column(query):
    """Either it is refused, or no part of it names the column."""
    try:
        narrowed = rules.narrow(replace(GRANT, columns=("a", "b")), query)
    except rules.OutsideScopeError:
        return
    assert "secret" not in str(narrowed)
    assert narrowed["fields"]


def test_a_ticket_says_what_it_was_made_of():
    """And two are never the same."""
    first, second = (tickets.issue(SECRET, "user", "grant", "file") for _ in range(2))
    found = tickets.read(SECRET, first)
    assert (found.user_id, found.grant_id, found.resource_id) == ("user", "grant", "file")
    assert found.id != tickets.read(SECRET, second).id


def test_a_ticket_cannot_be_forged_kept_or_used_elsewhere():
    """Another secret, another audience, a changed letter, an hour later."""
    from itsdangerous import URLSafeTimedSerializer

    text = tickets.issue(SECRET, "user", "grant", "file")
    assert tickets.read("t" * 40, text) is None
    assert tickets.read(SECRET, text, seconds=-1) is None
    middle = len(text) // 2
    changed = text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]
    assert tickets.read(SECRET, changed) is None
    other = URLSafeTimedSerializer(SECRET, salt="another use").dumps(["i", "u", "g", "r"])
    assert tickets.read(SECRET, other) is None
    assert tickets.read(SECRET, "") is None
    assert tickets.SECONDS <= 600
