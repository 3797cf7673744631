"""What no action can take is told before it is asked."""

import pytest

from ckanext.hljshare.feeds.api import asked


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("q", "公交", True),
        ("q", "a\x00b", False),
        ("q", "9" * 30, True),
        ("offset", "0", True),
        ("offset", "2147483647", True),
        ("offset", "2147483648", False),
        ("limit", "1" * 5000, False),
        ("limit", "9_999_999_999_999_999_999", False),
        ("offset", "９９９９９９９９９９９９", False),
        ("limit", "", False),
        ("limit", " ", False),
        ("rows", "", True),  # as not given
        ("rows", " ", False),
        ("q", "\ud800", False),
        # What JSON can hold besides.
        ("limit", 10**23 - 1, False),
        ("limit", 1e30, False),
        ("limit", float("nan"), False),
        ("limit", 10, True),
        ("limit", None, True),
        ("limit", ["1", "9" * 20], False),
        ("id", 10**23, True),
        ("facet", {"deep": [{"a\x00": 1}]}, False),
        ("facet", {"deep": [{"a": "b\x00"}]}, False),
        ("facet", {"deep": [{"a": ["公交", 1, None, True]}]}, True),
        ("start", " -99999999999", False),
        ("rows", "many", True),  # CKAN says itself what is wrong with it
        ("rows", "000000000000000005", True),
    ],
)
def test_a_parameter_is_taken_or_not(name, value, taken):
    for given in (value, [value]):
        assert asked.wrong([(name, given)]) == ([] if taken else [name])


def test_a_name_that_no_text_can_hold_is_told_too():
    assert asked.wrong([("a\x00", "1"), ("b", "1")]) == ["a\x00"]


def test_what_is_nested_without_end_is_refused():
    value = []
    for _ in range(5000):
        value = [value]
    assert asked.wrong([("id", value)]) == ["id"]
