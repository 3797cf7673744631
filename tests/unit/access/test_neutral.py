"""Cells of CKAN's own CSV exports that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.access import neutral

HARMFUL = ["=1+1", '=HYPERLINK("http://x","y")', "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1"]
HARMLESS = [
    "",
    "公交",
    "-5",
    "-5.25",
    "+86",
    "1e5",
    "a=b",
    "a,=b",
    'x"\n=1',
    "12-3",
    "0451-84601234",
]


def written(rows: list[list[str]], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("cell", HARMFUL)
def test_a_formula_is_written_as_text_wherever_it_stands(cell, delimiter):
    """First, in the middle, last in its line."""
    rows = [[cell, "a", "b"], ["a", cell, "b"], ["a", "b", cell]]
    expected = [[f"'{c}" if c == cell else c for c in row] for row in rows]
    assert read(neutral.text(written(rows, delimiter), delimiter), delimiter) == expected


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("cell", HARMLESS)
def test_what_is_no_formula_stays_byte_for_byte(cell, delimiter):
    """Also beside one that is."""
    text = written([["1", cell, "x"]], delimiter)
    assert neutral.text(text, delimiter) == text
    beside = written([["1", cell, "=x"]], delimiter)
    assert neutral.text(beside, delimiter) == beside.replace("=x", "'=x")


def test_nothing_and_an_empty_text_stay_different():
    """PostgreSQL writes the one as nothing, the other as two quotes."""
    assert neutral.text('1,,"",=x\n', ",") == '1,,"",\'=x\n'


def test_the_byte_order_mark_hides_no_formula_in_the_first_heading():
    """A column may be called anything."""
    assert neutral.text("\ufeff=a,b\n", ",") == "\ufeff'=a,b\n"


@given(
    st.lists(
        st.lists(st.text(alphabet="=+-@,\"\n\r\t'ab1.", max_size=6), min_size=2, max_size=3),
        min_size=1,
        max_size=4,
    )
)
def test_the_table_read_back_is_the_table_with_harmless_cells(rows):
    """For every text: same rows, same cells, each as `harmless` has it."""
    done = read(neutral.text(written(rows), ","))
    assert done == [[neutral.harmless(cell) for cell in row] for row in rows]
