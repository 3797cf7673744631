"""Unified social credit codes, GB 32100—2015."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists, uscc

VALID = "91110000101623741K 911101066976941872 11332500MB1601924J 91510100MA6C8A7M4M"
SYNTHETIC = "11230000001234567D 11230100001234567J"


@pytest.mark.parametrize("code", (VALID + " " + SYNTHETIC).split())
def test_known_codes_pass(code):
    assert uscc.is_valid(code)


@pytest.mark.parametrize(
    "code", ["91350211M0000XUF46", "91110000101623741J", "9111000010162374", "", "I" * 18]
)
def test_others_fail(code):
    assert not uscc.is_valid(code)


@given(st.lists(st.sampled_from(uscc.ALPHABET), min_size=17, max_size=17).map("".join))
def test_exactly_one_check_character_fits(first_17):
    fitting = [c for c in uscc.ALPHABET if uscc.check_character(first_17) == c]
    assert len(fitting) == 1


@given(st.sampled_from(codelists.codes("region")), st.integers(0, 99_999_999))
def test_synthetic_codes_pass_and_name_their_region(region, number):
    code = uscc.synthetic(region, number)
    assert uscc.is_valid(code)
    assert code[2:8] == region


@given(
    st.sampled_from((VALID + " " + SYNTHETIC).split()),
    st.integers(0, 17),
    st.sampled_from(uscc.ALPHABET),
)
def test_one_wrong_character_is_always_found(code, place, char):
    changed = code[:place] + char + code[place + 1 :]
    assert uscc.is_valid(changed) is (changed == code)


def test_blanks_and_small_letters_are_put_right():
    assert uscc.normalize(" 91110000 101623741k") == "91110000101623741K"
