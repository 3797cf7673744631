"""Codes mean what their own source says; what nobody explains is held."""

import pytest

from ckanext.hljshare.ingest import levels


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("无条件开放", "open"),
        ("普遍开放", "open"),
        ("依申请开放", "on_request"),
        ("有条件开放", "on_request"),
        (" 不予开放 ", "closed"),
        ("暂不开放", "closed"),
    ],
)
def test_words_that_say_it_are_understood(word, level):
    assert levels.read(word).open_type == level


@pytest.mark.parametrize("code", ["1", "01", 1, "0", "9", "待定", "授权开放", "内部公开"])
def test_a_code_without_a_mapping_is_held_never_guessed(code):
    read = levels.read(code)
    assert read.open_type is None
    assert read.held.startswith("opening-unknown")


@pytest.mark.parametrize("nothing", [None, "", " ", "null", "-"])
def test_no_status_is_held(nothing):
    assert levels.read(nothing).held == "opening-missing"


def test_one_code_has_two_meanings_in_two_cities():
    assert levels.read("01", open_map={"01": "on_request", "02": "open"}).open_type == "on_request"
    assert levels.read("01", open_map={"01": "open"}).open_type == "open"
    assert levels.read(1, open_map={"1": "closed"}).open_type == "closed"
    assert levels.read("1", open_map={"01": "open"}).held == "opening-unknown: 1"


def test_an_unknown_sharing_code_is_held_and_an_absent_one_is_not():
    assert levels.read("无条件开放", "7").held == "sharing-unknown: 7"
    assert levels.read("无条件开放", "").held is None


def test_not_shared_but_open_contradicts_itself():
    assert levels.read("无条件开放", "不予共享").held == "sharing-contradicts-opening"


@pytest.mark.parametrize(
    ("is_open", "condition", "word"),
    [
        ("是", "", "无条件开放"),
        ("1", "无条件", "无条件开放"),
        ("是", "需实名申请", "依申请开放"),
        ("否", "", "不予开放"),
        ("", "", None),
        ("部分", "", None),
    ],
)
def test_the_national_forms_yes_and_no(is_open, condition, word):
    assert levels.from_is_open(is_open, condition) == word
