"""A dataset as RDF: its own statements, what they refer to, and the catalog around them.

No node is blank, so that statements of one dataset can be kept and put together with those of
others, and every syntax gives the same graph. What many datasets share (agencies, terms) is
described once for a page, by :func:`describe`.

ckanext-dcat's profile is not asked for each dataset: its statements alone take three times as long
as all of these, and half of them (blank nodes, dates of the record for those of the data) would
have to be taken out again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import FOAF, ORG, PROV, RDF, RDFS, SKOS, XSD

from . import mapping
from .described import DATASTORE, catalog_graph, describe, where
from .terms import (
    ADMS,
    DCAT,
    DCATAP,
    DCT,
    ELI,
    EU,
    SPDX,
    VCARD,
    Where,
    chinese,
    day,
    moment,
)
from .vocabularies import WORDS

__all__ = ["catalog_graph", "dataset_graph", "describe", "refs", "where"]

Add = Callable[[URIRef, URIRef, URIRef | Literal], None]
LANGUAGE = URIRef(f"{EU}language/ZHO")
AVAILABLE = URIRef(f"{EU}planned-availability/AVAILABLE")
# Whose objects are described apart from a dataset's own statements.
REFERRING = (
    DCT.publisher,
    DCT.spatial,
    DCT.accrualPeriodicity,
    DCT.accessRights,
    DCT.language,
    DCT.license,
    DCT["format"],
    DCAT.theme,
    DCAT.mediaType,
    DCAT.accessService,
    DCATAP.availability,
    SPDX.algorithm,
    ORG.subOrganizationOf,
)
OWN_CONCEPTS = ("openType", "shareType")


def dataset_graph(dataset: Mapping[str, Any]) -> Graph:
    """The statements of one dataset, given as `package_show` gives it to an anonymous visitor."""
    place = where()
    return entry_graph(mapping.entry(dataset, place), place)


def entry_graph(entry: mapping.Entry, place: Where) -> Graph:
    """The statements of an entry."""
    graph = Graph(store="SimpleMemory", bind_namespaces="none")  # the quickest of rdflib's stores

    def add(subject: URIRef, predicate: URIRef, value: URIRef | Literal) -> None:
        graph.add((subject, predicate, value))

    node = URIRef(entry.iri)
    _dataset(add, node, entry, place)
    _rights(add, node, entry, place)
    _contact(add, node, entry)
    _series(add, node, entry)
    _record(add, node, entry, URIRef(place.base))
    for distribution in entry.distributions:
        _distribution(add, node, distribution, entry, place)
    return graph


def refs(graph: Graph) -> frozenset[str]:
    """The IRIs in a graph that :func:`describe` has to describe."""
    own = (where().term(name) for name in OWN_CONCEPTS)
    found = {value for each in (*REFERRING, *own) for value in graph.objects(None, each)}
    return frozenset(str(node) for node in found if (node, None, None) not in graph)


def _dataset(add: Add, node: URIRef, entry: mapping.Entry, place: Where) -> None:
    catalog = URIRef(place.base)
    add(catalog, DCAT.dataset, node)
    add(node, RDF.type, DCAT.Dataset)
    add(node, RDF.type, DCAT.Resource)  # the shapes of records ask for it, without inference
    add(node, DCT.title, chinese(entry.title))
    add(node, DCT.description, chinese(entry.description))
    add(node, DCT.identifier, Literal(entry.identifier))
    identifier = URIRef(f"{node}#identifier")
    add(node, ADMS.identifier, identifier)
    add(identifier, RDF.type, ADMS.Identifier)
    add(identifier, SKOS.notation, Literal(entry.identifier))
    _document(add, node, DCAT.landingPage, entry.page)
    add(node, DCT.language, LANGUAGE)
    for words in entry.keywords:
        add(node, DCAT.keyword, chinese(words))
    for theme in entry.themes:
        add(node, DCAT.theme, URIRef(theme))
    for predicate, iri in (
        (DCT.publisher, entry.publisher),
        (DCT.spatial, entry.region),
        (DCT.accrualPeriodicity, entry.frequency),
        (DCT.accessRights, entry.access_right),
        (DCT.license, entry.licence),
    ):
        if iri:
            add(node, predicate, URIRef(iri))
    for predicate, date in ((DCT.issued, entry.issued), (DCT.modified, entry.modified)):
        if (found := day(date)) is not None:
            add(node, predicate, found)
    for iri in entry.related:
        _resource(add, node, DCT.relation, iri)


def _document(add: Add, node: URIRef, predicate: URIRef, iri: str) -> None:
    add(node, predicate, URIRef(iri))
    add(URIRef(iri), RDF.type, FOAF.Document)


def _resource(add: Add, node: URIRef, predicate: URIRef, iri: str) -> None:
    add(node, predicate, URIRef(iri))
    add(URIRef(iri), RDF.type, RDFS.Resource)


def _statement(add: Add, node: URIRef, predicate: URIRef, name: str, words: str) -> URIRef:
    """A statement in words, with a label for people and for ckanext-dcat."""
    statement = URIRef(f"{node}#{name}")
    kind = DCT.ProvenanceStatement if predicate == DCT.provenance else DCT.RightsStatement
    add(node, predicate, statement)
    add(statement, RDF.type, kind)
    add(statement, RDFS.label, chinese(words))
    return statement


def _rights(add: Add, node: URIRef, entry: mapping.Entry, place: Where) -> None:
    _statement(add, node, DCT.rights, "rights", entry.rights)
    for number, law in enumerate(entry.laws, start=1):
        basis = URIRef(f"{node}#basis-{number}")
        add(node, DCATAP.applicableLegislation, basis)
        add(basis, RDF.type, ELI.LegalResource)
        add(basis, RDFS.label, chinese(law.name))
        if law.article:
            add(basis, place.term("article"), chinese(law.article))
        if law.url:
            _document(add, basis, FOAF.page, law.url)
    for name, words in entry.said.items():
        add(node, place.term(name), chinese(words))
    add(node, place.term("openType"), URIRef(place.concept("open_type", entry.level)))
    share_type = entry.codes.get("share_type")
    if share_type:
        add(node, place.term("shareType"), URIRef(place.concept("share_type", share_type)))


def _contact(add: Add, node: URIRef, entry: mapping.Entry) -> None:
    contact = entry.contact
    if contact is None:
        return
    point = URIRef(f"{node}#contact")
    add(node, DCAT.contactPoint, point)
    add(point, RDF.type, VCARD.Kind)
    add(point, RDF.type, VCARD.Organization)
    for predicate, words in ((VCARD.fn, contact.name), (VCARD["organization-unit"], contact.unit)):
        if words:
            add(point, predicate, chinese(words))
    for predicate, iri in (
        (VCARD.hasTelephone, contact.telephone),
        (VCARD.hasEmail, contact.email),
        (VCARD.hasURL, contact.page),
    ):
        if iri:
            add(point, predicate, URIRef(iri))


def _series(add: Add, node: URIRef, entry: mapping.Entry) -> None:
    if entry.series is None:
        return
    series = URIRef(f"{entry.publisher}#series-{entry.series.digest}")
    add(node, DCAT.inSeries, series)
    add(series, RDF.type, DCAT.DatasetSeries)
    add(series, DCT.title, chinese(entry.series.title))
    add(series, DCT.description, chinese(f"{entry.series.title}：{WORDS['words']['series']}"))
    add(series, DCT.publisher, URIRef(entry.publisher))


def _record(add: Add, node: URIRef, entry: mapping.Entry, catalog: URIRef) -> None:
    """The entry of the catalog, which has dates of its own, and where it came from."""
    _statement(add, node, DCT.provenance, "provenance", entry.provenance)
    created, modified = moment(entry.recorded), moment(entry.record_modified)
    if modified is None:
        return
    record = URIRef(f"{node}#record")
    add(catalog, DCAT.record, record)
    add(record, RDF.type, DCAT.CatalogRecord)
    add(record, FOAF.primaryTopic, node)
    add(record, DCT.language, LANGUAGE)
    add(record, DCT.modified, modified)
    if created is not None:
        add(record, DCT.issued, created)
    add(record, DCT.provenance, URIRef(f"{node}#provenance"))
    if entry.source_page:
        add(record, PROV.wasDerivedFrom, URIRef(entry.source_page))


def _distribution(
    add: Add,
    dataset: URIRef,
    distribution: mapping.Distribution,
    entry: mapping.Entry,
    place: Where,
) -> None:
    node = URIRef(distribution.iri)
    add(dataset, DCAT.distribution, node)
    add(node, RDF.type, DCAT.Distribution)
    add(node, DCT.title, chinese(distribution.title))
    if distribution.description:
        add(node, DCT.description, chinese(distribution.description))
    add(node, DCT.language, LANGUAGE)
    add(node, DCT.rights, URIRef(f"{dataset}#rights"))
    if entry.licence:
        add(node, DCT.license, URIRef(entry.licence))
    if distribution.level != entry.level:
        right = mapping.eu_terms("open_type", distribution.level)[0]
        add(node, DCT.accessRights, URIRef(right))
    _resource(add, node, DCAT.accessURL, distribution.access_url)
    if distribution.download_url:
        _resource(add, node, DCAT.downloadURL, distribution.download_url)
    if distribution.format:
        add(node, DCT["format"], URIRef(distribution.format.iri))
        if distribution.format.media:
            add(node, DCAT.mediaType, URIRef(distribution.format.media))
    if distribution.level == "open":
        _of_open(add, node, distribution, place)
    if distribution.is_service:
        service = URIRef(f"{node}#service")
        add(node, DCAT.accessService, service)
        add(service, RDF.type, DCAT.DataService)
        add(service, DCT.title, chinese(distribution.title))
        _resource(add, service, DCAT.endpointURL, distribution.access_url)
        add(service, DCAT.servesDataset, dataset)


def _of_open(add: Add, node: URIRef, distribution: mapping.Distribution, place: Where) -> None:
    add(node, DCATAP.availability, AVAILABLE)
    if distribution.is_table:
        add(node, DCAT.accessService, URIRef(f"{place.base}{DATASTORE}"))
    if distribution.size is not None:
        add(node, DCAT.byteSize, Literal(distribution.size, datatype=XSD.nonNegativeInteger))
    for predicate, date in (
        (DCT.issued, distribution.issued),
        (DCT.modified, distribution.modified),
    ):
        if (found := day(date)) is not None:
            add(node, predicate, found)
    if distribution.checksum:
        algorithm, digits = distribution.checksum
        checksum = URIRef(f"{node}#checksum")
        add(node, SPDX.checksum, checksum)
        add(checksum, RDF.type, SPDX.Checksum)
        add(checksum, SPDX.algorithm, SPDX[f"checksumAlgorithm_{algorithm}"])
        add(checksum, SPDX.checksumValue, Literal(digits, datatype=XSD.hexBinary))
