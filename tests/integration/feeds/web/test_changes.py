"""Feeds of changes, as feed readers follow them."""

from __future__ import annotations

import feedparser
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from lxml import etree

from ckanext.hljshare.feeds.web import atom

SITE = "http://test.ckan.net"
SECRET = "https://inner.example.gov.cn/secret-7391/file.csv"
FILE = {"name": "表", "url": SECRET, "format": "CSV"}
GONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
CATALOG = "/feeds/catalog.atom"


def change(dataset, **fields):
    call_action("package_patch", {"ignore_auth": True}, id=dataset["id"], **fields)


def read(app, address=CATALOG):
    answer = app.get(address)
    assert answer.status_code == 200, address
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    assert SECRET not in answer.body
    found = feedparser.parse(answer.data)
    assert not found.bozo
    return found


def ids(found):
    return [entry.id.rsplit("/", 1)[1] for entry in found.entries]


def gone(app, address=CATALOG):
    found = etree.fromstring(app.get(address).data).iter(GONE)
    return [entry.get("ref").rsplit("/", 1)[1] for entry in found]


def test_the_latest_change_comes_first(app, make_dataset):
    first, second = make_dataset(resources=[FILE]), make_dataset(open_type="closed")
    assert ids(read(app)) == [second["id"], first["id"]]
    change(first, notes="另一份说明，十个字以上。")
    found = read(app)
    assert ids(found) == [first["id"], second["id"]]
    entry = found.entries[0]
    assert (entry.title, entry.author) == (first["title"], "哈尔滨市交通运输局")
    assert entry.summary == "另一份说明，十个字以上。"
    assert entry.link == f"{SITE}/dataset/{first['name']}"
    assert app.get(entry.link.removeprefix(SITE)).status_code == 200


def test_an_entry_keeps_its_id_when_the_dataset_gets_another_name(app, make_dataset):
    dataset = make_dataset()
    before = read(app).entries[0].id
    change(dataset, name="another-name")
    (entry,) = read(app).entries
    assert entry.id == before == f"{SITE}/dataset/{dataset['id']}"
    assert entry.link == f"{SITE}/dataset/another-name"


@pytest.mark.parametrize(
    "closing", [{"private": True}, {"state": "deleted"}, {"withdrawn_on": "2026-11-01"}]
)
def test_what_is_public_no_more_is_told_to_be_gone(app, make_dataset, closing):
    dataset, other = make_dataset(title="不再公开的标题"), make_dataset()
    assert gone(app) == []
    change(dataset, **closing)
    assert gone(app) == [dataset["id"]]
    assert ids(read(app)) == [other["id"]]
    assert "不再公开的标题" not in app.get(CATALOG).body


def test_what_never_was_public_is_not_told(app, make_dataset):
    dataset = make_dataset(private=True)
    assert dataset["id"] not in app.get(CATALOG).body


def test_pages_lead_through_all_of_it_once(app, make_dataset, monkeypatch):
    monkeypatch.setattr(atom, "ENTRIES", 2)
    made = [make_dataset()["id"] for _number in range(5)]
    found, address, pages = [], CATALOG, 0
    while address:
        page = read(app, address)
        links = {link.rel: link.href for link in page.feed.links}
        assert links["first"] == SITE + CATALOG
        assert links["self"] == SITE + address
        assert page.feed.id == SITE + CATALOG
        found += ids(page)
        address, pages = links.get("next", "").removeprefix(SITE), pages + 1
    assert (found, pages) == (made[::-1], 3)


def test_of_a_city_and_of_an_agency(app, make_dataset):
    other = factories.Organization(name="daqing-tjj", title="大庆市统计局", level="agency")
    below = factories.Organization(
        name="harbin-gjgs",
        title="哈尔滨市公交公司",
        level="agency",
        groups=[{"name": "harbin-jtysj"}],
    )
    harbin = make_dataset(region_code="230102")
    daqing = make_dataset(region_code="230600", owner_org=other["id"])
    lines = make_dataset(region_code="", owner_org=below["id"])
    assert ids(read(app, "/feeds/city/230100.atom")) == [harbin["id"]]
    assert ids(read(app, "/feeds/city/230102.atom")) == [harbin["id"]]  # a district: its city
    assert ids(read(app, "/feeds/city/230600.atom")) == [daqing["id"]]
    assert ids(read(app, "/feeds/agency/daqing-tjj.atom")) == [daqing["id"]]
    # An agency with all that is below it.
    assert ids(read(app, "/feeds/agency/harbin-jtysj.atom")) == [lines["id"], harbin["id"]]
    assert ids(read(app, "/feeds/agency/harbin-gjgs.atom")) == [lines["id"]]
    assert "大庆市统计局" in read(app, "/feeds/agency/daqing-tjj.atom").feed.title


