"""RDF in pieces: graphs as text in four syntaxes that can be put together without parsing.

A piece holds no blank node and needs only the prefixes of :func:`prefixes`, so any pieces, in any
order, between a head and a tail, are one document. Written by rdflib. No CKAN import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from rdflib import Graph
from rdflib.namespace import NamespaceManager
from rdflib.plugins.serializers.jsonld import from_rdf


@dataclass(frozen=True)
class Syntax:
    """A syntax by its ending: media type, and what rdflib calls it."""

    ending: str
    media: str
    rdflib: str


SYNTAXES = {
    item.ending: item
    for item in (
        Syntax("ttl", "text/turtle", "turtle"),
        Syntax("rdf", "application/rdf+xml", "xml"),
        Syntax("jsonld", "application/ld+json", "json-ld"),
        Syntax("nt", "application/n-triples", "nt"),
    )
}
# Other endings that ckanext-dcat has for the same syntaxes.
ALIASES = {"xml": "rdf", "n3": "ttl", "json": "jsonld"}
PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "as": "https://www.w3.org/ns/activitystreams#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "locn": "http://www.w3.org/ns/locn#",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_ROOT = re.compile(r"<rdf:RDF[^>]*>\n?(.*)</rdf:RDF>\s*\Z", re.DOTALL)


def terms(site: str) -> str:
    """The namespace of the portal's own properties; ``site``: its address."""
    return f"{site}/vocabulary/terms#"


def prefixes(site: str) -> dict[str, str]:
    """By name the namespaces that pieces may use. Their predicates are of these and no others."""
    return {**PREFIXES, "hlj": terms(site)}


def graph(site: str) -> Graph:
    """An empty graph with the prefixes that a piece may use, and no others."""
    made = Graph(store="SimpleMemory", bind_namespaces="none")
    made.namespace_manager = NamespaceManager(made, bind_namespaces="none")
    for prefix, namespace in prefixes(site).items():
        made.bind(prefix, namespace, override=True, replace=True)
    return made


def named(found: Graph, site: str) -> Graph:
    """The same statements in a graph with these prefixes; in an order that depends on them alone,
    so that every process writes the same text."""
    made = graph(site)
    for statement in sorted(found, key=lambda each: tuple(term.n3() for term in each)):
        made.add(statement)
    return made


def piece(found: Graph, ending: str) -> str:
    """A graph as a piece in a syntax, "" for an empty graph. It must have come from
    :func:`graph` or :func:`named`.
    Raises KeyError for an ending that is none of `SYNTAXES`.
    """
    syntax = SYNTAXES[ending]
    if not len(found):
        return ""
    if ending == "jsonld":
        nodes = from_rdf(found, {name: str(iri) for name, iri in found.namespaces()})
        return ",\n".join(sorted(_node(node) for node in nodes.get("@graph", [nodes])))
    text: str = found.serialize(format=syntax.rdflib)
    if ending == "rdf":
        inner = _ROOT.search(text)
        assert inner, "rdflib has written another root"
        return inner.group(1)
    if ending == "ttl":
        lines = text.split("\n")
        while lines and (lines[0].startswith("@prefix ") or not lines[0]):
            lines.pop(0)
        return "\n".join(lines).rstrip("\n") + "\n\n"
    return "".join(sorted(text.splitlines(keepends=True)))


def _node(node: Mapping[str, Any]) -> str:
    """A node as text, the same in every process: rdflib follows the order of sets."""
    ordered = {
        key: sorted(value, key=json.dumps) if isinstance(value, list) else value
        for key, value in sorted(node.items())
        if key != "@context"
    }
    return json.dumps(ordered, ensure_ascii=False)


def head(ending: str, site: str) -> str:
    """What stands before the pieces."""
    names = prefixes(site)
    if ending == "ttl":
        return "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in names.items()) + "\n"
    if ending == "rdf":
        declared = "".join(f"\n   xmlns:{name}={quoteattr(iri)}" for name, iri in names.items())
        return f'<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF{declared}\n>\n'
    if ending == "jsonld":
        return f'{{"@context": {json.dumps(names)},\n"@graph": [\n'
    return ""


def between(ending: str) -> str:
    """What stands between two pieces that are not empty."""
    return ",\n" if ending == "jsonld" else ""


def tail(ending: str) -> str:
    """What stands behind the pieces."""
    return {"rdf": "</rdf:RDF>\n", "jsonld": "\n]}\n"}.get(ending, "")


def document(pieces: Iterable[str], ending: str, site: str) -> Iterator[str]:
    """The text of a document of these pieces, in parts."""
    yield head(ending, site)
    separator = ""
    for text in pieces:
        if text:
            yield separator
            yield text
            separator = between(ending)
    yield tail(ending)
