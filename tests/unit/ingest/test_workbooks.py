"""Open files are mirrored from strangers: their workbooks are looked through before they are read
as tables.
"""

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from ckanext.hljshare.ingest import tabular, workbooks

SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def book(sheet=None, rows=(("甲", "乙"), (1, 2)), merged=()):
    """A workbook; ``sheet`` replaces the XML of its sheet."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for area in merged:
        made.active.merge_cells(area)
    plain = io.BytesIO()
    made.save(plain)
    if sheet is None:
        return plain.getvalue()
    target = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, sheet if name == SHEET else old.read(name))
    return target.getvalue()


def around(rows):
    return f"<worksheet {NAMESPACE}><sheetData>{rows}</sheetData></worksheet>".encode()


def table(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    return tabular.read(tmp_path / "file", "XLSX")


def test_a_plain_workbook_is_a_table(tmp_path):
    assert list(table(tmp_path, book()).rows()) == [("1", "2")]


@pytest.mark.parametrize(
    ("sheet", "reason"),
    [
        (around("<row>" + "<c/>" * 500_000 + "</row>"), "too large"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]>" + around("<row/>"), "DOCTYPE"),
        (around("<row/>").decode().encode("utf-16"), "not in UTF-8"),
        (b"<worksheet", "ParseError"),
        (around('<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>'), "0 columns"),
    ],
)
def test_hostile_and_broken_sheets_say_why_and_end(tmp_path, sheet, reason):
    with pytest.raises(tabular.TableError, match=reason):
        table(tmp_path, book(sheet))


@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.integers(1, 120), st.integers(0, 5), st.integers(1, 5)),
        max_size=5,
    )
)
def test_merged_areas_are_those_of_the_file(areas):
    taken, wanted = set(), []
    for top, left, down, right in areas:
        cells = {(r, c) for r in range(top, top + down + 1) for c in range(left, left + right + 1)}
        if not cells & taken:
            taken |= cells
            wanted.append((top, left, top + down, left + right))
    names = [
        f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}"
        for top, left, bottom, right in wanted
    ]
    found = workbooks.look_through(io.BytesIO(book(merged=names)), workbooks.Limits())
    assert sorted(found[SHEET]) == sorted(wanted)


@pytest.mark.parametrize("gap", [0, 1, 100, 399, 400, 401, 5000])
def test_a_merged_area_between_two_chunks_counts_once(gap):
    filler = b"<x/>" * ((1024 * 1024 - 200) // 4) + b" " * (gap % 401)
    areas = b'<mergeCell ref="A1:B2"/>' * 20
    sheet = b"<worksheet>" + filler + areas + b"</worksheet>"
    limits = workbooks.Limits(row_tags=10_000_000)
    found = workbooks.look_through(io.BytesIO(book(sheet)), limits)
    assert found[SHEET] == [(1, 1, 2, 2)] * 20