def test_what_has_left_a_city_or_an_agency_is_gone_from_its_feed_until_it_returns(
    app, make_dataset
):
    other = factories.Organization(name="daqing-tjj", title="大庆市统计局", level="agency")
    dataset = make_dataset(region_code="230102", title="搬走的数据集")
    old = ["/feeds/city/230100.atom", "/feeds/agency/harbin-jtysj.atom"]
    new = ["/feeds/city/230600.atom", "/feeds/agency/daqing-tjj.atom"]
    assert [ids(read(app, each)) for each in old] == [[dataset["id"]]] * 2
    home = {"owner_org": dataset["owner_org"], "region_code": "230102"}
    for place, left, joined in (
        ({"owner_org": other["id"], "region_code": "230600"}, old, new),
        (home, new, old),
    ):
        change(dataset, **place)
        for address in left:
            assert gone(app, address) == [dataset["id"]]
            assert ids(read(app, address)) == []
            assert "搬走的数据集" not in app.get(address).body
        for address in joined:
            assert gone(app, address) == []
            assert ids(read(app, address)) == [dataset["id"]]
        assert gone(app) == []


def test_what_has_left_stands_in_its_place_of_the_pages(app, make_dataset, monkeypatch):
    monkeypatch.setattr(atom, "ENTRIES", 1)
    first, left, last = make_dataset(), make_dataset(), make_dataset()
    other = factories.Organization(name="daqing-tjj", title="大庆市统计局", level="agency")
    read(app)
    change(first, notes="另一份说明，十个字以上。")
    read(app)
    change(left, owner_org=other["id"])
    read(app)
    change(last, notes="另一份说明，十个字以上。")
    address, found = "/feeds/agency/harbin-jtysj.atom", []
    while address:
        page = read(app, address)
        found += ids(page) + gone(app, address)
        links = {link.rel: link.href for link in page.feed.links}
        address = links.get("next", "").removeprefix(SITE)
    assert found == [last["id"], left["id"], first["id"]]


@pytest.mark.parametrize(
    "address",
    ["/feeds/custom.atom?q=%00", "/feeds/custom.atom?page=99999999999999999999",
     "/feeds/tag/公交.atom", "/feeds/group/x.atom?page=x"],
)  # fmt: skip
@pytest.mark.parametrize("locale", ["", "/en"])
def test_stock_feeds_of_a_part_lead_to_the_whole(app, agency, address, locale):
    answer = app.get(f"{locale}{address}", follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["Location"].removeprefix(SITE) == f"{locale}{CATALOG}"


def test_whatever_an_agency_is_called_its_feed_is_there(app, agency):
    """As it may stand in the database from elsewhere: CKAN's own actions clean it."""
    model.Session.get(model.Group, agency["id"]).title = "交通\x01\x0b局"
    model.repo.commit_and_remove()
    assert "交通局" in read(app, "/feeds/agency/harbin-jtysj.atom").feed.title


def test_the_title_says_its_language(app, agency):
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    for address, language in ((CATALOG, "zh"), (f"/en{CATALOG}", "en")):
        root = etree.fromstring(app.get(address).data)
        assert root.find("{*}title").get(lang) == language


def test_stock_addresses_lead_to_the_same(app, make_dataset):
    make_dataset()
    for ours, stock in ((CATALOG, "/feeds/dataset.atom"),
                        ("/feeds/agency/harbin-jtysj.atom",
                         "/feeds/organization/harbin-jtysj.atom")):  # fmt: skip
        assert app.get(stock).data == app.get(ours).data


def test_who_has_it_already_gets_nothing_until_something_changes(app, make_dataset):
    dataset = make_dataset()
    headers = {"If-None-Match": app.get(CATALOG).headers["ETag"]}
    assert app.get(CATALOG, headers=headers).status_code == 304
    change(dataset, private=True)
    assert app.get(CATALOG, headers=headers).status_code == 200


@pytest.mark.parametrize("words", ["x", "1", "1-x", "-1-1", "9" * 30 + "-1", "%00", "1-1%27"])
def test_a_place_that_is_none_is_refused_in_chinese(app, agency, words):
    answer = app.get(f"{CATALOG}?before={words}")
    assert answer.status_code == 400
    found = answer.json
    assert found["error"]["__type"] == "Validation Error"
    assert found["error"]["before"] == ["参数值无法识别"]


@pytest.mark.parametrize(
    "address",
    ["/feeds/city/999999.atom", "/feeds/agency/nobody.atom", "/feeds/agency/%00.atom",
     "/feeds/organization/nobody.atom"],
)  # fmt: skip
def test_there_is_no_such_feed(app, agency, address):
    answer = app.get(address)
    assert answer.status_code == 404
    assert answer.json["success"] is False
    assert answer.json["error"]["__type"] == "Not Found Error"


def test_a_city_that_cannot_be_read_is_refused(app, agency):
    answer = app.get("/feeds/city/x.atom")
    assert answer.status_code == 400
    assert "city" in answer.json["error"]


def test_readers_of_english_pages_get_addresses_of_english_pages(app, make_dataset):
    """But the same ids: it is the same dataset."""
    dataset = make_dataset()
    (entry,) = read(app, f"/en{CATALOG}").entries
    assert entry.link == f"{SITE}/en/dataset/{dataset['name']}"
    assert entry.id == f"{SITE}/dataset/{dataset['id']}"
