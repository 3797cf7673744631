"""Files as cities publish them become tables with the right types, or say why not."""

import json

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.ingest import tabular


def table(tmp_path, content, file_format="CSV"):
    path = tmp_path / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tabular.read(path, file_format)


def test_types_are_those_all_values_fit(tmp_path):
    found = table(
        tmp_path, "甲,乙,丙,丁,戊,己\n1,1.5,2024-01-02,2024/1/2 8:05,007,x\n-2,3,2024/1/3,,1,\n"
    )
    assert found.types == ("int", "numeric", "date", "timestamp", "text", "text")
    assert list(found.rows()) == [
        ("1", "1.5", "2024-01-02", "2024-01-02T08:05:00", "007", "x"),
        ("-2", "3", "2024-01-03", None, "1", None),
    ]


def test_the_last_row_counts_for_the_type(tmp_path):
    assert table(tmp_path, "数量\n" + "1\n" * 500 + "不详\n").types == ("text",)


def test_numbers_that_name_something_stay_text(tmp_path):
    found = table(
        tmp_path, "联系电话,统一社会信用代码,邮编,很大\n84601234,1123,150001,123456789012345678\n"
    )
    assert found.types == ("text", "text", "text", "text")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_any_usual_encoding(tmp_path, encoding):
    found = table(tmp_path, "线路,站点\n1路,哈尔滨站\n".encode(encoding))
    assert found.headers == ("线路", "站点")
    assert list(found.rows()) == [("1路", "哈尔滨站")]


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_any_usual_delimiter(tmp_path, mark):
    assert table(tmp_path, f"甲{mark}乙\n1{mark}2\n").headers == ("甲", "乙")


def test_line_breaks_inside_quotes_and_title_rows_above(tmp_path):
    found = table(tmp_path, '哈尔滨市公交线路,,\n\n线路,站点,说明\n1路,"哈尔滨站\n（南广场）",无\n')
    assert found.headers == ("线路", "站点", "说明")
    assert found.count == 1
    assert next(found.rows())[1] == "哈尔滨站\n（南广场）"


def test_a_long_file_loses_no_row(tmp_path):
    found = table(tmp_path, "n\n" + "".join(f"{n}\n" for n in range(1000)))
    assert [row[0] for row in found.rows()] == [str(n) for n in range(1000)]


def test_the_first_visible_sheet_of_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active.sheet_state = "hidden"
    book.active.append(["不要"])
    sheet = book.create_sheet("数据")
    sheet.append(["年份", "数量"])
    sheet.append([2023, 1.5])
    book.save(tmp_path / "file")
    found = tabular.read(tmp_path / "file", "XLSX")
    assert (found.headers, found.types) == (("年份", "数量"), ("int", "numeric"))


@pytest.mark.parametrize(
    "wrap",
    [lambda rows: rows, lambda rows: {"data": rows}, lambda rows: {"result": {"rows": rows}}],
)
def test_json_lists_of_objects(tmp_path, wrap):
    rows = [{"甲": 1, "乙": None}, {"甲": 2, "丙": {"x": 1}}]
    found = table(tmp_path, json.dumps(wrap(rows)), "JSON")
    assert found.headers == ("甲", "乙", "丙")
    assert list(found.rows()) == [("1", None, None), ("2", None, '{"x": 1}')]


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (b"", "CSV"),
        (b"PK\x03\x04rubbish", "XLSX"),
        (b"{", "JSON"),
        (b"[1, 2]", "JSON"),
        (b"\xff\xff\xff", "CSV"),
        (b"x", "PDF"),
    ],
)
def test_what_is_no_table_says_so(tmp_path, content, file_format):
    with pytest.raises(tabular.TableError):
        table(tmp_path, content, file_format)


def test_too_many_rows_are_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("n\n1\n2\n3\n")
    with pytest.raises(tabular.TableError, match="more than 2 rows"):
        tabular.read(path, "CSV", max_rows=2)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b' [{"a":1}]', "JSON"),
        ("甲,乙".encode("gb18030"), "CSV"),
        (b"%PDF-1.4", "PDF"),
        (b"\x00\x01", ""),
    ],
)
def test_files_are_known_by_their_content(tmp_path, content, kind):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert tabular.sniff_format(path) == kind


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.none(),
                st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
            )
        )
    ),
    st.integers(1, 50),
)
def test_rows_survive_the_copy_format_whatever_size_is_read(rows, size):
    reader = tabular.LineReader(tabular.copy_text(rows))
    whole = "".join(iter(lambda: reader.read(size), ""))
    back = []
    for line in whole.split("\n")[:-1]:
        back.append(
            None
            if line == "\\N"
            else line.replace("\\\\", "\x00")
            .replace("\\t", "\t")
            .replace("\\n", "\n")
            .replace("\\r", "\r")
            .replace("\x00", "\\")
        )
    assert back == [row[0] for row in rows]
