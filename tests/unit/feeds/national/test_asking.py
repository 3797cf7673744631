"""What a list is asked for, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.feeds.catalog.asking import AskedWronglyError
from ckanext.hljshare.feeds.national.asking import Filters

GIVEN = {"city": "230100", "agency": "harbin-jtysj", "level": "closed", "share": "none"}


def test_filters_combine_and_are_written_into_an_address_again():
    found = Filters.read({**GIVEN, "restricted": "1", "page": "3", "utm_source": "x"})
    assert found == Filters("230100", "harbin-jtysj", "closed", "none", restricted=True)
    assert found.parameters() == {**GIVEN, "restricted": "1"}
    assert Filters.read(found.parameters()) == found


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        ({}, ("open", "on_request", "closed")),
        ({"restricted": "1"}, ("on_request", "closed")),
        ({"opened": "1"}, ("open", "on_request")),
        ({"opened": "1", "restricted": "1"}, ("on_request",)),
        ({"level": "open"}, ("open",)),
        ({"level": "open", "restricted": "1"}, ()),
        ({"restricted": "0"}, ("open", "on_request", "closed")),
    ],
)
def test_what_is_open_or_restricted_is_by_level(given, levels):
    assert Filters.read(given).levels == levels


WRONG = [
    ("city", "x"),
    ("city", "2301"),
    ("city", "２３０１００"),
    ("level", "OPEN"),
    ("level", "1"),
    ("share", "0"),
    ("restricted", "yes"),
    ("opened", "true"),
    ("level", "open\x00"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_is_none_is_refused_by_the_name_of_its_parameter(name, value):
    with pytest.raises(AskedWronglyError) as refused:
        Filters.read({name: value})
    assert str(refused.value) == name


def test_a_county_stands_for_its_city():
    assert Filters.read({"city": "230102"}) == Filters("230100")


@given(
    st.dictionaries(st.sampled_from(["city", "level", "share", "restricted"]), st.text(max_size=9))
)
def test_any_address_is_read_or_refused(given):
    try:
        found = Filters.read(given)
    except AskedWronglyError:
        return
    assert set(found.levels) <= {"open", "on_request", "closed"}
