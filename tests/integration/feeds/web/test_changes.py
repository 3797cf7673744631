"""Feeds of changes, as feed readers follow them."""

from __future__ import annotations

import feedparser
import pytest
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
    harbin = make_dataset(region_code="230102")
    daqing = make_dataset(region_code="230600", owner_org=other["id"])
    assert ids(read(app, "/feeds/city/230100.atom")) == [harbin["id"]]
    assert ids(read(app, "/feeds/city/230600.atom")) == [daqing["id"]]
    assert ids(read(app, "/feeds/agency/daqing-tjj.atom")) == [daqing["id"]]
    assert ids(read(app, "/feeds/agency/harbin-jtysj.atom")) == [harbin["id"]]
    assert "大庆市统计局" in read(app, "/feeds/agency/daqing-tjj.atom").feed.title


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
    assert "before" in answer.body


@pytest.mark.parametrize(
    "address",
    ["/feeds/city/999999.atom", "/feeds/city/x.atom", "/feeds/agency/nobody.atom",
     "/feeds/agency/%00.atom", "/feeds/organization/nobody.atom"],
)  # fmt: skip
def test_there_is_no_such_feed(app, agency, address):
    assert app.get(address).status_code == 404


def test_readers_of_english_pages_get_addresses_of_english_pages(app, make_dataset):
    """But the same ids: it is the same dataset."""
    dataset = make_dataset()
    (entry,) = read(app, f"/en{CATALOG}").entries
    assert entry.link == f"{SITE}/en/dataset/{dataset['name']}"
    assert entry.id == f"{SITE}/dataset/{dataset['id']}"
