"""Catalog sheets as cities fill them in: which rows are one dataset, what the headings mean,
what is held.
"""

from dataclasses import replace
from datetime import date

import openpyxl
import pytest

from ckanext.hljshare.ingest.fetch import Fetcher, SourceError
from harvesters import mapping
from harvesters.catalog_sheet import CatalogSheet

TODAY = date(2026, 11, 24)
CRAWL = [
    "数据目录名称",
    "数据量",
    "开放状态",
    "所属主题",
    "最后更新",
    "来源部门",
    "标签",
    "更新频率",
    "数据格式",
    "发布时间",
    "所属行业",
    "简介",
    "浏览次数",
]


def crawl_row(title="松北市公交线路信息", provider="交通运输局", status="无条件开放", views="7"):
    return [
        title,
        "38",
        status,
        "道路交通",
        "2018-03-01 18:19:41",
        provider,
        "公交,线路，站点",
        "每年",
        "数据集 文件集 ",
        "2018-02-01 18:19:24",
        "交通运输、仓储和邮政业",
        f"提供{title}，包括线路名称、首班时间（夏季）、末班时间等信息。",
        views,
    ]


def sheet(rows, tmp_path, merged=(), name="list.xlsx"):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for area in merged:
        book.active.merge_cells(area)
    book.save(tmp_path / name)
    return tmp_path / name


def records(path, which=None):
    adapter = CatalogSheet(str(path), which or mapping.load(), Fetcher(local_files=True), TODAY)
    return list(adapter.records())


def test_a_crawl_that_repeats_its_pages_is_its_datasets_once_field_by_field(tmp_path):
    rows = [crawl_row(), crawl_row("松北市停车场信息", "城市管理局"), crawl_row(provider="公安局")]
    found = records(sheet([CRAWL, [], *rows, *rows, *rows, *rows], tmp_path))
    assert [(record.title, record.provider) for record in found] == [
        ("松北市公交线路信息", "交通运输局"),
        ("松北市停车场信息", "城市管理局"),
        ("松北市公交线路信息", "公安局"),
    ]
    assert len({record.native_id for record in found}) == 3
    first = found[0]
    assert first.held is None
    assert first.tags == ("公交", "线路", "站点")
    assert {
        name: first.fields[name]
        for name in (
            "open_type",
            "share_type",
            "theme",
            "industry",
            "update_cycle",
            "released",
            "data_updated",
            "format_class",
            "format_type",
        )
    } == {
        "open_type": "open",
        "share_type": "unconditional",
        "theme": "transport",
        "industry": "G",
        "update_cycle": "annual",
        "released": "2018-02-01",
        "data_updated": "2018-03-01",
        "format_class": "2",
        "format_type": "CSV",
    }
    assert [item["name"] for item in first.fields["items"]] == [
        "线路名称",
        "首班时间（夏季）",
        "末班时间",
    ]


def test_counts_of_views_do_not_change_a_dataset(tmp_path):
    one = records(sheet([CRAWL, crawl_row(views="7")], tmp_path))[0]
    two = records(sheet([CRAWL, crawl_row(views="8")], tmp_path))[0]
    assert one.content_hash() == two.content_hash()


def test_without_an_opening_column_all_are_held(tmp_path):
    rows = [
        [cell for place, cell in enumerate(row) if place != 2]
        for row in (CRAWL, crawl_row(), crawl_row("另一个"))
    ]
    assert {record.held for record in records(sheet(rows, tmp_path))} == {"opening-missing"}


@pytest.mark.parametrize("status", ["待定", "9", "", None, "授权开放"])
def test_a_row_of_unknown_status_is_held_and_the_others_are_not(tmp_path, status):
    found = records(sheet([CRAWL, crawl_row(), crawl_row("另一个", status=status)], tmp_path))
    assert [record.held is None for record in found] == [True, False]
    assert "open_type" not in found[1].fields


def test_rows_that_contradict_each_other_on_opening_are_held(tmp_path):
    found = records(sheet([CRAWL, crawl_row(), crawl_row(status="不予开放")], tmp_path))
    assert len(found) == 1
    assert found[0].held == "opening-conflict: 无条件开放 / 不予开放"
    assert "open_type" not in found[0].fields


