"""The library of legal bases."""

from __future__ import annotations

import pytest
import yaml

from ckanext.hljshare.requests import bases

FREE = {"law": "中华人民共和国档案法", "article": "第二十七条"}


def test_the_shipped_library():
    """Every entry has words in both languages; each decision has something to choose."""
    library = bases.load()
    assert len(library) >= 30
    for basis in library.values():
        assert basis.law["en"]
        assert basis.text["en"]
        assert basis.article.startswith("第") or basis.article[0].isdigit()
    for axis in bases.AXES:
        assert bases.offered("refuse", axis)
        assert bases.offered("decline", axis)
    suspending = {basis.id for basis in bases.offered("suspend", "open")}
    assert suspending == {"disclosure-32", "disclosure-33"}


def test_a_basis_by_id_is_kept_in_words():
    """A decision shows law, article and what it says, whatever becomes of the library."""
    (kept,) = bases.read("personal-25", "refuse", "open")
    assert kept["law"] == "中华人民共和国个人信息保护法"
    assert kept["article"] == "第二十五条"
    assert "单独同意" in kept["text"]


def test_another_law_may_be_named():
    """The library is not complete, and says so; spaces do not make a law."""
    assert bases.read(
        [{"law": " 中华人民共和国\n档案法 ", "article": "第二十七条"}], "refuse", "open"
    ) == [
        {"id": "", "law": "中华人民共和国 档案法", "article": "第二十七条", "url": "", "text": ""}
    ]


def test_several_and_the_same_twice():
    """Several bases stand; one given twice stands once; an empty row of a form is no row."""
    kept = bases.read(["data-38", FREE, "data-38", {"law": "", "article": " "}], "refuse", "share")
    assert [entry["id"] for entry in kept] == ["data-38", ""]


@pytest.mark.parametrize(
    ("given", "use", "axis", "code"),
    [
        (None, "refuse", "open", "none"),
        ("", "refuse", "open", "none"),
        ([], "refuse", "open", "none"),
        ([{"law": " ", "article": ""}], "refuse", "open", "none"),
        (7, "refuse", "open", "none"),
        ([7], "refuse", "open", "none"),
        ("no-such-law", "refuse", "open", "unknown"),
        ("disclosure-36-1", "refuse", "open", "unfit"),
        ("personal-25", "refuse", "share", "unfit"),
        ("disclosure-33", "decline", "open", "unfit"),
        ({"law": "档案法"}, "refuse", "open", "empty"),
        ({"article": "第一条"}, "refuse", "open", "empty"),
        ({"law": "法" * 201, "article": "第一条"}, "refuse", "open", "long"),
        ({**FREE, "url": "javascript:alert(1)"}, "refuse", "open", "url"),
        ([{**FREE, "article": f"第{n}条"} for n in range(11)], "refuse", "open", "many"),
    ],
)
def test_what_is_no_basis(given, use, axis, code):
    """Refusing without a basis fails (clause 6.1 f), and so does one that does not serve."""
    with pytest.raises(bases.BasisError) as raised:
        bases.read(given, use, axis)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": "数据"}, "an id is"),
        ({"law": {"en": "Law"}}, "no Chinese law"),
        ({"text": {}}, "no Chinese text"),
        ({"article": " "}, "no article"),
        ({"applies_to": ["approve"]}, "applies_to"),
        ({"axes": []}, "axes"),
        ({"url": "javascript:alert(1)"}, "not an address"),
        ({"id": "data-21"}, "given twice"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, named):
    """Who edits the file is told which entry is wrong."""
    loaded = yaml.safe_load(bases.PATH.read_text("utf-8"))
    loaded["items"][0].update(change)
    path = tmp_path / "bases.yaml"
    path.write_text(yaml.safe_dump(loaded, allow_unicode=True), "utf-8")
    with pytest.raises(bases.BasesError, match=named):
        bases.load(path)


def test_an_empty_library_is_refused(tmp_path):
    """Nobody could refuse anything then."""
    path = tmp_path / "bases.yaml"
    path.write_text("version: 1\nitems: []\n", "utf-8")
    with pytest.raises(bases.BasesError):
        bases.load(path)
