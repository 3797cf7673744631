"""DCAT and DCAT-AP 3 catalogs as RDF/XML, Turtle, N-Triples or JSON-LD: a dump, or hydra pages.

A level of opening is read from ``dct:accessRights`` by the EU's list or the mapping's codes, and by
nothing else; what is in neither is held. Blank nodes have other names in each answer, so none gets
into a record, and what RDF leaves unordered is sorted: the same catalog gives the same records.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from urllib.parse import urljoin, urlsplit

import ckan.plugins as p
import yaml
from rdflib import Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, RDF, RDFS, SKOS
from rdflib.term import Node

from ckanext.hljshare.catalog import codelists, codes
from ckanext.hljshare.ingest import levels, text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord

from . import build, licences, rdf
from .base import HljshareHarvester
from .ckan_portal import is_below
from .mapping import HERE
from .mapping import Mapping as SourceMapping
from .pages import MAX_PAGES, Turning, once, readable, whole_number

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
ADMS = Namespace("http://www.w3.org/ns/adms#")
SCHEMA = Namespace("http://schema.org/")
DCATAP = Namespace("http://data.europa.eu/r5r/")
SPDX = Namespace("http://spdx.org/rdf/terms#")
LOCN = Namespace("http://www.w3.org/ns/locn#")

EU = "publications.europa.eu/resource/authority/"
# How the EU's lists, Dublin Core and IANA say what our lists say: data, no code of a source's own.
_WORDS = yaml.safe_load((HERE / "vocabularies.yaml").read_text(encoding="utf-8"))
ACCESS, CYCLES, DURATIONS, THEMES, MEDIA = (
    {str(theirs): ours for ours, listed in _WORDS[name].items() for theirs in listed}
    for name in ("access", "cycle", "duration", "theme", "media")
)
_NAMES = (FOAF.name, SKOS.prefLabel, RDFS.label, DCTERMS.title, VCARD.fn, SCHEMA.name)
_LABELS = (SKOS.prefLabel, RDFS.label, DCTERMS.title, FOAF.name)


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


def _best(values: Iterable[Node]) -> str:
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
        found = _best(graph.objects(node, predicate))
        if found:
            return found
    return ""


def _named(graph: Graph, value: Node, names: tuple[URIRef, ...] = _LABELS) -> str:
    """A literal itself, or the label of a node."""
    return _best((value,)) if isinstance(value, Literal) else words_of(graph, value, *names)


def _last(value: object) -> str:
    """The last part of an address."""
    return re.split(r"[/#:]", str(value).rstrip("/"))[-1]


def _sorted(values: Iterable[Node]) -> list[Node]:
    return sorted(values, key=str)


def make_record(
    graph: Graph, node: Node, native_id: str, mapping: SourceMapping, today: date | None = None
) -> CatalogRecord:
    """The record of one dataset."""
    opened, held = level_of(graph, node, mapping)
    pages = (*graph.objects(node, DCAT.landingPage), *graph.objects(node, FOAF.page), node)
    web = [str(page) for page in pages if str(page).startswith(("http://", "https://"))]
    rights = [_named(graph, item) for item in _sorted(graph.objects(node, DCTERMS.rights))]
    laws = [
        f"《{name.strip('《》')}》" if "《" not in name else name
        for item in _sorted(graph.objects(node, DCATAP.applicableLegislation))
        if (name := _named(graph, item))
    ]
    themes, industry = _themes(graph, node, mapping)
    values: dict[str, object] = {
        "title": words_of(graph, node, DCTERMS.title),
        "notes": words_of(graph, node, DCTERMS.description),
        "provider": _agent(graph, node),
        "open": opened,
        "open_basis": "；".join([*(words for words in rights if "《" in words), *laws]),
        "use_condition": "；".join(words for words in rights if words and "《" not in words),
        "cycle": _cycle(graph, node, mapping),
        "released": _moment(graph, node, DCTERMS.issued, first=True),
        "updated": _moment(graph, node, DCTERMS.modified),
        "tags": _keywords(graph, node),
        "theme": themes,
        "industry": industry,
        "source_url": web[0] if web else "",
        **_contact(graph, node),
    }
    resources = list(_files(graph, node, values, mapping))
    for file in _sorted(graph.objects(node, DCAT.distribution)):  # unknown is held here too
        held = held or level_of(graph, file, mapping)[1]
    raw = build.Raw(values, resources=resources, held=held)
    listed = len(set(graph.objects(node, DCAT.distribution)))
    own = sum(1 for _item in graph.subjects(DCAT.servesDataset, node))
    if listed + own > len(resources) and opened == "open":
        raw.warnings.append(f"files-without-address: {listed + own - len(resources)}")
    made = build.record(native_id, raw, mapping, today)
    more = {
        "region_code": _region(graph, node),
        "license_id": _licence(graph, node),
        "resource_code": _resource_code(graph, node),
    }
    fields = {**made.fields, **{name: value for name, value in more.items() if value}}
    return CatalogRecord(**{**made.__dict__, "fields": fields})


def level_of(graph: Graph, node: Node, mapping: SourceMapping) -> tuple[str, str | None]:
    """The opening level that `dct:accessRights` gives in our code ("" for none), and why the
    dataset must be held. The mapping's codes know addresses, labels and texts.
    """
    found: set[str] = set()
    unknown: list[str] = []
    for value in _sorted(graph.objects(node, DCTERMS.accessRights)):
        label = _named(graph, value)
        code = mapping.code("open", value) or mapping.code("open", label)
        if code is None and isinstance(value, URIRef) and EU + "access-right/" in value:
            code = ACCESS.get(_last(value))
        if code is None:
            unknown.append(label or (_last(value) if isinstance(value, URIRef) else "?"))
        else:
            found.add(code)
    if unknown:
        return "", f"opening-unknown: {text.line(unknown[0])[:40]}"
    if len(found) > 1:
        return "", f"opening-conflict: {' / '.join(sorted(found))}"
    if found:
        return found.pop(), None
    return ("open" if mapping.feed.get("assume_open") else ""), None


def _agent(graph: Graph, node: Node) -> str:
    for predicate in (DCTERMS.publisher, DCTERMS.creator):
        names = (_named(graph, item, _NAMES) for item in _sorted(graph.objects(node, predicate)))
        found = next((name for name in names if name), "")
        if found:
            return text.line(found)
    return ""


def _cycle(graph: Graph, node: Node, mapping: SourceMapping) -> str:
    for value in _sorted(graph.objects(node, DCTERMS.accrualPeriodicity)):
        label = _named(graph, value)
        known = mapping.code("cycle", value) or mapping.code("cycle", label)
        known = known or CYCLES.get(_last(value)) or DURATIONS.get(str(value).upper())
        found = known or codelists.find("update_cycle", text.line(label)) or label or _last(value)
        if found:
            return found
    return ""


def _moment(graph: Graph, node: Node, predicate: URIRef, *, first: bool = False) -> str:
    found = sorted(text.line(item) for item in graph.objects(node, predicate))
    return (found[0] if first else found[-1]) if found else ""


def _keywords(graph: Graph, node: Node) -> list[str]:
    given = [item for item in graph.objects(node, DCAT.keyword) if isinstance(item, Literal)]
    chinese = [item for item in given if (item.language or "zh").casefold().startswith("zh")]
    return sorted({text.line(item) for item in chinese or given})


def _themes(graph: Graph, node: Node, mapping: SourceMapping) -> tuple[str, str]:
    """Theme and industry: the first of each that one of our lists knows; else the first label, so
    that the report names what is unknown.
    """
    theme = industry = label = ""
    for value in _sorted((*graph.objects(node, DCAT.theme), *graph.objects(node, DCTERMS.subject))):
        named = _named(graph, value)
        notation = words_of(graph, value, SKOS.notation) if not isinstance(value, Literal) else ""
        label = label or named or _last(value)
        eu = THEMES.get(_last(value), "") if EU + "data-theme/" in str(value) else ""
        for words in (str(value), notation, named, eu):
            known = mapping.code("theme", words) or codelists.find("theme", text.line(words))
            theme = theme or known or ""
            line = mapping.code("industry", words)
            line = line or codelists.find("industry", text.line(words))
            industry = industry or line or ""
    return theme or ("" if industry else text.line(label)), industry


def _contact(graph: Graph, node: Node) -> dict[str, str]:
    for point in _sorted(graph.objects(node, DCAT.contactPoint)):
        phones = [
            str(words)
            for given in _sorted(graph.objects(point, VCARD.hasTelephone))
            for words in (_sorted(graph.objects(given, VCARD.hasValue)) or [given])
        ]
        phones += [str(words) for words in _sorted(graph.objects(point, VCARD["telephone-number"]))]
        phone = next((words for words in phones if re.search(r"\d{3}", words)), "")
        name = words_of(graph, point, VCARD.fn, VCARD["organization-name"], FOAF.name)
        if name or phone:
            return {"contact_name": name, "contact_phone": phone.removeprefix("tel:")}
    return {}


def _region(graph: Graph, node: Node) -> str:
    for place in _sorted(graph.objects(node, DCTERMS.spatial)):
        words = [_last(place), _named(graph, place)]
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
    return next((str(item) for item in _sorted(given) if codes.parse(str(item))), "")


def _licence(graph: Graph, node: Node) -> str:
    given = set(graph.objects(node, DCTERMS.license))
    for file in graph.objects(node, DCAT.distribution):
        given |= set(graph.objects(file, DCTERMS.license))
    found = {licence for item in given if (licence := licences.find(item))}
    return found.pop() if len(found) == 1 else ""


def _files(
    graph: Graph, node: Node, values: dict[str, object], mapping: SourceMapping
) -> Iterator[ResourceRecord]:
    """Files and interfaces that have an address. Their own names may be addresses, and ids are
    remembered where addresses may not be: what has no identifier is called by a digest.
    """
    found: dict[str, ResourceRecord] = {}
    for file in _sorted(graph.objects(node, DCAT.distribution)):
        services = _sorted(graph.objects(file, DCAT.accessService))
        url = _web(graph, file, DCAT.downloadURL, DCAT.accessURL)
        declared = _format(graph, file)
        if not url:
            url = next((it for s in services if (it := _web(graph, s, DCAT.endpointURL))), "")
            declared = declared or "API"
        made = _file(graph, file, url, declared, values, mapping)
        if made:
            found.setdefault(made.native_id, made)
    for service in _sorted(graph.subjects(DCAT.servesDataset, node)):
        url = _web(graph, service, DCAT.endpointURL)
        made = _file(graph, service, url, "API", values, mapping)
        if made:
            found.setdefault(made.native_id, made)
    return iter(sorted(found.values(), key=lambda item: (item.name, item.format, item.native_id)))


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
    modified = text.parse_date(_moment(graph, node, DCTERMS.modified)).value
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
        for value in _sorted(graph.objects(node, predicate)):
            if str(value).startswith(("http://", "https://")):
                return str(value)
    return ""


def _format(graph: Graph, node: Node) -> str:
    for predicate in (DCTERMS["format"], DCAT.mediaType):
        for value in _sorted(graph.objects(node, predicate)):
            media = re.search(r"(?:^|/media-types/)([a-z]+/[\w.+-]+)$", str(value))
            named = "" if isinstance(value, Literal) else _named(graph, value)
            if isinstance(value, URIRef) and not media:
                named = _last(value) or named
            elif media:
                kind = media.group(1).casefold()
                named = MEDIA.get(kind, kind.split("/")[1])
            named = named or words_of(graph, value, RDF.value) or _best((value,))
            if named:
                return text.line(named).upper()
    return ""


def _size(graph: Graph, node: Node) -> int | None:
    for value in _sorted(graph.objects(node, DCAT.byteSize)):
        words = re.sub(r"\.0+$", "", str(value))
        if whole_number(words) is not None:
            return whole_number(words)
    return None


def _checksum(graph: Graph, node: Node) -> str | None:
    """``sha256:…`` of an spdx:checksum."""
    for checksum in _sorted(graph.objects(node, SPDX.checksum)):
        value = str(next(iter(_sorted(graph.objects(checksum, SPDX.checksumValue))), "")).lower()
        named = str(next(iter(_sorted(graph.objects(checksum, SPDX.algorithm))), ""))
        algorithm = re.search(r"(sha\d+|md5)$", named.lower())
        if algorithm and re.fullmatch(r"[0-9a-f]{32,128}", value):
            return f"{algorithm.group()}:{value}"
    return None


def _not_our_own(url: str, mapping: SourceMapping, fetcher: Fetcher) -> DcatFeed:
    return DcatFeed(url, mapping, fetcher, own_site=p.toolkit.config.get("ckan.site_url") or "")


class DcatFeedHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "dcat_feed"
    title = "DCAT 目录（RDF）"
    description = "地址填目录首页或整份文件（各种 RDF 格式）；开放类型按访问权限词表或映射文件"
    adapter = staticmethod(_not_our_own)
