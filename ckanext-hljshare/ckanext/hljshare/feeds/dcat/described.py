"""Descriptions of what datasets refer to, and of the catalog: so that each page stands alone.

Shapes of DCAT-AP ask for classes of what is referred to, and engines do not fetch it. What is said
here of the EU's terms is a part of what the Publications Office says of them, with a Chinese label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from ckan.common import config
from ckanext.dcat.utils import catalog_uri
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import FOAF, OWL, RDF, RDFS, SKOS

from ckanext.hljshare.catalog import codelists

from . import agencies as agents
from .agencies import Agency
from .terms import (
    CHINESE,
    DCAT,
    DCT,
    ENGLISH,
    EU,
    IANA,
    SPDX,
    Where,
    chinese,
    moment,
    text,
)
from .vocabularies import (
    AUTHORITIES,
    WORDS,
    eu_terms,
    formats,
    labels,
    licence_iri,
    licence_of,
    licences,
)

DATASTORE = "/#datastore"  # the one interface to all tables
_CLASSES: dict[str, tuple[URIRef, ...]] = {
    "access-right": (DCT.RightsStatement,),
    "frequency": (DCT.Frequency,),
    "file-type": (DCT.MediaTypeOrExtent,),
    "language": (DCT.LinguisticSystem,),
    "region": (DCT.Location,),
    "format": (DCT.MediaTypeOrExtent,),
}
_FILE_TYPES = {item["eu"]: item for item in formats() if item.get("eu")}
_FORMATS = {item["code"]: item for item in formats()}


def where() -> Where:
    """The portal's addresses, as configured."""
    return Where(catalog_uri().rstrip("/"), str(config.get("ckan.site_url") or "").rstrip("/"))


def describe(iris: Iterable[str], agencies: Mapping[str, Agency]) -> Graph:
    """Descriptions of all these, and of what they refer to in turn (an agency's parents and
    region). What is no term or agency that the feed uses is left out.
    """
    place, graph = where(), Graph(bind_namespaces="none")
    waiting, done = sorted(set(iris), reverse=True), set[str]()
    while waiting:
        iri = waiting.pop()
        if iri in done:
            continue
        done.add(iri)
        waiting += _describe(graph, iri, agencies, place)
    return graph


def describe_one(iri: str, agencies: Mapping[str, Agency]) -> tuple[Graph, tuple[str, ...]]:
    """The description of one of these, and the IRIs it refers to in turn."""
    graph = Graph(bind_namespaces="none")
    return graph, tuple(_describe(graph, iri, agencies, where()))


def _describe(
    graph: Graph, iri: str, agencies: Mapping[str, Agency], place: Where
) -> Iterable[str]:
    """Add what one IRI means; return what that refers to."""
    own = f"{place.base}/vocabulary/"
    if iri.startswith(EU):
        _eu_term(graph, iri)
    elif iri.startswith(IANA):
        graph.add((URIRef(iri), RDF.type, DCT.MediaType))
        # ckanext-dcat's parser takes the label for the media type.
        graph.add((URIRef(iri), RDFS.label, Literal(iri.removeprefix(IANA))))
    elif iri.startswith(f"{SPDX}checksumAlgorithm_"):
        graph.add((URIRef(iri), RDF.type, SPDX.ChecksumAlgorithm))
    elif iri == f"{place.base}{DATASTORE}":
        _datastore(graph, iri, place)
    elif licence_of(iri):
        _licence(graph, iri)
    elif iri.startswith(own):
        return _own_concept(graph, iri, own, place)
    elif iri.startswith(f"{place.base}/organization/"):
        agency = agencies.get(unquote(iri.rsplit("/", 1)[1]))
        return _agency(graph, iri, agency, place)
    return ()


def _labelled(graph: Graph, node: URIRef, found: Mapping[str, str], scheme: str) -> None:
    graph.add((node, RDF.type, SKOS.Concept))
    graph.add((node, SKOS.inScheme, URIRef(scheme)))
    for language in (CHINESE, ENGLISH):
        if found.get(language):
            graph.add((node, SKOS.prefLabel, Literal(found[language], lang=language)))


