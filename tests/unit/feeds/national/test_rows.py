"""A dataset as a row of the national format: its headings, values and order, and what they mean to
whoever reads only the national columns."""

import csv
import io
import json
import re
import zipfile
from datetime import datetime, timezone

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from ckanext.hljshare.feeds.national import columns, rows, writing
from ckanext.hljshare.ingest import levels, text
from harvesters import mapping, national_list
from harvesters.catalog_sheet import find_columns, records
from harvesters.workbook import Sheet, read_sheets

BUS = {
    "title": "公交线路信息",
    "resource_code": "3070230100012/000001",
    "catalog_class": "307",
    "provider": "哈尔滨市交通运输局",
    "provider_code": "11230100000000000X",
    "provider_inner": "信息中心",
    "notes": "全市公交线路。\n含首末班时间。",
    "format_class": "2",
    "format_type": "CSV",
    "items": json.dumps(
        [{"name": "线路", "data_type": "C"}, {"name": "客流（人次、日）", "data_type": "I"}]
    ),
    "share_type": "conditional",
    "share_condition": "业务协同使用",
    "share_mode": "platform_api",
    "open_type": "on_request",
    "open_condition": "说明用途后提供",
    "open_basis": [
        {"law": "数据安全法", "article": "第三十八条", "url": "https://law.example.cn/1"},
        {"law": "关于《统计法》的决定", "article": ""},
    ],
    "update_cycle": "semiannual",
    "released": "2024-01-24",
    "data_updated": "2026-11-20",
    "related_codes": '["307023/1", "307023/2"]',
    "theme": "transport",
    "industry": "G",
    "region_code": "230100",
    "contact_phone": "0451-12345",
    "tags": ["公交", "线路"],
    "page": "https://portal.example.cn/dataset/bus",
    "resources": [{"name": "秘密文件", "url": "https://secret.example.cn/x.csv"}],
}

# The thirteen elements of 发改高技〔2017〕1272号, in its order.
NATIONAL = [
    ("1", "信息资源分类", "307"),
    ("2", "信息资源名称", "公交线路信息"),
    ("3", "信息资源代码", "3070230100012/000001"),
    ("4", "信息资源提供方", "哈尔滨市交通运输局"),
    ("4", "内设机构", "信息中心"),
    ("5", "信息资源提供方代码", "11230100000000000X"),
    ("6", "信息资源摘要", "全市公交线路。\n含首末班时间。"),
    ("7", "信息资源格式分类", "2"),
    ("7", "信息资源格式类型", "XLSX"),
    ("8", "信息项信息", "线路/C、客流（人次、日）/I"),
    ("9", "共享类型", "2"),
    ("9", "共享条件", "业务协同使用"),
    ("9", "共享方式", "共享平台"),
    ("9", "共享方式类型", "接口"),
    ("10", "是否向社会开放", "1"),
    ("10", "开放条件", "说明用途后提供"),
    ("11", "更新周期", "每半年"),
    ("12", "发布日期", "2024-01-24"),
    ("13", "关联资源代码", "307023/1；307023/2"),
]


def test_the_elements_of_the_guide_come_first_in_its_order_with_its_values():
    found = list(zip(columns.columns(), rows.row(BUS), strict=True))
    assert [(c.element, c.heading, cell) for c, cell in found if c.element] == NATIONAL
    assert [bool(column.element) for column, _cell in found] == sorted(
        (bool(column.element) for column, _cell in found), reverse=True
    )


def test_the_provinces_own_columns_say_what_the_national_ones_cannot():
    found = rows.named(BUS)
    assert found["open_type"] == "依申请开放"
    assert found["open_basis"] == "《数据安全法》第三十八条；《关于〈统计法〉的决定》"
    assert found["open_basis_urls"] == "https://law.example.cn/1 -"
    assert (found["own_format_type"], found["theme"], found["region"], found["tags"]) == (
        "CSV",
        "道路交通",
        "哈尔滨市",
        "公交，线路",
    )
    assert found["page"] == "https://portal.example.cn/dataset/bus"


def test_nothing_of_the_files_is_in_a_row():
    assert not any("secret" in cell or "秘密" in cell for cell in rows.row(BUS))


def test_headings_and_keys_are_there_once_and_keys_are_names_of_elements():
    for found in ([c.key for c in columns.columns()], [c.heading for c in columns.columns()]):
        assert len(found) == len(set(found))
    assert all(re.fullmatch("[a-z_]+", column.key) for column in columns.columns())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("2", "CSV"), ("2", "XLSX")),
        (("6", "JSON"), ("6", "自描述格式")),
        (("2", "JSON"), ("6", "自描述格式")),
        (("1", "RDF"), ("6", "自描述格式")),
        (("6", "XML"), ("6", "XML")),
        (("", "PDF"), ("1", "PDF")),
        (("2", "PDF"), ("1", "PDF")),
        (("3", "DM8"), ("3", "DM8")),
        (("", ""), ("", "")),
    ],
)
def test_formats_are_those_of_the_guide(given, expected):
    assert rows.national_format(*given) == expected


