"""What reading a list in the national form takes from it, and what it does not believe."""

from dataclasses import replace
from datetime import date

import pytest

from ckanext.hljshare.ingest.fetch import Fetcher
from harvesters import mapping, national_list
from harvesters.catalog_sheet import CatalogSheet

TODAY = date(2026, 11, 24)


def read(tmp_path, row, **codes):
    path = tmp_path / "list.csv"
    path.write_text(
        "\n".join(",".join(f'"{cell}"' for cell in cells) for cells in (row, row.values())),
        encoding="utf-8",
    )
    own = mapping.load()
    own = replace(own, codes={**own.codes, **codes})
    adapter = CatalogSheet(str(path), own, Fetcher(local_files=True), TODAY)
    (record,) = adapter.records()
    return record


FOREIGN = {
    "信息资源名称": "公交线路信息",
    "信息资源提供方": "交通运输局",
    "开放类型": "依申请开放",
    "限制开放依据": "《数据安全法》第三十八条",
    "共享类型": "2",
}


def test_a_digit_alone_means_nothing_in_a_list_that_may_be_anybodys(tmp_path):
    assert read(tmp_path, FOREIGN).held == "sharing-unknown: 2"


def test_the_word_beside_the_digit_is_what_counts(tmp_path):
    record = read(tmp_path, {**FOREIGN, "共享类型名称": "有条件共享"})
    assert (record.held, record.fields["share_type"]) == (None, "conditional")
    record = read(tmp_path, {**FOREIGN, "共享类型名称": "自愿共享"})
    assert record.held == "sharing-unknown: 自愿共享"


DIGITS = {"1": "unconditional", "2": "conditional", "3": "none"}


@pytest.mark.parametrize(
    ("code", "word", "shared", "held"),
    [
        ("3", "不予共享", "none", None),
        ("1", "无条件共享", "unconditional", None),
        ("3", "无条件共享", None, "sharing-unknown: 3 / 无条件共享"),
        ("1", "不予共享", None, "sharing-unknown: 1 / 不予共享"),
        ("不予共享", "有条件共享", None, "sharing-unknown: 不予共享 / 有条件共享"),
        ("3", "", "none", None),
        ("", "不予共享", "none", None),
        ("9", "不予共享", "none", None),
        ("3", "自愿共享", None, "sharing-unknown: 自愿共享"),
    ],
)
def test_a_word_that_contradicts_its_code_is_held(tmp_path, code, word, shared, held):
    row = {**FOREIGN, "共享类型": code, "共享类型名称": word}
    record = read(tmp_path, row, share=DIGITS)
    assert (record.fields.get("share_type"), record.held) == (shared, held)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("线路/C、客流（人次、日）/I", [("线路", "C"), ("客流（人次、日）", "I")]),
        ("线路、站点", [("线路", ""), ("站点", "")]),
        ("线路/字符型", [("线路/字符型", "")]),
        ("注册号/统一社会信用代码/C", [("注册号/统一社会信用代码", "C")]),
        ("基本：线路/C、站点/C；运营：票价/N", [("线路", "C"), ("站点", "C"), ("票价", "N")]),
        ("备注：说明/C", [("备注：说明", "C")]),
        ("线路（首末/C、站点/N", [("线路（首末", "C"), ("站点", "N")]),
        ("线路/c", [("线路", "c")]),
        ("型号/X、", [("型号/X", "")]),
        ("等级/", [("等级", "")]),
        ("", []),
        (None, []),
    ],
)
def test_items_of_one_cell(cell, expected):
    found = [(item["item_name"], item["item_type"]) for item in national_list.items(cell)]
    assert found == expected


def test_items_in_rows_of_their_own_count_before_a_cell_that_lists_them(tmp_path):
    record = read(tmp_path, {**FOREIGN, "信息项信息": "甲/C、乙/C", "信息项名称": "丙"})
    assert record.fields["items"] == [{"name": "丙"}]


def test_links_that_do_not_belong_to_the_bases_one_by_one_are_left_out(tmp_path):
    row = {**FOREIGN, "限制开放依据": "《甲法》第一条；《乙法》；《丙法》"}
    for urls, expected in (
        ("https://a.cn/ - https://c.cn/", ["https://a.cn/", None, "https://c.cn/"]),
        ("https://a.cn/ https://b.cn/", [None, None, None]),
        ("https://a.cn/ https://b.cn/ …", ["https://a.cn/", "https://b.cn/", None]),
    ):
        bases = read(tmp_path, {**row, "依据链接": urls}).fields["open_basis"]
        assert [basis.get("url") for basis in bases] == expected


def test_codes_that_are_none_are_left_out(tmp_path):
    record = read(
        tmp_path,
        {
            **FOREIGN,
            "信息资源分类": "部门",
            "行政区划代码": "999999",
            "共享方式": "共享平台",
            "共享方式类型": "别的",
            "原格式分类": "9",
            "关联资源代码": "307023/1；x；307023/2",
            "下次评估日期": "以后",
            "依据链接": "javascript:alert(1)",
        },
    )
    assert record.fields["related_codes"] == ["307023/1", "307023/2"]
    assert record.fields["share_mode"] == "platform_file"
    assert record.fields["open_basis"] == [{"law": "数据安全法", "article": "第三十八条"}]
    for name in ("catalog_class", "region_code", "review_date"):
        assert name not in record.fields


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("'=1+1", "=1+1"),
        ("''=1+1", "'=1+1"),
        ("'-5", "-5"),
        ("'小心'", "'小心'"),
        ("'", "'"),
        ("=1+1", "=1+1"),
        (5, 5),
        (None, None),
    ],
)
def test_one_apostrophe_before_a_formula_is_the_writers(cell, expected):
    assert national_list.plain(cell) == expected
