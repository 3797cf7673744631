"""What may be approved, and on what a refusal rests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ckanext.hljshare.requests import bases, decisions
from ckanext.hljshare.requests.decisions import DecisionError, Part, is_partial, parts

FILES = ["flows", "stops"]


def test_all_files_where_nothing_is_chosen():
    """And that is the whole, not a part."""
    found = parts(FILES, None, None, None)
    assert found == [Part("flows"), Part("stops")]
    assert not is_partial(FILES, found)


def test_some_files_are_a_part():
    """Named twice is named once."""
    found = parts(FILES, ["stops", "stops"], None, None)
    assert found == [Part("stops")]
    assert is_partial(FILES, found)


@pytest.mark.parametrize(
    ("chosen", "columns", "rows", "field", "code"),
    [
        (["others"], None, None, "resources", "unknown"),
        ([], None, None, "resources", "none"),
        (None, ["line"], None, "columns", "which"),
        (["flows", "stops"], ["line"], None, "columns", "which"),
        (None, None, {"line": ["1"]}, "rows", "which"),
        (["flows"], {"stops": ["name"]}, None, "columns", "unknown"),
        (["flows"], None, {"stops": {"name": ["a"]}}, "rows", "unknown"),
        (None, {"others": ["name"]}, None, "columns", "unknown"),
    ],
)
def test_what_cannot_be_approved(chosen, columns, rows, field, code):
    """A file that is not there, none at all, columns of nobody knows which file."""
    with pytest.raises(DecisionError) as error:
        parts(FILES, chosen, columns, rows)
    assert (error.value.field, error.value.code) == (field, code)


def test_columns_and_rows_of_one_file():
    """Given plainly for the only file, or file by file for several."""
    assert parts(FILES, ["flows"], ["line"], {"line": ["1"]}) == [
        Part("flows", ("line",), {"line": ["1"]})
    ]
    assert parts(FILES, None, {"flows": ["line"]}, {"stops": {"name": ["a"]}}) == [
        Part("flows", ("line",), None),
        Part("stops", None, {"name": ["a"]}),
    ]
    assert is_partial(FILES, parts(FILES, None, {"flows": ["line"]}, None))


def test_without_files_there_is_nothing_to_choose():
    """A request whose data is uploaded has no parts."""
    assert parts([], None, None, None) == []
    assert not is_partial([], [])


def test_the_basis_as_people_write_it():
    """Law and article are told apart; without an article the law alone stands."""
    [found] = decisions.basis("《中华人民共和国数据安全法》第三十八条", "refuse", "open")
    assert (found["law"], found["article"]) == ("中华人民共和国数据安全法", "第三十八条")
    [found] = decisions.basis("《中华人民共和国个人信息保护法》 第 二十八 条", "refuse", "open")
    assert found["law"]
    assert found["article"]
    [found] = decisions.basis("某市数据管理办法", "refuse", "open")
    assert found["law"] == "某市数据管理办法"


def test_the_basis_from_the_library():
    """By its id, with the words as they are today."""
    [found] = decisions.basis("data-38", "refuse", "open")
    assert found["article"] == "第三十八条"
    assert found["text"]
    assert decisions.basis([" data-38 "], "refuse", "open") == [found]


@pytest.mark.parametrize("given", ["", "  ", [], [""], {}, None, [{}], [{"law": "法"}], 7, [[1]]])
def test_no_basis_is_an_error(given):
    """Never an empty one."""
    with pytest.raises(bases.BasisError):
        decisions.basis(given, "refuse", "open")


def test_when_the_use_ends():
    """As decided; else as asked for, but not beyond the portal's longest."""
    day = datetime(2026, 3, 1, tzinfo=timezone.utc)
    longest = day + timedelta(days=365)
    assert decisions.until(day, None, longest) == day
    assert decisions.until(None, day, longest) == day
    assert decisions.until(None, None, longest) == longest
    assert decisions.until(None, longest + timedelta(days=1), longest) == longest
