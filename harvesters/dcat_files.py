"""Files and interfaces of a DCAT feed's datasets."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, RDF
from rdflib.term import Node

from ckanext.hljshare.feeds.dcat import reading, vocabularies
from ckanext.hljshare.ingest import levels, text
from ckanext.hljshare.ingest.record import ResourceRecord

from . import build
from .dcat_words import (
    EU,
    MEDIA,
    SPDX,
    best,
    date_of,
    in_order,
    label_of,
    last_part,
    level_of,
    words_of,
)
from .mapping import Mapping as SourceMapping
from .pages import whole_number


def files_of(
    graph: Graph, node: Node, values: dict[str, object], mapping: SourceMapping
) -> Iterator[ResourceRecord]:
    """Files and interfaces that have an address. Their own names may be addresses, and ids are
    remembered where addresses may not be: what has no identifier is called by a digest.
    """
    found: dict[str, ResourceRecord] = {}
    for file in in_order(graph.objects(node, DCAT.distribution)):
        services = in_order(graph.objects(file, DCAT.accessService))
        url = _web(graph, file, DCAT.downloadURL, DCAT.accessURL)
        declared = _format(graph, file)
        if not url:
            url = next((it for s in services if (it := _web(graph, s, DCAT.endpointURL))), "")
            declared = declared or "API"
        made = _file(graph, file, url, declared, values, mapping)
        if made:
            found.setdefault(made.native_id, made)
    for service in services_of(graph, node):
        url = _web(graph, service, DCAT.endpointURL)
        made = _file(graph, service, url, "API", values, mapping)
        if made:
            found.setdefault(made.native_id, made)
    return iter(sorted(found.values(), key=lambda item: (item.name, item.format, item.native_id)))


def services_of(graph: Graph, node: Node) -> list[Node]:
    """Interfaces to a dataset that none of its distributions names already."""
    files = graph.objects(node, DCAT.distribution)
    named = {item for file in files for item in graph.objects(file, DCAT.accessService)}
    return in_order(set(graph.subjects(DCAT.servesDataset, node)) - named)


def _file(
    graph: Graph,
    node: Node,
    url: str,
    declared: str,
    values: dict[str, object],
    mapping: SourceMapping,
) -> ResourceRecord | None:
    if not url:
        return None
    given = sorted(text.line(item) for item in graph.objects(node, DCTERMS.identifier))
    own = str(node) if isinstance(node, URIRef) else url
    digest = hashlib.blake2b(own.encode(), digest_size=10).hexdigest()
    level, _held = level_of(graph, node, mapping)
    whole = text.line(values["open"])
    strict = bool(level and whole) and level != whole and not levels.is_looser(level, whole)
    modified = text.parse_date(date_of(graph, node, DCTERMS.modified)).value
    name = words_of(graph, node, DCTERMS.title) or text.line(values["title"])
    return build.file_record(
        given[0] if given and given[0] and "://" not in given[0] else digest,
        name,
        url,
        declared,
        description=text.strip_html(words_of(graph, node, DCTERMS.description)),
        size=_size(graph, node),
        modified=modified.isoformat() if modified else None,
        open_type=level if strict else None,
        hash=_checksum(graph, node),
    )


def _web(graph: Graph, node: Node, *predicates: URIRef) -> str:
    for predicate in predicates:
        for value in in_order(graph.objects(node, predicate)):
            if str(value).startswith(("http://", "https://")):
                return str(value)
    return ""


def _format(graph: Graph, node: Node) -> str:
    for predicate in (DCTERMS["format"], DCAT.mediaType):
        for value in in_order(graph.objects(node, predicate)):
            media = re.search(r"(?:^|/media-types/)([a-z]+/[\w.+-]+)$", str(value))
            named = "" if isinstance(value, Literal) else label_of(graph, value)
            if isinstance(value, URIRef) and not media:
                listed = vocabularies.file_types().get(last_part(value)) if EU in value else None
                named = listed or reading.format_code(str(value)) or last_part(value) or named
            elif media:
                kind = media.group(1).casefold()
                named = MEDIA.get(kind, kind.split("/")[1])
            named = named or words_of(graph, value, RDF.value) or best((value,))
            if named:
                return text.line(named).upper()
    return ""


def _size(graph: Graph, node: Node) -> int | None:
    for value in in_order(graph.objects(node, DCAT.byteSize)):
        words = re.sub(r"\.0+$", "", str(value))
        if whole_number(words) is not None:
            return whole_number(words)
    return None


def _checksum(graph: Graph, node: Node) -> str | None:
    """``sha256:…`` of an spdx:checksum."""
    for checksum in in_order(graph.objects(node, SPDX.checksum)):
        value = str(next(iter(in_order(graph.objects(checksum, SPDX.checksumValue))), "")).lower()
        named = str(next(iter(in_order(graph.objects(checksum, SPDX.algorithm))), ""))
        algorithm = re.search(r"(sha\d+|md5)$", named.lower())
        if algorithm and re.fullmatch(r"[0-9a-f]{32,128}", value):
            return f"{algorithm.group()}:{value}"
    return None
