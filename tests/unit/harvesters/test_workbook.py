"""Workbooks from attackers and from real offices: bombs, lies about size, entities, formulas."""

import io
import tracemalloc
import zipfile

import openpyxl
import pytest

from ckanext.hljshare.access.export import harmless
from ckanext.hljshare.ingest.fetch import Fetcher, SourceError
from harvesters import mapping, workbook
from harvesters.catalog_sheet import CatalogSheet
from harvesters.workbook import read_sheets

HEADER = ["信息资源名称", "来源部门", "开放类型"]
ROW = ["甲信息", "统计局", "无条件开放"]
SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def book(*rows, **parts):
    """A workbook of these rows; ``parts`` replace or add parts (bytes), by what ``sheet``,
    ``strings``… stand for or by their names.
    """
    made = openpyxl.Workbook()
    for row in rows or (HEADER, ROW):
        made.active.append(row)
    plain = io.BytesIO()
    made.save(plain)
    names = {
        "sheet": SHEET,
        "strings": "xl/sharedStrings.xml",
        "rels": "xl/_rels/workbook.xml.rels",
    }
    new = {names.get(name, name): value for name, value in parts.items()}
    with zipfile.ZipFile(plain) as archive:
        old = {name: archive.read(name) for name in archive.namelist()}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in {**old, **new}.items():
            archive.writestr(name, value(old[name]) if callable(value) else value)
    return target.getvalue()


def sheet_of(data):
    """The XML of a sheet around some rows."""
    return f"<worksheet {NAMESPACE}><sheetData>{data}</sheetData></worksheet>".encode()


def cell(place, value):
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


def records(data, tmp_path):
    path = tmp_path / "list.xlsx"
    path.write_bytes(data)
    return list(CatalogSheet(str(path), mapping.load(), Fetcher(local_files=True)).records())


def refused(data, reason, megabytes=150):
    """Whether a workbook is refused for a reason, in bounded memory."""
    tracemalloc.start()
    try:
        with pytest.raises(SourceError, match=reason):
            read_sheets(data)
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_part_that_inflates_without_end():
    refused(book(sheet=b"<worksheet>" + b" " * (workbook.LIMITS.inflated + 1)), "too large", 700)


def test_thousands_of_parts():
    refused(book(**{f"x/{number}.xml": b"<a/>" for number in range(2100)}), "too large")


def test_one_row_of_a_million_empty_cells():
    refused(book(sheet=sheet_of("<row>" + "<c/>" * 1_000_000 + "</row>")), "too large")


def test_more_texts_or_styles_than_a_workbook_can_have():
    head = f"<sst {NAMESPACE}>".encode()
    refused(book(strings=head + b"<si/>" * 4_100_000 + b"</sst>"), "too large")
    refused(book(**{"xl/styles.xml": b"<styleSheet>" + b"<xf/>" * 500_000}), "too large")
    refused(book(sheet=f"<worksheet {NAMESPACE}>".encode() + b"<row/><si/>" * 100), "broken")


def test_a_part_that_is_called_something_else_is_looked_at_too():
    moved = book(
        rels=lambda old: old.replace(b"worksheets/sheet1.xml", b"pictures/1.png"),
        **{"xl/pictures/1.png": sheet_of("<row>" + "<c/>" * 1_000_000 + "</row>")},
    )
    refused(moved, "too large")


def test_a_sheet_that_says_it_is_as_wide_and_long_as_can_be(tmp_path):
    said = f'<worksheet {NAMESPACE}><dimension ref="A1:XFD1048576"/>'.encode()
    data = book(sheet=lambda old: said + old[old.index(b"<sheetData") :])
    assert [record.title for record in records(data, tmp_path)] == ["甲信息"]


@pytest.mark.parametrize("row", [1_048_576, 999_999_999_999, 400_000])
def test_a_value_that_stands_far_below_is_refused_rather_than_left_out(row):
    far = f'<row r="1">{cell("A1", "甲")}</row><row r="{row}">{cell(f"A{row}", "乙")}</row>'
    with pytest.raises(SourceError, match="too large"):
        read_sheets(book(sheet=sheet_of(far)))


def test_columns_far_to_the_right_do_not_make_all_rows_wide():
    wide = "".join(f'<row r="{n}">{cell(f"XFD{n}", "甲")}</row>' for n in range(1, 3000))
    tracemalloc.start()
    sheets = read_sheets(book(sheet=sheet_of(wide)))
    assert tracemalloc.get_traced_memory()[1] < 50 * 1024 * 1024
    tracemalloc.stop()
    assert all(len(row) == 0 for row in sheets[0].rows)