def test_the_way_of_sharing_is_never_taken_for_a_level_of_opening(tmp_path):
    header = ["信息资源名称", "信息资源提供方", "共享方式", "信息资源摘要"]
    assert (
        records(sheet([header, ["甲信息", "统计局", "共享平台", "摘要"]], tmp_path))[0].held
        == "opening-missing"
    )


NATIONAL = [
    ["松北市政务信息资源目录", *[None] * 8],
    [
        "信息资源名称\n（必填）",
        "信息资源代码",
        "信息资源提供方",
        "共享属性",
        None,
        "开放属性",
        None,
        "信息项信息",
        None,
    ],
    [
        None,
        None,
        None,
        "共享类型",
        "共享条件",
        "开放类型\n（必填）",
        "开放依据",
        "信息项名称",
        "数据类型",
    ],
]


def national(tmp_path, *, merge=True):
    rows = [
        *NATIONAL,
        [
            "甲信息",
            "3070230100/1",
            "统计局",
            "无条件共享",
            None,
            "依申请开放",
            "《统计法》第九条；《档案法》第二十八条",
            "年份",
            "N",
        ],
        [None, None, None, None, None, None, None, "数量", "整型"],
        [
            "乙信息",
            "3070230100/2",
            "统计局",
            "有条件共享",
            "用于履职",
            "无条件开放",
            None,
            "名称",
            "C",
        ],
        ["注：1.带（必填）的为必填项；2.联系人见通知", *[None] * 8],
        ["2.不要改动表头", *[None] * 8],
    ]
    merged = ["A1:I1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:G2", "H2:I2", "A7:I7"]
    if merge:
        merged += ["A4:A5", "B4:B5", "C4:C5", "D4:D5", "F4:F5", "G4:G5"]
    return sheet(rows, tmp_path, merged)


@pytest.mark.parametrize("merge", [True, False])
def test_the_national_form_with_three_header_rows_merged_cells_and_notes(tmp_path, merge):
    found = records(national(tmp_path, merge=merge))
    assert [(record.native_id, record.title) for record in found] == [
        ("3070230100/1", "甲信息"),
        ("3070230100/2", "乙信息"),
    ]
    first, second = found
    assert first.fields["items"] == [
        {"name": "年份", "data_type": "N"},
        {"name": "数量", "data_type": "I"},
    ]
    assert first.fields["open_basis"] == [
        {"law": "统计法", "article": "第九条"},
        {"law": "档案法", "article": "第二十八条"},
    ]
    assert (first.fields["open_type"], second.fields["share_condition"]) == (
        "on_request",
        "用于履职",
    )


def test_codes_that_went_up_by_drag_fill_do_not_make_one_dataset_many(tmp_path):
    header = ["信息资源名称", "信息资源代码", "来源部门", "开放类型", "信息项名称"]
    rows = [
        ["甲信息", f"307/{number}", "统计局", "无条件开放", f"项{number}"] for number in range(1, 5)
    ]
    found = records(sheet([header, *rows], tmp_path))
    assert [record.native_id for record in found] == ["甲信息|统计局"]
    assert len(found[0].fields["items"]) == 4
    assert "native-id-unstable" in found[0].warnings


CODED = ["信息资源名称", "信息资源代码", "来源部门", "开放类型", "下载地址"]


def coded(title, code, status="无条件开放", file=None):
    return [title, code, "统计局", status, file and f"http://data.example.cn/{file}"]


