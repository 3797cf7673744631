"""Sitemaps and robots.txt, as a crawler follows them."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser

import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action
from lxml import etree
from protego import Protego

from ckanext.hljshare.feeds.web import sitemap, store

SITE = "http://test.ckan.net"
SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
SECRET = "https://inner.example.gov.cn/secret-7391/file.csv"


def locations(app, address):
    answer = app.get(address)
    assert answer.status_code == 200
    assert answer.content_type == "application/xml; charset=utf-8"
    assert SECRET not in answer.body
    assert "/resource/" not in answer.body
    return etree.fromstring(answer.data).xpath("//s:loc/text()", namespaces=SPACE)


def crawl(app, begin="/sitemap.xml"):
    """By sitemap, the addresses of datasets."""
    found = {}
    for address in locations(app, begin):
        assert address.startswith(f"{SITE}/sitemap-")
        pages = locations(app, address.removeprefix(SITE))
        datasets = [page for page in pages if page.startswith(f"{SITE}/dataset/")]
        names = [page.removeprefix(f"{SITE}/dataset/") for page in datasets]
        found[address] = [name for name in names if name]
    return found


def listed(app):
    return sorted(name for names in crawl(app).values() for name in names)


def change(dataset, **fields):
    call_action("package_patch", {"ignore_auth": True}, id=dataset["id"], **fields)


@pytest.fixture
def shelf(make_dataset):
    """A dataset of each kind."""
    file = {"name": "表", "url": SECRET, "format": "CSV"}
    found = {level: make_dataset(name=level.replace("_", "-"), open_type=level, resources=[file])
             for level in ("open", "on_request", "closed")}  # fmt: skip
    for name, fields in (
        ("private", {"private": True}),
        ("held", {"private": True, "held_reason": "opening-missing"}),
    ):
        found[name] = make_dataset(name=name, resources=[file], **fields)
    for name, fields in (
        ("withdrawn", {"withdrawn_on": "2026-11-01"}),
        ("deleted", {"state": "deleted"}),
    ):
        found[name] = make_dataset(name=name, resources=[file])
        change(found[name], **fields)
    return found


def test_each_public_dataset_stands_in_a_sitemap_once(app, shelf):
    """Of all levels, for the entry is public; never one that is not published, or gone."""
    assert listed(app) == ["closed", "on-request", "open"]


@pytest.mark.parametrize(
    "closing", [{"private": True}, {"state": "deleted"}, {"withdrawn_on": "2026-11-01"}]
)
def test_what_is_public_no_more_is_gone_at_once(app, shelf, closing):
    listed(app)
    change(shelf["open"], **closing)
    assert listed(app) == ["closed", "on-request"]


def test_a_dataset_stays_in_its_sitemap(app, make_dataset, monkeypatch):
    """Whatever becomes of those before it."""
    monkeypatch.setattr(store, "BLOCK", 2)
    made = [make_dataset() for _number in range(7)]
    before = {name: address for address, names in crawl(app).items() for name in names}
    assert sorted(before) == sorted(dataset["name"] for dataset in made)
    assert len(set(before.values())) >= 4
    change(made[1], private=True)
    after = {name: address for address, names in crawl(app).items() for name in names}
    before.pop(made[1]["name"])
    assert after == before


def test_it_says_when_a_page_was_changed(app, shelf):
    (address,) = [address for address, names in crawl(app).items() if names]
    text = app.get(address.removeprefix(SITE)).data
    pages = etree.fromstring(text).xpath("/s:urlset/s:url[s:lastmod]", namespaces=SPACE)
    found = {page[0].text.rsplit("/", 1)[1]: page[1].text for page in pages}
    modified = call_action("package_show", id="open")["metadata_modified"]
    assert found["open"] == f"{modified[:19]}Z"


def test_who_has_it_already_gets_nothing_until_something_changes(app, shelf):
    addresses = ["/sitemap.xml", *(each.removeprefix(SITE) for each in crawl(app))]
    tags = {address: app.get(address).headers["ETag"] for address in addresses}

    def status(address):
        return app.get(address, headers={"If-None-Match": tags[address]}).status_code

    assert {status(address) for address in addresses} == {304}
    change(shelf["closed"], notes="另一份说明，十个字以上。")
    changed = {address for address in addresses if status(address) == 200}
    (numbered,) = [each.removeprefix(SITE) for each, names in crawl(app).items() if names]
    assert changed == {"/sitemap.xml", numbered}


def test_agencies_have_pages(app, shelf):
    factories.Organization(name="daqing-tjj", level="agency")
    assert set(locations(app, "/sitemap-agencies.xml")) == {
        f"{SITE}/organization/harbin-jtysj", f"{SITE}/organization/daqing-tjj",
    }  # fmt: skip


@pytest.mark.parametrize("path", sitemap.FIXED)
def test_fixed_pages_are_there(app, agency, path):
    assert f"{SITE}{path}" in locations(app, "/sitemap-pages.xml")
    assert app.get(path, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("number", ["0", "999", "1000000001", "9" * 40])
def test_there_is_no_other_sitemap(app, agency, number):
    assert app.get(f"/sitemap-{number}.xml").status_code == 404


def test_addresses_are_of_no_language(app, shelf):
    """A dataset's Chinese and English page are one to search engines."""
    assert locations(app, "/en/sitemap.xml") == locations(app, "/sitemap.xml")


