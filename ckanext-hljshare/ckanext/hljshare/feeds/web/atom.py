"""Feeds of changes: Atom (RFC 4287), in pages (RFC 5005), with what is gone (RFC 6721). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from lxml import etree

from ckanext.hljshare.access import levels
from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.dcat.terms import Where, segment, text
from ckanext.hljshare.feeds.web.store import Change

MEDIA = "application/atom+xml; charset=utf-8"
ENTRIES = 50  # of a page
ATOM = "http://www.w3.org/2005/Atom"
GONE = "http://purl.org/atompub/tombstones/1.0"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_START = datetime(1970, 1, 1, tzinfo=timezone.utc)
_CURSOR = re.compile(r"([0-9]{1,17})-([0-9]{1,18})")


@dataclass(frozen=True)
class Feed:
    """What is said of a feed as a whole. ``address``: of this page of it; ``pages``: the addresses
    of others, by their relation (``first``, ``next``); ``page``: of the website, for people;
    ``language``: of the title. What is told of datasets is Chinese."""

    id: str
    title: str
    publisher: str
    address: str
    page: str
    pages: Mapping[str, str]
    language: str = "zh"


def cursor(change: Change) -> str:
    """A word for the place behind an entry."""
    since = (change.changed - _START) // timedelta(microseconds=1)
    return f"{since}-{change.position}"


def place(words: str) -> tuple[datetime, int] | None:
    """The place that :func:`cursor` named; None for nothing.

    :raises ValueError: for other words
    """
    if not words:
        return None
    found = _CURSOR.fullmatch(words)
    if not found:
        raise ValueError(words)
    try:
        return _START + timedelta(microseconds=int(found[1])), int(found[2])
    except OverflowError:
        raise ValueError(words) from None


def document(feed: Feed, changes: Sequence[Change], where: Where, site: str) -> bytes:
    """The text of one page of a feed.

    :param site: the portal's address in the reader's language
    """
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM, "at": GONE})
    root.set(_XML_LANG, "zh")
    _put(root, "id", feed.id)
    _put(root, "title", feed.title).set(_XML_LANG, feed.language)
    # Pages of one feed: how recent this one is, which holds still while nothing changes.
    _put(root, "updated", _moment(max((each.changed for each in changes), default=_START)))
    _put(_put(root, "author"), "name", feed.publisher)
    _put(root, "link", rel="self", type="application/atom+xml", href=feed.address)
    _put(root, "link", rel="alternate", type="text/html", href=feed.page)
    for relation, address in feed.pages.items():
        _put(root, "link", rel=relation, type="application/atom+xml", href=address)
    for change in changes:
        if change.live:
            _entry(root, change, where, site)
        else:
            gone = etree.SubElement(root, f"{{{GONE}}}deleted-entry")
            gone.set("ref", _id(change, where))
            gone.set("when", _moment(change.changed))
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return written


def _id(change: Change, where: Where) -> str:
    """The same IRI as in the DCAT feeds: it stays when the dataset gets another name."""
    return f"{where.base}/dataset/{segment(change.dataset_id)}"


def _entry(root: etree._Element, change: Change, where: Where, site: str) -> None:
    entry = _put(root, "entry")
    title = text(change.title) or change.name
    _put(entry, "id", _id(change, where))
    _put(entry, "title", title)
    _put(entry, "updated", _moment(change.modified or change.changed))
    if change.created:
        _put(entry, "published", _moment(change.created))
    if change.agency:
        _put(_put(entry, "author"), "name", change.agency)
    page = f"{site}/dataset/{segment(change.name)}"
    _put(entry, "link", rel="alternate", type="text/html", href=page)
    for list_id, code in (("theme", change.theme), ("open_type", levels.known(change.level))):
        if codelists.item(list_id, code):
            label = codelists.label(list_id, code)
            scheme = f"{where.base}/vocabulary/{list_id}"
            _put(entry, "category", term=code, label=label, scheme=scheme)
    _put(entry, "summary", text(change.notes) or title)


def _put(parent: etree._Element, name: str, words: str = "", **attributes: str) -> etree._Element:
    """An element; of whatever people have written, what XML can hold."""
    held = {key: text(value) for key, value in attributes.items()}
    found = etree.SubElement(parent, f"{{{ATOM}}}{name}", held)
    found.text = text(words) or None
    return found


def _moment(value: datetime) -> str:
    return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
