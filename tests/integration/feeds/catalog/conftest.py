"""Reading feeds as a harvester would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from rdflib import Graph, Namespace, URIRef
from rdflib.namespace import DCAT, RDF

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
ACTIVITY = Namespace("https://www.w3.org/ns/activitystreams#")
NAMES = {"ttl": "turtle", "rdf": "xml", "jsonld": "json-ld", "nt": "nt"}


@dataclass
class Crawl:
    """What a walk along the pages has found: ids of datasets in their order, and of tombstones."""

    pages: list[Graph] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def ids_of(graph: Graph, kind: URIRef = DCAT.Dataset) -> list[str]:
    return sorted(str(node).rsplit("/", 1)[1] for node in graph.subjects(RDF.type, kind))


@pytest.fixture
def walk(app) -> Callable[..., Crawl]:
    """Follow `hydra:next` from an address to the end, doing something between two pages."""

    def follow(address: str, between: Callable[[int], Any] = lambda _page: None) -> Crawl:
        found = Crawl()
        while address:
            text = app.get(address).body
            page = Graph().parse(data=text, format=NAMES[address.split("?")[0].rsplit(".", 1)[1]])
            found.pages.append(page)
            found.ids += ids_of(page)
            found.gone += ids_of(page, ACTIVITY.Tombstone)
            following = list(page.objects(None, HYDRA.next))
            assert len(following) <= 1
            between(len(found.pages))
            address = str(following[0]).replace("http://test.ckan.net", "") if following else ""
        return found

    return follow


@pytest.fixture
def small_pages(monkeypatch):
    """Three datasets a page, and of a part of a dump."""
    from ckanext.hljshare.feeds.catalog import pages, store

    monkeypatch.setattr(pages, "ENTRIES", 3)
    monkeypatch.setattr(store, "POSITIONS", 3)
