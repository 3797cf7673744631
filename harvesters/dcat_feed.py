"""DCAT and DCAT-AP 3 catalogs as RDF/XML, Turtle, N-Triples or JSON-LD: a dump, or hydra pages.

A level of opening is read from ``dct:accessRights`` by the EU's list or the mapping's codes, and by
nothing else; what is in neither is held. Blank nodes have other names in each answer, so none gets
into a record, and what RDF leaves unordered is sorted: the same catalog gives the same records.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import ckan.plugins as p
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, SKOS
from rdflib.term import Node

from ckanext.hljshare.catalog import codelists, codes
from ckanext.hljshare.feeds.dcat import reading
from ckanext.hljshare.feeds.dcat.terms import telephone_words
from ckanext.hljshare.ingest import text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError
from ckanext.hljshare.ingest.record import CatalogRecord

from . import build, licences, rdf
from .base import HljshareHarvester
from .ckan_portal import is_below
from .dcat_files import files_of, services_of
from .dcat_words import (
    ADMS,
    CYCLES,
    DCATAP,
    DURATIONS,
    EU,
    LOCN,
    NAMES,
    THEMES,
    VCARD,
    date_of,
    in_order,
    label_of,
    last_part,
    level_of,
    words_of,
)
from .mapping import Mapping as SourceMapping
from .pages import MAX_PAGES, Turning, once, readable, whole_number

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")


class DcatFeed:
    """Adapter: records of one feed. ``own_site`` is this portal's address: what came from here is
    not taken back.
    """

    def __init__(
        self,
        url: str,
        mapping: SourceMapping,
        fetcher: Fetcher,
        today: date | None = None,
        own_site: str = "",
    ) -> None:
        self.total: int | None = None
        self._url, self._mapping, self._fetcher, self._today = url, mapping, fetcher, today
        self._own_site, self._left_out = own_site, 0
        self._codes: set[str] = set()

    def records(self) -> Iterator[CatalogRecord]:
        """Each dataset once, pages in their order. Raises SourceError: one page that cannot be read
        stops it all.
        """
        turning, visited = Turning(), set[str]()
        url: str | None = self._url
        while url and url not in visited:
            if len(visited) >= MAX_PAGES:
                raise SourceError("not-a-catalog: pages without end")
            visited.add(url)
            answer = self._fetcher.ask(
                "GET", url, headers={"Accept": rdf.ACCEPT}, limit=rdf.MAX_BYTES
            )
            graph = rdf.parse(answer.body, answer.headers.get("Content-Type", ""), url)
            counted = {str(item) for item in graph.objects(None, HYDRA.totalItems)}
            total = whole_number(counted.pop()) if len(counted) == 1 else None
            nodes = datasets(graph)
            if not nodes and (None, RDF.type, DCAT.Catalog) not in graph:
                raise SourceError("not-a-catalog: RDF without a catalog")
            for node in nodes:
                native_id = identifier(graph, node)
                # Two datasets that share an identifier are for the engine to report.
                if not turning.is_new(f"{native_id}\n{node}" if _is_named(node) else native_id):
                    continue
                if self._own_site and is_from(graph, node, self._own_site):
                    self._left_out += 1
                    continue
                make = partial(make_record, graph, node, native_id, self._mapping, self._today)
                yield once(readable(native_id, "", make), self._codes)
            if total is not None:
                self.total = max(0, total - self._left_out)
            following = next_page(graph, url)
            url = None if turning.ended(len(nodes), None) else following
            time.sleep(self._mapping.pause if url else 0)


def datasets(graph: Graph) -> list[Node]:
    """The datasets of a page, in the order of their identifiers."""
    found = set(graph.subjects(RDF.type, DCAT.Dataset)) | set(graph.objects(None, DCAT.dataset))
    found = {node for node in found if not isinstance(node, Literal)}
    return sorted(found, key=lambda node: (identifier(graph, node), str(node)))


def identifier(graph: Graph, node: Node) -> str:
    """What a publisher calls a dataset: `dct:identifier`, else its address, else title and agency
    where it is a blank node.
    """
    found = graph.objects(node, DCTERMS.identifier)
    given = sorted(text.line(item) for item in found if not text.is_empty(item))
    if given:
        return given[0]
    if isinstance(node, URIRef):
        return text.line(node)
    named = f"{words_of(graph, node, DCTERMS.title)}|{_agent(graph, node)}"
    return "" if named == "|" else named


def _is_named(node: Node) -> bool:
    return isinstance(node, URIRef)


def is_from(graph: Graph, node: Node, site: str) -> bool:
    """Whether a dataset's own address or page is of this site."""
    pages = (*graph.objects(node, DCAT.landingPage), *graph.objects(node, FOAF.page))
    return any(is_below(str(item), site) for item in (node, *pages))


