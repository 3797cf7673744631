"""Inspur's oPortal: lists and details in HTML as Harbin skins them, files in JSON."""

from dataclasses import replace

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from ckanext.hljshare.ingest.record import PARTIAL
from harvesters import mapping
from harvesters.oportal import Oportal
from tests.sources.oportal import LOGIN, Portal
from tests.sources.server import Reply, serve

FETCHER = Fetcher(parse_networks("127.0.0.0/8"), first_wait=0.01)


def read(portal, which=None, path="/oportal"):
    with serve(portal) as site:
        adapter = Oportal(site.url + path, which or mapping.load("harbin"), FETCHER)
        return list(adapter.records()), adapter, site


def html(**words):
    return replace(mapping.load("harbin"), html=words)


def test_a_record_has_what_the_page_and_the_files_say():
    found, adapter, site = read(Portal(["8a8 1/甲"[:3]]))
    record = found[0]
    assert (record.native_id, record.title, record.provider) == (
        "8a8", "松北市公交线路8a8", "交通运输局",
    )  # fmt: skip
    assert record.held is None
    fields = record.fields
    assert (fields["open_type"], fields["theme"], fields["industry"]) == ("open", "transport", "J")
    assert (fields["update_cycle"], fields["released"], fields["data_updated"]) == (
        "annual", "2018-03-01", "2024-06-30",
    )  # fmt: skip
    assert fields["contact_phone"] == "0451-84601234"  # not the operator's in the frame
    assert (fields["notes"], record.tags) == ("公交线路", ("公交", "线路"))
    assert fields["items"] == [{"name": "线路名称", "data_type": "C", "length": 50}]
    assert fields["source_url"] == f"{site.url}/oportal/catalog/8a8"
    file = record.resources[0]
    assert (file.native_id, file.name, file.format, file.size) == (
        "8a8-0", "公交0.csv", "CSV", 2048,
    )  # fmt: skip
    assert file.url.startswith(f"{site.url}/oportal/catalog/download?cataId=8a8&cataName=%E6%9D%BE")
    assert file.url.endswith("&idInRc=8a8-0")
    assert adapter.total == 1


@pytest.mark.parametrize(
    "path", ["/oportal", "/oportal/", "/oportal/index", "/oportal/catalog/index?page=3"]
)
def test_the_address_may_be_any_of_the_portals_entrances(path):
    assert len(read(Portal(["a", "b"]), path=path)[0]) == 2


def test_the_list_ends_at_its_total():
    ids = [f"id{number:04}" for number in range(45)]
    found, adapter, site = read(Portal(ids, size=20), html(files=""))
    assert [record.native_id for record in found] == ids
    assert adapter.total == 45
    assert site.paths().count("/oportal/catalog/index") == 3


@pytest.mark.parametrize("repeats", [True, False])
def test_a_total_that_is_never_reached_does_not_turn_for_ever(repeats):
    found, adapter, site = read(Portal(["a", "b", "c"], total="1,234", repeats=repeats))
    assert (len(found), adapter.total) == (3, 1234)
    assert site.paths().count("/oportal/catalog/index") < 6


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_pages_of_any_encoding(encoding):
    found, _adapter, _site = read(Portal(["a"], encoding=encoding))
    assert found[0].provider == "交通运输局"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (LOGIN, "login-page"),
        ("<html><title>统一身份认证</title><h1>欢迎</h1></html>", "login-page"),
        ("<html><title>error</title><h1>系统繁忙</h1></html>", "not-a-catalog"),
        (Reply(b'{"code":500}'), "not-a-catalog"),
        (Reply(b""), "not-a-catalog"),
        (Reply("<div class=cata-title>".encode("utf-16-le")[1:]), "not-a-catalog"),
    ],
)
def test_an_error_or_login_page_with_status_200_is_not_an_empty_catalog(answer, reason):
    with serve(lambda request: answer) as site, pytest.raises(SourceError, match=reason):
        list(Oportal(site.url + "/oportal", mapping.load("harbin"), FETCHER).records())


def test_a_session_that_ends_in_the_middle_stops_the_run():
    portal = Portal([f"id{number}" for number in range(30)], lists_fail_after=2)
    with serve(portal) as site:
        records = Oportal(site.url + "/oportal", html(files=""), FETCHER).records()
        with pytest.raises(SourceError, match="login-page"):
            list(records)


def test_an_empty_catalog_is_read_as_one():
    found, adapter, _site = read(Portal([]))
    assert (found, adapter.total) == ([], 0)


def test_one_dataset_without_its_page_stops_no_other_and_is_marked():
    found, _adapter, _site = read(Portal(["a", "b", "c"], broken={"b"}))
    assert [PARTIAL in record.warnings for record in found] == [False, True, False]
    assert found[1].title == "松北市公交线路b"  # the list has it
    assert found[1].held == "opening-missing"


