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
        ("start", " -99999999999", False),
        ("rows", "many", True),  # CKAN says itself what is wrong with it
        ("rows", "000000000000000005", True),
    ],
)
def test_a_parameter_is_taken_or_not(name, value, taken):
    assert asked.wrong([(name, [value])]) == ([] if taken else [name])
