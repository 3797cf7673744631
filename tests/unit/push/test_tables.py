"""Tables of content: what their first line may say, and what a row may hold."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.push import tables
from ckanext.hljshare.push.lines import Refused

FIELDS = [
    {"id": "编号"},
    {"id": "标题", "label": "文章标题"},
    {"id": "浏览量", "type": "integer"},
    {"id": "评分", "type": "number"},
    {"id": "置顶", "type": "boolean"},
    {"id": "日期", "type": "date"},
    {"id": "发布时间", "type": "timestamp"},
]


def header(**changes):
    return tables.header(
        json.dumps({"title": "政策文章", "fields": FIELDS, "key": ["编号"], **changes}).encode()
    )


def row(line):
    data = line if isinstance(line, bytes) else json.dumps(line).encode()
    return tables.row(5, data, header())


def test_a_table_is_described_by_its_first_line():
    """Columns in their order, with what people call them."""
    found = header()
    assert [column.name for column in found.columns] == [item["id"] for item in FIELDS]
    assert (found.columns[1].label, found.columns[2].kind, found.key) == (
        "文章标题",
        "integer",
        ("编号",),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"title": ""},
        {"title": 5},
        {"fields": []},
        {"fields": [{"id": "a"}, {"id": "A"}]},
        {"fields": [{"id": "_id"}]},
        {"fields": [{"id": 'a"b'}]},
        {"fields": [{"id": "a%sb"}]},
        {"fields": [{"id": "列" * 30}]},
        {"fields": [{"id": "a\n"}]},
        {"fields": [{"id": "a", "type": "json"}]},
        {"fields": [{"id": "a", "default": "now()"}]},
        {"key": []},
        {"key": ["nix"]},
        {"key": ["编号", "编号"]},
        {"key": [["编号"]]},
        {"replace": "yes"},
        {"drop": True},
    ],
)
def test_what_describes_no_table(changes):
    """Names that a column cannot have, types we do not know, keys that are no columns."""
    with pytest.raises(tables.TableError):
        header(**changes)


def test_a_row_becomes_text_for_copy():
    """A formula stays the text it is; a time with an offset becomes local time."""
    found = row(
        {
            "op": "upsert",
            "row": {
                "编号": "1",
                "标题": '=HYPERLINK("http://x")',
                "浏览量": 12,
                "评分": 4.5,
                "置顶": True,
                "日期": "2026-03-01",
                "发布时间": "2026-03-01T01:02:03Z",
            },
        }
    )
    assert found.values == (
        "1",
        '=HYPERLINK("http://x")',
        "12",
        "4.5",
        "true",
        "2026-03-01",
        "2026-03-01T09:02:03",
    )
    assert (found.delete, found.shown) == (False, "1")


def test_a_deletion_names_the_key_only():
    """And a row that is left out in part is empty there."""
    assert row({"op": "delete", "key": {"编号": "1"}}).delete
    assert row({"op": "upsert", "row": {"编号": "1"}}).values[1:] == (None,) * 6


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "line-not-json"),
        ({"op": "upsert", "row": {"标题": "x"}}, "line-missing: 编号"),
        ({"op": "upsert", "row": {"编号": None}}, "line-missing: 编号"),
        ({"op": "upsert", "row": {"编号": 1}}, "line-wrong-type: 编号"),
        ({"op": "upsert", "row": {"编号": "1", "浏览量": "12"}}, "line-wrong-type: 浏览量"),
        ({"op": "upsert", "row": {"编号": "1", "浏览量": True}}, "line-wrong-type: 浏览量"),
        ({"op": "upsert", "row": {"编号": "1", "浏览量": 1.5}}, "line-wrong-type: 浏览量"),
        ({"op": "upsert", "row": {"编号": "1", "置顶": 1}}, "line-wrong-type: 置顶"),
        ({"op": "upsert", "row": {"编号": "1", "日期": "2026-02-30"}}, "line-wrong-type: 日期"),
        ({"op": "upsert", "row": {"编号": "1", "日期": "20260201"}}, "line-wrong-type: 日期"),
        ({"op": "upsert", "row": {"编号": "1", "evil": 1}}, "line-unknown-key: evil"),
        ({"op": "delete", "key": {"编号": "1", "标题": "x"}}, "line-unknown-key: 标题"),
        ({"op": "delete", "row": {"编号": "1"}}, "line-unknown-key: op, key"),
        ({"op": "truncate"}, "line-unknown-op"),
        ({"op": "upsert", "row": []}, "line-wrong-type: row"),
        ({"op": "upsert", "row": {"编号": "x" * 501}}, "line-value-too-long: key"),
    ],
)
def test_rows_that_are_refused(line, reason):
    """Each for itself."""
    found = row(line)
    assert isinstance(found, Refused)
    assert found.reasons == (reason,)


@given(
    st.dictionaries(
        st.sampled_from([item["id"] for item in FIELDS]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False)
        | st.text(max_size=9),
    )
)
def test_no_row_brings_it_down(values):
    """Whatever its values are: text for COPY, or refused."""
    found = row({"op": "upsert", "row": values})
    if isinstance(found, tables.Row):
        assert len(found.values) == len(FIELDS)
        assert all(value is None or "\0" not in value for value in found.values)
