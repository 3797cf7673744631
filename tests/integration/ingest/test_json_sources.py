"""What broken and hostile JSON portals leave behind: the datasets that could be read, and a line in
the report for each that could not.
"""

from pathlib import Path

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.ingest import engine, jobs, sources
from ckanext.hljshare.ingest.mirror import make_fetcher
from harvesters import mapping
from harvesters.json_api import JsonApi, JsonApiHarvester
from tests.sources import encoded, entries, pinyin, share_tables
from tests.sources.server import Reply, serve

MAPPINGS = Path(__file__).parents[2] / "sources" / "mappings"


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, monkeypatch):
    """Give each test an empty portal that may read from this machine."""
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "127.0.0.0/8")


@pytest.fixture
def run():
    """Return a function that runs a portal's answers as the source of that name."""
    for name, title in (("harbin", "哈尔滨市"), ("heihe", "黑河市")):
        factories.Organization(
            name=name, title=title, level="city", region_code="230100", contact_phone="0451-12345"
        )

    def run(name, shape, portal, path="/", owner="harbin"):
        loaded = mapping.load_file(MAPPINGS / f"{shape}.yaml")
        row = sources.find(name) or sources.create(
            name, "odweb", "http://127.0.0.1:9/" + name, sources.organization(owner), None
        )
        source = jobs.source_of(row, "json_api")
        with serve(portal) as site:
            return engine.run(source, JsonApi(site.url + path, loaded, make_fetcher()))

    return run


def report(name):
    """Lines of the latest run by native id."""
    source = sources.find(name)
    latest = call_action("hljshare_ingest_run_list", source_id=source.id)["results"][0]
    shown = call_action("hljshare_ingest_run_show", id=latest["id"])
    return {entry["native_id"]: entry for entry in shown["entries"]}, shown


def listed(count=4):
    made = entries.entries(count, "307/")
    for entry in made:
        entry.open = "open"
    return made


def count():
    found = model.Session.query(model.Package).filter_by(type="dataset", state="active")
    return found.count()


def test_what_cannot_be_read_has_a_line_and_stops_no_other(run):
    good = listed(4)
    good[1].more = {"gxrq": "0000-00-00", "zyzy": "<script>alert(1)</script><p>说明文字</p>"}
    good[2].more = {"kflx": "77"}
    good[3].more = {"mlmc": "\x00\x1b"}
    portal = pinyin.portal(good, total=6)

    def odd(request):
        answer = portal(request)
        if request.path.endswith("List") and request.json["pageNo"] == 1:
            answer["data"]["rows"] += ["no dataset", {"mlbh": "a%2Fb", "mlmc": None}]
        return answer

    done = run("xuzhou", "pinyin", odd, pinyin.BASE)
    assert done["stopped"] is None
    assert (done["seen"], done["created"], done["held"], done["rejected"]) == (6, 2, 1, 3)
    lines, _shown = report("xuzhou")
    assert "date-unreadable: 0000-00-00" in lines["307/000001"]["reasons"]
    assert "opening-unknown: 77" in lines["307/000002"]["reasons"]
    for bad in ("307/000003", "a%2Fb"):
        assert lines[bad]["outcome"] == "rejected"
        assert lines[bad]["reasons"][0].startswith("invalid: ")
    package = call_action("package_show", id=lines["307/000001"]["package_id"])
    assert package["notes"] == "说明文字"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ('<form><input type="password"></form>', "login-page"),
        ("<html>维护</html>", "not-a-catalog: HTML"),
        ({"code": "500", "message": "系统异常"}, "source-error: code 500 系统异常"),
        ({"code": "200", "data": {"total": 0, "rows": []}}, "empty-list"),
        (Reply(status=302, headers={"Location": "http://169.254.169.254/x"}), "address-refused"),
        (Reply(headers={"Content-Length": str(2 * 1024**3)}), "unreachable: too large"),
        (b"[" * 100_000, "not-a-catalog: nested too deep"),
    ],
)
def test_an_answer_that_is_no_catalog_removes_nothing(run, answer, reason):
    portal = pinyin.portal(listed())
    assert run("xuzhou", "pinyin", portal, pinyin.BASE)["created"] == 4
    done = run("xuzhou", "pinyin", lambda request: answer, pinyin.BASE)
    assert done["stopped"].startswith(reason)
    assert count() == 4
    _lines, shown = report("xuzhou")
    assert shown["stopped"].startswith(reason)
    assert run("xuzhou", "pinyin", portal, pinyin.BASE)["unchanged"] == 4


