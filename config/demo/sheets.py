"""The other half publishes a 目录清单 after the national form (发改高技〔2017〕1272号).

XLSX or CSV, filled in as people do: merged or blank cells, codes gone up by drag-fill, notes.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Iterator

import files
import openpyxl
from catalog import Column, Dataset, basis_text, catalog, places, says, sources
from odweb import ORDER, phone
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

DATA_TYPES = {
    "C": "字符型",
    "N": "数值型",
    "D": "日期型",
    "T": "日期时间型",
    "L": "逻辑型",
    "M": "备注型",
    "B": "双精度型",
    "I": "整型",
    "F": "浮点型",
}
NOTES = (
    "注：1. 标注“（必填）”的栏目不得为空；一个信息资源有多个信息项的，逐行填写。",
    "2. 共享类型为“有条件共享”或“不予共享”的，应注明条件或法律、行政法规、政策依据。",
    "填表说明：本清单由各部门报送，如有疑问请联系数据资源管理机构。",
)

ResourceCell = Callable[[Dataset, str], str]
ItemCell = Callable[[Column], str]


def _formats(dataset: Dataset, base: str) -> str:
    return "、".join(f.format for f in _ordered(dataset))


def _ordered(dataset: Dataset) -> list[files.DataFile]:
    return sorted(dataset.files, key=lambda f: ORDER.index(f.format))


def _links(dataset: Dataset, base: str) -> str:
    return "\n".join(
        f"{base}/{dataset.place}/catalog/file/{f.file_id}.{f.format}" for f in _ordered(dataset)
    )


# Group heading, heading, value. Item columns take a Column, others a Dataset and the server's
# address.
RESOURCE: tuple[tuple[str, str, ResourceCell], ...] = (
    ("信息资源分类", "类", lambda d, b: "部门"),
    ("信息资源分类", "项", lambda d, b: "省（区、市）及其下各级政务部门"),
    ("信息资源分类", "目", lambda d, b: str(places()[d.place]["city"])),
    ("信息资源分类", "细目", lambda d, b: d.agency),
    ("", "信息资源名称\n（必填）", lambda d, b: d.title),
    ("", "信息资源代码", lambda d, b: d.native_id),
    ("信息资源提供方", "信息资源提供方\n（必填）", lambda d, b: says(d, "agency")),
    ("信息资源提供方", "内设机构", lambda d, b: "信息中心" if d.seed % 3 else "无相关内部部门"),
    ("", "信息资源摘要\n（必填）", lambda d, b: d.description),
    ("信息资源格式", "信息资源格式分类", lambda d, b: "电子表格"),
    ("信息资源格式", "信息资源格式类型", _formats),
)
ITEM: tuple[tuple[str, str, ItemCell], ...] = (
    ("信息项信息", "信息项名称\n（必填）", lambda c: c.name),
    ("信息项信息", "字段名", lambda c: c.field),
    ("信息项信息", "数据类型", lambda c: DATA_TYPES.get(c.letter, "字符型")),
    ("信息项信息", "数据长度", lambda c: str(c.length)),
    ("信息项信息", "信息项说明", lambda c: c.description),
)
AFTER: tuple[tuple[str, str, ResourceCell], ...] = (
    ("共享属性", "共享类型\n（必填）", lambda d, b: says(d, "share")),
    ("共享属性", "共享条件", lambda d, b: d.share_condition),
    ("共享属性", "共享方式", lambda d, b: "共享平台"),
    ("开放属性", "OPENING\n（必填）", lambda d, b: says(d, "open")),
    ("开放属性", "开放条件", lambda d, b: d.condition),
    ("开放属性", "开放依据", lambda d, b: basis_text(d)),
    ("", "更新周期\n（必填）", lambda d, b: says(d, "cycle")),
    ("", "发布日期", lambda d, b: _day(d, d.released.isoformat())),
    ("", "更新日期", lambda d, b: _day(d, d.updated.isoformat())),
    ("", "所属主题", lambda d, b: d.theme),
    ("", "所属行业", lambda d, b: d.industry),
    ("", "标签", lambda d, b: "，".join(d.tags)),
    ("", "联系电话", lambda d, b: phone(d)),
    ("", "下载地址", _links),
)


def _day(dataset: Dataset, text: str) -> str:
    """Dates as the city's clerks write them."""
    year, month, day = text.split("-")
    match dataset.place:
        case "shuangyashan":
            return f"{year}/{int(month)}/{int(day)}"
        case "suihua":
            return f"{year}{month}{day}"
        case _:
            return text