def test_datasets_of_one_name_with_codes_of_their_own_are_records_of_their_own(tmp_path):
    rows = [
        coded("年报", "307023/1"),
        coded("月报", "307023/2"),
        coded("年报", "307023/3", "不予开放"),
        coded("季报", "307023/4"),
        coded("旬报", "307023/5"),
    ]
    found = {record.native_id: record for record in records(sheet([CODED, *rows], tmp_path))}
    assert sorted(found) == [f"307023/{number}" for number in range(1, 6)]
    assert [found[f"307023/{number}"].fields["open_type"] for number in (1, 3)] == [
        "open",
        "closed",
    ]
    assert {(record.held, record.fields["resource_code"]) for record in found.values()} == {
        (None, code) for code in found
    }
    assert not any("native-id-unstable" in record.warnings for record in found.values())


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["307023/1", "307023/1", "307023/1"], {"307023/1"}),
        ([None, None, None], {"年报|统计局"}),
        (["307023/1", None, None], {"307023/1"}),
        ([None, "307023/1", None], {"307023/1"}),
        (["307023/1", "307023／1"], {"年报|统计局"}),
        (["307023/1", "307023/1", "307023/2", "307023/2"], {"307023/1", "307023/2"}),
        (["307023/1", "307023/2", "307023/1", "307023/2"], {"307023/1", "307023/2"}),
        (["307023/1", None, "307023/2", None], {"307023/1", "307023/2"}),
        ([None, "307023/1", "307023/2"], {"年报|统计局", "307023/1", "307023/2"}),
        (["307023/9", "307023/1"], {"年报|统计局", "307023/1"}),  # 9 is another's too
    ],
)
def test_rows_of_one_name_belong_together_unless_their_codes_part_them(tmp_path, codes, expected):
    rows = [coded("年报", code, file=number) for number, code in enumerate(codes, start=1)]
    others = [coded("月报", "307023/9"), coded("旬报", "307023/8")]
    found = records(sheet([CODED, *rows, *others], tmp_path))
    ours = [record for record in found if record.title == "年报"]
    assert {record.native_id for record in ours} == expected
    assert len(found) == len(expected) + 2


def test_a_source_keyed_by_title_and_agency_stays_so(tmp_path):
    which = replace(mapping.load(), id="title_provider")
    rows = [coded("年报", "307023/1"), coded("年报", "307023/2")]
    found = records(sheet([CODED, *rows], tmp_path), which)
    assert [record.native_id for record in found] == ["年报|统计局"]


def test_items_below_datasets_of_one_name_stay_with_their_own(tmp_path):
    header = ["信息资源名称", "信息资源代码", "来源部门", "开放类型", "信息项名称"]
    rows = [
        ["年报", "307023/1", "统计局", "无条件开放", "甲"],
        [None, None, None, None, "乙"],
        ["年报", "307023/2", "统计局", "不予开放", "丙"],
        [None, "307023/2", None, None, "丁"],
    ]
    found = records(sheet([header, *rows], tmp_path))
    assert {
        record.native_id: [item["name"] for item in record.fields["items"]] for record in found
    } == {"307023/1": ["甲", "乙"], "307023/2": ["丙", "丁"]}
    assert {record.held for record in found} == {None}


@pytest.mark.parametrize(
    ("opening", "answer", "level", "held"),
    [
        ("无条件开放", "是", "open", None),
        ("无条件开放", "1", "open", None),
        ("无条件开放", "", "open", None),
        ("依申请开放", "是", "on_request", None),
        ("不予开放", "否", "closed", None),
        ("", "否", "closed", None),
        ("无条件开放", "待定", "open", None),
        ("无条件开放", "否", None, "opening-conflict: 无条件开放 / 否"),
        ("无条件开放", 0, None, "opening-conflict: 无条件开放 / 0"),
        ("依申请开放", "0", None, "opening-conflict: 依申请开放 / 0"),
        ("不予开放", "是", None, "opening-conflict: 不予开放 / 是"),
        ("待定", "否", None, "opening-unknown: 待定"),
    ],
)
def test_a_row_that_contradicts_itself_on_opening_is_held(tmp_path, opening, answer, level, held):
    header = ["信息资源名称", "来源部门", "开放类型", "是否向社会开放"]
    (found,) = records(sheet([header, ["年报", "统计局", opening, answer]], tmp_path))
    assert (found.fields.get("open_type"), found.held) == (level, held)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("heading", "told", "held"),
    [
        ("是否向社会开放", ("是", "否"), "opening-conflict: "),
        ("共享类型", ("有条件共享", "不予共享"), "sharing-unknown: "),
        ("共享类型", ("有条件共享", "待定"), "sharing-unknown: "),
        ("共享类型名称", ("有条件共享", "不予共享"), "sharing-unknown: "),
        ("是否向社会开放", ("是", "1"), None),
        ("共享类型", ("有条件共享", "条件共享"), None),
        ("共享类型", ("有条件共享", ""), None),
    ],
)
def test_rows_that_contradict_each_other_otherwise_are_held(tmp_path, heading, told, held, order):
    level = [] if heading == "是否向社会开放" else ["依申请开放"]
    header = ["信息资源名称", "来源部门", *["开放类型"][: len(level)], heading]
    told = told[::order]
    rows = [["年报", "统计局", *level, word] for word in told]
    (found,) = records(sheet([header, *rows], tmp_path))
    assert found.held == (held and held + " / ".join(told))
    if held:
        assert ("open_type" if heading == "是否向社会开放" else "share_type") not in found.fields


