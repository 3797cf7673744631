"""Inspur's ODWeb (浪潮数据开放平台), as Harbin and other cities run it: JSON lists, pages that
repeat past
their end.

Three calls: the paged list, a dataset's details with its items, its files. A code's meaning
differs from city to city and is in
the source's mapping; theme and industry come packed in one text
(``zt-1:12:经济建设,hy-2:10:金融业``).
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

from ckanext.hljshare.ingest import text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, as_json
from ckanext.hljshare.ingest.record import PARTIAL, CatalogRecord, ResourceRecord

from . import build
from .base import HljshareHarvester
from .mapping import Mapping as SourceMapping
from .pages import MAX_PAGES, SecondCalls, Turning, answer_object, readable, whole_number

LIST = "catalog/catalog.do?method=GetCatalog"
DETAIL = "catalog/catalogDetail.do?method=GetCatalogDetail"
FILES = "catalog/catalogDetail.do?method=GetDownLoadInfo"
FILE = "catalog/CatalogDetailDownload.do?method=getFileDownloadAddr&fileId="
PAGE = "catalog/catalogDetail.htm?cata_id="
USE_TYPES = {"1": "数据集", "2": "文件集", "3": "接口", "4": "地图"}
# Cycles on which the product's open and share sides agree; 1 and 8 mean opposite things there.
CYCLES = {
    "2": "daily",
    "3": "weekly",
    "4": "monthly",
    "5": "quarterly",
    "6": "semiannual",
    "7": "annual",
}
_GROUP = re.compile(r"(zt|hy)-\d+:\d+:([^,]+)")
_ITEM_KEYS = {
    "item_name": ("column_name", "item_name", "name"),
    "item_field": ("column_field", "column_code", "field", "name_en"),
    "item_type": ("column_type", "data_type", "type"),
    "item_length": ("column_length", "length"),
    "item_description": ("column_description", "column_desc", "description"),
}


class Odweb:
    """Adapter: records of one ODWeb portal."""

    def __init__(
        self, url: str, mapping: SourceMapping, fetcher: Fetcher, today: date | None = None
    ) -> None:
        self.total: int | None = None
        self._base, self._mapping, self._fetcher, self._today = (
            url.rstrip("/") + "/",
            mapping,
            fetcher,
            today,
        )
        self._calls = SecondCalls()

    def records(self) -> Iterator[CatalogRecord]:
        """Each dataset once, in the portal's order. Raises SourceError."""
        for entry in self._entries():
            native_id = text.line(entry.get("cata_id"))
            detail, partial = self._calls.ask("details", self._detail, native_id)
            files, no_files = self._calls.ask("files", self._files, native_id)
            make = functools.partial(
                make_record,
                native_id,
                {**entry, **(detail or {})},
                files or [],
                self._base,
                self._mapping,
                self._today,
            )
            record = readable(native_id, entry.get("cata_title"), make)
            if partial or no_files:
                record = replace(record, warnings=(*record.warnings, PARTIAL))
            yield record

    def _entries(self) -> Iterator[Mapping[str, Any]]:
        """Entries of the list with a new id; stops at the total or where pages only repeat."""
        turning, start = Turning(), 0
        for _page in range(MAX_PAGES):
            answer = self._list(start)
            self.total = whole_number(answer.get("recordsTotal"), self.total)
            rows = answer.get("data")
            if not isinstance(rows, list):
                raise SourceError("not-a-catalog: no list of datasets")
            for row in rows:
                if isinstance(row, dict) and turning.is_new(text.line(row.get("cata_id"))):
                    yield row
            start += len(rows)
            if turning.ended(len(rows), self.total):
                return
            time.sleep(self._mapping.pause)

    def _list(self, start: int) -> dict[str, Any]:
        size = self._mapping.page_size
        form = {
            "start": start,
            "length": size,
            "pageLength": size,
            "cata_type": "default",
            "region_code": "",
            "_order": "1:b",
        }
        return answer_object(as_json(self._fetcher.post_form(self._base + LIST, form)))

    def _detail(self, native_id: str) -> dict[str, Any]:
        answer = answer_object(
            as_json(self._fetcher.get(self._base + DETAIL, {"cata_id": native_id}))
        )
        inner = answer.get("data")
        detail = dict(inner) if isinstance(inner, dict) else answer
        if text.line(detail.get("cata_id")) not in ("", native_id):
            raise SourceError("not-a-catalog: details of another dataset")
        return detail

    def _files(self, native_id: str) -> list[dict[str, Any]]:
        form = {"cata_id": native_id, "conf_type": "2", "file_type": "1,3"}
        rows = answer_object(as_json(self._fetcher.post_form(self._base + FILES, form))).get("data")
        if rows and not isinstance(rows, list):
            raise SourceError("not-a-catalog: no list of files")
        return [
            row
            for row in rows or ()
            if isinstance(row, dict) and not text.is_empty(row.get("fileId"))
        ]


def make_record(
    native_id: str,
    entry: Mapping[str, Any],
    files: list[dict[str, Any]],
    base: str,
    mapping: SourceMapping,
    today: date | None = None,
) -> CatalogRecord:
    """The record of one entry with its details and files."""
    values: dict[str, object] = {}
    for name, value in entry.items():
        known = mapping.headers.get(text.key(name))
        if known and not text.is_empty(value):
            values[known] = value
    groups = dict(_GROUP.findall(text.line(entry.get("group_name"))))
    values.setdefault("theme", groups.get("zt", ""))
    values.setdefault("industry", groups.get("hy", ""))
    values["formats"] = ",".join(
        USE_TYPES.get(code, code) for code in text.split_list(entry.get("use_type"))
    )
    cycle = text.line(values.get("cycle"))
    if not mapping.codes.get("cycle", {}).get(cycle):
        values["cycle"] = CYCLES.get(cycle, cycle)
    values.setdefault("source_url", base + PAGE + quote(native_id, safe=""))
    return build.record(
        native_id,
        build.Raw(values, items=_items(entry), resources=[_file(row, base) for row in files]),
        mapping,
        today,
    )


def _items(entry: Mapping[str, Any]) -> list[dict[str, object]]:
    rows: list[Any] = next(
        (
            entry[key]
            for key in ("items", "cata_items", "columns")
            if isinstance(entry.get(key), list)
        ),
        [],
    )
    return [
        {
            ours: next((row[key] for key in theirs if not text.is_empty(row.get(key))), None)
            for ours, theirs in _ITEM_KEYS.items()
        }
        for row in rows
        if isinstance(row, dict)
    ]


def _file(row: Mapping[str, Any], base: str) -> ResourceRecord:
    file_id = text.line(row.get("fileId"))
    modified = text.parse_date(row.get("updateTime")).value
    return build.file_record(
        file_id,
        text.line(row.get("fileName")) or file_id,
        base + FILE + quote(file_id, safe=""),
        text.line(row.get("fileFormat")),
        size=whole_number(row.get("fileSize")),
        modified=modified.isoformat() if modified else None,
    )


class OdwebHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "odweb"
    title = "浪潮 ODWeb 开放平台"
    description = "地址填到 /odweb 为止；代码含义在映射文件里"
    adapter = Odweb