def _headings(place: str) -> tuple[list[str], list[str]]:
    """Group headings and headings of the sheet's columns."""
    opening = sources()[place]["speaks"]["sheet"]["opening"]
    pairs = [("", "序号"), *((g, h) for part in (RESOURCE, ITEM, AFTER) for g, h, _ in part)]
    return [g for g, _ in pairs], [h.replace("OPENING", opening) for _, h in pairs]


def _bump(code: str, by: int) -> str:
    """What drag-fill makes of a code: its last number goes up."""
    head, _, number = code.partition("/")
    return f"{head}/{int(number) + by:06d}"


def _blocks(place: str, base: str) -> Iterator[list[list[str]]]:
    """The rows of each dataset, one for each 信息项."""
    fill = sources()[place]["speaks"]["sheet"]["fill"]
    code_at = 1 + [h for _, h, _ in RESOURCE].index("信息资源代码")
    for number, dataset in enumerate(catalog(place), start=1):
        left = [str(number), *(cell(dataset, base) for _, _, cell in RESOURCE)]
        right = [cell(dataset, base) for _, _, cell in AFTER]
        block = []
        for line, column in enumerate(dataset.columns):
            before, after = list(left), list(right)
            if line and fill in ("blank", "merged"):
                before, after = [""] * len(left), [""] * len(right)
            elif line and fill == "dragged":
                before[code_at] = _bump(dataset.native_id, line)
            block.append([*before, *(cell(column) for _, _, cell in ITEM), *after])
        yield block


@functools.lru_cache(maxsize=32)
def sheet(place: str, base: str) -> bytes:
    """The catalog list of a place; addresses of files start with `base` (http://host:port)."""
    speaks = sources()[place]["speaks"]["sheet"]
    return (
        _csv(place, base, speaks["encoding"])
        if "encoding" in speaks
        else _xlsx(place, base, speaks)
    )


def _csv(place: str, base: str, encoding: str) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_headings(place)[1])
    for block in _blocks(place, base):
        writer.writerows(block)
    for note in NOTES:
        writer.writerow([note])
    text = out.getvalue()
    return (files.BOM + text if encoding.endswith("-bom") else text).encode("gb18030")


def _xlsx(place: str, base: str, speaks: dict[str, object]) -> bytes:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = "目录清单"
    groups, headings = _headings(place)
    width, tall = len(headings), int(str(speaks["header"]))
    top = _header(page, places()[place]["city"], groups, headings, tall) if tall > 1 else 1
    for column, heading in enumerate(headings, start=1):
        cell = page.cell(top, column, heading)
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, horizontal="center")
    item_columns = range(2 + len(RESOURCE), 2 + len(RESOURCE) + len(ITEM))
    at = top + 1
    for block in _blocks(place, base):
        for line in block:
            for column, value in enumerate(line, start=1):
                if value:
                    page.cell(at, column, value)
            at += 1
        if speaks["fill"] == "merged" and len(block) > 1:
            for column in range(1, width + 1):
                if column not in item_columns:
                    page.merge_cells(
                        start_row=at - len(block),
                        end_row=at - 1,
                        start_column=column,
                        end_column=column,
                    )
    for note in NOTES:
        page.cell(at, 1, note)
        page.merge_cells(start_row=at, end_row=at, start_column=1, end_column=width)
        at += 1
    return files.workbook_bytes(book)


def _header(
    page: Worksheet,
    city: str,
    groups: list[str],
    headings: list[str],
    tall: int,
) -> int:
    """The title and group rows above the headings; returns the row of the headings."""
    row = 1
    if tall == 3:
        page.cell(row, 1, f"{city}政务信息资源目录清单（2026年）").font = Font(bold=True, size=16)
        page.merge_cells(start_row=row, end_row=row, start_column=1, end_column=len(headings))
        row += 1
    start = 1
    for column in range(2, len(groups) + 2):
        if column > len(groups) or groups[column - 1] != groups[start - 1] or not groups[start - 1]:
            if groups[start - 1]:
                page.cell(row, start, groups[start - 1])
                if column - 1 > start:
                    page.merge_cells(
                        start_row=row, end_row=row, start_column=start, end_column=column - 1
                    )
            start = column
    return row + 1


@functools.cache
def file_index() -> dict[str, tuple[Dataset, files.DataFile]]:
    """Every file of every place by its id."""
    return {f.file_id: (d, f) for place in places() for d in catalog(place) for f in d.files}
