"""The level that counts for a file (clause 6.1, and 6.1 b for masked derivatives)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.access.levels import STRICTNESS, effective

LEVELS = st.sampled_from(["open", "on_request", "closed"])
ANYTHING = st.one_of(LEVELS, st.none(), st.text(max_size=12), st.integers())


@pytest.mark.parametrize(
    ("dataset", "resource", "derivative", "expected"),
    [
        ("open", None, None, "open"),
        ("open", "", None, "open"),
        ("open", "on_request", None, "on_request"),
        ("open", "closed", "sample", "closed"),
        ("on_request", "open", None, "on_request"),
        ("on_request", "open", "masked", "open"),
        ("closed", "open", "sample", "open"),
        ("closed", "on_request", "copy", "closed"),
        (None, None, None, "closed"),
        ("OPEN", None, None, "closed"),
        ("无条件开放", None, None, "closed"),
        ("open", "unknown", "masked", "closed"),
    ],
)
def test_level_of_a_file(dataset, resource, derivative, expected):
    """A file is as open as its dataset, stricter if it says so, looser only when derived."""
    assert effective(dataset, resource, derivative) == expected


@given(LEVELS, ANYTHING, st.one_of(st.none(), st.text(max_size=8)))
def test_nothing_but_a_derivative_loosens(dataset, resource, derivative):
    """Whatever a file claims, it is never looser than its dataset unless masked or a sample."""
    level = effective(dataset, resource, derivative)
    if derivative not in ("masked", "sample"):
        assert STRICTNESS[level] >= STRICTNESS[dataset]


@given(ANYTHING, ANYTHING, ANYTHING)
def test_open_only_when_somebody_said_so(dataset, resource, derivative):
    """Open comes from the word `open` alone, never from a missing or unknown value."""
    if effective(dataset, resource, derivative) == "open":
        assert "open" in (dataset, resource)
