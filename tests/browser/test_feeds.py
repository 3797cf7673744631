"""The feeds of the running portal with its whole demo province, as a harvester reads them."""

from __future__ import annotations

import gzip
import urllib.request
from collections.abc import Iterator

import pytest
from rdflib import Graph, Namespace
from rdflib.namespace import DCAT, RDF

from tests.browser.conftest import BASE
from tests.shacl import engines

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")


def _pages(address: str) -> Iterator[Graph]:
    while address:
        with urllib.request.urlopen(address) as answer:
            page = Graph().parse(data=answer.read(), format="turtle")
        yield page
        address = next((str(target) for target in page.objects(None, HYDRA.next)), "")


@pytest.fixture(scope="module")
def whole() -> Graph:
    with urllib.request.urlopen(f"{BASE}/catalog/dump.nt.gz") as answer:
        return Graph().parse(data=gzip.decompress(answer.read()), format="nt")


def test_pages_and_dump_tell_of_the_same_datasets(whole):
    found = [
        str(node)
        for page in _pages(f"{BASE}/catalog.ttl")
        for node in page.subjects(RDF.type, DCAT.Dataset)
    ]
    assert len(found) > 400
    assert sorted(found) == sorted(str(node) for node in whole.subjects(RDF.type, DCAT.Dataset))


def test_the_whole_demo_catalog_conforms_to_dcat_ap_3_by_two_engines(whole, tmp_path):
    """With the EU's vocabularies merged in; no known failures are left out."""
    data = whole + engines.vocabularies()
    assert engines.python_findings(data) == []
    with engines.javascript(tmp_path) as second:
        assert second.findings(data) == []
        assert second.findings(engines.broken(data))
