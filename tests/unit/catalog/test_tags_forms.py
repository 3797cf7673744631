"""Keywords and repeating rows as people and machines send them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import forms, naming, tags

CKAN_TAG = re.compile(r"[\w \-.]{2,100}\Z")


@given(st.lists(st.text()))
def test_every_tag_is_one_that_ckan_takes_and_none_stands_twice(words):
    cleaned = tags.clean(words)
    assert all(CKAN_TAG.match(tag) for tag in cleaned)
    assert len({tag.casefold() for tag in cleaned}) == len(cleaned)


@given(st.lists(st.text()))
def test_cleaning_again_changes_nothing(words):
    cleaned = tags.clean(words)
    assert tags.clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("公交,线路，站点、票价;时刻；里程", ["公交", "线路", "站点", "票价", "时刻", "里程"]),
        ("公交 线路", ["公交", "线路"]),
        ("open data, API", ["open data", "API"]),
        ("PM 2.5 监测", ["PM 2.5", "监测"]),
        ("法定代表人（负责人）", ["法定代表人-负责人"]),
        ("空，PM2.5，PM2.5", ["PM2.5"]),
        ("ＡＰＩ", ["API"]),
        ("", []),
    ],
)
def test_chinese_keywords(text, expected):
    assert tags.clean([text]) == expected


def test_rows_of_a_form_keep_their_order_beyond_ten():
    data = {f"items-{n}-name": str(n) for n in range(25)} | {"other-0-name": "x", "items": None}
    del data["items"]
    forms.collect_rows(data, "items")
    assert [row["name"] for row in data["items"]] == [str(n) for n in range(25)]
    assert data["other-0-name"] == "x"


def test_rows_left_empty_and_removed_rows_leave_no_trace():
    data = {"items-0-name": "", "items-0-field": "", "items-7-name": "站点", "items-9-name": ""}
    forms.collect_rows(data, "items")
    assert data == {"items": [{"name": "站点"}]}


@pytest.mark.parametrize("value", ['[{"name": "a"}]', [{"name": "a"}, {"name": ""}]])
def test_a_list_or_its_json_is_read(value):
    data = {"items": value}
    forms.collect_rows(data, "items")
    assert data == {"items": [{"name": "a"}]}


@pytest.mark.parametrize("value", ["站点", '{"name": "a"}', ["a"], {"name": "a"}, 3])
def test_what_is_no_list_of_rows_is_named(value):
    data = {"items": value}
    forms.collect_rows(data, "items")
    fields = [{"field_name": "items", "repeating_subfields": []}, {"field_name": "title"}]
    assert forms.unread_rows(data, fields) == ["items"]


def test_tags_keep_their_vocabulary_and_their_other_keys():
    kept = {"name": "a/b", "vocabulary_id": "v"}
    data = {
        "tags": [kept, {"name": "公交", "id": "1"}, {"name": "线路、站点"}],
        "tag_string": "公交",
    }
    forms.clean_tags(data)
    assert data["tags"] == [kept, {"name": "公交", "id": "1"}, {"name": "线路"}, {"name": "站点"}]


def test_an_update_that_names_no_tags_changes_none():
    data = {"title": "x"}
    forms.clean_tags(data)
    assert "tags" not in data


@given(st.text(min_size=1))
def test_a_name_is_stable_and_fits_an_address(identity):
    name = naming.dataset_name("harbin", identity)
    assert re.fullmatch(r"harbin-[0-9a-f]{12}", name)
    assert name == naming.dataset_name("harbin", identity)