def test_rows_of_which_one_says_no_and_the_other_open_are_held(tmp_path):
    header = ["信息资源名称", "来源部门", "开放类型", "是否向社会开放"]
    rows = [["年报", "统计局", "无条件开放", None], ["年报", "统计局", None, "否"]]
    (found,) = records(sheet([header, *rows], tmp_path))
    assert found.held == "opening-conflict: 无条件开放 / 否"


def test_columns_that_identify_people_hold_an_open_dataset(tmp_path):
    header = ["信息资源名称", "来源部门", "开放类型", "信息项名称"]
    rows = [["救助人员信息", "民政局", "无条件开放", "姓名"], [None, None, None, "身份证号"]]
    found = records(sheet([header, *rows], tmp_path))[0]
    assert found.held == "personal-data-columns: 姓名、身份证号"
    closed = records(sheet([header, ["救助人员信息", "民政局", "不予开放", "姓名"]], tmp_path))[0]
    assert closed.held is None


def test_a_title_about_relief_recipients_is_a_warning(tmp_path):
    found = records(sheet([CRAWL, crawl_row("松北市医疗救助人员信息")], tmp_path))[0]
    assert found.held is None
    assert any(warning.startswith("personal-data-suspected") for warning in found.warnings)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-8"])
def test_a_csv_of_any_encoding(tmp_path, encoding):
    lines = ["", ",".join(CRAWL), ",".join('"' + str(cell) + '"' for cell in crawl_row())]
    (tmp_path / "list.csv").write_bytes("\r\n".join(lines).encode(encoding))
    assert records(tmp_path / "list.csv")[0].title == "松北市公交线路信息"


def test_only_visible_sheets_count(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(CRAWL)
    book.active.append(crawl_row())
    hidden = book.create_sheet("旧")
    hidden.append(CRAWL)
    hidden.append(crawl_row("不要"))
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "list.xlsx")
    assert [record.title for record in records(tmp_path / "list.xlsx")] == ["松北市公交线路信息"]


@pytest.mark.parametrize(
    "content", [b"<html>", b"a,b\n1,2\n", b"PK\x03\x04no", b"\xd0\xcf\x11\xe0old"]
)
def test_what_is_no_catalog_says_so(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SourceError, match="not-a-catalog"):
        records(tmp_path / "file")


def test_files_of_a_row_in_the_order_of_its_formats_and_only_from_the_web(tmp_path):
    header = ["信息资源名称", "来源部门", "开放类型", "资源格式", "下载地址"]
    row = [
        "甲信息",
        "统计局",
        "无条件开放",
        "CSV、XLSX",
        "http://data.example.cn/1\nhttp://data.example.cn/2",
    ]
    found = records(
        sheet([header, row, ["乙", "统计局", "无条件开放", "CSV", "file:///etc/passwd"]], tmp_path)
    )
    assert [(item.format, item.url, item.name) for item in found[0].resources] == [
        ("CSV", "http://data.example.cn/1", "甲信息.csv"),
        ("XLSX", "http://data.example.cn/2", "甲信息.xlsx"),
    ]
    assert found[1].resources == ()
