"""JSON portals of every shape, read over the network by mapping alone: no maker has code here."""

import json
from datetime import date
from pathlib import Path

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, UnchangedError, parse_networks
from ckanext.hljshare.ingest.record import PARTIAL
from harvesters import mapping
from harvesters.json_api import JsonApi
from tests.sources import (
    divisions,
    encoded,
    entries,
    graphql,
    pinyin,
    share_tables,
    static_list,
)
from tests.sources.server import serve

MAPPINGS = Path(__file__).parents[2] / "sources" / "mappings"
TODAY = date(2026, 3, 1)


def adapter(site, name, path="/", **more):
    """The adapter of a loopback portal."""
    fetcher = Fetcher(allowed=parse_networks(f"127.0.0.1:{site.port}"), first_wait=0.01)
    return JsonApi(
        site.url + path, mapping.load_file(MAPPINGS / f"{name}.yaml"), fetcher, TODAY, **more
    )


def read(portal, name, path="/"):
    """All records, by id, and the total."""
    with serve(portal) as site:
        source = adapter(site, name, path)
        found = list(source.records())
    assert len({record.native_id for record in found}) == len(found)
    return {record.native_id: record for record in found}, source.total


def test_pinyin_codes_mean_what_the_mapping_says():
    listed = entries.entries(12, "3070510600/")
    found, total = read(pinyin.portal(listed), "pinyin", pinyin.BASE)
    assert total == len(found) == 12
    assert [found[e.id].fields["open_type"] for e in listed] == [e.open for e in listed]
    first = found["3070510600/000000"]
    assert first.title == "公交线路1"
    assert first.provider == "市交通运输局"
    assert first.fields["update_cycle"] == "monthly"
    assert (first.fields["released"], first.fields["data_updated"]) == ("2023-06-01", "2023-06-15")
    assert first.fields["format_type"] == "XLS"
    assert first.fields["contact_phone"] == "0451-84601234"
    assert first.tags == ("公交", "线路")
    assert first.fields["items"] == [
        {"name": "线路名称", "data_type": "C", "length": 50},
        {"name": "站点数", "data_type": "N", "length": 50},
    ]


def test_ids_with_slashes_percent_signs_and_control_characters_stay_apart():
    listed = [
        entries.Entry(name, f"甲{number}", files=(f"{number}.csv",))
        for number, name in enumerate(["a/b", "a%2Fb", "a\x00\x1bb", "a b", "甲&乙=1"])
    ]
    with serve(pinyin.portal(listed)) as site:
        source = adapter(site, "pinyin", pinyin.BASE)
        found = {record.native_id: record for record in source.records()}
        assert set(found) == {"a/b", "a%2Fb", "ab", "a b", "甲&乙=1"}
        assert all(PARTIAL not in record.warnings for record in found.values())
        urls = {record.resources[0].url for record in found.values()}
    assert len(urls) == 5
    assert f"{site.url}{pinyin.BASE}download?mlbh=a%2Fb&fj=f-0.csv" in urls
    assert f"{site.url}{pinyin.BASE}download?mlbh=a%252Fb&fj=f-1.csv" in urls


def test_a_dataset_whose_details_fail_is_marked_and_stops_no_other():
    listed = entries.entries(3)
    portal = pinyin.portal(listed)

    def broken(request):
        if request.query.get("mlbh") == "id-000001":
            return {"code": "500", "message": "查询失败"}
        return portal(request)

    found, _total = read(broken, "pinyin", pinyin.BASE)
    assert [PARTIAL in record.warnings for record in found.values()] == [False, True, False]


def test_changes_leave_the_newest_of_each_dataset_and_its_items():
    catalog, item = share_tables.catalog, share_tables.item
    rows = [
        catalog("b", "乙", when="2025-01-21 09:00:00"),
        catalog(
            "a", "甲（改）", "U", when="2025-01-22 09:00:00", open_type="2", open_condition="仅限…"
        ),
        catalog("a", "甲", when="2025-01-20 09:00:00"),
        catalog("c", "丙", when="2025-01-20 09:00:00"),
        catalog("c", "丙", "D", when="2025-01-23 09:00:00"),
        catalog("d", "丁", cataStatus=8),
        catalog("e", "戊", cataStatus="-1"),
        catalog("f", "己", cataStatus="4"),
        catalog("g", "庚", cataStatus="7"),
    ]
    items = [
        item("g", "g1", "名称"),
        item("a", "a2", "电话"),
        item("a", "a1", "企业名称", "U", when="2025-01-22 09:00:00"),
        item("a", "a1", "名称", when="2025-01-20 09:00:00"),
        item("a", "a3", "多余"),
        item("a", "a3", "多余", "D", when="2025-01-23 09:00:00"),
        item("nowhere", "n1", "孤儿"),
    ]
    found, total = read(share_tables.portal(rows, items), "share_tables", "/share/down")
    assert list(found) == ["b", "a", "g"]
    assert total == 3
    assert found["a"].title == "甲（改）"
    assert found["a"].fields["open_type"] == "on_request"
    assert [entry["name"] for entry in found["a"].fields["items"]] == ["电话", "企业名称"]
    assert [entry["name"] for entry in found["g"].fields["items"]] == ["名称"]