def test_a_format_that_the_catalog_does_not_state_is_the_first_known_one_of_the_files():
    found = rows.named({"formats": ["ZIP", "csv", "PDF"]})
    assert (found["format_class"], found["format_type"], found["own_format_type"]) == (
        "2",
        "XLSX",
        "",
    )


@pytest.mark.parametrize(
    ("share", "condition", "basis", "expected"),
    [
        ("none", "", "《统计法》第九条", "《统计法》第九条"),
        ("none", "依《统计法》第九条不予共享", "《统计法》第九条", "依《统计法》第九条不予共享"),
        ("none", "内部信息", "《统计法》第九条", "内部信息（依据：《统计法》第九条）"),
        ("conditional", "校核", "《统计法》第九条", "校核"),
        ("unconditional", "", "", ""),
    ],
)
def test_the_condition_of_what_is_not_shared_holds_its_basis(share, condition, basis, expected):
    dataset = {"share_type": share, "share_condition": condition, "share_basis": basis}
    assert rows.named(dataset)["share_condition"] == expected


LEVELS = st.sampled_from(["open", "on_request", "closed", "", None, "OPEN", "1", []])
CONDITIONS = st.one_of(
    st.text(max_size=20),
    st.lists(
        st.sampled_from(
            [
                *"无⽆开放-*：/ \n\u3000\u200b",
                "无条件",
                "条件",
                "开放",
                "（必填）",
                "(可选)",
                "NONE",
            ]
        ),
        max_size=6,
    ).map("".join),
)
STRICT = {"open": 0, "on_request": 1, "closed": 2}


@example("on_request", "无条件 开放")
@example("on_request", "无条件\n开放")
@example("on_request", "无 条件")
@example("on_request", "无（必填）条件开放")
@example("on_request", "无*条 件：开\u3000放")
@given(LEVELS, CONDITIONS)
def test_who_reads_the_national_columns_alone_never_lets_more_people_in(level, condition):
    found = rows.named({"open_type": level, "open_condition": condition})
    word = levels.from_is_open(found["is_open"], found["open_condition"])
    told = levels.read(word).open_type
    assert STRICT[told] >= STRICT[level if isinstance(level, str) and level in STRICT else "closed"]
    assert levels.read(found["open_type"]).open_type == rows.level_of({"open_type": level})


def test_what_is_open_carries_no_basis_of_a_restriction_left_from_before():
    found = rows.named({**BUS, "open_type": "open", "open_condition": ""})
    assert (found["open_basis"], found["open_basis_urls"], found["is_open"]) == ("", "", "1")
    assert found["open_condition"] == "无条件开放"


ITEMS = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(st.sampled_from("省市、；;/（）() C：N"), min_size=1, max_size=12)},
        optional={"data_type": st.sampled_from(["C", "N", "I", "x", None, 3])},
    ),
    max_size=6,
)


@given(ITEMS)
def test_items_are_read_again_as_many_in_their_order_with_their_types(items):
    told = [item for item in items if rows.line(item["name"])]
    found = national_list.items(rows.named({"items": items})["items"])
    assert len(found) == len(told)
    for item, again in zip(told, found, strict=True):
        kind = item.get("data_type")
        assert again["item_type"] == (kind if kind in ("C", "N", "I") else "")
        assert _bare(again["item_name"]) == _bare(rows.line(item["name"]))


def _bare(name):
    """A name without what lists are written with: separators are softened, lone brackets square."""
    return re.sub(r"[、，；;,()（）\[\]［］\s]|/$", "", str(name))


ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=30)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = sorted({key for key in BUS if key != "resources"} | {"share_basis", "formats"})


@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(ANY, ANY.map(json.dumps))))
def test_whatever_stands_in_a_dataset_becomes_a_row_of_texts(dataset):
    cells = rows.row(dataset)
    assert len(cells) == len(columns.columns())
    assert all(isinstance(cell, str) and cell == cell.strip() for cell in cells)


def test_what_is_too_long_for_a_cell_is_cut_between_items_and_marked():
    items = [{"name": f"很长的信息项名称{n}", "data_type": "C"} for n in range(5000)]
    cell = rows.named({"items": items, "notes": "😀" * 40_000})
    assert len(cell["items"].encode("utf-16-le")) <= 2 * 32_767
    assert len(cell["notes"].encode("utf-16-le")) <= 2 * 32_767
    assert cell["items"].endswith("、…")
    again = national_list.items(national_list.exact(cell)["items"])
    assert len(again) > 1000
    assert again[-1]["item_type"] == "C"


