"""Rows of content in the DataStore: articles, interaction, service guides (clause 5.2 a)."""

import csv
import io
import json
import uuid
from urllib.parse import quote

import pytest
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.hljshare.push import intake, rows
from tests.integration.push.conftest import package, parsed, problem, upsert

HEADER = {
    "title": "政策文章",
    "fields": [
        {"id": "编号"},
        {"id": "标题", "label": "文章标题"},
        {"id": "浏览量", "type": "integer"},
        {"id": "发布时间", "type": "timestamp"},
    ],
    "key": ["编号"],
}


def row(number, title="标题", **values):
    return {"op": "upsert", "row": {"编号": str(number), "标题": title, **values}}


def gone(number):
    return {"op": "delete", "key": {"编号": str(number)}}


def put(pusher, lines, *, header=HEADER, record="1", table="articles", key=None, **more):
    more.setdefault("Idempotency_Key", key or str(uuid.uuid4()))
    return pusher.put([header, *lines], path=f"/push/v1/tables/{record}/{table}", **more)


def resource(pusher, record="1", table="articles"):
    owner = model.Package.get(pusher.source).id
    return rows.resource_of(type("S", (), {"id": owner}), record, table)


def stored(pusher, **more):
    site = call_action("get_site_user")["name"]
    found = call_action(
        "datastore_search",
        {"user": site, "ignore_auth": True},
        resource_id=resource(pusher, **more),
        sort="编号",
    )
    return {item["编号"]: item["标题"] for item in found["records"]}


@pytest.fixture
def articles(harbin):
    """Return Harbin's program, with a record that has a table of two rows."""
    harbin.put([upsert("1")])
    answer = put(harbin, [row(1, "第一篇", 浏览量=5), row(2, '=HYPERLINK("http://x","点我")')])
    results, given = parsed(answer)
    assert [result["outcome"] for result in results] == ["written", "written"]
    assert (given["kind"], given["table"]) == ("rows", "1/articles")
    return harbin


def test_rows_become_a_table_of_the_record(articles, app):
    """A resource of its dataset, with the types that were sent; a formula is the text it was."""
    assert stored(articles) == {"1": "第一篇", "2": '=HYPERLINK("http://x","点我")'}
    made = model.Resource.get(resource(articles))
    assert (made.name, made.package_id) == ("政策文章", package("1", articles).id)
    public = app.get(f"/api/action/datastore_search?resource_id={made.id}").json["result"]
    assert {field["id"]: field["type"] for field in public["fields"]}["发布时间"] == "timestamp"
    dump = list(csv.DictReader(io.StringIO(app.get(f"/datastore/dump/{made.id}").body)))
    assert len(dump) == 2


def test_rows_are_changed_and_deleted_by_key(articles):
    """In order: of two lines with one key the later one counts."""
    answer = put(
        articles, [row(1, "改过"), gone(2), row(3), gone(3), row(4), row(4, "四"), gone(9)]
    )
    assert [result["outcome"] for result in parsed(answer)[0]] == [
        "written", "deleted", "written", "deleted", "written", "written", "deleted",
    ]  # fmt: skip
    assert stored(articles) == {"1": "改过", "4": "四"}


def test_a_whole_table_is_replaced(articles):
    """What is not sent goes."""
    answer = put(articles, [row(5), row(6), gone(6)], header={**HEADER, "replace": True})
    _results, given = parsed(answer)
    assert given["counts"] == {"deleted": 1, "rejected": 0, "written": 2}
    assert stored(articles) == {"5": "标题"}


BAD = {"op": "upsert", "row": {"编号": 6}}
NOT_ALL = "replace-refused"
WRONG = "line-wrong-type: 编号"


@pytest.mark.parametrize(
    ("lines", "reasons"),
    [
        ([row(5), BAD], [NOT_ALL, WRONG]),
        ([BAD, BAD], [WRONG, WRONG]),
        ([gone(1)], [NOT_ALL]),
        ([row(5), gone(5)], [NOT_ALL, NOT_ALL]),
    ],
)
def test_a_replacement_is_made_whole_or_not_at_all(articles, lines, reasons):
    """One bad row, or none that stays, would delete what nobody wanted deleted: nothing changes,
    not even the title and the columns, and the receipt says so."""
    header = {**HEADER, "title": "改名", "fields": [*HEADER["fields"], {"id": "手机号"}]}
    results, given = parsed(put(articles, lines, header={**header, "replace": True}))
    assert [result["outcome"] for result in results] == ["rejected"] * len(lines)
    assert [result["reasons"] for result in results] == [[reason] for reason in reasons]
    assert all(result["texts"] != result["reasons"] for result in results)
    assert given["counts"] == {"deleted": 0, "rejected": len(lines), "written": 0}
    assert stored(articles).keys() == {"1", "2"}
    assert "手机号" not in rows._columns(resource(articles))
    assert model.Resource.get(resource(articles)).name == "政策文章"


def test_a_replacement_by_nothing(articles):
    """A content that was cut behind its first line empties no table."""
    answer = put(articles, [], header={**HEADER, "replace": True}, key="nothing-left")
    assert problem(answer) == (400, "table-invalid")
    assert stored(articles).keys() == {"1", "2"}
    assert problem(articles.get("batches/nothing-left")) == (404, "batch-unknown")