def test_of_changes_in_the_same_second_the_higher_version_counts():
    when = "2025-01-20 09:00:00"
    rows = [
        share_tables.catalog("a", "第十版", "U", when=when, version="10"),
        share_tables.catalog("a", "第九版", "U", when=when, version="9"),
    ]
    found, _total = read(share_tables.portal(rows, []), "share_tables", "/share/down")
    assert found["a"].title == "第十版"


def test_the_condition_in_place_of_the_level_is_held():
    """A real program fills openType from openCondition."""
    rows = [share_tables.catalog("a", "甲", open_type="仅限学术研究")]
    found, _total = read(share_tables.portal(rows, []), "share_tables", "/share/down")
    assert found["a"].held == "opening-unknown: 仅限学术研究"


def test_a_table_of_items_that_is_cut_short_stops_the_run():
    portal = share_tables.portal(
        [share_tables.catalog("a", "甲")], [share_tables.item("a", "a1", "名称")]
    )

    def short(request):
        answer = portal(request)
        return {**answer, "count": 7} if request.path.endswith("column") else answer

    with pytest.raises(SourceError, match="total-disagrees: 1 / 7"):
        read(short, "share_tables", "/share/down")


def test_division_codes_are_numbers_and_nothing_is_no_cycle():
    listed = entries.entries(8)
    listed[1].cycle = "annual"
    listed[2].cycle = "unknown"
    found, total = read(divisions.portal(listed), "divisions")
    assert total == 8
    records = list(found.values())
    assert [record.fields["open_type"] for record in records] == [e.open for e in listed]
    assert [record.fields["update_cycle"] for record in records[:3]] == [
        "monthly",
        "annual",
        "irregular",
    ]
    assert "cycle-missing" in records[2].warnings
    assert records[0].fields["notes"] == "各线路的起点、终点和运营时间"
    assert records[0].fields["source_url"].endswith("/data/id-000000")


@pytest.mark.parametrize("city", ["fuzhou", "jincheng", "wuhu", "chuzhou", "guizhou"])
def test_json_is_read_however_often_it_is_wrapped(city):
    listed = entries.entries(7)
    listed[4].open = "9"
    found, total = read(getattr(encoded, city)(listed), city)
    assert total == len(found) == 7
    first = found["id-000000"]
    assert first.title.startswith("公交线路1")
    assert (first.fields["released"], first.fields["data_updated"]) == ("2023-06-01", "2023-06-15")
    assert found["id-000002"].fields["open_type"] == "on_request"
    assert found["id-000004"].held == "opening-unknown: 9"


def test_jsonp_with_single_quotes_keeps_both_kinds_of_quotes():
    found, _total = read(encoded.guizhou(entries.entries(1)), "guizhou")
    assert found["id-000000"].title == "公交线路1（含\"引号\"与'撇号'）"


def test_files_within_a_text_are_files_where_they_have_an_address():
    found, _total = read(encoded.chuzhou(entries.entries(1)), "chuzhou")
    files = found["id-000000"].resources
    assert [(file.name, file.format) for file in files] == [("线路.xlsx", "XLSX")]
    assert files[0].url.endswith("/files/id-000000.xlsx")


def test_graphql_is_a_post_with_a_query():
    found, total = read(graphql.portal(entries.entries(4)), "graphql")
    assert total == 4
    assert list(found) == ["1", "2", "3", "4"]
    assert found["1"].fields["open_type"] == "open"
    assert found["3"].fields["open_type"] == "on_request"
    assert found["1"].provider == "市交通运输局"
    # 18:00 UTC is 02:00 of the next day here.
    assert found["1"].fields["data_updated"] == "2023-06-15"


def test_an_error_of_graphql_is_no_empty_list():
    def refuses(request):
        return {"errors": [{"message": "denied by http://10.0.0.1:80/x"}], "data": None}

    with pytest.raises(SourceError) as caught:
        read(refuses, "graphql")
    assert caught.value.reason == "source-error: code errors denied by …"


def test_a_static_list_without_ids_keeps_its_identities():
    listed = entries.entries(3)
    found, _total = read(static_list.portal(listed), "static_list", "/xxgk/sjml.json")
    listed.reverse()
    again, _total = read(static_list.portal(listed), "static_list", "/xxgk/sjml.json")
    assert set(found) == set(again)
    assert len(found) == 3
    record = next(iter(found.values()))
    assert record.fields["source_url"].endswith("/xxgk/sjml/id-000000.html")


def test_without_a_link_title_and_department_identify(tmp_path):
    path = tmp_path / "sjml.json"
    path.write_bytes(static_list.body(entries.entries(3), linked=False))
    source = JsonApi(
        str(path),
        mapping.load_file(MAPPINGS / "static_list.yaml"),
        Fetcher(local_files=True),
        TODAY,
    )
    assert len({record.native_id for record in source.records()}) == 3


def test_an_unchanged_static_list_is_not_read_again():
    listed = entries.entries(3)
    with serve(static_list.portal(listed)) as site:
        validators = {}
        first = adapter(site, "static_list", "/xxgk/sjml.json")
        first.validators = validators
        assert len(list(first.records())) == 3
        again = adapter(site, "static_list", "/xxgk/sjml.json")
        again.validators = json.loads(json.dumps(validators))
        with pytest.raises(UnchangedError):
            list(again.records())
        listed.append(entries.Entry("new", "新的"))
        changed = adapter(site, "static_list", "/xxgk/sjml.json")
        changed.validators = validators
        assert len(list(changed.records())) == 4
