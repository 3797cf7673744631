"""Catalog lists (目录清单) as XLSX or CSV, the way cities really fill them in.

Header rows are found, not assumed: blank rows and titles above, one to three rows with merged
cells, （必填） in the headings. One
dataset may take several rows, one for each 信息项, or stand there many times over; both are one
record. Two datasets may have one name and codes of their own. Notes at the end are no record.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, replace
from datetime import date

from ckanext.hljshare.ingest import levels, text
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError, Validators, read_whole
from ckanext.hljshare.ingest.record import CatalogRecord, ResourceRecord

from . import build, national_list
from .base import HljshareHarvester
from .mapping import Mapping
from .workbook import Cell, Row, Sheet, read_sheets

LOOK_FOR_HEADER = 40
MAX_HEADER_ROWS = 3
ITEM_FIELDS = ("item_name", "item_field", "item_type", "item_length", "item_description")
_NOTE = re.compile(
    r"^[(（]?(?:注[:：意]?|备注|说明|填报?说明|填表说明|合计|总计|共计|制表|填表人|审核人?|单位负责人|联系人[:：])"
)
_FILLING_HINT = re.compile(r"^[(（]?(?:必填|选填|示例|样例|例[:：]|填写|按照|参照|格式[:：]|下拉)")
Rows = list[dict[str, Cell]]


@dataclass(frozen=True)
class Columns:
    """Which column holds which field, and where the data begin."""

    fields: dict[str, int]
    start: int


class CatalogSheet:
    """Adapter: records of one catalog sheet. ``total`` stays None, a sheet does not say how many it
    has.
    """

    total: int | None = None
    validators: Validators | None = None

    def __init__(
        self, url: str, mapping: Mapping, fetcher: Fetcher, today: date | None = None
    ) -> None:
        self._url, self._mapping, self._fetcher, self._today = url, mapping, fetcher, today

    def records(self) -> Iterator[CatalogRecord]:
        """Each dataset once. Raises SourceError if this is not a catalog."""
        found = False
        for sheet in read_sheets(read_whole(self._fetcher, self._url, self.validators)):
            columns = find_columns(sheet, self._mapping.headers)
            if columns:
                found = True
                yield from records(sheet, columns, self._mapping, self._today)
        if not found:
            raise SourceError("not-a-catalog: no column of titles")


def find_columns(sheet: Sheet, headers: MappingType[str, str]) -> Columns | None:
    """The header that names most of our fields, None if none names a title and something else."""
    best: Columns | None = None
    looked_at = [number for number, row in enumerate(sheet.rows) if not _blank(row)][
        :LOOK_FOR_HEADER
    ]
    for start in looked_at:
        if start in sheet.across:
            continue
        for height in range(1, MAX_HEADER_ROWS + 1):
            fields = _match(sheet.rows[start : start + height], headers)
            if (
                "title" in fields
                and len(fields) >= 2
                and (not best or len(fields) > len(best.fields))
            ):
                best = Columns(fields, start + height)
    if best:
        start = best.start
        while start < len(sheet.rows) and _is_hint(sheet.rows[start]):
            start += 1
        best = Columns(best.fields, start)
    return best


def _match(rows: Sequence[Row], headers: MappingType[str, str]) -> dict[str, int]:
    """Fields of a header block: the lowest heading of a column decides, then the ones above it."""
    fields: dict[str, int] = {}
    for column in range(max((len(row) for row in rows), default=0)):
        levels = list(dict.fromkeys(text.key(row[column]) for row in rows if column < len(row)))
        levels = [level for level in levels if level]
        for candidate in (*reversed(levels), "".join(levels)):
            name = headers.get(candidate) or headers.get(re.sub(r"\(.*?\)", "", candidate))
            if name:
                fields.setdefault(name, column)
                break
    return fields


def records(
    sheet: Sheet, columns: Columns, mapping: Mapping, today: date | None = None
) -> Iterator[CatalogRecord]:
    """The datasets below a header: rows of one title and agency are one dataset unless their codes
    part them, the first row's words count.
    """
    groups: dict[tuple[str, str], list[Rows]] = {}  # each row with those that continue it
    last: list[Rows] | None = None
    for row in _data_rows(sheet, columns):
        title, provider = text.key(row.get("title")), text.key(row.get("provider"))
        if not title and last and any(_continues(row, above[0]) for above in (last[0], last[-1])):
            last[-1].append(row)
            continue
        last = groups.setdefault((title, provider), [])
        last.append([row])
    holders = Counter(code for blocks in groups.values() for code in set(map(_code, blocks)))
    datasets = [
        (number, rows)
        for number, ((title, _), blocks) in enumerate(groups.items(), start=1)
        for rows in _parted(blocks, holders if title and mapping.id != "title_provider" else {})
    ]
    codes = Counter(code for _, rows in datasets for code in _codes(rows))
    for number, rows in datasets:
        yield _record(number, rows, codes, mapping, today)


def _parted(blocks: list[Rows], holders: MappingType[str, int]) -> list[Rows]:
    """The datasets of one title and agency: one for each code that stands at no other, with the
    rows below it that have none. Codes that went up by drag-fill over 信息项 part nothing.

    :param holders: how many titles and agencies have a code; one that is not in it parts nothing
    """
    told = [code for code in map(_code, blocks) if code]
    has_items = any(not text.is_empty(block[0].get("item_name")) for block in blocks)
    dragged = has_items and len(set(told)) == len(told) and all(len(rows) == 1 for rows in blocks)
    if dragged or len(set(told)) < 2:
        return [[row for block in blocks for row in block]]
    parts: dict[str, Rows] = {}
    code = ""
    for block in blocks:
        own = _code(block)
        if own:
            code = own if holders.get(own) == 1 else ""
        parts.setdefault(code, []).extend(block)
    return list(parts.values())


def _code(block: Rows) -> str:
    code = block[0].get("code")
    return "" if text.is_empty(code) else text.key(code)


def _continues(row: dict[str, Cell], above: dict[str, Cell]) -> bool:
    """A further item of the dataset above: nothing in its other columns, or the same again."""
    rest = [name for name in row if name not in ITEM_FIELDS and not text.is_empty(row[name])]
    return any(not text.is_empty(row.get(name)) for name in ITEM_FIELDS) and all(
        text.key(row[name]) == text.key(above.get(name)) for name in rest
    )


def _data_rows(sheet: Sheet, columns: Columns) -> Iterator[dict[str, Cell]]:
    in_notes = False
    for number, row in enumerate(sheet.rows[columns.start :], start=columns.start):
        if _blank(row):
            continue
        words = list(dict.fromkeys(text.line(cell) for cell in row if not text.is_empty(cell)))
        alone = number in sheet.across or len(words) == 1
        if alone and (in_notes or number in sheet.across or (words and _NOTE.match(words[0]))):
            in_notes = True
            continue
        values = {
            name: national_list.plain(row[place])
            for name, place in columns.fields.items()
            if place < len(row)
        }
        if any(not text.is_empty(value) for value in values.values()):
            in_notes = False
            yield values


def _record(
    number: int,
    rows: Rows,
    codes: MappingType[str, int],
    mapping: Mapping,
    today: date | None,
) -> CatalogRecord:
    first = dict(rows[0])
    for row in rows[1:]:  # a merged or left-out cell below the first row
        for name, value in row.items():
            if text.is_empty(first.get(name)) and not text.is_empty(value):
                first[name] = value
    told = first
    share_map = mapping.codes.get("share")
    first = national_list.exact(told, share_map)
    for name in ("share", "own_share"):
        shares = _told(rows, name, lambda cell: _sharing(cell, share_map))
        if len(shares) > 1:  # as one value, which nothing understands
            first["share"] = " / ".join(shares[:3])
    items = [row for row in rows if not text.is_empty(row.get("item_name"))]
    raw = build.Raw(first, items=items or national_list.items(first.get("items")))
    for openings in (_told(rows, "open", text.line), _told(rows, "is_open", _answer)):
        if len(openings) > 1 and not raw.held:
            first["open"] = " / ".join(openings[:3])  # which nothing understands: none is taken
            raw.held = f"opening-conflict: {first['open']}"
    own = _codes(rows)
    native_id = f"{text.line(first.get('title'))}|{text.line(first.get('provider'))}"
    if len(own) == 1 and codes[own[0]] == 1 and mapping.id in ("auto", "code"):
        native_id = own[0]
    elif own and mapping.id != "title_provider":
        raw.warnings.append("native-id-unstable")
    if native_id == "|":
        native_id = f"row {number}"
    raw.resources += _files(first, raw.line("title"))
    record = build.record(native_id, raw, mapping, today)
    more = national_list.fields(told, record.fields)
    return replace(record, fields={**record.fields, **more}) if more else record


def _told(rows: Rows, name: str, meaning: Callable[[Cell], str]) -> list[str]:
    """What rows say in a column, one word for each meaning."""
    found: dict[str, str] = {}
    for row in rows:
        if not text.is_empty(row.get(name)):
            found.setdefault(meaning(row[name]), text.line(row[name]))
    return list(found.values())


def _answer(cell: Cell) -> str:
    return levels.from_is_open(cell, None) or text.key(cell)


def _sharing(cell: Cell, share_map: MappingType[str, str] | None) -> str:
    return levels.read(None, cell, share_map=share_map).share_type or text.key(cell)


def _files(row: dict[str, Cell], title: str) -> list[ResourceRecord]:
    """The addresses of a row, one a line, in the order of its formats."""
    urls = [
        url
        for url in text.clean(row.get("file_url")).split()
        if url.startswith(("http://", "https://"))
    ]
    formats = (
        []
        if text.is_empty(row.get("formats"))
        else re.split(r"[,，、;；/\\|\s]+", text.line(row["formats"]))
    )
    named = formats if len(formats) == len(urls) else [""] * len(urls)
    files = []
    for number, (url, declared) in enumerate(zip(urls, named, strict=True), start=1):
        ending = f".{declared.lower()}" if declared else ""
        files.append(
            build.file_record(ending.lstrip(".") or str(number), f"{title}{ending}", url, declared)
        )
    return files


def _codes(rows: Iterable[dict[str, Cell]]) -> list[str]:
    found = (text.line(row.get("code")) for row in rows if not text.is_empty(row.get("code")))
    return list(dict.fromkeys(found))


def _blank(row: Row) -> bool:
    return all(text.is_empty(cell) for cell in row)


def _is_hint(row: Row) -> bool:
    """A row below the header that says how to fill in, or is blank."""
    words = [text.line(cell) for cell in row if not text.is_empty(cell)]
    return all(_FILLING_HINT.match(word) for word in words)


class CatalogSheetHarvester(HljshareHarvester):
    """ckanext-harvest's view of this kind of source."""

    kind = "catalog_sheet"
    title = "目录清单（XLSX、CSV）"
    description = "按表头识别的政务信息资源目录清单；一个资源可占多行"
    adapter = CatalogSheet
