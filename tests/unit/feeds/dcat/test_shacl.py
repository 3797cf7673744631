"""Whatever stands in datasets, pages conform to DCAT-AP 3.0.0: so say two engines."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.shacl import engines
from tests.unit.feeds.dcat import catalogs, strategies


@pytest.fixture(scope="module")
def javascript(tmp_path_factory):
    """Start the JavaScript engine once."""
    with engines.javascript(tmp_path_factory.mktemp("shacl")) as engine:
        yield engine


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(datasets=strategies.catalog(min_size=3, max_size=8))
def test_pages_conform(javascript, datasets):
    """By themselves, and with the EU's vocabularies beside them."""
    page = catalogs.whole(datasets)
    for data in (page, page + engines.vocabularies()):
        assert engines.python_findings(data) == []
        assert javascript.findings(data) == []


def test_an_empty_catalog_conforms(javascript):
    """A portal without datasets and agencies has a catalog all the same."""
    page = catalogs.whole([], {})
    assert engines.python_findings(page) == []
    assert javascript.findings(page) == []


def test_both_engines_find_faults(javascript):
    """The proof is worth something: what is broken on purpose is found, the same by both."""
    dataset = {
        "id": "1",
        "name": "one",
        "title": "一",
        "open_type": "open",
        "metadata_modified": "2026-01-01",
    }
    resource = {"id": "2", "url": "http://example.cn/a.csv", "format": "CSV"}
    broken = engines.broken(catalogs.whole([{**dataset, "resources": [resource]}]))
    found = engines.python_findings(broken)
    assert len(found) >= 3
    assert javascript.findings(broken) == found
