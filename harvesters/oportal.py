"""Inspur's oPortal (浪潮公共数据开放平台): a list and details in HTML, files in JSON.

Labels carry a full-width colon, the total has thousands commas, and cities skin the pages: where a
thing stands is in the mapping's part ``html``, what is written here is the product as it is sold.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit, urlunsplit

from lxml import etree

from ckanext.hljshare.ingest import levels, text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, as_json
from ckanext.hljshare.ingest.record import PARTIAL, CatalogRecord

from . import build, markup
from .base import HljshareHarvester
from .mapping import Mapping as SourceMapping
from .mapping import MappingError
from .pages import MAX_PAGES, SecondCalls, Turning, answer_object, readable, whole_number

DEFAULTS: dict[str, Any] = {
    "list": "catalog/index?page={page}",
    "first": 1,
    "links": "//div[has-class('cata-title')]//a[contains(@href, '/catalog/')]",
    "total": "//div[has-class('top-title')]//span",
    "title": "//ul[has-class('d-title')]//h4",
    "labels": {},
    "fields": {},
    "files": "catalog/getResourceWithFormat?cataId={id}&pageNum={page}&pageSize=100&fileFormat=",
    "download": "catalog/download?cataId={id}&cataName={name}&idInRc={file}",
}
LABELS = {"部门电话": "contact_phone", "重点领域": "theme", "数据更新时间": "updated"}
FILES_ON_PAGE = "//li[@name='file-download']//tr[@fileformat][.//input[@file-id]]"
# What frames every page: its telephone is the operator's, not the dataset's.
FRAME = "//footer | //header | //nav | //*[contains(@class, 'foot') or contains(@id, 'foot')]"
_ID_PARAMETERS = ("cataId", "cata_id", "id")
_ENTRANCE = re.compile(r"(?:/catalog)?/index(?:\.\w+)?$|/catalog$")
_LABEL_LENGTH = 24
_BLOCKS = ("li", "p", "div", "td", "th", "dt", "dd", "table", "ul", "ol", "dl")
_LABELLED = (*_BLOCKS[:7], "span", "label", "b", "em", "strong")
_READ = markup.xpath(FRAME), markup.xpath(FILES_ON_PAGE)


@dataclass
class Page:
    """What the page of a dataset tells: our fields, its items, its files (None: not on it)."""

    values: dict[str, object]
    items: list[dict[str, object]]
    files: list[dict[str, Any]]
    hidden: dict[str, str] = field(default_factory=dict)


class Oportal:
    """Adapter: records of one oPortal. Raises MappingError where the mapping's XPath is wrong."""

    def __init__(
        self, url: str, mapping: SourceMapping, fetcher: Fetcher, today: date | None = None
    ) -> None:
        self.total: int | None = None
        self._base = _ENTRANCE.sub("", url.split("?")[0].rstrip("/")) + "/"
        self._mapping, self._fetcher, self._today = mapping, fetcher, today
        self._html = {**DEFAULTS, **mapping.html}
        self._labels = {
            **mapping.headers,
            **{text.key(word): name for word, name in LABELS.items()},
            **{text.key(word): name for word, name in self._html["labels"].items()},
        }
        try:
            self._links = markup.xpath(self._html["links"])
            self._total = markup.xpath(self._html["total"]) if self._html["total"] else None
            self._title = markup.xpath(self._html["title"])
            self._fields = {name: markup.xpath(path) for name, path in self._html["fields"].items()}
        except ValueError as error:
            raise MappingError(f"html: {error}") from None
        self._calls = SecondCalls()

    def records(self) -> Iterator[CatalogRecord]:
        """Each dataset once, in the portal's order. Raises SourceError."""
        for native_id, address, title in self._entries():
            page, partial = self._calls.ask("details", self._detail, address)
            page = page or Page({}, [], [])
            page.values.setdefault("title", title)
            page.values.setdefault("source_url", address)
            files, no_files = page.files or None, False
            if files is None and self._html["files"]:
                asked = page.hidden.get("cata_id") or native_id
                files, no_files = self._calls.ask("files", self._files, asked)
            make = functools.partial(self._record, native_id, page, files or [])
            record = readable(native_id, title, make)
            if partial or no_files:
                record = replace(record, warnings=(*record.warnings, PARTIAL))
            yield record

    def _entries(self) -> Iterator[tuple[str, str, str]]:
        """Id, address and title of each dataset of the list."""
        turning, frame = Turning(), ""
        for number in range(self._html["first"], self._html["first"] + MAX_PAGES):
            page = self._page(self._base + self._html["list"].replace("{page}", str(number)))
            counted = self._count(page)
            links = [link for link in self._links(page) if isinstance(link, etree._Element)]
            title = text.line(page.findtext(".//title"))
            if not links and counted is None and (not frame or title != frame or self._total):
                signing_in = markup.asks_to_sign_in(page)
                raise SourceError(
                    "login-page" if signing_in else "not-a-catalog: HTML without a list of datasets"
                )
            frame = frame or title or "-"
            self.total = self.total if counted is None else counted
            for link in links:
                entry = self._entry(link)
                if entry and turning.is_new(entry[0]):
                    yield entry
            if turning.ended(len(links), self.total):
                return
            time.sleep(self._mapping.pause)

    def _count(self, page: etree._Element) -> int | None:
        found = self._total(page) if self._total else []
        numbers = (whole_number(markup.words_of(item)) for item in found)
        return next((number for number in numbers if number is not None), None)

    def _entry(self, link: etree._Element) -> tuple[str, str, str] | None:
        """A link of the list; its host does not count, the source's own does."""
        try:
            there = urlsplit(urljoin(self._base, text.line(link.get("href"))))
        except ValueError:
            return None
        if there.scheme not in ("http", "https"):
            return None
        here = urlsplit(self._base)
        query = parse_qs(there.query)
        given = next((query[name][0] for name in _ID_PARAMETERS if name in query), "")
        native_id = text.line(given or unquote(there.path.rstrip("/").rsplit("/", 1)[-1]))
        address = urlunsplit((here.scheme, here.netloc, there.path, there.query, ""))
        return native_id, address, text.line(link.get("title") or markup.words_of(link))

    def _page(self, address: str) -> etree._Element:
        return markup.html_page(self._fetcher.get(address))

    def _detail(self, address: str) -> Page:
        page = self._page(address)
        hidden = {
            text.line(item.get("id")): text.line(item.get("value"))
            for item in page.iter("input")
            if item.get("id") in ("cata_id", "cata_name")
        }
        files = _files_on(page)
        for part in _READ[0](page):
            if isinstance(part, etree._Element):
                markup.drop(part)
        values: dict[str, object] = {}
        for name, find in {"title": self._title, **self._fields}.items():
            words = "\n".join(markup.words_of(item) for item in find(page))
            if not text.is_empty(words):
                values[name] = words
        items = items_of(page, self._mapping.headers)
        told = labelled(page, self._labels)
        if not told and not items and len(values) < 2:
            raise SourceError("not-a-catalog: HTML without details")
        values = {**told, **values}
        level = text.line(values.get("open_condition"))
        if "open" not in values and self._is_level(level):  # the product's label of the level
            values["open"] = values.pop("open_condition")
        return Page(values, items, files, hidden)

    def _is_level(self, words: str) -> bool:
        known = self._mapping.code("open", words) or levels.OPEN_WORDS.get(text.key(words))
        return known is not None

    def _files(self, cata_id: str) -> list[dict[str, Any]]:
        """The files of a dataset, page by page."""
        rows: list[dict[str, Any]] = []
        turning = Turning()
        for number in range(1, MAX_PAGES):
            address = self._html["files"].replace("{id}", quote(cata_id, safe=""))
            answer = answer_object(
                as_json(self._fetcher.get(self._base + address.replace("{page}", str(number))))
            )
            inner = answer.get("object")
            found = inner.get("records") if isinstance(inner, dict) else None
            if not isinstance(found, list):
                found = []
            for row in found:
                if isinstance(row, dict) and turning.is_new(text.line(row.get("idInRc"))):
                    rows.append(row)
            total = whole_number(inner.get("total")) if isinstance(inner, dict) else None
            whole = total if total is not None else len(rows)
            if turning.ended(len(found), whole) or len(rows) > build.MAX_RESOURCES:
                break
        return rows

    def _record(self, native_id: str, page: Page, files: list[dict[str, Any]]) -> CatalogRecord:
        cata_id = page.hidden.get("cata_id") or native_id
        cata_name = page.hidden.get("cata_name") or text.line(page.values.get("title"))
        resources = []
        for row in files:
            file_id, declared = text.line(row.get("idInRc")), text.line(row.get("fileFormat"))
            name = text.line(row.get("fileName")) or file_id
            ending = "." + declared.casefold().lstrip(".")
            if declared and not name.casefold().endswith(ending):
                name += ending
            parts = {"{id}": cata_id, "{name}": cata_name, "{file}": file_id}
            address = self._html["download"]
            for place, value in parts.items():
                address = address.replace(place, quote(value, safe=""))
            resources.append(
                build.file_record(
                    file_id,
                    name,
                    self._base + address,
                    declared,
                    size=whole_number(row.get("fileSize")),
                )
            )
        raw = build.Raw(page.values, items=page.items, resources=resources)
        return build.record(native_id, raw, self._mapping, self._today)


