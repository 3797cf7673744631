"""A catalog of the portal, as the database holds it, conforms to DCAT-AP 3.0.0 by two engines."""

import pytest
from ckan.tests.helpers import call_action

from ckanext.hljshare.feeds.dcat import agencies
from tests.shacl import engines
from tests.unit.feeds.dcat import catalogs

FILE = {
    "name": "线路.csv",
    "url": "http://files.example.cn/线 路.csv",
    "format": "CSV",
    "size": 3,
    "hash": "sha256:" + "0" * 64,
}
CASES = {
    "plain": {},
    "everything": {
        "theme": "education_science",
        "industry": "G",
        "region_code": "230102",
        "released": "2024-03-01",
        "data_updated": "2024-06-30",
        "contact_name": "信息中心",
        "contact_phone": "0451-12345 转6",
        "license_id": "CC-BY-4.0",
        "use_condition": "注明来源\n不得转售",
        "resource_code": "3072301000012/000001",
        "related_codes": "3072301000012/000002",
        "tag_string": "公交,线路",
        "source_site": "哈尔滨市政府数据开放平台",
        "resources": [
            FILE,
            {**FILE, "format": "API"},
            {**FILE, "format": "奇怪的 格式"},
            {**FILE, "format": "GeoJSON"},
        ],
    },
    "year one": {"title": "公交线路（2024年）", "resources": [FILE]},
    "year two": {"title": "公交线路（2025年）", "resources": [FILE]},
    "on request": {"open_type": "on_request", "resources": [FILE]},
    "on request, no file": {"open_type": "on_request"},
    "closed": {"open_type": "closed", "resources": [FILE]},
    "a closed file": {
        "resources": [FILE, {**FILE, "open_type": "closed"}, {**FILE, "open_type": "on_request"}]
    },
    "a sample": {
        "open_type": "on_request",
        "resources": [{**FILE, "open_type": "open", "derivative": "sample"}],
    },
}


@pytest.fixture
def page(make_dataset):
    """Return the graph of the whole catalog as an anonymous visitor may see it."""
    for fields in CASES.values():
        make_dataset(**{name: value for name, value in fields.items() if name != "tag_string"})
    found = call_action("package_search", {"user": "", "ignore_auth": False}, rows=100)
    assert found["count"] == len(CASES)
    return catalogs.whole(found["results"], agencies.load())


def test_two_engines_conform(page, tmp_path):
    """By itself, and with the EU's vocabularies beside it."""
    with engines.javascript(tmp_path) as javascript:
        for data in (page, page + engines.vocabularies()):
            assert engines.python_findings(data) == []
            assert javascript.findings(data) == []