def next_page(graph: Graph, url: str) -> str | None:
    """The address of the page after this one, None for the last. Raises SourceError where it is
    no address of the web.
    """
    found = list(graph.subject_objects(HYDRA.next)) or list(graph.subject_objects(HYDRA.nextPage))
    mine = [target for subject, target in found if str(subject) == url]
    named = mine or [pair[1] for pair in found]
    try:
        targets = sorted({urljoin(url, str(target)) for target in named})
        scheme = urlsplit(targets[0]).scheme if targets else ""
    except ValueError:
        raise SourceError("address-refused: not an address") from None
    if not targets:
        return None
    if scheme not in ("http", "https"):
        raise SourceError(f"address-refused: {scheme or 'file'}")
    return targets[0]


def make_record(
    graph: Graph, node: Node, native_id: str, mapping: SourceMapping, today: date | None = None
) -> CatalogRecord:
    """The record of one dataset."""
    opened, held = level_of(graph, node, mapping)
    pages = (*graph.objects(node, DCAT.landingPage), *graph.objects(node, FOAF.page), node)
    web = [str(page) for page in pages if str(page).startswith(("http://", "https://"))]
    themes, industry = _themes(graph, node, mapping)
    values: dict[str, object] = {
        "title": words_of(graph, node, DCTERMS.title),
        "notes": words_of(graph, node, DCTERMS.description),
        "provider": _agent(graph, node),
        "open": opened,
        **_rights(graph, node),
        "cycle": _cycle(graph, node, mapping),
        "released": date_of(graph, node, DCTERMS.issued, first=True),
        "updated": date_of(graph, node, DCTERMS.modified),
        "tags": _keywords(graph, node),
        "theme": themes,
        "industry": industry,
        "source_url": web[0] if web else "",
        **_contact(graph, node),
    }
    resources = list(files_of(graph, node, values, mapping))
    for file in in_order(graph.objects(node, DCAT.distribution)):  # unknown is held here too
        held = held or level_of(graph, file, mapping)[1]
    raw = build.Raw(values, resources=resources, held=held)
    listed = len(set(graph.objects(node, DCAT.distribution)))
    own = len(services_of(graph, node))
    if listed + own > len(resources) and opened == "open":
        raw.warnings.append(f"files-without-address: {listed + own - len(resources)}")
    made = build.record(native_id, raw, mapping, today)
    more = {
        "region_code": _region(graph, node),
        "license_id": _licence(graph, node),
        "resource_code": _resource_code(graph, node),
        **_in_our_terms(graph, node, made.fields.get("open_type")),
    }
    fields = {**made.fields, **{name: value for name, value in more.items() if value}}
    return CatalogRecord(**{**made.__dict__, "fields": fields})


def _rights(graph: Graph, node: Node) -> dict[str, str]:
    """What is said of rights: a portal like this one says in its own terms which words are what;
    else words that name a law are the basis.
    """
    if reading.is_ours(graph, node):
        told = reading.told(graph, node)
        laws = (f"《{basis['law']}》" for basis in reading.bases(graph, node))
        share = codelists.label("share_type", told.get("share_type"))  # the code `none` is empty
        return {**told, "share": share, "open_basis": "；".join(laws)}
    rights = [label_of(graph, item) for item in in_order(graph.objects(node, DCTERMS.rights))]
    laws = (
        f"《{name.strip('《》')}》" if "《" not in name else name
        for item in in_order(graph.objects(node, DCATAP.applicableLegislation))
        if (name := label_of(graph, item))
    )
    return {
        "open_basis": "；".join([*(words for words in rights if "《" in words), *laws]),
        "use_condition": "；".join(words for words in rights if words and "《" not in words),
    }


def _in_our_terms(graph: Graph, node: Node, opened: object) -> dict[str, Any]:
    """Fields that only a portal like this one tells apart."""
    if not reading.is_ours(graph, node):
        return {}
    bases = [
        {key: words for key, value in basis.items() if (words := text.line(value))}
        for basis in reading.bases(graph, node)
    ]
    return {
        "use_scope": text.line(reading.told(graph, node).get("use_scope")),
        "open_basis": bases if opened in ("on_request", "closed") else [],
    }


def _agent(graph: Graph, node: Node) -> str:
    for predicate in (DCTERMS.publisher, DCTERMS.creator):
        names = (label_of(graph, item, NAMES) for item in in_order(graph.objects(node, predicate)))
        found = next((name for name in names if name), "")
        if found:
            return text.line(found)
    return ""