def labelled(page: etree._Element, labels: Mapping[str, str]) -> dict[str, object]:
    """Our fields by the labels of a page: ``来源部门：统计局`` in one element, or a label and its
    value in two that follow each other. The first one counts.
    """
    found: dict[str, object] = {}
    for element in page.iter(*_LABELLED):
        if _is_heading(element):
            continue
        if next(element.iterdescendants(*_BLOCKS), None) is None:
            label, value = _parted(markup.words_of(element))
        elif not text.is_empty(element.text):  # a label before a block that holds the value
            label, value = _parted(markup.words_of(element))
            value = "" if len(list(element.iterdescendants(*_BLOCKS))) > 3 else value
        else:
            continue
        name = labels.get(text.key(label)) if len(label) <= _LABEL_LENGTH else None
        if not name or name in found or name.startswith("item_"):
            continue
        value = value or _beside(element)
        if not text.is_empty(value) and text.key(value) not in labels:
            found[name] = value
    return found


def _parted(words: str) -> tuple[str, str]:
    mark = re.search(r"[：:]", words[: _LABEL_LENGTH + 1])
    return (words[: mark.start()], words[mark.end() :].strip()) if mark else (words, "")


def _beside(element: etree._Element) -> str:
    """The text after an element, or that of the next one, out of cells that hold nothing else."""
    while element.getnext() is None and text.is_empty(element.tail):
        parent = element.getparent()
        if parent is None or parent.tag not in ("td", "th", "dt") or len(parent) > 1:
            return ""
        element = parent
    following = element.getnext()
    after = text.clean(element.tail)
    return after or (markup.words_of(following) if following is not None else "")