def _eu_term(graph: Graph, iri: str) -> None:
    authority, _slash, code = iri.removeprefix(EU).partition("/")
    listed = WORDS["eu"].get(authority)
    if listed is None or not code:
        return
    found = listed["terms"].get(code)
    if authority == "file-type" and code in _FILE_TYPES:
        found = labels(_FILE_TYPES[code])
    node = URIRef(iri)
    _labelled(graph, node, found or {ENGLISH: code}, f"{EU}{authority}")
    for kind in _CLASSES.get(authority, ()):
        graph.add((node, RDF.type, kind))


def _own_concept(graph: Graph, iri: str, own: str, place: Where) -> Iterable[str]:
    list_id, _slash, code = iri.removeprefix(own).partition("/")
    code = unquote(code)
    if not code or not re.fullmatch(r"[a-z_]+", list_id):
        return ()
    node = URIRef(iri)
    if list_id == "format":
        item: dict[str, Any] | None = _FORMATS.get(code, {"code": code})
    else:
        item = codelists.item(list_id, code) if list_id in codelists.ids() else None
    if item is None:
        return ()
    _labelled(graph, node, labels(item), f"{own}{list_id}")
    graph.add((node, SKOS.notation, Literal(code)))
    for kind in _CLASSES.get(list_id, ()):
        graph.add((node, RDF.type, kind))
    if list_id == "region":  # ckanext-dcat's parser takes the last label it meets: one only
        graph.add((node, RDFS.label, chinese(labels(item)["zh"])))
        parent = item.get("parent") or item.get("successor")
        if parent:
            predicate = SKOS.broader if item.get("parent") else DCT.isReplacedBy
            graph.add((node, predicate, URIRef(place.concept(list_id, parent))))
            return (place.concept(list_id, parent),)
    return ()


def _licence(graph: Graph, iri: str) -> None:
    item = licence_of(iri)
    if item:
        node = URIRef(iri)
        graph.add((node, RDF.type, DCT.LicenseDocument))
        graph.add((node, DCT.title, chinese(item["title"])))
        graph.add((node, DCT.identifier, Literal(item["id"])))


def _datastore(graph: Graph, iri: str, place: Where) -> None:
    node, address = URIRef(iri), URIRef(f"{place.site}/api/3/action/datastore_search")
    graph.add((node, RDF.type, DCAT.DataService))
    graph.add((node, DCT.title, chinese(WORDS["words"]["datastore"])))
    graph.add((node, DCAT.endpointURL, address))
    graph.add((address, RDF.type, RDFS.Resource))


def _agency(graph: Graph, iri: str, agency: Agency | None, place: Where) -> Iterable[str]:
    if agency is None:  # of a page made while it was deleted: a publisher has a name all the same
        graph.add((URIRef(iri), RDF.type, FOAF.Agent))
        graph.add((URIRef(iri), FOAF.name, Literal(unquote(iri.rsplit("/", 1)[1]))))
        return ()
    for triple in agents.agency_triples(agency, place):
        graph.add(triple)
    more = [place.agency(agency.parent)] if agency.parent else []
    if codelists.item("region", agency.region_code):
        more.append(place.concept("region", agency.region_code))
    return more