def _cycle(graph: Graph, node: Node, mapping: SourceMapping) -> str:
    for value in in_order(graph.objects(node, DCTERMS.accrualPeriodicity)):
        label = label_of(graph, value)
        known = mapping.code("cycle", value) or mapping.code("cycle", label)
        known = known or CYCLES.get(last_part(value)) or DURATIONS.get(str(value).upper())
        found = (
            known or codelists.find("update_cycle", text.line(label)) or label or last_part(value)
        )
        if found:
            return found
    return ""


def _keywords(graph: Graph, node: Node) -> list[str]:
    given = [item for item in graph.objects(node, DCAT.keyword) if isinstance(item, Literal)]
    chinese = [item for item in given if (item.language or "zh").casefold().startswith("zh")]
    return sorted({text.line(item) for item in chinese or given})


def _themes(graph: Graph, node: Node, mapping: SourceMapping) -> tuple[str, str]:
    """Theme and industry: the first of each that one of our lists knows; else the first label, so
    that the report names what is unknown.
    """
    given = in_order((*graph.objects(node, DCAT.theme), *graph.objects(node, DCTERMS.subject)))
    own = [reading.code_of(value, "theme") for value in given]
    theme, industry, label = next((code for code in own if code), ""), "", ""
    for value in given:
        named = label_of(graph, value)
        notation = words_of(graph, value, SKOS.notation) if not isinstance(value, Literal) else ""
        label = label or named or last_part(value)
        eu = THEMES.get(last_part(value), "") if EU + "data-theme/" in str(value) else ""
        for words in (str(value), notation, named, eu):
            known = mapping.code("theme", words) or codelists.find("theme", text.line(words))
            theme = theme or known or ""
            line = mapping.code("industry", words)
            line = line or codelists.find("industry", text.line(words))
            industry = industry or line or ""
    return theme or ("" if industry else text.line(label)), industry


def _contact(graph: Graph, node: Node) -> dict[str, str]:
    for point in in_order(graph.objects(node, DCAT.contactPoint)):
        phones = [
            str(words)
            for given in in_order(graph.objects(point, VCARD.hasTelephone))
            for words in (in_order(graph.objects(given, VCARD.hasValue)) or [given])
        ]
        phones += [
            str(words) for words in in_order(graph.objects(point, VCARD["telephone-number"]))
        ]
        phone = next((words for words in phones if re.search(r"\d{3}", words)), "")
        name = words_of(graph, point, VCARD.fn, VCARD["organization-name"], FOAF.name)
        unit = words_of(graph, point, VCARD["organization-unit"])
        if name or phone:
            return {
                "contact_name": name,
                "contact_phone": telephone_words(phone) if phone.startswith("tel:") else phone,
                "provider_inner": unit,
            }
    return {}


def _region(graph: Graph, node: Node) -> str:
    for place in in_order(graph.objects(node, DCTERMS.spatial)):
        words = [last_part(place), label_of(graph, place)]
        if not isinstance(place, Literal):
            words += [
                words_of(graph, place, SKOS.notation, DCTERMS.identifier),
                words_of(graph, place, LOCN.geographicName),
            ]
        for word in words:
            code = re.sub(r"^(\d{6})0{6}$", r"\1", text.line(word))
            found = codelists.find("region", code)
            if found:
                return found
    return ""


def _resource_code(graph: Graph, node: Node) -> str:
    """信息资源代码, where an identifier has its form."""
    given = [*graph.objects(node, DCTERMS.identifier)]
    for item in graph.objects(node, ADMS.identifier):
        given += [item] if isinstance(item, Literal) else graph.objects(item, SKOS.notation)
    return next((str(item) for item in in_order(given) if codes.parse(str(item))), "")


def _licence(graph: Graph, node: Node) -> str:
    given = set(graph.objects(node, DCTERMS.license))
    for file in graph.objects(node, DCAT.distribution):
        given |= set(graph.objects(file, DCTERMS.license))
    found = {licence for item in given if (licence := licences.find(item))}
    return found.pop() if len(found) == 1 else ""


def _not_our_own(url: str, mapping: SourceMapping, fetcher: Fetcher) -> DcatFeed:
    return DcatFeed(url, mapping, fetcher, own_site=p.toolkit.config.get("ckan.site_url") or "")


class DcatFeedHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "dcat_feed"
    title = "DCAT 目录（RDF）"
    description = "地址填目录首页或整份文件（各种 RDF 格式）；开放类型按访问权限词表或映射文件"
    adapter = staticmethod(_not_our_own)
