"""Catalogs in XML (shape G of the research notes): where the records are and what their elements
mean is the mapping's part ``xml``; nothing else differs from city to city.

A level of opening is read by the mapping's codes alone or by plain words: ``isOpen`` 1 means 有条件
at one vendor and 是否向社会开放: 是 in the national guide.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Set
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urljoin

from lxml import etree

from ckanext.hljshare.ingest import text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, Validators, read_whole
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord

from . import build, markup
from .base import HljshareHarvester
from .mapping import Mapping as SourceMapping
from .mapping import MappingError
from .pages import MAX_PAGES, Turning, readable, whole_number

OK = ("0", "200", "00000", "success", "ok", "true")
_LISTS = frozenset({"tags", "formats"})  # elements that repeat are one value of these


class XmlFeed:
    """Adapter: records of one XML catalog. Raises MappingError where the mapping says nothing of
    XML.
    """

    def __init__(
        self, url: str, mapping: SourceMapping, fetcher: Fetcher, today: date | None = None
    ) -> None:
        self.total: int | None = None
        self.validators: Validators | None = None
        self._url, self._mapping, self._fetcher, self._today = url, mapping, fetcher, today
        self._xml: Mapping[str, Any] = mapping.xml
        if not self._xml.get("rows"):
            raise MappingError("xml: rows is missing")
        named = self._xml.get("fields", {}).get("title", "").split("/")[0]
        self._titles = {named} if named else {
            key for key, field in mapping.headers.items() if field == "title"
        }  # fmt: skip

    def records(self) -> Iterator[CatalogRecord]:
        """Each dataset once, in the source's order. Raises SourceError."""
        turning, rows_seen = Turning(), 0
        paging = self._xml.get("paging")
        for number in range(MAX_PAGES):
            if paging:
                body = self._fetcher.get(self._url, self._page(number, rows_seen))
            else:
                body = read_whole(self._fetcher, self._url, self.validators)
            root = markup.xml_root(body)
            self._check(root)
            if self._xml.get("total"):
                words = next(iter(values(root, self._xml["total"], rooted=True)), "")
                self.total = whole_number(words, self.total)
            rows = rows_of(root, self._xml["rows"], self._titles)
            for place, row in enumerate(rows, start=1):
                native_id, raw = self._raw(row)
                native_id = native_id or f"row {place}"  # for the report: it will be rejected
                if turning.is_new(native_id):
                    make = partial(build.record, native_id, raw, self._mapping, self._today)
                    yield readable(native_id, raw.values.get("title"), make)
            rows_seen += len(rows)
            if turning.ended(len(rows), self.total) or not paging:
                return
            time.sleep(self._mapping.pause)

    def _page(self, number: int, rows_seen: int) -> dict[str, object]:
        paging = self._xml["paging"]
        place = rows_seen if paging.get("offset") else number + paging.get("first", 1)
        sized = {paging["size"]: self._mapping.page_size} if paging.get("size") else {}
        return {paging["page"]: place, **sized}

    def _check(self, root: etree._Element) -> None:
        """An answer that reports an error is not a catalog."""
        if not self._xml.get("code"):
            return
        given = text.key(next(iter(values(root, self._xml["code"], rooted=True)), ""))
        if given not in {text.key(word) for word in self._xml.get("ok", OK)}:
            raise SourceError(f"source-error: code {given[:20]}" if given else "source-error: code")

    def _raw(self, row: etree._Element) -> tuple[str, build.Raw]:
        """One record in its source's words, and what identifies it: the path the mapping names,
        else an element that is headed as an identifier or resource code, else title and agency.
        """
        raw = build.Raw(fields_of(row, self._mapping.headers, self._xml.get("fields", {})))
        items, files = self._xml.get("items"), self._xml.get("files")
        if items:
            raw.items = [
                fields_of(item, self._mapping.headers, items["fields"])
                for item in descend(row, items["rows"])
            ]
        listed = [] if not files else [
            fields_of(item, {}, files["fields"]) for item in descend(row, files["rows"])
        ]  # fmt: skip
        if not files and not text.is_empty(raw.values.get("file_url")):
            listed = [{"url": url} for url in text.clean(raw.values["file_url"]).split()]
        raw.resources = [
            made
            for number, item in enumerate(listed, start=1)
            if (made := self._file(item, number, raw.line("title")))
        ]
        path = self._xml.get("id")
        given = text.line(next(iter(values(row, path)), "")) if path else ""
        named = given or raw.line("id") or raw.line("code")
        both = f"{raw.line('title')}|{raw.line('provider')}"
        return named or ("" if both == "|" else both), raw

    def _file(self, item: Mapping[str, object], number: int, title: str) -> ResourceRecord | None:
        url = text.line(item.get("url"))
        try:
            url = urljoin(self._url, url) if url else ""
        except ValueError:
            return None
        if not url.startswith(("http://", "https://")):
            return None
        modified = text.parse_date(item.get("modified")).value
        return build.file_record(
            text.line(item.get("id")) or str(number),
            text.line(item.get("name")) or title,
            url,
            text.line(item.get("format")),
            size=whole_number(item.get("size")),
            modified=modified.isoformat() if modified else None,
        )