def _is_heading(element: etree._Element) -> bool:
    """A cell that heads a column, rather than labels the cell beside it."""
    row = element.getparent()
    if element.tag != "th" or row is None:
        return False
    return all(cell.tag == "th" for cell in row) and len(row) > 1


def items_of(page: etree._Element, headers: Mapping[str, str]) -> list[dict[str, object]]:
    """The 信息项 of a page: rows of the first table that has a column for their names."""
    for table in page.iter("table"):
        rows = [
            [markup.words_of(cell) for cell in row if cell.tag in ("td", "th")]
            for row in table.iter("tr")
        ]
        for start, row in enumerate(rows[:3]):
            names = [headers.get(text.key(cell), "") for cell in row]
            if "item_name" not in names or len(row) < 2:
                continue
            return [
                {name: cell for name, cell in zip(names, cells, strict=False) if name}
                for cells in rows[start + 1 :]
            ]
    return []


def _files_on(page: etree._Element) -> list[dict[str, Any]]:
    """The files a page lists by itself, as the JSON call would name them."""
    rows = []
    for row in _READ[1](page):
        if not isinstance(row, etree._Element):
            continue
        box = next((item for item in row.iter("input") if item.get("file-id")), None)
        if box is None:
            continue
        rows.append(
            {
                "idInRc": box.get("file-id"),
                "fileName": box.get("file-name"),
                "fileFormat": row.get("fileformat"),
            }
        )
    return rows


class OportalHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "oportal"
    title = "浪潮 oPortal 开放平台"
    description = "地址填到 /oportal 为止；页面换过样式的，在映射文件的 html 部分写明位置"
    adapter = Oportal
