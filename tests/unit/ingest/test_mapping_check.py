"""What is wrong with the text of a mapping is told with its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import mapping_check
from ckanext.hljshare.paths import HARVESTERS


@pytest.mark.parametrize("path", sorted((HARVESTERS / "mappings").glob("*.yaml")), ids=str)
def test_the_mappings_of_the_project_have_no_problem(path):
    assert mapping_check.problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "line", "code"),
    [
        ("title: 甲\npassword: x\n", 2, "unknown-key"),
        ("title: 甲\ncodes:\n  open:\n    '1': open\n    '2': public\n", 5, "not-in-list"),
        ("title: 甲\ncodes:\n  opens: {}\n", 3, "unknown-key"),
        ("codes: {}\n", 1, "missing-key"),
        ("title: 甲\ntrust_total: 是\n", 2, "wrong-type"),
        ("title: 甲\ntitle: 乙\n", 2, "twice"),
        ("title: [\n", 2, "not-yaml"),
        ("title: 甲\n\tcodes: {}\n", 2, "not-yaml"),
        ("- 1\n", 1, "no-keys"),
        ("", 1, "no-keys"),
        ("title: &a 甲\nsite: *a\n", 1, "alias"),
    ],
)
def test_a_problem_stands_on_its_line(body, line, code):
    found = mapping_check.problems(body)
    assert [(item.line, item.code) for item in found] == [(line, code)]


def test_all_problems_are_told_at_once_in_the_order_of_lines():
    body = "title: 甲\nuser: a\ncodes:\n  open: {'1': x}\nid: none\n"
    found = [(item.line, item.code) for item in mapping_check.problems(body)]
    assert found == [(2, "unknown-key"), (4, "not-in-list"), (5, "not-in-list")]


def test_a_code_that_looks_like_a_number_is_text():
    assert mapping_check.problems("title: 甲\ncodes:\n  open: {01: open, no: closed}\n") == []


def test_a_short_text_that_stands_for_an_endless_one_is_refused_at_once():
    body = "a: &a [1,1]\n" + "\n".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]" for n in range(20)
    )
    assert mapping_check.problems(body)[0].code == "alias"


def test_a_text_that_is_too_long_or_too_deep_is_refused():
    assert mapping_check.problems("title: 甲\n#" + "x" * 300_000)[0].code == "too-long"
    assert mapping_check.problems("title: " + "[" * 5000)[0].code == "not-yaml"


@given(st.text(alphabet="abc:{}[]'\" \n\t-&*#?|>%@`,01甲", max_size=60))
def test_no_text_breaks_the_check(body):
    for item in mapping_check.problems(body):
        assert 0 <= item.line <= body.count("\n") + 2
