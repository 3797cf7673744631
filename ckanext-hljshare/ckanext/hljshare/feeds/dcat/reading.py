"""What a feed of a portal like this one says in our own terms, read back. No CKAN import.

A property is ours by the end of its IRI, whichever site it begins with. What decides who may see
data (`dct:accessRights`) is not read here.
"""

from __future__ import annotations

from urllib.parse import unquote

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import FOAF, RDFS
from rdflib.term import Node

from ckanext.hljshare.catalog import codelists

from .terms import DCATAP, OWN, text, web_address

# Our property → our field.
FIELDS = {
    "openCondition": "open_condition",
    "useCondition": "use_condition",
    "useScope": "use_scope",
    "shareCondition": "share_condition",
    "shareBasis": "share_basis",
}


def term(name: str, predicate: Node) -> bool:
    """Whether a predicate is this property of ours."""
    return isinstance(predicate, URIRef) and predicate.endswith(f"{OWN}{name}")


def is_ours(graph: Graph, node: Node) -> bool:
    """Whether a dataset is described in our terms."""
    return any(term("openType", predicate) for predicate in graph.predicates(node))


def code_of(value: Node, list_id: str) -> str | None:
    """The code that an IRI of one of our lists ends with; None where it is of another list or
    unknown to ours.
    """
    begun, _list, code = str(value).rpartition(f"/vocabulary/{list_id}/")
    return unquote(code) if begun and codelists.item(list_id, unquote(code)) else None


def told(graph: Graph, node: Node) -> dict[str, str]:
    """Fields of ours that a dataset's own properties carry (see :data:`FIELDS`), and share_type."""
    found: dict[str, str] = {}
    for predicate, value in sorted(graph.predicate_objects(node), key=str):
        for name, field in FIELDS.items():
            if term(name, predicate) and isinstance(value, Literal):
                found.setdefault(field, text(value))
        if term("shareType", predicate) and (code := code_of(value, "share_type")):
            found["share_type"] = code
    return found


def bases(graph: Graph, node: Node) -> list[dict[str, str]]:
    """The laws that restrict, with article and address where they are given, in their order."""
    found = []
    laws = graph.objects(node, DCATAP.applicableLegislation)
    for law in sorted((law for law in laws if isinstance(law, URIRef)), key=_number):
        name = next((text(label) for label in graph.objects(law, RDFS.label)), "")
        basis = {"law": name}
        for predicate, value in graph.predicate_objects(law):
            if term("article", predicate):
                basis["article"] = text(value)
            elif predicate == FOAF.page and web_address(value):
                basis["url"] = web_address(value)
        if name:
            found.append(basis)
    return found


def _number(law: URIRef) -> tuple[int, str]:
    """``…#basis-12`` after ``…#basis-2``."""
    number = law.rpartition("-")[2]
    return (int(number) if number.isascii() and number.isdigit() else 0, str(law))


def format_code(iri: str) -> str | None:
    """The format that an IRI of our own list names, as it was written; None for another list."""
    begun, _list, code = iri.rpartition("/vocabulary/format/")
    return unquote(code) if begun else None
