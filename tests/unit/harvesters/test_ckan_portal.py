"""Another CKAN: pages of its API, our own kind of portal whole, other kinds by their mapping."""

from dataclasses import replace

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, parse_networks
from ckanext.hljshare.ingest.record import made
from harvesters import mapping
from harvesters.ckan_portal import CkanPortal, is_below
from tests.sources.ckan_api import Portal, own, stock
from tests.sources.server import Reply, serve

FETCHER = Fetcher(parse_networks("127.0.0.0/8"), first_wait=0.01)


def which(**feed):
    return replace(mapping.load(), feed=feed)


def read(portal, mapped=None, own_site="", path=""):
    with serve(portal) as site:
        adapter = CkanPortal(site.url + path, mapped or which(), FETCHER, own_site=own_site)
        return [made(item) for item in adapter.records()], adapter, site


def test_a_portal_of_our_own_kind_comes_over_whole():
    record = read(Portal([own(1)]))[0][0]
    given = own(1)
    assert (record.title, record.provider, record.held) == ("道路信息1", "交通运输局", None)
    assert record.tags == ("道路", "长度")
    for name in (
        *("open_type", "open_condition", "open_basis", "share_type", "share_condition"),
        *("share_mode", "update_cycle", "theme", "industry", "format_class", "format_type"),
        *("region_code", "resource_code", "contact_name", "contact_phone", "items", "released"),
        *("contains_personal_information", "secrecy_review", "data_updated"),
    ):
        assert record.fields[name] == given[name], name
    assert record.fields["supply_channel"] == "harvest"  # to us
    assert "desensitize_note" not in record.fields
    file = record.resources[0]
    assert (file.native_id, file.name, file.format, file.size, file.url) == (
        "r1", "道路.csv", "CSV", 2048, "https://data.example.cn/1.csv",
    )  # fmt: skip
    assert file.modified.startswith("2024-06-30")


@pytest.mark.parametrize("share_type", ["unconditional", "conditional", "none"])
@pytest.mark.parametrize("open_type", ["on_request", "closed"])
def test_both_axes_come_over_as_they_are(share_type, open_type):
    given = own(1, share_type=share_type, open_type=open_type, share_basis="《密码法》第三条")
    fields = read(Portal([given]))[0][0].fields
    assert (fields["share_type"], fields["open_type"]) == (share_type, open_type)
    assert fields["share_basis"] == "《密码法》第三条"


def test_codes_our_lists_do_not_know_stay_behind():
    items = ["x", {"name": ""}, {"name": "甲", "sensitivity": "9", "data_type": []}]
    odd = own(1, region_code="110000", theme="space", share_mode="pigeon", items=items)
    record = read(Portal([odd]))[0][0]
    assert {"region_code", "theme", "share_mode"}.isdisjoint(record.fields)
    assert "theme-unknown: space" in record.warnings
    assert record.fields["items"] == [{"name": "甲"}]


def test_a_resource_code_that_repeats_stays_with_the_first():
    found = read(Portal([own(1), own(2), own(3, resource_code="3070230100012/000003")]))[0]
    assert [record.fields.get("resource_code", "")[-1:] for record in found] == ["1", "", "3"]
    assert "code-repeated: 3070230100012/000001" in found[1].warnings


@pytest.mark.parametrize(
    ("given", "licence"),
    [
        ({"license_id": "cc-by"}, None),
        ({"license_id": "CC-BY-4.0"}, "CC-BY-4.0"),
        ({"license_url": "http://creativecommons.org/licenses/by/4.0/"}, "CC-BY-4.0"),
        ({"license_id": None, "license_url": "https://evil.example/cc0"}, None),
    ],
)
def test_only_licences_we_know_come_over(given, licence):
    record = read(Portal([stock(1, **given)]))[0][0]
    assert record.fields.get("license_id") == licence


@pytest.mark.parametrize("value", ["1", "OPEN_TO_ALL", None, "", 7, ["open"]])
def test_an_opening_level_nobody_explained_is_held(value):
    record = read(Portal([own(1, open_type=value)]))[0][0]
    assert record.held
    assert "open_type" not in record.fields


