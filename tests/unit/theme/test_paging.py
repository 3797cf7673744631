"""Pagers and previews."""

from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog.paging import page_of
from ckanext.hljshare.theme import paging, preview


def test_a_single_page_has_no_pager():
    assert paging.page_numbers(1, 1) == []
    assert paging.page_numbers(1, 0) == []


def test_a_long_list_shows_its_ends_and_what_is_near():
    assert paging.page_numbers(10, 20) == [1, None, 8, 9, 10, 11, 12, None, 20]
    assert paging.page_numbers(4, 20) == [1, 2, 3, 4, 5, 6, None, 20]


@given(st.integers(1, 300), st.integers(2, 300))
def test_numbers_rise_and_a_gap_hides_at_least_two(current, last):
    current = min(current, last)
    shown = paging.page_numbers(current, last)
    numbers = [number for number in shown if number is not None]
    assert numbers == sorted(set(numbers))
    assert {1, current, last} <= set(numbers)
    for place, number in enumerate(shown):
        if number is None:
            assert shown[place + 1] - shown[place - 1] > 2


@given(st.text())
def test_any_typed_page_is_a_page(text):
    assert page_of(text, 7) in range(1, 8)


def test_a_cell_is_text_without_surprises():
    assert preview.cell(None) == ""
    assert preview.cell(3.0) == "3"
    assert preview.cell(3.25) == "3.25"
    assert preview.cell("0451") == "0451"
