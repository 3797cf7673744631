"""RDF from strangers, read into a graph of bounded size: no entities, no document from elsewhere.
No CKAN import.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from typing import Any

from rdflib import Graph
from rdflib.plugins.parsers.jsonld import to_rdf
from rdflib.plugins.stores.memory import SimpleMemory

from ckanext.hljshare.ingest import envelope, text
from ckanext.hljshare.ingest.fetch import SourceError

from . import markup

# A warning with its traceback for each literal that is not of its type: strangers fill our logs.
logging.getLogger("rdflib.term").setLevel(logging.ERROR)
MAX_BYTES = 50 * 1024 * 1024  # of one page or dump, as ckanext-dcat has it
MAX_TRIPLES = 1_000_000
ACCEPT = (
    "application/n-triples, text/turtle;q=0.9, application/rdf+xml;q=0.8, "
    "application/ld+json;q=0.7, */*;q=0.1"
)
TYPES = {
    "application/rdf+xml": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/ld+json": "json-ld",
    "application/json": "json-ld",
    "text/turtle": "turtle",
    "application/x-turtle": "turtle",
    "text/n3": "turtle",
    "application/n-triples": "nt",
}
ENDINGS = {
    "rdf": "xml",
    "xml": "xml",
    "owl": "xml",
    "ttl": "turtle",
    "n3": "turtle",
    "nt": "nt",
    "jsonld": "json-ld",
    "json": "json-ld",
}


class _Bounded(SimpleMemory):
    """A store that ends what grows too large while it is read, not after."""

    def __init__(self) -> None:
        super().__init__()
        self._added = 0

    def add(self, triple: Any, context: Any, quoted: bool = False) -> None:
        self._added += 1
        if self._added > MAX_TRIPLES:
            raise SourceError(f"not-a-catalog: more than {MAX_TRIPLES} statements")
        super().add(triple, context, quoted)


def kind_of(words: str, content_type: str = "", url: str = "") -> str:
    """The syntax of a text: by how it begins where that is plain, then as its header and its
    address say, else Turtle. Raises SourceError for HTML.
    """
    start = words[:2000].lstrip("\ufeff \t\r\n")
    declared = TYPES.get(content_type.split(";")[0].strip().casefold(), "")
    if re.match(r"<!doctype\s+html|<html", start, re.IGNORECASE):
        raise SourceError(envelope.page_instead(words))
    if start.startswith(("<?xml", "<!--", "<!DOCTYPE")) or re.match(r"<\w+:RDF[\s>]", start):
        return "xml"
    if start.startswith("{") or re.match(r"\[\s*(?:\{|\]\s*$)", start):
        return "json-ld"
    if declared in ("turtle", "nt"):
        return declared
    ending = url.split("?")[0].rsplit(".", 1)[-1].casefold()
    found = ENDINGS.get(ending, "")
    return found if found in ("turtle", "nt") else "turtle"


def parse(data: bytes, content_type: str, url: str) -> Graph:
    """The graph of one answer. Raises SourceError."""
    if len(data) > MAX_BYTES:
        raise SourceError("not-a-catalog: too large")
    try:
        words, _encoding = text.decode(data)
    except ValueError as error:
        raise SourceError(f"not-a-catalog: {error}") from None
    kind = kind_of(words, content_type, url)
    graph = Graph(store=_Bounded(), bind_namespaces="none")
    base = url if url.startswith(("http://", "https://")) else "urn:x-source:"
    try:
        if kind == "json-ld":
            to_rdf(_json(words), graph, base=base)
        elif kind == "xml":
            plain = markup.xml_text(data, MAX_BYTES)
            graph.parse(data=plain.encode("utf-8"), format="xml", publicID=base)
        else:
            graph.parse(data=words.lstrip("\ufeff").encode("utf-8"), format=kind, publicID=base)
    except SourceError:
        raise
    except Exception as error:
        # rdflib's parsers have no error of their own in common.
        raise SourceError(f"not-a-catalog: RDF ({kind}, {type(error).__name__})") from None
    return graph


def _json(words: str) -> Any:
    """A JSON-LD document that stands alone. A context at another address is refused: it would be
    fetched past the guard of addresses, and whoever serves it decides what the document says.
    """
    document = json.loads(words)
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "@import" in value or _names_another(value.get("@context")):
                raise SourceError("not-a-catalog: JSON-LD context at another address")
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return document


def _names_another(context: object) -> bool:
    parts: Iterable[object] = context if isinstance(context, list) else (context,)
    return any(isinstance(part, (str, list)) for part in parts)
