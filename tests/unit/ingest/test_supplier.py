"""The supplier's workbook: whatever a record holds is text there, and nothing breaks it."""

import re

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.hljshare.ingest import reasons, supplier

texts = st.text(max_size=40) | st.sampled_from(
    ["=1+1", "@SUM(A1)", "+7", "-7", "\t=1", "=cmd|'/c calc'!A1", "x" * 40_000, "\ud7ff", "_x0041_"]
)
records = st.lists(
    st.tuples(
        texts,
        texts,
        st.sampled_from(["held", "rejected", "created"]),
        st.lists(texts.map(lambda text: f"opening-unknown: {text}"), max_size=3),
    ),
    max_size=5,
)


def read(file):
    book = openpyxl.load_workbook(file)
    return book.worksheets


@settings(max_examples=60, deadline=None)
@given(records)
def test_no_cell_is_run_and_no_record_is_lost(listed):
    with supplier.workbook([("源", "=1")], {"held": 1}, [], listed) as file:
        summary, sheet = read(file)
        assert sheet.max_row == len(listed) + 1
        for row in (*sheet.iter_rows(min_row=2), *summary.iter_rows()):
            assert "f" not in {cell.data_type for cell in row}
        for number, (native_id, *_rest) in enumerate(listed, start=2):
            kept = sheet.cell(number, 1).value or ""
            expected = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", native_id)[: supplier.LONGEST]
            assert kept.replace("\r\n", "\n").replace("\r", "\n") == expected.replace(
                "\r\n", "\n"
            ).replace("\r", "\n")


def test_a_kind_of_reason_is_named_without_what_single_records_say():
    assert reasons.name("opening-unknown") == reasons.name("opening-unknown")
    for code in reasons._words():
        name = reasons.name(code)
        assert "…" not in name, code
        assert name, code
    assert reasons.name("something-new") == "something-new"


def test_every_advice_belongs_to_a_reason():
    assert set(reasons._advice()) - {"duplicate-ids", "login-page"} <= set(reasons._words())