def descend(node: etree._Element, path: str) -> list[etree._Element]:
    """The elements that a path of names leads to, from ``node`` down; namespaces do not count."""
    found = [node]
    for step in path.split("/"):
        if step not in ("", "."):
            found = [child for parent in found for child in parent if markup.name(child) == step]
    return found


def values(node: etree._Element, path: str, *, rooted: bool = False) -> list[str]:
    """The texts at a path whose last step may be ``@attribute``; with ``rooted`` the first step is
    the name of ``node`` itself.
    """
    head, _slash, last = path.rpartition("/")
    elements, attribute = (head, last[1:]) if last.startswith("@") else (path, "")
    if rooted:
        first, _slash, elements = elements.partition("/")
        if markup.name(node) != first:
            return []
    found = descend(node, elements)
    if attribute:
        texts = [_attribute(element, attribute) for element in found]
    else:
        texts = ["".join(element.itertext()) for element in found]
    return [words for words in texts if not text.is_empty(words)]


def _attribute(element: etree._Element, wanted: str) -> str:
    plain = {etree.QName(name).localname: value for name, value in element.attrib.items()}
    return str(plain.get(wanted, ""))


def rows_of(root: etree._Element, path: str, titles: Set[str]) -> list[etree._Element]:
    """The records of an answer. Where there is one only, some services leave the innermost element
    out and put its fields straight into the list. Raises SourceError where there is no list.
    """
    first, _slash, rest = path.partition("/")
    if markup.name(root) != first:
        raise SourceError("not-a-catalog: XML without a list of datasets")
    if not rest:
        return [root]
    above, _slash, last = rest.rpartition("/")
    lists = descend(root, above)
    if not lists:
        raise SourceError("not-a-catalog: XML without a list of datasets")
    rows = [row for parent in lists for row in parent if markup.name(row) == last]
    if not rows:
        rows = [
            parent for parent in lists
            if any({markup.name(child), text.key(markup.name(child))} & titles for child in parent)
        ]  # fmt: skip
    return rows


def fields_of(
    row: etree._Element, headers: Mapping[str, str], paths: Mapping[str, str]
) -> dict[str, object]:
    """Our fields of a record: by the mapping's paths, else by the names of elements and attributes
    that any catalog uses.
    """
    found: dict[str, object] = {}
    for name, path in paths.items():
        texts = values(row, path)
        if texts:
            found[name] = ",".join(texts) if name in _LISTS else texts[0]
    leaves = [(markup.name(leaf), leaf.text or "") for leaf in row if not len(leaf)]
    leaves += [(etree.QName(name).localname, value) for name, value in row.attrib.items()]
    for name, value in leaves:
        known = headers.get(text.key(name))
        if known and known not in paths and known not in found and not text.is_empty(value):
            found[known] = value
    return found


class XmlFeedHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "xml_feed"
    title = "XML 目录接口"
    description = "地址填目录接口；记录位置、字段和代码含义在映射文件的 xml 部分"
    adapter = XmlFeed