def test_every_list_that_was_cut_is_read_as_far_as_it_goes():
    """The mark of the cut becomes no item, basis, link, keyword or code of its own."""
    names = [f"{n:05}号办法很长的名称" for n in range(5000)]
    dataset = {
        **BUS,
        "items": [{"name": name} for name in names],
        "open_basis": [{"law": name, "url": "https://law.example.cn/"} for name in names],
        "related_codes": [f"307023/{n:06}" for n in range(5000)],
        "tags": names,
        "share_type": "conditional",
    }
    found = rows.named(dataset)
    for key in ("items", "open_basis", "open_basis_urls", "related_codes", "tags"):
        assert found[key].endswith(rows.CUT), key
    (sheet, _notes) = read_sheets(workbook([rows.row(dataset)]))
    (record,) = records(sheet, find_columns(sheet, mapping.load().headers), mapping.load())
    for name in ("items", "open_basis", "related_codes"):
        assert 1000 < len(record.fields[name]) < 5000, name
    assert rows.CUT not in json.dumps([record.fields, record.tags], ensure_ascii=False)
    told = record.fields["open_basis"]
    assert [basis["law"] for basis in told] == names[: len(told)]
    assert told[0]["url"] == "https://law.example.cn/"


# ---------------------------------------------------------------------- files

HEAD = writing.Head(
    title="目录</script>",
    made=datetime(2026, 11, 29, tzinfo=timezone.utc),
    address="https://portal.example.cn/catalog-list",
    filters={"city": "230100"},
    words={"市（地）": "哈尔滨市"},
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["=1+1", "'=1+1", "''@x", "+1", "-5", "-5x", "@SUM(A1)", "\t=1", "]]>", "_x0041_"]
    ),
)


@given(TEXTS)
def test_no_cell_of_a_csv_is_run_and_reading_it_gives_the_text_back(value):
    cell = rows.text(value)
    written = writing.harmless(cell)
    assert national_list.plain(written) == cell
    if written.startswith(("=", "+", "-", "@", "\t", "\r")):
        float(written)  # a number runs nothing


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_json_and_xml_hold_every_text_as_it_is_and_nothing_that_ends_a_script(titles):
    table = [rows.row({"title": title}) for title in titles]
    json_text = b"".join(writing.to_json(HEAD, table)).decode()
    assert "<" not in json_text
    read = json.loads(json_text)
    assert [entry.get("title", "") for entry in read["entries"]] == [row[1] for row in table]
    assert read["filters"] == {"city": "230100"}
    tree = etree.fromstring(b"".join(writing.to_xml(HEAD, table)))
    assert [entry.findtext("title") or "" for entry in tree.find("entries")] == [
        row[1] for row in table
    ]
    assert tree.get("title") == HEAD.title
    assert [c["heading"] for c in read["columns"]] == [
        c.get("heading") for c in tree.find("columns")
    ]


def workbook(table):
    with writing.to_file("xlsx", HEAD, table) as file:
        return file.read()


def test_a_workbook_has_text_only_a_frozen_header_and_a_sheet_that_explains_the_codes():
    data = workbook([rows.row({**BUS, "title": title}) for title in ("=1+1", "_x0041_", "-5")])
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet, notes = book.worksheets
    assert (sheet.title, notes.title, sheet.freeze_panes) == ("目录", "说明", "C2")
    assert [cell.value for cell in sheet[1]] == [column.heading for column in columns.columns()]
    assert [cell.value for cell in sheet["B"][1:]] == ["=1+1", "_x005F_x0041_", "-5"]
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row} <= {"s", "n"}
    assert all(
        c.value is None for row in sheet.iter_rows(min_row=2) for c in row if c.data_type == "n"
    )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert not any("external" in name or "vba" in name for name in archive.namelist())
    said = {tuple(str(c.value or "") for c in row[1:4]) for row in notes.iter_rows()}
    for line in (
        ("共享类型", "1", "无条件共享"),
        ("共享类型", "3", "不予共享"),
        ("是否向社会开放", "1", "无条件开放、依申请开放"),
        ("是否向社会开放", "0", "不予开放"),
        ("信息资源格式分类", "6", "自描述格式"),
        ("信息项信息", "C", "字符型 C"),
    ):
        assert line in said


def test_an_importer_of_catalog_lists_finds_the_list_and_takes_no_explanation_for_one():
    listed, notes = read_sheets(workbook([rows.row(BUS)]))
    headers = mapping.load().headers
    assert find_columns(listed, headers).start == 1
    assert find_columns(notes, headers) is None
    data = b"".join(writing.to_csv(HEAD, [rows.row(BUS)]))
    assert data.startswith(b"\xef\xbb\xbf")
    table = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert find_columns(Sheet([tuple(row) for row in table]), headers).start == 1


def test_the_title_of_a_csv_is_found_in_every_row():
    many = [rows.row({"title": f"目录{n}"}) for n in range(1201)]
    data = b"".join(writing.to_csv(HEAD, iter(many))).decode("utf-8-sig")
    assert [row[1] for row in csv.reader(io.StringIO(data))][1:] == [row[1] for row in many]


def test_no_key_of_ours_is_a_word_for_nothing():
    assert not any(text.is_empty(column.heading) for column in columns.columns())
