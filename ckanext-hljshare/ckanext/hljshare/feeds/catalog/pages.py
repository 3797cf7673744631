"""Pages of the catalog, and single datasets, as RDF."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import ckan.plugins.toolkit as tk
from rdflib import Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, RDF, XSD

from ckanext.hljshare.feeds.catalog.asking import ENTRIES, Asked
from ckanext.hljshare.feeds.dcat import agencies, graph, syntax
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.dcat.described import describe_one
from ckanext.hljshare.feeds.entries import making, store
from ckanext.hljshare.feeds.entries.store import Entry, Scope

HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
ACTIVITY = Namespace("https://www.w3.org/ns/activitystreams#")


@dataclass(frozen=True)
class Page:
    """A page that was asked for: its entries (without bodies if so asked), the addresses of the
    pages around it by their Hydra names, how many entries the list has (None where it is one of
    changes), as of when, and when anything last changed that feeds tell."""

    address: str
    entries: list[Entry]
    around: dict[str, str]
    total: int | None
    as_of: datetime
    changed: datetime | None
    agencies: Mapping[str, Agency]

    def etag(self, ending: str) -> str:
        """A word that changes whenever the page would read otherwise."""
        said = [
            making.stamp(),
            ending,
            self.address,
            str(sorted(self.around.items())),
            str(self.total),
            *catalog_words(self.agencies),
            *(f"{entry.dataset_id} {entry.version} {entry.live}" for entry in self.entries),
            *(repr(agency) for agency in self._publishers()),
        ]
        return hashlib.blake2b("\n".join(said).encode(), digest_size=16).hexdigest()

    def _publishers(self) -> Iterator[Agency]:
        """The agencies that the page tells of, those above them too."""
        waiting = sorted({entry.agency for entry in self.entries if entry.agency})
        told = set[str]()
        while waiting:
            agency = self.agencies.get(waiting.pop())
            if agency and agency.id not in told:
                told.add(agency.id)
                waiting.append(agency.parent)
                yield agency


def find(asked: Asked, scope: Scope, ending: str, base: str, bodies: bool = True) -> Page:
    """The page asked for, of what is public now.

    :param base: the feed's own address, without parameters
    :param bodies: whether its :func:`document` will be asked for
    """
    stamp = making.stamp()
    slot = None if asked.page is None else (asked.page - 1) * ENTRIES
    with store.together():
        now = store.settle()
        entries = store.page(
            scope,
            ending,
            stamp,
            limit=ENTRIES + 1,
            after=asked.after,
            before=asked.before,
            since=asked.since,
            slot=slot,
            bodies=bodies,
        )
        live, whole = store.counts(scope, now.changed)
        known = making.organizations(now.organizations)
    more = len(entries) > ENTRIES
    entries = entries[-ENTRIES:] if asked.before is not None else entries[:ENTRIES]
    as_of = asked.as_of or now.moment
    return Page(
        address=_here(asked, base),
        entries=entries,
        around=_around(asked, base, entries, more, whole, as_of),
        total=live if asked.since is None else None,
        as_of=as_of,
        changed=now.last,
        agencies=known,
    )


def _here(asked: Asked, base: str) -> str:
    named = {"page": asked.page, "after": asked.after, "before": asked.before}
    return asked.address(
        base, **{name: value for name, value in named.items() if value is not None}
    )


def _around(
    asked: Asked, base: str, entries: list[Entry], more: bool, whole: int, as_of: datetime
) -> dict[str, str]:
    """Pages are linked by positions, which stay: what is withdrawn or added while somebody reads
    moves nothing across a page's edge."""
    kept = {"as_of": as_of.isoformat()} if asked.since is not None else {}
    found = {"first": asked.address(base, **kept)}
    behind = asked.before is not None or more
    if entries and behind:
        found["next"] = asked.address(base, after=entries[-1].position, **kept)
    in_front = (
        more if asked.before is not None else asked.after is not None or (asked.page or 1) > 1
    )
    if entries and in_front:
        found["previous"] = asked.address(base, before=entries[0].position, **kept)
    if asked.since is None:
        found["last"] = asked.address(base, page=max(1, -(-whole // ENTRIES)))
    return found


def document(page: Page, ending: str) -> str:
    """The text of a page."""
    entries = making.complete(page.entries, ending)
    return "".join(syntax.document(_pieces(page, entries, ending), ending, making.site()))


def of_dataset(entry: Entry, ending: str) -> str | None:
    """The text of one dataset's own document; None if it has just ceased to be public."""
    for made in making.complete([entry], ending):
        about = descriptions(made.refs, making.organizations(), ending)
        pieces = (made.body or "", *about)
        return "".join(syntax.document(pieces, ending, making.site()))
    return None


def _pieces(page: Page, entries: list[Entry], ending: str) -> Iterator[str]:
    yield about_catalog(ending, page.agencies)
    yield _paging(page, ending)
    alive = {entry.dataset_id for entry in entries}
    bodies = {entry.dataset_id: entry.body or "" for entry in entries}
    for entry in page.entries:
        if entry.dataset_id in alive:
            yield bodies[entry.dataset_id]
        elif not entry.live and page.total is None:
            yield tombstone(entry, ending)
    yield from descriptions({iri for e in entries for iri in e.refs}, page.agencies, ending)


def catalog_words(known: Mapping[str, Agency]) -> tuple[str, ...]:
    """What the catalog's description depends on: settings that people edit, its publisher."""
    names = ("ckan.site_title", "ckan.site_description")
    return (*(str(tk.config.get(name)) for name in names), repr(agencies.top(known)))


def about_catalog(ending: str, known: Mapping[str, Agency]) -> str:
    """The catalog's own description."""
    words = catalog_words(known)
    return _about(ending, making.stamp(), words, agencies.top(known))


@lru_cache(maxsize=16)
def _about(ending: str, stamp: str, words: tuple[str, ...], top: Agency | None) -> str:
    known = {top.id: top} if top else {}
    return syntax.piece(syntax.named(graph.catalog_graph(known), making.site()), ending)


def _paging(page: Page, ending: str) -> str:
    made = syntax.graph(making.site())
    here = URIRef(page.address)
    # The one has become the other in Hydra; harvesters look for the first.
    for kind in (HYDRA.PagedCollection, HYDRA.PartialCollectionView):
        made.add((here, RDF.type, kind))
    for name, address in page.around.items():
        made.add((here, HYDRA[name], URIRef(address)))
    if page.total is not None:
        made.add((here, HYDRA.totalItems, Literal(page.total, datatype=XSD.integer)))
    if page.changed:
        changed = Literal(page.changed.isoformat(), datatype=XSD.dateTime)
        made.add((URIRef(graph.where().base), DCTERMS.modified, changed))
    made.add((here, HYDRA.itemsPerPage, Literal(ENTRIES, datatype=XSD.integer)))
    made.add((here, DCTERMS.modified, Literal(page.as_of.isoformat(), datatype=XSD.dateTime)))
    return syntax.piece(made, ending)


def tombstone(entry: Entry, ending: str) -> str:
    """That a dataset is gone, and since when: no more than its address is said of it."""
    made = syntax.graph(making.site())
    gone = URIRef(f"{graph.where().base}/dataset/{entry.dataset_id}")
    made.add((gone, RDF.type, ACTIVITY.Tombstone))
    made.add((gone, ACTIVITY.formerType, DCAT.Dataset))
    since = Literal(entry.changed.isoformat(), datatype=XSD.dateTime)
    made.add((gone, ACTIVITY.deleted, since))
    return syntax.piece(made, ending)


def descriptions(iris: Iterable[str], known: Mapping[str, Agency], ending: str) -> Iterator[str]:
    """What is to be said of the terms and agencies that datasets name, and of what these name in
    turn, each once."""
    waiting, told = sorted(iris, reverse=True), set[str]()
    stamp = making.stamp()
    while waiting:
        iri = waiting.pop()
        if iri not in told:
            told.add(iri)
            agency = known.get(iri.rsplit("/", 1)[-1])
            text, more = _described(iri, agency, ending, stamp)
            waiting += more
            yield text


@lru_cache(maxsize=20_000)
def _described(
    iri: str, agency: Agency | None, ending: str, stamp: str
) -> tuple[str, tuple[str, ...]]:
    found, more = describe_one(iri, {agency.id: agency} if agency else {})
    return syntax.piece(syntax.named(found, making.site()), ending), more
