"""What a city sends of its own dataset."""

import json
from datetime import date

import pytest

from ckanext.hljshare.ingest.record import CatalogRecord
from ckanext.hljshare.push import canonical, lines

SITE = "https://data.harbin.gov.cn/"


def dataset(**changes):
    return {
        "id": "0f6e1d3c",
        "name": "bus-lines",
        "title": "公交线路",
        "notes": "各线路的起点、终点。",
        "organization": {"title": "哈尔滨市交通运输局", "name": "jtysj"},
        "owner_org": "abc",
        "private": False,
        "state": "active",
        "open_type": "open",
        "share_type": "unconditional",
        "update_cycle": "monthly",
        "resource_code": "3070230100012/000001",
        "supply_channel": "direct",
        "items": [{"name": "线路", "length": 20, "data_type": "C", "description": ""}],
        "tags": [{"name": "公交"}, {"name": "一路"}],
        "resources": [
            {
                "id": "r1",
                "name": "线路",
                "url": f"{SITE}dataset/0f6e1d3c/resource/r1/download/lines.csv",
                "format": "CSV",
                "size": 12,
                "data_updated": "2026-01-02",
                "state": "active",
            }
        ],
        **changes,
    }


def test_the_province_takes_it_and_finds_the_same_hash():
    """There and back as JSON: a line without a single warning."""
    record = canonical.record_of(dataset(), SITE)
    data = json.dumps({"op": "upsert", "record": record.to_dict()}).encode()
    line = lines.read(1, data, date(2026, 3, 1))
    assert isinstance(line, lines.Line), line
    assert line.content_hash == record.content_hash()
    assert (line.record.held, line.record.warnings) == (None, ())
    assert line.record.fields["source_url"] == "https://data.harbin.gov.cn/dataset/bus-lines"
    assert line.record.resources[0].url.endswith("/download/lines.csv")
    assert CatalogRecord.from_json(record.to_json()) == record


@pytest.mark.parametrize("level", ["on_request", "closed", None, "unknown"])
def test_of_a_file_that_is_not_open_the_gate_is_sent(level):
    """Whatever stands in its address."""
    inner = {"id": "r9", "name": "名册", "url": "http://10.1.2.3/roster.xlsx", "format": "XLSX"}
    record = canonical.record_of(dataset(open_type=level, resources=[inner]), SITE)
    assert record.resources[0].url == "https://data.harbin.gov.cn/share/r9"
    assert "roster" not in record.to_json()


def test_a_stricter_level_of_a_file_travels_a_looser_does_not():
    """What a masked file may be opened further for, the province decides for itself."""
    files = [
        {"id": "a", "url": "http://a.example/a", "open_type": "closed"},
        {"id": "b", "url": "http://a.example/b", "open_type": "open"},
    ]
    closed, same = canonical.record_of(dataset(resources=files), SITE).resources
    assert (closed.open_type, closed.url) == ("closed", "https://data.harbin.gov.cn/share/a")
    assert (same.open_type, same.url) == (None, "http://a.example/b")
    masked = {"id": "c", "url": "http://a.example/c", "open_type": "open", "derivative": "masked"}
    record = canonical.record_of(dataset(open_type="closed", resources=[masked]), SITE)
    assert record.resources[0].open_type is None


def test_what_is_of_the_city_alone_stays_there():
    """Its own code, its way in, deleted files, odd addresses."""
    gone = {"id": "x", "url": "http://a.example/x", "state": "deleted"}
    odd = {"id": "y", "url": "javascript:alert(1)", "name": "y"}
    record = canonical.record_of(dataset(resources=[gone, odd]), SITE)
    assert not {"resource_code", "supply_channel", "owner_org"} & set(record.fields)
    assert [(item.native_id, item.url) for item in record.resources] == [("y", "")]