def test_columns_that_identify_people_hold_an_open_dataset_of_our_own_kind_too():
    open_one = own(1, open_type="open", items=[{"name": "姓名"}, {"name": "身份证号"}])
    assert read(Portal([open_one]))[0][0].held.startswith("personal-data-columns")


def test_another_ckan_by_its_extras_and_groups():
    extras = [{"key": "更新周期", "value": "每月"}, {"key": "开放属性", "value": "普遍开放"}]
    record = read(Portal([stock(1, extras=extras, url="https://data.example.cn/p/1")]))[0][0]
    assert record.held is None
    fields = record.fields
    assert (fields["open_type"], fields["update_cycle"], fields["theme"]) == (
        "open", "monthly", "transport",
    )  # fmt: skip
    assert (fields["released"], fields["data_updated"]) == ("2023-05-01", "2024-06-30")
    assert fields["source_url"] == "https://data.example.cn/p/1"
    assert fields["contact_name"] == "数据科"


def test_an_open_licence_is_no_opening_level():
    assert read(Portal([stock(1, isopen=True)]))[0][0].held == "opening-missing"


@pytest.mark.parametrize("where", ["field", "extra"])
@pytest.mark.parametrize(
    ("value", "open_type", "held"),
    [
        ("PUB", "open", None),
        ("ASK", "on_request", None),
        ("XXX", None, "opening-unknown: XXX"),
        ("", None, "opening-missing"),
    ],
)
def test_the_level_by_the_field_and_codes_of_the_mapping(where, value, open_type, held):
    mapped = replace(
        which(open_field="level"), codes={"open": {"pub": "open", "ask": "on_request"}}
    )
    given = {"level": value} if where == "field" else {"extras": [{"key": "level", "value": value}]}
    record = read(Portal([stock(1, **given)]), mapped)[0][0]
    assert (record.fields.get("open_type"), record.held) == (open_type, held)


def test_all_open_only_where_an_administrator_vouches_and_never_against_what_is_said():
    portal = Portal([stock(1), stock(2, open_type="不予开放"), stock(3, open_type="7")])
    found = read(portal, which(assume_open=True))[0]
    assert [record.fields.get("open_type") for record in found] == ["open", "closed", None]
    assert found[2].held == "opening-unknown: 7"


def test_private_deleted_withdrawn_and_other_types_are_left_out_and_not_counted():
    portal = Portal(
        [
            stock(1),
            stock(2, private=True),
            stock(3, state="deleted"),
            stock(4, type="harvest"),
            own(5, withdrawn_on="2024-01-01"),
        ]
    )
    found, adapter, _site = read(portal)
    assert (len(found), adapter.total) == (1, 1)
    assert len(read(portal, which(types=["dataset", "harvest"]))[0]) == 2


def test_what_this_portal_published_there_is_not_taken_back():
    here = "https://data.hlj.example.cn/portal"
    portal = Portal(
        [
            own(1),
            own(2, source_url=here + "/dataset/x"),
            stock(3, extras=[{"key": "guid", "value": "http://data.hlj.example.cn:443/portal/7"}]),
            stock(4, url="https://data.hlj.example.cn/other"),
        ]
    )
    found, adapter, _site = read(portal, own_site=here)
    assert [record.native_id[:8] for record in found] == ["00000001", "00000004"]
    assert adapter.total == 2


def test_this_portal_is_no_source_of_its_own():
    with serve(Portal([own(1)])) as site:
        adapter = CkanPortal(site.url, which(), FETCHER, own_site=site.url)
        assert (list(adapter.records()), adapter.total) == ([], 0)


@pytest.mark.parametrize(
    ("url", "site", "same"),
    [
        ("http://a.cn/x", "https://a.cn", False),
        ("https://a.cn/x", "https://a.cn", True),
        ("https://a.cn:443/x", "https://a.cn/", True),
        ("https://a.cn.evil.cn/x", "https://a.cn", False),
        ("https://a.cn@evil.cn/", "https://a.cn", False),
        ("http://127.0.0.1:5001/d", "http://127.0.0.1:5000", False),
        ("http://[", "http://127.0.0.1:5000", False),
        ("/dataset/x", "", False),
    ],
)
def test_an_address_is_of_a_site_by_host_port_and_path(url, site, same):
    assert is_below(url, site) is same