def test_pages_that_repeat_and_a_second_reading_change_nothing(run):
    seven = entries.entries(7)
    for entry in seven:
        entry.open = "open"
    portal = encoded.fuzhou(seven)
    assert run("fuzhou", "fuzhou", portal)["created"] == 7
    again = run("fuzhou", "fuzhou", portal)
    assert (again["unchanged"], again["updated"], again["created"]) == (7, 0, 0)


def test_the_same_id_in_two_cities_is_two_datasets(run):
    portal = pinyin.portal(listed(2))
    run("xuzhou", "pinyin", portal, pinyin.BASE)
    run("deyang", "pinyin", portal, pinyin.BASE, owner="heihe")
    assert count() == 4
    packages = model.Session.query(model.Package).filter_by(type="dataset")
    names = {package.name for package in packages}
    assert len(names) == 4


def test_a_change_of_status_withdraws_and_brings_back(run):
    catalog, item = share_tables.catalog, share_tables.item
    rows = [catalog(key, f"目录{key}") for key in "abcdef"]
    items = [item(key, f"{key}1", "名称") for key in "abcdef"]
    first = run("share", "share_tables", share_tables.portal(rows, items), "/share/down")
    assert (first["created"], first["stopped"]) == (6, None)
    rows.append(catalog("a", "目录a", "D", when="2025-02-01 00:00:00"))
    done = run("share", "share_tables", share_tables.portal(rows, items), "/share/down")
    assert (done["withdrawn"], done["unchanged"], done["stopped"]) == (1, 5, None)
    rows.append(catalog("a", "目录a", "I", when="2025-02-02 00:00:00"))
    done = run("share", "share_tables", share_tables.portal(rows, items), "/share/down")
    assert (done["updated"], done["unchanged"]) == (1, 5)


def test_details_that_fail_once_take_nothing_from_a_dataset(run):
    portal = pinyin.portal(listed(2))
    run("xuzhou", "pinyin", portal, pinyin.BASE)

    def broken(request):
        fails = request.path.endswith("getMlxx") and "000001" in request.target
        return None if fails else portal(request)

    done = run("xuzhou", "pinyin", broken, pinyin.BASE)
    assert (done["unchanged"], done["updated"]) == (2, 0)
    lines, _shown = report("xuzhou")
    assert "details-unreadable" in lines["307/000001"]["reasons"]
    package = call_action("package_show", id=lines["307/000001"]["package_id"])
    assert [entry["name"] for entry in package["items"]] == ["线路名称", "站点数"]


def test_a_mapping_must_say_how_the_portal_is_asked():
    harvester = JsonApiHarvester()
    assert harvester.info()["name"] == "json_api"
    with pytest.raises(ValueError, match="json: missing"):
        harvester.validate_config('{"mapping": "harbin"}')
    with pytest.raises(ValueError, match="json: missing"):
        harvester.check_mapping("某市", "title: 某市\n")
    harvester.check_mapping("某市", (MAPPINGS / "graphql.yaml").read_text("utf-8"))


def test_a_secret_comes_from_the_settings(monkeypatch):
    """It stands neither in the mapping nor in the source, which more people may read."""
    monkeypatch.setitem(tk.config, "hljshare.ingest.secret.GZ", "s3cret")
    monkeypatch.setitem(tk.config, "hljshare.ingest.secret.GZ.host", "127.0.0.1")
    words = (MAPPINGS / "divisions.yaml").read_text("utf-8")
    words += '  headers: {Authorization: "Bearer ${secret:GZ}"}\n'
    with serve(lambda request: {"total": 0, "data": []}) as site:
        adapter, _mapping = JsonApiHarvester().open(site.url, "{}", body=words)
        assert list(adapter.records()) == []
    assert site.asked[0].headers["Authorization"] == "Bearer s3cret"
