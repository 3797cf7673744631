"""Sources in HTML, XML, CKAN's API and RDF, each read over HTTP and written to the real portal:
what is open is shown, what is not keeps its address to itself, a second run changes nothing.
"""

import json
from dataclasses import replace

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.ingest import engine, sources
from ckanext.hljshare.ingest.fetch import Fetcher, parse_networks
from ckanext.hljshare.ingest.model import LedgerEntry
from ckanext.hljshare.ingest.record import made
from harvesters import mapping
from harvesters.catalog_sheet import CatalogSheetHarvester
from harvesters.ckan_portal import CkanPortal, CkanPortalHarvester
from harvesters.dcat_feed import DcatFeed, DcatFeedHarvester
from harvesters.oportal import Oportal, OportalHarvester
from harvesters.xml_feed import XmlFeed, XmlFeedHarvester
from tests.sources import ckan_api, dcat, oportal, xml_catalog
from tests.sources.server import serve

LOOPBACK = "127.0.0.0/8"


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, monkeypatch):
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", LOOPBACK)


@pytest.fixture
def city():
    """Harbin and the agency the sources name."""
    factories.Organization(
        name="harbin",
        title="哈尔滨市",
        level="city",
        region_code="230100",
        contact_phone="0451-12345",
    )
    return factories.Organization(
        name="harbin-jtysj", title="哈尔滨市交通运输局", level="agency", parent="harbin"
    )


@pytest.fixture
def run(city):
    """Return a function that runs an adapter as the source `demo`; gives what became of it."""

    def run(adapter, mapped):
        row = sources.find("demo") or sources.create(
            "demo", "catalog_sheet", "http://source.example.cn/", city_id(), None
        )
        source = CatalogSheetHarvester().source(row, mapped)
        told = engine.run(source, adapter)
        return {name: value for name, value in told.items() if value and name in OUTCOMES}

    def city_id():
        return sources.organization("harbin")

    return run


OUTCOMES = ("created", "updated", "unchanged", "held", "withdrawn", "rejected", "stopped")
FETCHER = Fetcher(parse_networks(LOOPBACK), first_wait=0.01)
OPEN, CLOSED = dcat.EU + "access-right/PUBLIC", dcat.EU + "access-right/NON_PUBLIC"


def _mapped(words, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text(words, encoding="utf-8")
    return mapping.load_file(path)


def of_kind(kind, closed, tmp_path):
    """Server, adapter, path and mapping of a kind; all datasets open, or none."""
    if kind == "oportal":
        level = "不予开放" if closed else "无条件开放"
        return oportal.Portal(["1", "2"], level=level), Oportal, "/oportal", mapping.load("harbin")
    if kind == "xml_feed":
        service = xml_catalog.Service(["1", "2"], level="1" if closed else "0")
        return service, XmlFeed, "/service", _mapped(xml_catalog.MAPPING, tmp_path)
    if kind == "ckan_portal":
        level = "closed" if closed else "open"
        rows = [ckan_api.own(number, open_type=level, resource_code="") for number in (1, 2)]
        for row in rows:
            row["title"] += row["id"][7]
        return ckan_api.Portal(rows), CkanPortal, "", mapping.load()
    feed = dcat.Feed(["1", "2"], level=CLOSED if closed else OPEN)
    return feed, DcatFeed, "/catalog", replace(mapping.load(), site="某市 DCAT 目录")


KINDS = ("oportal", "xml_feed", "ckan_portal", "dcat_feed")


@pytest.mark.parametrize("kind", KINDS)
def test_an_open_catalog_is_shown_and_a_second_run_changes_nothing(kind, run, city, tmp_path):
    server, adapter, path, mapped = of_kind(kind, False, tmp_path)
    with serve(server) as site:
        assert run(adapter(site.url + path, mapped, FETCHER), mapped) == {"created": 2}
        assert run(adapter(site.url + path, mapped, FETCHER), mapped) == {"unchanged": 2}
    found = call_action("package_search", q="*:*")
    assert found["count"] == 2
    made = call_action("package_show", id=found["results"][0]["id"])
    assert (made["owner_org"], made["open_type"], made["supply_channel"]) == (
        city["id"],
        "open",
        "harvest",
    )
    assert made["resources"]


@pytest.mark.parametrize("kind", KINDS)
def test_addresses_of_what_is_not_open_are_nowhere(kind, run, tmp_path):
    server, adapter, path, mapped = of_kind(kind, True, tmp_path)
    with serve(server) as site:
        told = run(adapter(site.url + path, mapped, FETCHER), mapped)
        assert sum(told.get(name, 0) for name in ("created", "held")) == 2
        files = [
            resource.url
            for record in map(made, adapter(site.url + path, mapped, FETCHER).records())
            for resource in record.resources
        ]
    assert files
    shown = json.dumps(
        [
            call_action("package_show", id=entry.package_id, context={"ignore_auth": True})
            for entry in model.Session.scalars(sa.select(LedgerEntry))
        ]
    )
    kept = json.dumps(
        [[entry.record, entry.staged] for entry in model.Session.scalars(sa.select(LedgerEntry))]
    )
    for url in files:
        assert url not in shown
        assert url not in kept


@pytest.mark.parametrize(
    ("harvester", "server", "path"),
    [
        (CkanPortalHarvester, ckan_api.Portal([ckan_api.own(1)]), ""),
        (DcatFeedHarvester, dcat.Feed(["1"]), "/catalog"),
    ],
)
def test_what_came_from_this_portal_is_not_taken_back(harvester, server, path, monkeypatch):
    with serve(server) as site:
        adapter, _mapping = harvester().open(site.url + path, None)
        assert len(list(adapter.records())) == 1
        monkeypatch.setitem(tk.config, "ckan.site_url", site.url)
        server.site = site.url
        adapter, _mapping = harvester().open(site.url + path, None)
        assert list(adapter.records()) == []


@pytest.mark.parametrize(
    ("harvester", "kind"),
    [
        (OportalHarvester, "oportal"),
        (XmlFeedHarvester, "xml_feed"),
        (CkanPortalHarvester, "ckan_portal"),
        (DcatFeedHarvester, "dcat_feed"),
    ],
)
def test_every_kind_introduces_itself(harvester, kind):
    told = harvester().info()
    assert told["name"] == kind
    assert told["title"]
    assert told["description"]