def test_new_columns_are_added_and_others_refused(articles):
    """A column never changes its type, nor the key its columns."""
    wider = {**HEADER, "fields": [{"id": "来源"}, *HEADER["fields"]]}
    parsed(put(articles, [row(7, 来源="本站")], header=wider))
    assert stored(articles).keys() == {"1", "2", "7"}
    other = {**wider, "fields": [*wider["fields"][:3], {"id": "浏览量"}, wider["fields"][4]]}
    for header in (HEADER, other, {**wider, "key": ["编号", "标题"]}):
        assert problem(put(articles, [row(8)], header=header)) == (409, "table-differs")
    assert "8" not in stored(articles)


def test_the_same_key_again(articles):
    """The same receipt; nothing is written twice, not even after a change in between."""
    first = put(articles, [row(1, "甲")], key="rows-key-1")
    put(articles, [row(1, "乙")])
    assert put(articles, [row(1, "甲")], key="rows-key-1").body == first.body
    assert stored(articles)["1"] == "乙"
    assert articles.get("batches/rows-key-1").body == first.body
    assert problem(put(articles, [row(1, "丙")], key="rows-key-1")) == (409, "key-used")
    other = put(articles, [row(1, "甲")], key="rows-key-1", table="other")
    assert problem(other) == (409, "key-used")


def test_what_broke_off_is_written_to_the_same_end(articles, monkeypatch):
    """Between the two databases nothing is left half done for good."""
    real = intake.store.put
    monkeypatch.setattr(intake.store, "put", lambda *args: 1 / 0)
    assert problem(put(articles, [row(1, "甲"), gone(2)], key="rows-broke-1")) == (500, "failed")
    monkeypatch.setattr(intake.store, "put", real)
    results, _given = parsed(put(articles, [row(1, "甲"), gone(2)], key="rows-broke-1"))
    assert [result["outcome"] for result in results] == ["written", "deleted"]
    assert stored(articles) == {"1": "甲"}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"record": "unknown"}, (404, "record-unknown")),
        ({"table": "a.b"}, (400, "parameter-invalid")),
        ({"table": "a%00b"}, (400, "parameter-invalid")),
        ({"header": {"title": "x"}}, (400, "table-invalid")),
        ({"header": [1]}, (400, "table-invalid")),
        ({"Idempotency_Key": ""}, (400, "key-invalid")),
    ],
)
def test_tables_that_cannot_be(articles, more, expected):
    """Nothing is made of them."""
    assert problem(put(articles, [row(1)], **more)) == expected
    assert len(package("1", articles).resources) == 1


def test_a_table_goes_by_the_level_of_its_dataset(harbin, app):
    """Not open: neither its rows nor its columns for the public."""
    harbin.put([upsert("2", open_type="closed")])
    parsed(put(harbin, [row(1, "内部内容")], record="2"))
    assert stored(harbin, record="2") == {"1": "内部内容"}
    resource_id = resource(harbin, "2")
    for address in (
        f"/api/action/datastore_search?resource_id={resource_id}",
        f"/api/action/datastore_info?id={resource_id}",
        f"/datastore/dump/{resource_id}",
        f"/dataset/{package('2', harbin).name}",
    ):
        assert "内部内容" not in app.get(address).body
    assert app.get(f"/api/action/datastore_search?resource_id={resource_id}").status_code == 403


def test_columns_that_name_people_are_closed_until_a_person_has_looked(articles, app):
    """In an open dataset; also where they come later. What that person decides stands."""
    wider = {**HEADER, "fields": [*HEADER["fields"], {"id": "sfz", "label": "身份证号"}]}
    results, _given = parsed(put(articles, [row(7, sfz="230102199001010011")], header=wider))
    assert results[0]["reasons"] == ["personal-data-columns: 身份证号"]
    address = f"/api/action/datastore_search?resource_id={resource(articles)}"
    assert app.get(address).status_code == 403
    site = call_action("get_site_user")["name"]
    context = {"user": site, "ignore_auth": True}
    call_action("resource_patch", context, id=resource(articles), open_type="")
    results, _given = parsed(put(articles, [row(8)], header=wider))
    assert results[0]["reasons"] == []
    assert app.get(address).status_code == 200


def test_a_table_stays_when_its_record_changes(articles):
    """It is the dataset's, beside the files of the record; it goes with a withdrawal."""
    articles.put([upsert("1", notes="新的说明，内容完整无缺。")])
    assert stored(articles).keys() == {"1", "2"}
    assert [item.name for item in package("1", articles).resources] == ["政策文章"]


def test_ids_of_records_may_hold_slashes(harbin):
    """As they come from the cities."""
    for native_id in ("a/b/1", "//c//d", "公交%2F线路 1"):
        harbin.put([upsert(native_id)])
        assert parsed(put(harbin, [row(1)], record=quote(native_id)))
        assert stored(harbin, record=native_id) == {"1": "标题"}


def test_rows_come_as_json_too(articles):
    """And a column may be called like SQL."""
    header = {
        "title": "x", "fields": [{"id": "a); DROP TABLE x;--"}, {"id": "select"}],
        "key": ["select"],
    }  # fmt: skip
    line = {"op": "upsert", "row": {"select": "1", "a); DROP TABLE x;--": "\\N\t\\."}}
    answer = put(articles, [line], header=header, table="odd", Accept="application/json")
    assert json.loads(answer.body)["receipt"]["counts"]["written"] == 1
    site = call_action("get_site_user")["name"]
    found = call_action(
        "datastore_search", {"user": site, "ignore_auth": True},
        resource_id=resource(articles, table="odd"),
    )  # fmt: skip
    assert found["records"][0]["a); DROP TABLE x;--"] == "\\N\t\\."