def catalog_graph(agencies: Mapping[str, Agency], *, issued: str = "", modified: str = "") -> Graph:
    """The catalog itself, without its datasets, and all it refers to. ``issued`` and ``modified``
    are moments (ISO 8601) of its first and latest entry.
    """
    place = where()
    graph, node = Graph(bind_namespaces="none"), URIRef(place.base)
    site_title = text(config.get("ckan.site_title")) or "CKAN"
    publisher = agents.top(agencies)
    about: list[tuple[URIRef, Any]] = [
        (RDF.type, DCAT.Catalog),
        (RDF.type, DCAT.Resource),
        (DCT.title, chinese(site_title)),
        (DCT.description, chinese(config.get("ckan.site_description") or site_title)),
        (FOAF.homepage, URIRef(f"{place.site}/")),
        (DCT.language, URIRef(f"{EU}language/ZHO")),
        (DCT.license, URIRef(licence_iri("hlj-open", place))),
        (DCT.rights, URIRef(f"{place.base}/#rights")),
        (DCT.spatial, URIRef(place.concept("region", "230000"))),
        (DCAT.service, URIRef(f"{place.base}{DATASTORE}")),
        (DCT.publisher, _publisher(graph, publisher, site_title, place)),
    ]
    for predicate, value in (
        *about,
        (DCT.issued, moment(issued)),
        (DCT.modified, moment(modified)),
    ):
        if value is not None:
            graph.add((node, predicate, value))
    home, rights = URIRef(f"{place.site}/"), URIRef(f"{place.base}/#rights")
    graph.add((home, RDF.type, FOAF.Document))
    graph.add((rights, RDF.type, DCT.RightsStatement))
    graph.add((rights, RDFS.label, chinese(WORDS["words"]["catalogRights"])))
    for scheme, title in _taxonomies(place):
        graph.add((node, DCAT.themeTaxonomy, scheme))
        graph.add((scheme, RDF.type, SKOS.ConceptScheme))
        for language, words in title.items():
            graph.add((scheme, DCT.title, Literal(words, lang=language)))
    referred = {str(value) for _p, value in about if isinstance(value, URIRef)} - {str(node)}
    return graph + describe(referred, agencies)


def _publisher(graph: Graph, agency: Agency | None, title: str, place: Where) -> URIRef:
    """The province; a portal without one publishes its catalog itself."""
    if agency:
        return URIRef(place.agency(agency.id))
    node = URIRef(f"{place.base}/#publisher")
    graph.add((node, RDF.type, FOAF.Agent))
    graph.add((node, FOAF.name, chinese(title)))
    return node


def _taxonomies(place: Where) -> Iterable[tuple[URIRef, dict[str, str]]]:
    yield URIRef(f"{EU}data-theme"), WORDS["eu"]["data-theme"]["title"]
    for list_id in ("theme", "industry"):
        yield URIRef(f"{place.base}/vocabulary/{list_id}"), list_titles(list_id)


def list_titles(list_id: str) -> dict[str, str]:
    """The name of a list by RDF's language tags."""
    if list_id in WORDS["lists"]:
        return {language: WORDS["lists"][list_id][language] for language in (CHINESE, ENGLISH)}
    return {
        CHINESE: codelists.title(list_id),
        ENGLISH: codelists.title(list_id, "en"),
    }


def concept_scheme(list_id: str) -> Graph:
    """The whole of one list: a SKOS concept scheme, or the properties of our own.

    :raises KeyError: there is no such list
    """
    place, graph = where(), Graph(bind_namespaces="none")
    scheme = URIRef(f"{place.base}/vocabulary/{list_id}")
    titles = list_titles(list_id)
    kind = OWL.Ontology if list_id == "terms" else SKOS.ConceptScheme
    graph.add((scheme, RDF.type, kind))
    for language, words in titles.items():
        graph.add((scheme, DCT.title, Literal(words, lang=language)))
    if list_id == "terms":
        for name, found in WORDS["terms"].items():
            graph.add((place.term(name), RDF.type, RDF.Property))
            graph.add((place.term(name), RDFS.isDefinedBy, scheme))
            for language, words in found.items():
                graph.add((place.term(name), RDFS.label, Literal(words, lang=language)))
        return graph
    if list_id == "licence":
        known = (licence_iri(name, place) for name in licences())
        return graph + describe((iri for iri in known if iri), {})
    listed = list(_FORMATS.values()) if list_id == "format" else codelists.items(list_id)
    iris = [place.concept(list_id, item["code"]) for item in listed]
    graph += describe(iris, {})
    for iri, item in zip(iris, listed, strict=True):
        if (URIRef(iri), SKOS.broader, None) not in graph:
            graph.add((URIRef(iri), SKOS.topConceptOf, scheme))
        for term in _matches(list_id, item):
            graph.add((URIRef(iri), SKOS.closeMatch, URIRef(term)))
    return graph


def _matches(list_id: str, item: Mapping[str, Any]) -> list[str]:
    """The EU's terms for an item of a list."""
    if list_id == "format":
        return [f"{EU}file-type/{item['eu']}"] if item.get("eu") else []
    return eu_terms(list_id, item["code"]) if list_id in AUTHORITIES else []
