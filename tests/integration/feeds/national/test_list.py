"""/catalog-list: everybody reads the whole catalog in the national format, by filters, and of what
is restricted or hidden nothing but the public entry."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import time
import urllib.parse
from email.utils import parsedate_to_datetime
from uuid import uuid4

import openpyxl
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from lxml import etree

from ckanext.hljshare.feeds.national import columns, kept, store, views, writing
from ckanext.hljshare.feeds.national.asking import Filters

SECRET = "https://source.example.gov.cn/canary-file.csv"
ENDINGS = ("xlsx", "csv", "json", "xml")


@pytest.fixture
def shelf(agency, make_dataset):
    """One dataset of each kind, of two cities, and three that nobody may see."""
    daqing = factories.Organization(
        name="daqing", title="大庆市", level="city", region_code="230600"
    )
    office = factories.Organization(
        name="daqing-tjj", title="大庆市统计局", level="agency", parent="daqing"
    )
    files = [{"name": "canary-name", "url": SECRET, "format": "CSV"}]
    make_dataset(name="bus", title="公交线路", region_code="230100")
    make_dataset(
        name="taxi",
        title="出租汽车轨迹",
        open_type="on_request",
        region_code="230100",
        resources=files,
    )
    make_dataset(
        name="census",
        title="=1+1 普查",
        open_type="closed",
        share_type="none",
        share_basis="《统计法》第九条",
        owner_org=office["id"],
        region_code="230600",
        resources=files,
    )
    make_dataset(name="held", title="canary-private", private=True)
    make_dataset(name="draft", title="canary-draft", state="draft")
    make_dataset(name="gone", title="canary-withdrawn", withdrawn_on="2026-01-01")
    return {"daqing": daqing, "office": office}


def titles(app, query="", status=200):
    answer = app.get(f"/catalog-list.csv{query}", status=status)
    table = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    return [row["信息资源名称"] for row in table]


def test_all_public_entries_stand_in_every_format_in_one_order(app, shelf):
    read = titles(app)
    assert read == ["公交线路", "出租汽车轨迹", "'=1+1 普查"]
    plain = [title.lstrip("'") for title in read]
    told = json.loads(app.get("/catalog-list.json").data)
    assert [entry["title"] for entry in told["entries"]] == plain
    tree = etree.fromstring(app.get("/catalog-list.xml").data)
    assert [entry.findtext("title") for entry in tree.find("entries")] == plain
    book = openpyxl.load_workbook(io.BytesIO(app.get("/catalog-list.xlsx").data))
    assert [cell.value for cell in book["目录"]["B"]][1:] == plain


@pytest.mark.parametrize("address", [*(f"/catalog-list.{e}" for e in ENDINGS), "/catalog-list"])
def test_no_address_or_file_name_and_nothing_hidden_is_told(app, shelf, address):
    answer = app.get(address)
    data = answer.data
    if address.endswith("xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(data))
        data = repr([list(s.iter_rows(values_only=True)) for s in book]).encode()
    assert "公交线路".encode() in data
    for word in (b"canary", b"source.example"):
        assert word not in data


def test_a_level_that_changes_and_an_entry_that_goes_are_told_at_once(app, shelf, make_dataset):
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    call_action("package_patch", site, id="taxi", title="出租汽车", open_type="closed")
    assert "出租汽车" in titles(app, "?level=closed")
    assert titles(app, "?level=on_request") == []
    call_action("package_delete", site, id="bus")
    assert "公交线路" not in titles(app)
    call_action("package_patch", site, id="held", private=False, title="已公开")
    assert titles(app)[-1] == "已公开"


FILTERS = [
    ("?level=open", ["公交线路"]),
    ("?restricted=1", ["出租汽车轨迹", "'=1+1 普查"]),
    ("?opened=1", ["公交线路", "出租汽车轨迹"]),
    ("?restricted=1&level=open", []),
    ("?city=230600", ["'=1+1 普查"]),
    ("?city=230000", []),
    ("?share=none", ["'=1+1 普查"]),
    ("?agency=harbin-jtysj&level=on_request", ["出租汽车轨迹"]),
    ("?agency=daqing", ["'=1+1 普查"]),  # with the agencies below
    ("?agency=daqing&city=230100", []),
    ("?city=230602", ["'=1+1 普查"]),  # a county stands for its city
]


def test_filters_combine(app, shelf):
    assert [(query, titles(app, query)) for query, _found in FILTERS] == FILTERS
    assert titles(app, f"?agency={shelf['office']['id']}") == ["'=1+1 普查"]


UNREADABLE = ["level=secret", "city=2301", "city=x", "share=1", "restricted=yes", "opened=true"]
UNKNOWN = ["city=110100", "city=999999", "agency=nobody", "agency=%27%20OR%201=1"]


@pytest.mark.parametrize(
    ("status", "query"), [*((400, each) for each in UNREADABLE), *((404, each) for each in UNKNOWN)]
)
def test_a_value_that_is_none_is_refused_with_a_word_about_it(app, shelf, status, query):
    name = query.split("=")[0]
    page = app.get(f"/catalog-list?{query}", status=status)
    assert page.content_type.startswith("text/html")
    for ending in ENDINGS:
        answer = app.get(f"/catalog-list.{ending}?{query}", status=status)
        told = json.loads(answer.data)
        assert told["success"] is False
        kind = {400: "Validation Error", 404: "Not Found Error"}[status]
        assert told["error"].pop("__type") == kind
        assert list(told["error"]) == [name]
        assert re.search("[一-鿿]", told["error"][name][0])
        if status == 400:  # the page of what is not there has its own words
            assert told["error"][name][0] in html.unescape(page.body)
    assert app.get("/catalog-list.pdf", status=404)


@pytest.mark.parametrize("query", ["city=%00", "agency=%00", "level=open%00"])
def test_what_no_value_can_hold_is_refused(app, shelf, query):
    for address in ("/catalog-list", *(f"/catalog-list.{ending}" for ending in ENDINGS)):
        assert app.get(f"{address}?{query}").status_code in (400, 404)


def test_the_restricted_ones_are_listed_with_their_bases(app, shelf):
    read = csv.DictReader(
        io.StringIO(app.get("/catalog-list.csv?restricted=1").data.decode("utf-8-sig"))
    )
    assert {(row["开放类型"], row["限制开放依据"], row["是否向社会开放"]) for row in read} == {
        ("依申请开放", "《中华人民共和国数据安全法》第三十八条", "1"),
        ("不予开放", "《中华人民共和国数据安全法》第三十八条", "0"),
    }


def test_who_has_the_list_already_is_told_so_until_something_changes(app, shelf):
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    for ending in ENDINGS:
        first = app.get(f"/catalog-list.{ending}")
        etag = first.headers["ETag"]
        again = app.get(f"/catalog-list.{ending}", headers={"If-None-Match": etag}, status=304)
        assert again.data == b""
        other = app.get(
            f"/catalog-list.{ending}?level=open", headers={"If-None-Match": etag}, status=200
        )
        assert other.headers["ETag"] != etag
        head = app.client.head(f"/catalog-list.{ending}")
        assert (head.headers["ETag"], head.data) == (etag, b"")
        assert head.headers.get("Content-Length") in (None, first.headers.get("Content-Length"))
        call_action("package_patch", site, id="bus", notes=f"首末班时间、票价和站点{ending}。")
        app.get(f"/catalog-list.{ending}", headers={"If-None-Match": etag}, status=200)
    # A row names its agency: a new name is a new list.
    etag = app.get("/catalog-list.csv").headers["ETag"]
    call_action("organization_patch", site, id="harbin-jtysj", title="哈尔滨市交通局")
    again = app.get("/catalog-list.csv", headers={"If-None-Match": etag}, status=200)
    assert "哈尔滨市交通局" in again.data.decode()


def test_last_modified_is_named_only_when_that_second_is_over(
    app, shelf, make_dataset, monkeypatch
):
    assert "Last-Modified" not in app.get("/catalog-list.csv").headers
    time.sleep(2.1)
    named = app.get("/catalog-list.csv").headers["Last-Modified"]
    app.get("/catalog-list.csv", headers={"If-Modified-Since": named}, status=304)
    # Other columns, or other code that fills them, are another list too.
    monkeypatch.setattr(columns, "STAMP", uuid4().hex)
    app.get("/catalog-list.csv", headers={"If-Modified-Since": named}, status=200)
    time.sleep(2.1)
    again = app.get("/catalog-list.csv").headers["Last-Modified"]
    assert parsedate_to_datetime(again) > parsedate_to_datetime(named)
    app.get("/catalog-list.csv", headers={"If-Modified-Since": again}, status=304)
    make_dataset(name="later", title="后来的目录")
    app.get("/catalog-list.csv", headers={"If-Modified-Since": again}, status=200)


def test_a_download_bears_a_chinese_name_with_what_was_chosen(app, shelf):
    for query, words in (("", "公共数据资源目录-"), ("?opened=1", "开放目录清单-"),
                         ("?restricted=1&city=230600", "限制开放清单-大庆市-"),
                         ("?agency=daqing-tjj", "公共数据资源目录-大庆市统计局-")):  # fmt: skip
        header = app.get(f"/catalog-list.xlsx{query}").headers["Content-Disposition"]
        assert header.startswith("attachment; filename*=UTF-8''")
        assert urllib.parse.unquote(header.split("''")[1]).startswith(words)


def test_a_list_that_is_being_read_shows_one_moment(app, shelf):
    """What is written while a list is on its way is in the next one, whole."""
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    store.overview()
    reading = store.stream(Filters(), None, "https://portal.example.cn")
    first = next(reading)["title"]
    call_action("package_delete", site, id="census")
    model.Session.commit()
    assert [first, *(row["title"] for row in reading)] == ["公交线路", "出租汽车轨迹", "=1+1 普查"]
    assert len(titles(app)) == 2


def test_a_reader_who_leaves_gives_the_connection_back(app, shelf):
    store.overview()
    before = model.meta.engine.pool.checkedout()
    reading = store.stream(Filters(), None, "")
    next(reading)
    assert model.meta.engine.pool.checkedout() == before + 1
    reading.close()
    assert model.meta.engine.pool.checkedout() == before


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_reader_who_is_slow_holds_nothing_of_the_database(app, shelf, ending):
    before = model.meta.engine.pool.checkedout()
    answer = app.client.get(f"/catalog-list.{ending}", buffered=False)
    assert answer.status_code == 200
    assert model.meta.engine.pool.checkedout() == before
    assert len(answer.data) == int(answer.headers["Content-Length"])
    answer.close()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_long_list_is_made_once_and_few_at_a_time(app, shelf, ending, monkeypatch):
    made = []
    make = writing.to_file
    monkeypatch.setattr(writing, "to_file", lambda *given: made.append(1) or make(*given))
    monkeypatch.setattr(views, "FEW", 1)
    monkeypatch.setattr(views, "_files", kept.Kept())

    def read(query=""):
        answer = app.get(f"/catalog-list.{ending}{query}", status=200)
        data = answer.data
        answer.close()  # as a server does
        return data

    first = read()
    files = len(os.listdir("/proc/self/fd"))
    assert read() == first
    assert len(made) == 1
    with monkeypatch.context() as busy:  # as while others are made
        busy.setattr(views._files, "_making", {"one", "another"})
        answer = app.get(f"/catalog-list.{ending}?restricted=1", status=503)
        assert int(answer.headers["Retry-After"]) > 0
        assert json.loads(answer.data)["success"] is False
        assert read() == first  # what is there is given
        assert read("?level=open") != first  # what is short is made
    assert len(made) == 2
    assert read("?restricted=1") != first
    assert read("?restricted=1") == read("?restricted=1")
    assert len(made) == 3
    assert len(os.listdir("/proc/self/fd")) <= files + 1  # those that are kept, no other


def test_a_workbook_is_not_given_again_after_a_change(app, shelf):
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    app.get("/catalog-list.xlsx")
    call_action("package_delete", site, id="bus")
    book = openpyxl.load_workbook(io.BytesIO(app.get("/catalog-list.xlsx").data))
    assert "公交线路" not in [cell.value for cell in book["目录"]["B"]]


def test_the_page_shows_the_list_its_files_and_the_ready_made_lists(app, shelf):
    page = app.get("/catalog-list").body
    for part in ("公交线路", "出租汽车轨迹", "=1+1 普查", "/catalog-list.xlsx", "restricted=1",
                 "opened=1"):  # fmt: skip
        assert part in page
    narrow = app.get("/catalog-list?city=230600&level=closed").body.split("<main")[1]
    assert "/dataset/census" in narrow
    assert "/dataset/bus" not in narrow
    assert "/catalog-list.csv?city=230600&amp;level=closed" in narrow
    for number in ("0", "-1", "abc", "99999999999999999999"):
        assert app.get(f"/catalog-list?page={number}").status_code == 200


def test_pages_hold_every_entry_once(app, shelf, make_dataset, monkeypatch):
    monkeypatch.setattr(views, "ROWS", 2)
    shown = []
    for number in (1, 2):
        main = app.get(f"/catalog-list?page={number}").body.split("<main")[1]
        shown += [name for name in ("bus", "taxi", "census") if f'/dataset/{name}"' in main]
    assert shown == ["bus", "taxi", "census"]


def test_an_empty_portal_has_an_empty_list(app, agency):
    assert titles(app) == []
    assert json.loads(app.get("/catalog-list.json").data)["entries"] == []
    assert len(etree.fromstring(app.get("/catalog-list.xml").data).find("entries")) == 0
    assert app.get("/catalog-list.xlsx").data[:2] == b"PK"
    assert app.get("/catalog-list").status_code == 200


@pytest.mark.ckan_config("ckan.root_path", "/data/{{LANG}}")
def test_pages_are_named_below_the_path_of_the_site(app, shelf, ckan_config):
    told = json.loads(app.get("/catalog-list.json").data)
    home = f"{ckan_config['ckan.site_url'].rstrip('/')}/data"
    assert told["address"] == f"{home}/catalog-list"
    assert told["entries"][0]["page"] == f"{home}/dataset/bus"


def test_english_readers_are_told_what_is_chinese_and_the_table_has_a_name(app, shelf):
    for query in ("", "?restricted=1"):
        tree = etree.HTML(app.get(f"/en/catalog-list{query}").body)
        main = tree.find(".//main")
        for element in main.iter():
            if not isinstance(element.tag, str):
                continue
            around = [element, *element.iterancestors()]
            marked = any(each.get("lang") == "zh-Hans" for each in around if each is not main)
            said = [element.text or "", *(child.tail or "" for child in element)]
            chinese = [text for text in said if re.search("[一-鿿]", text)]
            assert marked or not chinese, chinese
        caption = main.find(".//table/caption")
        assert "".join(caption.itertext()).strip()
    assert "中华人民共和国数据安全法" in "".join(main.itertext())