@pytest.mark.parametrize("rows_max", [1000, 7, 1])
def test_pages_of_any_size(rows_max):
    found, adapter, site = read(Portal([stock(n) for n in range(23)], rows_max=rows_max))
    assert len({record.native_id for record in found}) == len(found) == adapter.total == 23
    assert len(site.asked) == -(-23 // rows_max)


def test_a_dataset_that_moves_between_pages_is_caught_in_a_second_round():
    portal = Portal([stock(n) for n in range(10, 30)], rows_max=5)

    def delete_one(start):
        if start == 5 and len(portal.datasets) == 20:
            del portal.datasets[0]  # all that follow move up: number 15 falls between two pages

    portal.on_search = delete_one
    found, adapter, _site = read(portal)
    assert {record.title for record in found} >= {f"道路信息{n}" for n in range(11, 30)}
    assert adapter.total == len(found)


def test_a_count_that_promises_more_does_not_turn_for_ever():
    found, adapter, site = read(Portal([stock(1), stock(2)], count=900))
    assert (len(found), adapter.total) == (2, 900)
    assert len(site.asked) == 2


@pytest.mark.parametrize("status", [400, 404, 409])
def test_a_portal_too_old_to_search_is_asked_one_by_one(status):
    portal = Portal([stock(n) for n in range(3)], no_search=status, broken={"road-1": 403})
    found, adapter, _site = read(portal)
    assert [record.title for record in found] == ["道路信息0", "道路信息2"]
    assert adapter.total == 2


def test_a_portal_that_breaks_in_the_middle_stops_the_run():
    portal = Portal([stock(n) for n in range(3)], no_search=404, broken={"road-1": 500})
    with pytest.raises(SourceError, match="unreachable: HTTP 500"):
        read(portal)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>login</html>",
        b'{"success": false, "error": {"message": "x"}}',
        b'{"success": true, "result": []}',
        b'{"success": true, "result": {"count": 3}}',
        b"[]",
        b'{"error": 1}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_of_a_ckan_says_so(body):
    with serve(lambda request: Reply(body)) as site, pytest.raises(SourceError):
        list(CkanPortal(site.url, which(), FETCHER).records())


@pytest.mark.parametrize("path", ["", "/", "/dataset", "/api/3", "/dataset/?q=%E9%81%93#x"])
def test_the_address_may_be_any_entrance(path):
    assert len(read(Portal([stock(1)]), path=path)[0]) == 1


def test_files_without_a_web_address_stay_behind_and_are_counted():
    rows = [
        {"id": "1", "url": "javascript:alert(1)", "format": "html"},
        {"id": "2", "url": "", "format": "csv"},
        {"id": "3", "url": "_datastore_only_resource", "name": "表"},
        {"id": "4", "url": "/dataset/1/resource/4/download/a.xlsx", "description": "<b>甲</b>"},
        {"id": "5", "url": "https://data.example.cn/x", "state": "deleted"},
    ]
    found, _adapter, site = read(Portal([stock(1, resources=rows)]))
    assert [(file.native_id, file.format) for file in found[0].resources] == [
        ("3", "CSV"),
        ("4", "XLSX"),
    ]
    assert found[0].resources[0].url == site.url + "/datastore/dump/3"
    assert found[0].resources[1].description == "甲"
    assert "files-without-address: 3" in found[0].warnings


@pytest.mark.parametrize(
    ("whole", "file", "kept"),
    [("open", "closed", "closed"), ("closed", "open", None), ("on_request", "x", None)],
)
def test_a_files_own_level_is_never_looser_than_its_datasets(whole, file, kept):
    row = {"id": "1", "url": "https://data.example.cn/1.csv", "open_type": file}
    record = read(Portal([own(1, open_type=whole, resources=[row])]))[0][0]
    assert record.resources[0].open_type == kept
