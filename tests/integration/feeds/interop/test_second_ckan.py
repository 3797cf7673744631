"""A stock CKAN beside ours, with ckanext-harvest and ckanext-dcat, takes over what is public: all
of it, again and again without a change, and no word of what is not open."""

from __future__ import annotations

import io
import json
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ckan import model
from ckan.common import config
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage
from werkzeug.serving import make_server

from tests.interop import checks, leaks
from tests.interop.stock_site import StockSite

SHUT = {
    "open_type": "on_request",
    "open_condition": "说明用途",
    "open_basis": [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
    "share_type": "conditional",
    "share_condition": "业务协同",
}
# Begins every word that stands in what is not open, and no other.
SECRET = "zq7"
WORDS = {f"{SECRET}{word}" for word in ("address", "file", "column", "row", "title", "notes")}
# Stands in what is open until it is closed or withdrawn.
ONCE_OPEN = "was-open-once"
PAGE = 4  # datasets: some pages, the last one not full
HELD = ("table package", "table harvest_object", "search index")
REDIS = 40  # and the number of the slot
RUNS = {
    "ckan": ("ckan", ["/", "/"]),
    "dcat": ("dcat_rdf", ["/catalog.ttl", "/catalog.jsonld"]),
}
CONFIG = {"ckan": {"remote_orgs": "create", "remote_groups": "create"}, "dcat": {}}


def site() -> dict[str, Any]:
    """The portal itself, as a command or a job acts."""
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


@pytest.fixture(scope="module")
def stock() -> Iterator[StockSite]:
    """Return the second CKAN, empty at first."""
    ini = Path(os.environ["PORTAL_TEST_INI"])
    slot = int(re.sub(r"\D", "", ini.stem) or 0)
    made = StockSite(ini.parent, f"interop{slot:02d}", REDIS + slot)
    yield made
    made.close()


@pytest.fixture
def served(_portal, monkeypatch) -> Iterator[str]:
    """Serve the portal with small pages; return its address."""
    from ckanext.hljshare.feeds.catalog import pages

    monkeypatch.setattr(pages, "ENTRIES", PAGE)
    server = make_server("127.0.0.1", 0, _portal, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setitem(config, "ckan.site_url", address)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    server.server_close()
    thread.join(10)


def upload(dataset: dict[str, Any], filename: str, column: str, row: str, **fields: Any) -> None:
    """Add a file with a table to a dataset."""
    file = call_action(
        "resource_create",
        site(),
        package_id=dataset["id"],
        name="表",
        format="CSV",
        upload=FileStorage(io.BytesIO(f"{column}\n{row}\n".encode()), filename=filename),
        **fields,
    )
    table = {"fields": [{"id": column, "type": "text"}], "records": [{column: row}]}
    call_action("datastore_create", site(), resource_id=file["id"], force=True, **table)


@pytest.fixture
def catalog(served, make_dataset, request) -> dict[str, dict[str, Any]]:
    """Return datasets of all levels by name; what is not open holds `WORDS`."""
    kind = request.node.callspec.params["kind"]
    made = {}

    def make(name: str, title: str, *files: str, **fields: Any) -> dict[str, Any]:
        resources = [
            {"name": f"线路{number}", "url": address, "format": "CSV"}
            for number, address in enumerate(files, 1)
        ]
        name = f"{kind}-{name}"
        made[name] = make_dataset(name=name, title=title, resources=resources, **fields)
        return made[name]

    secret = "https://zq7address.inner.example.gov.cn/odweb/zq7file.csv"
    once = f"https://{ONCE_OPEN}.example.gov.cn"
    for number, word in enumerate("甲乙丙丁戊己"):
        # Stock makes names from titles, and of Chinese ones nothing is left.
        make(f"open-{number}", f"公交线路{word}", f"https://data.example.cn/{number}.csv")
    make("changed", "公交站点", "https://data.example.cn/a.csv", "https://data.example.cn/b.xlsx")
    make("tightened", "停车场", f"{once}/parking.csv")
    make("withdrawn", "出租汽车", f"{once}/taxis.csv")
    upload(make("table", "公交线路表"), "lines.csv", "线路", "1路")
    make("asked", "公交刷卡记录", secret, **SHUT)
    upload(make("asked-table", "公交刷卡汇总", **SHUT), "zq7file.csv", "zq7column", "zq7row")
    make("closed", "公交监控记录", secret, **{**SHUT, "open_type": "closed"})
    mixed = make("mixed", "公交车辆", "https://data.example.cn/buses.csv")
    upload(mixed, "zq7file.csv", "zq7column", "zq7row", open_type="closed")
    make("private", "公交甲 zq7title", secret, private=True, notes="zq7notes 的说明文字。")
    make("draft", "公交乙 zq7title", secret, state="draft", notes="zq7notes 的说明文字。")
    gone = make("deleted", "公交丙 zq7title", secret, notes="zq7notes 的说明文字。")
    call_action("package_delete", site(), id=gone["id"])
    return made


def public() -> dict[str, str]:
    """Titles of what feeds tell of, by id."""
    model.Session.remove()
    rows = model.Session.query(model.Package).filter_by(
        type="dataset", state="active", private=False
    )
    return {row.id: row.title for row in rows if not row.extras.get("withdrawn_on")}


@pytest.mark.parametrize("kind", list(RUNS))
def test_a_stock_ckan_takes_over_what_is_public_and_nothing_else(
    kind, stock, served, catalog, make_dataset
):
    harvester, paths = RUNS[kind]
    titles = public()
    assert len(titles) == 14
    before: dict[str, Any] = {}
    for path in paths:
        run = stock.harvest(kind, harvester, f"{served}{path}", **CONFIG[kind])
        assert checks.errors(run) == []
        found = stock.datasets(kind)
        assert checks.titles(titles, found) == []
        assert before == {} or checks.changes(before, found) == []
        before = found
    everything = list(stock.everything())
    # What is public is found in each of its places, so what is not found is not there.
    assert {f"{where}: 公交车辆" for where in HELD} <= set(leaks.find(everything, {"公交车辆"}))
    assert leaks.find(everything, WORDS) == []
    assert not [where for where, text in everything if SECRET in text]

    for dataset_id, told in _by_our_id(kind, found).items():
        # Addresses are real where the content is open, and the portal's own gate where not.
        for file in told["resources"]:
            shut = titles[dataset_id] in ("公交刷卡记录", "公交刷卡汇总", "公交监控记录")
            assert not shut or file["url"].startswith(served)
        if kind == "ckan":
            assert told["organization"]["title"] == "哈尔滨市交通运输局"

    _change(kind, catalog)
    make_dataset(name=f"{kind}-new", title="公交专用道", resources=[])
    run = stock.harvest(kind, harvester, f"{served}{paths[0]}", **CONFIG[kind])
    assert checks.errors(run) == []
    found = stock.datasets(kind)
    after = public()
    assert len(after) == len(titles)  # one withdrawn, one new
    if kind == "ckan":  # stock's CKAN harvester deletes nothing
        withdrawn = catalog["ckan-withdrawn"]["id"]
        found = {key: value for key, value in found.items() if key != withdrawn}
    assert checks.titles(after, found) == []
    assert ONCE_OPEN not in json.dumps(found)


def _by_our_id(kind: str, found: dict[str, Any]) -> dict[str, Any]:
    if kind == "ckan":
        return found
    by_id = {}
    for dataset in found.values():
        extras = {item["key"]: item["value"] for item in dataset["extras"]}
        by_id[extras["guid"].rsplit("/", 1)[1]] = dataset
    return by_id


def _change(kind: str, catalog: dict[str, Any]) -> None:
    for name, fields in (
        ("changed", {"title": "公交站点（新）"}),
        ("tightened", SHUT),
        ("withdrawn", {"withdrawn_on": "2026-11-01"}),
    ):
        call_action("package_patch", site(), id=catalog[f"{kind}-{name}"]["id"], **fields)


def test_the_second_ckan_has_nothing_of_ours(stock):
    assert stock.do("plugins") == ["dcat", "harvest", "ckan_harvester", "dcat_rdf_harvester"]
    rows = [text for where, text in stock.everything() if where == "table alembic_version"]
    assert "hljshare" not in json.dumps(rows)
