"""The search for what must not stand in another site finds it however it is written there."""

from __future__ import annotations

import html
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interop import checks, leaks

ADDRESS = "http://city.example/odweb/download.do?method=get&fileId=2228e5960b495f8698e2615eb2211f67"
WRITINGS = {
    "plain": str,
    "json": json.dumps,
    "json in json": lambda text: json.dumps({"a": json.dumps([text])}),
    "json in json in json": lambda text: json.dumps(json.dumps({"a": json.dumps([text])})),
    "html": html.escape,
    "json with html": lambda text: json.dumps(html.escape(text)),
    "quoted": quote,
    "wholly quoted": lambda text: quote(text, safe=""),
    "json with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
}


@pytest.mark.parametrize("writing", list(WRITINGS))
@pytest.mark.parametrize("word", [ADDRESS, "线路（内部）-2026.csv", "名单'\"&<名册>.xlsx"])
def test_a_word_is_found_in_every_writing(writing, word):
    text = f"x {WRITINGS[writing](word)} y"
    assert leaks.find([("here", text)], {word}) == [f"here: {word}"]


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\\&%"),
        min_size=3,
        max_size=30,
    )
)
def test_any_word_is_found_in_a_row_of_json_in_json(word):
    text = json.dumps({"content": json.dumps({"title": f"a{word}b"})})
    assert leaks.find([("here", text)], {word})


def test_nothing_is_found_where_nothing_is():
    assert leaks.find([("here", json.dumps({"a": ADDRESS[:-1]}))], {ADDRESS}) == []


def test_an_address_is_also_looked_for_by_its_file():
    assert leaks.words(ADDRESS) == {ADDRESS, "2228e5960b495f8698e2615eb2211f67"}
    assert leaks.words("https://a.example/files/%E5%90%8D%E5%8D%95.csv") == {
        "https://a.example/files/%E5%90%8D%E5%8D%95.csv",
        "名单.csv",
    }
    # A common word of an address is no sign of it.
    assert leaks.words("https://a.example/data.csv") == {"https://a.example/data.csv"}


def test_changes_are_told_and_the_traces_of_a_run_are_not():
    def dataset(title, modified):
        return {
            "title": title,
            "metadata_modified": modified,
            "extras": [{"key": "harvest_object_id", "value": modified}],
            "resources": [{"position": 0, "url": "u", "created": modified}],
        }

    old = {"a": dataset("甲", "1"), "b": dataset("乙", "1"), "c": dataset("丙", "1")}
    new = {"a": dataset("甲", "2"), "b": dataset("乙（新）", "2"), "d": dataset("丁", "2")}
    assert checks.changes(old, new) == ["changed: b: title", "lost: c", "made: d"]
    assert checks.titles({"a": "甲", "b": "乙"}, new) == [
        "missing: 乙",
        "not ours: 丁",
        "not ours: 乙（新）",
    ]
