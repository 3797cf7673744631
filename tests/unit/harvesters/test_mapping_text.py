"""A mapping as text: checked like a file, nothing in it that grows, and every error says where."""

import pytest

from harvesters import json_plan, mapping


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("title: 甲\ncodes: {open: {'1': public}}\n", "某市: codes/open/1"),
        ("title: 甲\nsite: [\n", "某市: line 3: not YAML"),
        ("title: 甲\ncodes:\n  open: {1: open, 1: closed}\n", "line 3: not YAML .1 stands twice"),
        ("a: &x [lol, lol]\nb: [*x, *x]\n", "line 1: not YAML .anchors and aliases"),
        ("a: *x\n", "line 1: not YAML .anchors and aliases"),
        ("[" * 5000, "nested too deep"),
        ("title: " + "甲" * 300_000, "larger than 256 KiB"),
        ("? [a]\n: b\n", "line 1: not YAML .a key must be a text"),
        ("title: !!python/object/apply:os.system [id]\n", "line 1: not YAML"),
        ("title: \x00\n", "not YAML"),
        ("", "top: None is not"),
        ("title: 甲\nnetwork: {verify: false}\n", "network: .*verify"),
        ("title: 甲\nnetwork: {sha256: [abc]}\n", "network/sha256/0"),
        ("title: 甲\njson: {list: {rows: a, url: 'http://x/'}, id: a}\n", "json/list/url"),
        ("title: 甲\njson: {list: {rows: a, url: '//x/'}, id: a}\n", "json/list/url"),
        ("title: 甲\njson: {list: {rows: a}}\n", "json: 'id' is a required"),
    ],
)
def test_a_text_is_checked_like_a_file_and_says_where(words, where):
    with pytest.raises(mapping.MappingError, match=where):
        mapping.load_text("某市", words)


def test_a_text_is_laid_over_what_holds_for_all():
    loaded = mapping.load_text("x", "title: 甲\nproviders: {甲局: 乙局}\n")
    assert loaded.providers["甲局"] == "乙局"
    assert loaded.providers["卫健委"] == "卫生健康委员会"
    assert loaded.code("cycle", "每月") == "monthly"


def test_codes_are_taken_as_they_are_written():
    """YAML would make a number of 01 and False of no."""
    loaded = mapping.load_text("x", "title: 甲\ncodes: {open: {01: open, 1: closed, no: closed}}")
    assert loaded.code("open", "01") == "open"
    assert loaded.code("open", 1) == "closed"
    assert loaded.code("open", "no") == "closed"


JSON = "title: 甲\njson:\n  id: id\n  list: {rows: rows"


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (JSON + ", url: 'a?x=${nothing}'}", r"json/list/0/url: \$\{nothing\} is not known here"),
        (JSON + ", query: {i: '${id}'}}", r"json/list/0/query: \$\{id\} is not known here"),
        (JSON + ", paging: page}", r"json/list/0: paging by page, but no \$\{page\}"),
        (JSON + ", paging: next}", "json/list/0/next: missing"),
        (JSON + ", form: {}, json: {}}", "json/list/0: a form and a JSON body exclude"),
        (JSON + ", method: GET, json: {}}", "json/list/0/method"),
        (JSON + ", total: 'a['}", r"json/list/0/total: a\[: not a path"),
        (JSON + "}\n  fields: {title: 'a..b'}", r"json/fields/title: a\.\.b: not a path"),
        (JSON + "}\n  page: '/x?k=${secret:K}'", "json/page"),
        (JSON + "}\n  files: {rows: f, url: '/x?k=${secret:K}'}", "json/files/url"),
        (JSON + "}\n  headers: {X: '${row.x}'}", "json/headers"),
        ("title: 甲\n", "json: missing"),
    ],
)
def test_what_the_schema_cannot_see_is_found_before_a_source_is_asked(words, where):
    with pytest.raises(mapping.MappingError, match=where):
        json_plan.read(mapping.load_text("某市", words).json)
