"""What an address of a feed asks for."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.feeds.catalog.asking import Asked, AskedWronglyError

BASE = "https://data.example.gov.cn/catalog.ttl"


def test_nothing_asked_is_the_whole_from_its_beginning():
    assert Asked.read({}) == Asked()


def test_a_county_stands_for_its_city():
    assert Asked.read({"city": "230102"}).city == "230100"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", "two"),
        ("page", "1.5"),
        ("page", "9" * 30),
        ("page", "１"),
        ("after", "-2"),
        ("after", "x"),
        ("before", "-1"),
        ("city", "2301"),
        ("city", "哈尔滨"),
        ("modified_since", "yesterday"),
        ("modified_since", "2026-13-01"),
        ("modified_since", "0001-01-01T00:00:00+23:59"),
        ("as_of", "?"),
    ],
)
def test_what_cannot_be_read_is_said_by_its_name(name, words):
    with pytest.raises(AskedWronglyError, match=f"^{name}$"):
        Asked.read({name: words})


@pytest.mark.parametrize(
    "words",
    [
        "2026-11-29T08:00:00+08:00",
        "2026-11-29T08:00:00 08:00",  # a plus sign that was not encoded
        "2026-11-29T00:00:00Z",
        "2026-11-29T00:00:00",
        "2026-11-29",
    ],
)
def test_moments_are_read_in_every_usual_form(words):
    wanted = datetime(2026, 11, 29, tzinfo=timezone.utc)
    assert Asked.read({"modified_since": words}).since == wanted


@given(
    st.builds(
        Asked,
        city=st.sampled_from(["", "230100", "232700"]),
        agency=st.text(st.characters(exclude_categories=["Cs", "Z"]), max_size=20),
        since=st.none() | st.datetimes(timezones=st.just(timezone.utc)),
    ),
    st.integers(0, 2**62),
)
def test_the_next_page_asks_for_the_same_list(asked, position):
    address = asked.address(BASE, after=position)
    again = Asked.read(dict(parse_qsl(urlsplit(address).query, keep_blank_values=True)))
    assert again == Asked(
        city=asked.city, agency=asked.agency.strip(), since=asked.since, after=position
    )
