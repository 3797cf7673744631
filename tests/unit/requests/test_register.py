"""What the public register shows, and how it is found."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.requests import register
from ckanext.hljshare.requests.register import LONGEST, MASK, public_name, query, words


@pytest.mark.parametrize(
    "private",
    [
        "13900001234",
        "139 0000 1234",
        "139-0000-1234",
        "139  0000\u30001234",  # blanks of both widths
        "１３９００００１２３４",  # full width
        "１３９　００００　１２３４",
        "0451-88881234",
        "88881234",
        "230102199003071234",
        "23010219900307123X",
        "23010219900307123x",
        "6222021234567890123",  # a bank account has 19 digits
        "6222 0212 3456 7890 123",
        "139.0000.1234",
        "wang.xm@example.com",
        "wang＠example.com",
        "https://example.com/a?b=1",
        "HTTP://EXAMPLE.COM/a",
        "www.example.com/a",
    ],
)
def test_what_may_be_somebodys_is_masked(private):
    """Wherever in the name it stands."""
    for name in (private, f"客流数据，联系 {private}", f"{private} 的客流", f"（{private}）"):
        shown = public_name(name)
        assert MASK in shown
        assert private not in shown
        digits = [c for c in shown if c.isdigit()]
        assert len(digits) < 5, shown


@pytest.mark.parametrize(
    "name",
    [
        "哈尔滨市公交客流信息",
        "2026年第一季度公交线路客流",
        "2020-2023年公交客流",
        "2020—2023 年公交客流",
        "截至2026-03-31的站点",
        "20260331期站点",
        "12345热线工单",  # a short number is a service, no person
        "GB/T 2260 行政区划代码230100",
        "A-1 类 3.5 吨以下货车",
    ],
)
def test_what_is_part_of_a_name_stays(name):
    """Years, days and short numbers do not make a name unreadable."""
    assert public_name(name) == name


@pytest.mark.parametrize("name", ["2020-2023 13900001234", "20260331-13900001234"])
def test_a_year_does_not_shelter_a_number(name):
    """What follows a year is looked at like anything else."""
    assert "13900001234" not in public_name(name)


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=300))
def test_a_name_is_one_line_of_limited_length(text):
    """Whatever was typed."""
    shown = public_name(text)
    assert len(shown) <= LONGEST
    assert shown.splitlines() in ([], [shown])


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("0123456789０１２３ -　"), min_size=7, max_size=40))
def test_no_long_number_survives(text):
    """No run of seven digits is left, but for those that are years or days."""
    shown = public_name("数据" + text)
    runs = "".join(c if c.isdigit() else " " for c in shown).split()
    for run in runs:
        assert len(run) <= 8
        assert len(run) < 7 or run.startswith(("19", "20"))


CHINESE = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=40
)


@settings(deadline=None, derandomize=True)
@given(CHINESE, st.data())
def test_any_part_of_a_chinese_name_finds_it(name, data):
    """From one character on: who searches does not know where words begin."""
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, len(name)))
    wanted = query(name[start:end])
    assert wanted
    assert set(wanted) <= set(words(f"{name} 哈尔滨市交通运输局"))


@settings(deadline=None, derandomize=True)
@given(CHINESE, CHINESE)
def test_several_words_are_all_looked_for_in_any_order(first, second):
    """Two words with a blank between need not stand side by side."""
    stored = set(words(f"{second}与{first}"))
    assert set(query(f"{first} {second}")) <= stored


def test_what_is_not_there_is_not_found():
    """The pair decides, not the two characters apart."""
    stored = set(words("公共汽车交通"))
    assert not set(query("公交")) <= stored
    assert set(query("交通")) <= stored
    assert not set(query("地铁")) <= stored


def test_letters_and_digits_are_found_whatever_their_width_and_case():
    """Full width is an input method's matter."""
    assert set(query("ｃｓｖ ２０２６")) <= set(words("2026年CSV文件"))
    assert query("，。 %_") == []
    assert query("") == []


def test_an_index_entry_has_a_limit():
    """However long a text is."""
    assert len(words("".join(chr(0x4E00 + n) for n in range(5000)))) == register.MOST_WORDS


def test_the_year_is_that_of_china():
    """New Year begins at midnight there."""
    assert register.year_of(datetime(2026, 12, 31, 16, tzinfo=timezone.utc)) == "2027"
    assert register.year_of(datetime(2026, 12, 31, 15, 59, tzinfo=timezone.utc)) == "2026"


def test_rates_count_what_is_late_and_open():
    """Leaving a request unanswered does not better the rate; without any there is none."""
    assert register.rate(0, 0, 0) is None
    assert register.rate(3, 1, 0) == 0.75
    assert register.rate(3, 0, 1) == 0.75
    assert register.rate(0, 0, 2) == 0
