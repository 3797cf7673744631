"""The whole catalog as one gzip file, put together from parts that are made once for each change.

A gzip file may be several members one behind another (RFC 1952 §2.2): a head, a member for each
hundred positions, a tail. A change costs the making of one part; what is no more public stands in
no part that is given out (:mod:`store`). No file is written: a reader gets the parts from the
database, as of one moment, and only those that he asks for.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping

from ckanext.hljshare.feeds.catalog import pages, store
from ckanext.hljshare.feeds.catalog.store import BusyError, Holds, Snapshot
from ckanext.hljshare.feeds.dcat import syntax
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.entries import store as entries
from ckanext.hljshare.feeds.entries.store import Scope

MEDIA = "application/gzip"
TRIES = 5  # writes that come in between while parts are read
# What a reader waits for; more is made beforehand: parts of the whole, texts of datasets.
MOST_PARTS, MOST_TEXTS = 30, 1000
DIGESTS_KEPT = 1000
_digests: dict[str, bytes] = {}  # SHA-256 by ETag: to know it, all parts are read once


def _packed(text: str) -> bytes:
    return gzip.compress(text.encode("utf-8"), compresslevel=6, mtime=0)


def etag(scope: Scope, ending: str) -> str:
    """A word that changes whenever the dump would read otherwise; says what is committed now."""
    known = making.organizations(entries.settle().organizations)
    return _etag(scope, ending, store.holds(scope), known)


def _etag(scope: Scope, ending: str, holds: Iterable[Holds], known: Mapping[str, Agency]) -> str:
    said = [making.stamp(), repr(scope), ending, *pages.catalog_words(known)]
    said += [repr(each) for each in holds]
    said += [repr(known[key]) for key in sorted(known)]
    return hashlib.blake2b("\n".join(said).encode(), digest_size=16).hexdigest()


def build(scope: Scope, ending: str, patient: bool = True) -> None:
    """Make the parts that are out of date.

    :param patient: False for a reader, who gives up where it takes long
    :raises BusyError: then, or if somebody else is making them
    """
    stamp = making.stamp()
    if not store.outdated(scope, ending, stamp):
        return
    with store.building(scope, ending):
        numbers = store.outdated(scope, ending, stamp)
        many = scope == entries.EVERYTHING and len(numbers) > MOST_PARTS
        if not patient and (many or entries.missing(scope, stamp) > MOST_TEXTS):
            raise BusyError
        for number in numbers:
            found = store.entries_of(scope, ending, stamp, number)
            if not found:
                continue
            newest = max(entry.version for entry in found)
            live = making.complete(found, ending)
            text = "".join(syntax.between(ending) + (entry.body or "") for entry in live)
            refs = frozenset(iri for entry in live for iri in entry.refs)
            packed = _packed(text) if live else b""
            holds = Holds(number, len(found), newest)
            store.keep(scope, ending, stamp, holds, refs, packed)


def refresh() -> None:
    """Make beforehand what a reader of the whole catalog would wait for, and drop the outdated."""
    entries.settle()
    for ending in syntax.SYNTAXES:
        build(entries.EVERYTHING, ending)
    store.forget_outdated(making.stamp())


def make_ready() -> None:
    """A background job: make what has changed and the parts of the whole catalog, before readers
    ask again."""
    making.refresh()
    refresh()


class Dump:
    """A dump as of one moment; to be closed. ``size`` in bytes, ``etag`` as :func:`etag` has it."""

    def __init__(
        self, snapshot: Snapshot, parts: list[store.Part], scope: Scope, ending: str
    ) -> None:
        known = making.organizations()
        refs = {iri for part in parts for iri in part.refs}
        self._snapshot = snapshot
        self._head = _packed(
            syntax.head(ending, making.site()) + pages.about_catalog(ending, known)
        )
        self._tail = _packed("".join(_end(refs, known, ending)))
        self._parts = parts
        self.size = len(self._head) + sum(part.size for part in parts) + len(self._tail)
        self.etag = _etag(scope, ending, (part.holds for part in parts), known)

    def close(self) -> None:
        """Give the connection back."""
        self._snapshot.close()

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``stop``, without reading the parts in front of them."""
        stop = self.size if stop is None else min(stop, self.size)
        position = len(self._head)
        if start < position:
            yield self._head[start:stop]
        wanted = []
        for part in self._parts:
            if part.size and start < position + part.size and position < stop:
                wanted.append((position, part))
            position += part.size
        if wanted:
            numbers = (wanted[0][1].holds.number, wanted[-1][1].holds.number)
            for (at, _part), body in zip(wanted, self._bodies(*numbers), strict=True):
                yield body[max(0, start - at) : stop - at]
        if stop > position:
            yield self._tail[max(0, start - position) : stop - position]

    def _bodies(self, first: int, last: int) -> Iterator[bytes]:
        """Without the empty ones, of which nothing is wanted."""
        return (body for body in self._snapshot.bodies(first, last) if body)

    @property
    def sha256(self) -> bytes:
        """The checksum of the whole."""
        if self.etag not in _digests:
            checksum = hashlib.sha256()
            for data in self.read():
                checksum.update(data)
            if len(_digests) >= DIGESTS_KEPT:
                _digests.clear()
            _digests[self.etag] = checksum.digest()
        return _digests[self.etag]

    @property
    def digest(self) -> str:
        """The checksum as RFC 9530 has it."""
        return f"sha-256=:{base64.b64encode(self.sha256).decode()}:"


def make(scope: Scope, ending: str, patient: bool = True) -> Dump:
    """The dump of what is public now.

    :param patient: as :func:`build` has it
    :raises BusyError: as :func:`build`, or if it changed in each of `TRIES` tries
    """
    for _attempt in range(TRIES):
        entries.settle()
        build(scope, ending, patient)
        snapshot = Snapshot(scope, ending, making.stamp())
        try:
            parts = snapshot.parts()
            if parts is not None:
                return Dump(snapshot, parts, scope, ending)
        except BaseException:
            snapshot.close()
            raise
        snapshot.close()
    raise BusyError


def _end(refs: set[str], known: Mapping[str, Agency], ending: str) -> Iterator[str]:
    for text in pages.descriptions(refs, known, ending):
        if text:
            yield syntax.between(ending)
            yield text
    yield syntax.tail(ending)
