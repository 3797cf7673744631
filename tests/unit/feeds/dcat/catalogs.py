"""Whole catalogs as graphs: datasets, what they refer to, and the catalog itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rdflib import Graph

from ckanext.hljshare.feeds.dcat import graph
from ckanext.hljshare.feeds.dcat.agencies import Agency

AGENCIES = {
    "province": Agency("province", "hlj", "黑龙江省", "黑龙江", "", "230000", "province"),
    "agency-1": Agency(
        "agency-1",
        "harbin-jtysj",
        "哈尔滨市交通运输局",
        "",
        "1123010000",
        "230100",
        "agency",
        "province",
    ),
    "agency-2": Agency("agency-2", "nowhere", '无"名"局\x0b', region_code="unheard-of"),
}


def whole(
    datasets: Iterable[Mapping[str, Any]], agencies: Mapping[str, Agency] | None = None
) -> Graph:
    """The graph of a page with these datasets."""
    known = AGENCIES if agencies is None else agencies
    page, refs = Graph(), set[str]()
    for dataset in datasets:
        own = graph.dataset_graph(dataset)
        page += own
        refs |= graph.refs(own)
    page += graph.describe(refs, known)
    page += graph.catalog_graph(
        known, issued="2026-01-01T00:00:00", modified="2026-02-01T00:00:00Z"
    )
    return page
