"""Words of DCAT feeds: texts in several languages, terms of other houses' lists, dates, levels."""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF, RDFS, SKOS
from rdflib.term import Node

from ckanext.hljshare.feeds.dcat import vocabularies
from ckanext.hljshare.ingest import text

from .mapping import HERE
from .mapping import Mapping as SourceMapping

VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
ADMS = Namespace("http://www.w3.org/ns/adms#")
SCHEMA = Namespace("http://schema.org/")
DCATAP = Namespace("http://data.europa.eu/r5r/")
SPDX = Namespace("http://spdx.org/rdf/terms#")
LOCN = Namespace("http://www.w3.org/ns/locn#")

EU = "publications.europa.eu/resource/authority/"
# How the EU's lists, Dublin Core and IANA say what our lists say: data, no code of a source's own.
_WORDS = yaml.safe_load((HERE / "vocabularies.yaml").read_text(encoding="utf-8"))
DURATIONS, _cycles, _themes, _media = (
    {str(theirs): ours for ours, listed in _WORDS[name].items() for theirs in listed}
    for name in ("duration", "cycle", "theme", "media")
)
# CONFIDENTIAL, SENSITIVE and NORMAL of the EU's list say something else than ours, and are held.
ACCESS = vocabularies.meanings("open_type")
CYCLES = {**vocabularies.meanings("update_cycle"), **_cycles}
THEMES = {**vocabularies.meanings("theme"), **_themes}
MEDIA = {**vocabularies.media_types(), **_media}
NAMES = (FOAF.name, SKOS.prefLabel, RDFS.label, DCTERMS.title, VCARD.fn, SCHEMA.name)
LABELS = (SKOS.prefLabel, RDFS.label, DCTERMS.title, FOAF.name)


def best(values: Iterable[Node]) -> str:
    """Of texts in several languages the Chinese one, then one without a language, then English."""
    order = {"zh": 0, "": 1, "en": 2}
    ranked = sorted(
        (order.get((value.language or "").casefold()[:2], 3), str(value))
        for value in values
        if isinstance(value, Literal) and not text.is_empty(value)
    )
    return ranked[0][1] if ranked else ""


def words_of(graph: Graph, node: Node, *predicates: URIRef) -> str:
    """The text of the first predicate that has one, "" where none has."""
    for predicate in predicates:
        found = best(graph.objects(node, predicate))
        if found:
            return found
    return ""


def label_of(graph: Graph, value: Node, names: tuple[URIRef, ...] = LABELS) -> str:
    """A literal itself, or the label of a node."""
    return best((value,)) if isinstance(value, Literal) else words_of(graph, value, *names)


def last_part(value: object) -> str:
    """The last part of an address."""
    return re.split(r"[/#:]", str(value).rstrip("/"))[-1]


def in_order(values: Iterable[Node]) -> list[Node]:
    """Nodes sorted by their text: what RDF leaves unordered gives the same record each time."""
    return sorted(values, key=str)


def date_of(graph: Graph, node: Node, predicate: URIRef, *, first: bool = False) -> str:
    """The latest date of a property as it is written, or the ``first``; "" for none."""
    found = sorted(text.line(item) for item in graph.objects(node, predicate))
    return (found[0] if first else found[-1]) if found else ""


def level_of(graph: Graph, node: Node, mapping: SourceMapping) -> tuple[str, str | None]:
    """The opening level that `dct:accessRights` gives in our code ("" for none), and why the
    dataset must be held. The mapping's codes know addresses, labels and texts.
    """
    found: set[str] = set()
    unknown: list[str] = []
    for value in in_order(graph.objects(node, DCTERMS.accessRights)):
        label = label_of(graph, value)
        code = mapping.code("open", value) or mapping.code("open", label)
        if code is None and isinstance(value, URIRef) and EU + "access-right/" in value:
            code = ACCESS.get(last_part(value))
        if code is None:
            unknown.append(label or (last_part(value) if isinstance(value, URIRef) else "?"))
        else:
            found.add(code)
    if unknown:
        return "", f"opening-unknown: {text.line(unknown[0])[:40]}"
    if len(found) > 1:
        return "", f"opening-conflict: {' / '.join(sorted(found))}"
    if found:
        return found.pop(), None
    return ("open" if mapping.feed.get("assume_open") else ""), None
