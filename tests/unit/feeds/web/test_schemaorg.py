"""What search engines are told of a dataset at each level."""

import json
from itertools import product

import pytest
from hypothesis import given, settings

from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.dcat.terms import Where
from ckanext.hljshare.feeds.web import schemaorg
from tests.unit.feeds.dcat import strategies

WHERE = Where("http://data.example.cn", "http://www.example.cn")
AGENCY = Agency("o1", "harbin-jtj", "哈尔滨市交通运输局", uscc="11230100MB1234567X")
FILE = {
    "id": "r1",
    "name": "明细.csv",
    "url": "http://files.example.cn/a.csv",
    "format": "CSV",
    "size": 10,
    "hash": "sha256:" + "0" * 64,
}
DATASET = {
    "id": "d1",
    "name": "bus",
    "title": "公交线路",
    "notes": "起点",
    "owner_org": "o1",
    "open_type": "open",
    "resource_code": "307230000/000003",
    "region_code": "230100",
    "license_id": "hlj-open",
    "released": "2025-02-03",
    "data_updated": "2026-03-04",
    "metadata_modified": "2026-11-29T01:02:03.000004",
    "contact_name": "信息中心",
    "contact_phone": "0451-1234567",
    "tags": [{"name": "公交"}],
    "items": [{"name": "线路", "field": "xl", "description": "编号"}, {"name": ""}],
    "resources": [FILE],
}
BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


def told(**fields):
    return schemaorg.dataset({**DATASET, **fields}, AGENCY, WHERE, "平台")


def test_a_dataset_is_described():
    found = told()
    assert (found["@type"], found["name"], found["description"]) == ("Dataset", "公交线路", "起点")
    assert found["identifier"] == "307230000/000003"
    assert found["url"] == "http://www.example.cn/dataset/bus"
    assert found["@id"] == "http://data.example.cn/dataset/d1"
    assert found["license"] == "http://data.example.cn/vocabulary/licence/hlj-open"
    assert found["inLanguage"] == "zh"
    assert found["keywords"] == ["公交"]
    assert found["isAccessibleForFree"] is True
    assert found["spatialCoverage"]["name"] == "哈尔滨市"
    assert found["variableMeasured"] == [
        {"@type": "PropertyValue", "name": "线路", "description": "编号"}
    ]
    assert found["includedInDataCatalog"]["url"] == "http://www.example.cn/"


def test_dates_are_those_of_the_data():
    """Not of the entry, which the portal writes to for reasons of its own."""
    assert told()["dateModified"] == "2026-03-04"
    assert told()["datePublished"] == "2025-02-03"
    assert "dateModified" not in told(data_updated="")


def test_the_publisher_has_its_code():
    publisher = told()["publisher"]
    assert publisher["name"] == "哈尔滨市交通运输局"
    assert publisher["identifier"]["value"] == "11230100MB1234567X"
    assert publisher["contactPoint"]["telephone"] == "0451-1234567"
    assert told()["creator"] == {"@id": publisher["@id"]}


def test_an_open_file_has_all():
    (found,) = told()["distribution"]
    assert found["contentUrl"] == "http://files.example.cn/a.csv"
    assert (found["encodingFormat"], found["contentSize"]) == ("text/csv", "10 B")
    assert found["sha256"] == "0" * 64


@pytest.mark.parametrize("level", ["on_request", "closed"])
def test_what_is_not_open_has_its_basis_and_no_file(level):
    found = told(open_type=level, open_basis=BASIS, open_condition="说明用途")
    assert "distribution" not in found
    assert found["isAccessibleForFree"] is False
    assert "《中华人民共和国数据安全法》第三十八条" in found["conditionsOfAccess"]
    wanted = "http://www.example.cn/request/new?dataset=bus" if level == "on_request" else None
    assert found.get("acquireLicensePage") == wanted
    assert found["variableMeasured"], "items are a part of the public entry"


LEVELS = ("open", "on_request", "closed", "", None, "nonsense")


@pytest.mark.parametrize(("level", "own"), list(product(LEVELS, LEVELS)))
def test_only_the_address_of_an_open_file_is_told(level, own):
    """Whatever level the dataset and the file have."""
    text = json.dumps(told(open_type=level, resources=[{**FILE, "open_type": own}]))
    is_open = level == "open" and own in ("open", "", None)
    for secret in ("files.example.cn", "0" * 64, "10 B"):
        assert (secret in text) is is_open


@settings(max_examples=60, deadline=None)
@given(strategies.datasets)
def test_any_dataset_can_be_told(shown):
    """A name and a description always; JSON, and nothing empty."""
    found = schemaorg.dataset(shown, None, WHERE, "")
    assert found["@type"] == "Dataset"
    assert json.loads(json.dumps(found).encode()) == found
    assert all(value not in ("", [], {}, None) for value in found.values())
    for each in found.get("distribution", ()):
        assert each["contentUrl"]


def test_the_catalog_is_told():
    found = schemaorg.catalog(WHERE, "平台", "", AGENCY)
    assert (found["@type"], found["name"], found["description"]) == ("DataCatalog", "平台", "平台")
    assert found["publisher"]["@id"] == "http://data.example.cn/organization/o1"
