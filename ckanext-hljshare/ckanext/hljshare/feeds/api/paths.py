"""Which addresses are for programs. Pure; paths without the language, as CKAN routes them."""

from __future__ import annotations

import re
from typing import Literal

from ckanext.hljshare.feeds.dcat.syntax import ALIASES, SYNTAXES

# api: CKAN's actions and autocompletes. feed: descriptions of the whole catalog, or of an entry.
# content: open bytes. document: descriptions of the interface itself, the same for everybody.
Kind = Literal["api", "feed", "content", "document"]
# Requests of these are counted. Downloads are not: a browser takes many for one file.
COUNTED: frozenset[Kind] = frozenset({"api", "document", "feed"})

_RDF = f"(?:{'|'.join([*SYNTAXES, *ALIASES])})"
_KINDS: tuple[tuple[Kind, str], ...] = (
    ("document", r"/api/docs/openapi\.(?:json|yaml)"),
    ("document", r"/push/v1/openapi\.json"),
    ("api", r"/api/(?!docs(?:/|\Z)).*"),
    ("api", r"/api"),
    ("feed", rf"/catalog\.{_RDF}"),
    ("feed", rf"/catalog/dump\.{_RDF}\.gz(?:\.sha256)?"),
    ("feed", r"/catalog-list\.(?:xlsx|csv|json|xml)"),
    ("feed", rf"/dataset/[^/]+\.{_RDF}"),
    ("feed", r"/dataset/[^/]+/croissant\.jsonld"),
    ("feed", rf"/vocabulary/[^/]+(?:\.{_RDF}|/.+)?"),
    ("feed", r"/feeds/.+"),
    ("feed", r"/sitemap(?:-[^/]+)?\.xml"),
    ("content", r"/dataset/[^/]+/resource/[^/]+/download(?:/[^/]*)?"),
    ("content", r"/dataset/[^/]+/resource/[^/]+/data\.(?:csv|xlsx|json|xml)"),
)
_COMPILED = tuple((kind, re.compile(rf"(?s:{pattern})\Z")) for kind, pattern in _KINDS)


def kind(path: str) -> Kind | None:
    """What a path is for programs; None where it is a page, or belongs to a session."""
    for found, pattern in _COMPILED:
        if pattern.match(path):
            return found
    return None