def test_files_that_cannot_be_listed_are_marked():
    found, _adapter, _site = read(Portal(["a", "b"], files_status=500))
    assert all(PARTIAL in record.warnings for record in found)


def test_an_installation_without_the_list_of_files_is_taken_as_it_is():
    found, _adapter, site = read(Portal(["a", "b"], files_status=404))
    assert all(PARTIAL not in record.warnings for record in found)
    assert site.paths().count("/oportal/catalog/getResourceWithFormat") == 1


def test_all_pages_of_the_files():
    found, _adapter, site = read(Portal(["a"], files=230))
    assert len({file.native_id for file in found[0].resources}) == 230
    assert site.paths().count("/oportal/catalog/getResourceWithFormat") == 3


def test_files_that_stand_on_the_page_itself():
    found, _adapter, site = read(Portal(["a"], files_on_page=True))
    assert [(file.native_id, file.name) for file in found[0].resources] == [("p1", "站点.csv")]
    assert "/oportal/catalog/getResourceWithFormat" not in site.paths()


@pytest.mark.parametrize(
    ("level", "open_type", "held"),
    [
        ("有条件开放", "on_request", None),
        ("不予开放", "closed", None),
        ("登录开放", None, "opening-missing"),
        ("", None, "opening-missing"),
    ],
)
def test_the_level_stands_under_the_word_condition_and_is_never_guessed(level, open_type, held):
    record = read(Portal(["a"], level=level))[0][0]
    assert (record.fields.get("open_type"), record.held) == (open_type, held)


def test_scripts_and_markup_of_a_page_do_not_come_along():
    words = "公交<script>alert(1)</script>线路<b onclick=x>表</b>&lt;img src=x onerror=y&gt;"
    portal = Portal(["a"], notes=words)
    notes = read(portal)[0][0].fields["notes"]
    assert "script" not in notes
    assert "alert" not in notes
    assert "onerror" not in notes
    assert notes.startswith("公交线路表")


def test_ids_with_slashes_and_quotes_stay_whole_in_addresses():
    def portal(request):
        inner = Portal(["x"])
        if request.path.endswith("index"):
            return (
                "<div class='top-title'><span>1</span></div><div class='cata-title'>"
                "<a href='/oportal/catalog/detail?cataId=307%2F1%26x%3D%22'>甲</a></div>"
            )
        return (
            inner(request)
            if "getResource" in request.path
            else Reply(
                inner._detail("x").replace('value="x"', 'value="307/1&amp;x=&quot;"').encode()
            )
        )

    record = read(portal)[0][0]
    assert record.native_id == '307/1&x="'
    assert "cataId=307%2F1%26x%3D%22&" in record.resources[0].url


def test_links_to_other_hosts_are_asked_of_the_source_itself():
    """A raw address and port serve pages that name the city's domain, or an attacker's."""
    inner = Portal(["a"])

    def portal(request):
        answer = inner(request)
        if request.path.endswith("index"):
            return answer.body.decode().replace('href="/', 'href="http://evil.example/')
        return answer

    record = read(portal)[0][0]
    assert record.fields["open_type"] == "open"
    assert record.fields["source_url"].startswith("http://127.0.0.1:")


def test_a_skinned_site_is_described_by_its_mapping():
    def portal(request):
        if request.path == "/data/list/0":
            return "<h1>总数 <i id=n>1</i></h1><a class=x href='/data/show/7'>甲信息</a>"
        if request.path == "/data/show/7":
            return (
                "<h2 class='t big'>甲信息</h2><dl><dt>数源</dt><dd>统计局</dd>"
                "<dt><p>开放等级</p></dt><dd><p>无条件开放</p></dd></dl><p id=s>人口数</p>"
            )
        return None

    skin = html(
        list="list/{page}", first=0, links="//a[has-class('x')]", total="//i[@id='n']",
        title="//h2[has-class('t')]", labels={"数源": "provider"}, fields={"notes": "//p[@id='s']"},
        files="",
    )  # fmt: skip
    record = read(portal, skin, "/data")[0][0]
    assert (record.native_id, record.title, record.provider) == ("7", "甲信息", "统计局")
    assert (record.fields["open_type"], record.fields["notes"]) == ("open", "人口数")


def test_a_wrong_expression_is_the_mappings_fault():
    with pytest.raises(mapping.MappingError, match="html"):
        Oportal("http://x/oportal", html(links="//a["), FETCHER)


def test_a_page_of_a_million_nested_elements_is_survived():
    deep = "<div>" * 1_000_000
    with serve(lambda request: deep) as site, pytest.raises(SourceError):
        list(Oportal(site.url + "/oportal", mapping.load("harbin"), FETCHER).records())