def test_merged_areas_that_lie():
    merged = (
        b"".join(b'<mergeCell ref="A1:XFD%d"/>' % (1_048_576 - n) for n in range(5000))
        + b"</mergeCells></worksheet>"
    )
    data = book(
        *([HEADER] * 2000),
        sheet=lambda old: old.replace(b"</worksheet>", b"<mergeCells>" + merged),
    )
    refused(data, "too large", 300)


ENTITIES = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
LAUGHS = '<!ENTITY a0 "哈">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
)


@pytest.mark.parametrize("prolog", [ENTITIES, f"<!DOCTYPE x [{LAUGHS}<!ENTITY e '&a11;'>]>"])
@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"])
def test_no_part_may_declare_entities(prolog, part):
    sheet = f"<worksheet {NAMESPACE}><sheetData><row>{cell('A1', '&e;')}</row></sheetData>"
    words = '<?xml version="1.0"?>' + prolog + sheet + "</worksheet>"
    refused(book(**{part: words.encode()}), "DOCTYPE")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_nor_in_an_encoding_that_hides_it(encoding):
    words = ENTITIES + f"<worksheet {NAMESPACE}><sheetData/></worksheet>"
    refused(book(sheet=words.encode(encoding)), "not in UTF-8|broken")


@pytest.mark.parametrize(
    "part", [b"<worksheet", b"", b"<a/>", b"<worksheet><sheetData><row><c r='!!!'/></row>"]
)
def test_broken_parts_are_a_reason_and_no_crash(part):
    try:
        rows = read_sheets(book(sheet=part))[0].rows
    except SourceError as error:
        assert error.reason == "not-a-catalog: broken workbook"  # noqa: PT017
    else:
        assert rows == []


@pytest.mark.parametrize("cut", [10, 200, 2000, -30])
def test_a_workbook_that_broke_off(cut):
    with pytest.raises(SourceError, match="broken workbook"):
        read_sheets(book()[:cut])


def test_a_workbook_with_a_password():
    data = bytearray(book())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            data[place + flags] |= 1
    with pytest.raises(SourceError, match="broken workbook"):
        read_sheets(bytes(data))


def test_formulas_count_by_the_values_they_last_had(tmp_path):
    row = (
        f'<row r="2"><c r="A2" t="str"><f>CONCATENATE("甲","信息")</f><v>甲信息</v></c>'
        f'{cell("B2", "统计局")}<c r="C2" t="str"><f>HYPERLINK("http://evil.example","x")</f></c></row>'
    )
    head = "".join(cell(f"{letter}1", word) for letter, word in zip("ABC", HEADER, strict=True))
    found = records(book(sheet=sheet_of(f'<row r="1">{head}</row>' + row)), tmp_path)
    assert (found[0].title, found[0].held) == ("甲信息", "opening-missing")


def test_cells_in_error_are_empty(tmp_path):
    found = records(book(HEADER, ["甲", "#REF!", "#N/A"]), tmp_path)
    assert (found[0].provider, found[0].held) == (None, "opening-missing")


@pytest.mark.parametrize("words", ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+cmd", "-2+3"])
def test_text_that_looks_like_a_formula_stays_text_and_our_tables_defuse_it(words, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(",".join(HEADER) + f'\n"{words}",统计局,无条件开放\n', encoding="utf-8")
    adapter = CatalogSheet(str(path), mapping.load(), Fetcher(local_files=True))
    title = next(adapter.records()).title
    assert title == words
    assert harmless(title) == "'" + words


def test_macros_and_links_to_other_workbooks_are_not_opened(tmp_path, monkeypatch):
    def refuse(*args):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr("socket.socket.connect", refuse)
    data = book(
        **{
            "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0macro",
            "xl/externalLinks/externalLink1.xml": b"<externalLink><externalBook/></externalLink>",
            "xl/externalLinks/_rels/externalLink1.xml.rels": b"<Relationships><Relationship "
            b'Target="http://evil.example/x.xlsx" TargetMode="External"/></Relationships>',
        }
    )
    assert [record.title for record in records(data, tmp_path)] == ["甲信息"]


def test_a_csv_of_endless_rows_or_columns_is_refused(monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 1000)
    with pytest.raises(SourceError, match="too large"):
        read_sheets(b"a,b\n" * 1001)
    assert len(read_sheets(b"a,b\n" * 1000)[0].rows) == 1000
    assert len(read_sheets(b"a," * 100_000)[0].rows[0]) <= workbook.MAX_COLUMNS


def test_blank_rows_at_the_end_and_formats_far_below_do_not_matter():
    rows = f'<row r="1">{cell("A1", "甲")}</row>'
    rows += "".join(f'<row r="{n}"><c r="A{n}" s="0"/></row>' for n in range(2, 50_000))
    assert len(read_sheets(book(sheet=sheet_of(rows)))[0].rows) == 1
