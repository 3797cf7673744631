"""Identity numbers: what is one, and what is shown of it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.safety import identity_numbers as numbers

TODAY = date(2026, 11, 25)


def number(region="230102", born="19900307", order="123") -> str:
    first = region + born + order
    return first + numbers.check_character(first)


def test_the_example_of_the_standard():
    """GB 11643 itself."""
    assert numbers.check_character("11010519491231002") == "X"
    assert numbers.problem("11010519491231002X", TODAY) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (number(), None),
        (number("810000"), None),  # residence permit, Hong Kong
        (number("911156"), None),  # permanent residence card of a foreigner
        (number(born="20261125"), None),
        (number(born="20240229"), None),
        ("", "shape"),
        ("23010219900307123", "shape"),
        ("230102900307123", "shape"),  # the 15 digits of before 1999
        (number() + "1", "shape"),
        ("2301021990030712AX", "shape"),
        ("０" * 18, "shape"),
        (number("160102"), "region"),
        (number("720102"), "region"),
        (number("840102"), "region"),
        (number(born="20230229"), "birth"),
        (number(born="19901301"), "birth"),
        (number(born="00000101"), "birth"),
        (number(born="18000101"), "birth"),
        (number(born="20261126"), "birth"),
        ("230102199003071231"[:17] + "?", "shape"),
        ("110105194912310021", "check"),
        ("11010519491231002x", "shape"),  # normalized first
    ],
)
def test_numbers(text, problem):
    """Each with what is wrong with it."""
    assert numbers.problem(text, TODAY) == problem


def test_what_people_type_is_normalized():
    """Small x, blanks, full-width digits of a Chinese keyboard."""
    assert numbers.normalize(" 110105 19491231 002x ") == "11010519491231002X"
    assert numbers.normalize("１１０１０５１９４９１２３１００２Ｘ") == "11010519491231002X"


@given(st.integers(0, 16), st.integers(1, 9))
def test_any_wrong_digit_is_found(place, step):
    """MOD 11-2 finds every single mistake."""
    right = number()
    wrong = right[:place] + str((int(right[place]) + step) % 10) + right[place + 1 :]
    assert numbers.problem(wrong, TODAY) is not None


@given(st.integers(0, 15))
def test_any_two_digits_exchanged_are_found(place):
    """And every exchange of neighbours."""
    right = number(order="127")
    wrong = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    assert wrong == right or numbers.problem(wrong, TODAY) is not None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("23010219900307123X", "230*************3X"),
        ("91230100MA18XXXX1C", "912*************1C"),
        ("E12345678", "E******78"),
        ("ABC12", "****2"),
        ("1", "*"),
        ("", ""),
    ],
)
def test_masks(text, shown):
    """The length stays; neither birth date nor order can be read."""
    assert numbers.mask(text) == shown


@given(st.text("0123456789X", min_size=1, max_size=30))
def test_a_mask_hides_most(text):
    """Never more than five characters, never half of a short one."""
    shown = numbers.mask(text)
    assert len(shown) == len(text)
    assert len(shown.replace("*", "")) <= min(5, len(text) // 2)


@pytest.mark.parametrize("text", ["E12345678", "H12345678(01)", "91230100MA18XXXX1C", "0012-345"])
def test_other_documents(text):
    """Passports, permits, social credit codes."""
    assert numbers.is_document_number(text)


@pytest.mark.parametrize("text", ["", "abcd", "<script>", "A" * 31, "护照12345", "E1234 5678"])
def test_what_is_no_number(text):
    """Nothing that could be markup or prose."""
    assert not numbers.is_document_number(text)