class TestRobots:
    """robots.txt, by a reader of RFC 9309, and by Python's own, which knows no wildcards."""

    def new(self, app):
        return Protego.parse(app.get("/robots.txt").body)

    def old(self, app):
        found = RobotFileParser()
        found.parse(app.get("/robots.txt").body.splitlines())
        return found

    @pytest.mark.parametrize(
        "path",
        [
            "/", "/dataset/", "/dataset/bus", "/dataset/new-energy", "/dataset/bus/level",
            "/organization/jtj", "/catalog", "/request", "/request/HLJ-1", "/about/plan", "/city",
            "/api/docs", "/api/docs/openapi.json", "/catalog.ttl", "/dataset/bus.ttl",
            "/feeds/catalog.atom", "/sitemap-1.xml", "/en/dataset/bus", "/en/api/docs",
            "/catalog-list", "/catalog-list.csv",
        ],
    )  # fmt: skip
    def test_pages_and_feeds_are_for_all(self, app, agency, path):
        assert self.new(app).can_fetch(SITE + path, "*")
        assert self.old(app).can_fetch("*", SITE + path)

    @pytest.mark.parametrize(
        "path",
        [
            "/api/3/action/package_search", "/user/login", "/dashboard/datasets", "/desk",
            "/my/notices", "/request/new?dataset=bus", "/dataset/edit/bus", "/share/1",
            "/datastore/dump/1", "/dataset/?hljshare_city=230100", "/dataset?q=x",
            "/dataset/activity/bus", "/collection/1", "/en/user/login", "/en/api/3/action/x",
            "/dataset/new", "/organization/jtj?theme=x", "/dataset/bus/resource/1/data.csv",
            "/request?page=2", "/zh_Hans_CN/desk", "/catalog-list?city=230100",
        ],
    )  # fmt: skip
    def test_what_is_somebodys_or_endless_is_left_out(self, app, agency, path):
        assert not self.new(app).can_fetch(SITE + path, "*")

    def test_it_names_the_sitemaps(self, app, agency):
        assert self.old(app).site_maps() == [f"{SITE}/sitemap.xml"]

    @pytest.mark.ckan_config("ckan.root_path", "/data/{{LANG}}")
    def test_below_a_path_of_the_site(self, app, agency, ckan_config):
        text = app.get("/robots.txt").body
        assert f"Sitemap: {SITE}/data/sitemap.xml" in text
        assert "Disallow: /data/user\n" in text
        assert "Disallow: /data/en/user\n" in text
        assert "Disallow: /user\n" not in text
        assert f"{SITE}/data/dataset/" in app.get("/sitemap-pages.xml").body
