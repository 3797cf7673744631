"""A run's report for the supplier: a workbook in words that they understand.

Written row by row at flat memory. Every text is stored as text, so that no spreadsheet runs a title
as a formula.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

import openpyxl
import sqlalchemy as sa
from ckan import model
from ckan.common import _
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from ckanext.hljshare.access.export import CONTROLS

from . import reasons
from .model import RunEntry

MOST_ROWS = 1_000_000  # a sheet holds 1,048,576
LONGEST = 32_000  # characters; a cell holds 32,767
BATCH = 2000
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Facts = Mapping[str, Any]


def outcomes() -> dict[str, str]:
    """What became of a record, in the reader's language."""
    return {
        "created": _("created"),
        "updated": _("updated"),
        "unchanged": _("unchanged"),
        "held": _("held back"),
        "withdrawn": _("withdrawn"),
        "rejected": _("rejected"),
    }


def explained() -> dict[str, str]:
    """What that means for the supplier."""
    return {
        "created": _("New here; listed"),
        "updated": _("Changed; what is listed was changed with it"),
        "unchanged": _("As it was"),
        "held": _("Not shown, or not opened further, until somebody has decided"),
        "withdrawn": _("No longer in your list; its page says so"),
        "rejected": _("Not taken; what stood before stays"),
    }


def lines(run_id: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """(native id, title, outcome, reasons) of each record of a run that there is something to say
    about, in their order."""
    last = 0
    while True:
        rows = model.Session.execute(
            sa.select(
                RunEntry.id,
                RunEntry.native_id,
                RunEntry.title,
                RunEntry.outcome,
                RunEntry.reasons,
            )
            .where(RunEntry.run_id == run_id, RunEntry.id > last)
            .order_by(RunEntry.id)
            .limit(BATCH)
        ).all()
        for row in rows:
            yield row.native_id, row.title, row.outcome, row.reasons
        if len(rows) < BATCH:
            return
        last = rows[-1].id


def workbook(
    facts: Iterable[tuple[str, Any]],
    counts: Mapping[str, int],
    by_reason: Iterable[Facts],
    records: Iterable[tuple[str, str, str, list[str]]],
) -> IO[bytes]:
    """The report as a temporary file at its start.

    :param facts: heading and value of what is said about the run as a whole
    :param counts: how many records, by outcome
    :param by_reason: as `received.reasons_of_run` gives it
    :param records: as `lines` gives them
    """
    book = openpyxl.Workbook(write_only=True)
    _summary(book.create_sheet(_("Summary")), facts, counts, by_reason)
    _records(book.create_sheet(_("Records")), records)
    target = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
    book.save(target)
    target.seek(0)
    return target


def _summary(
    sheet: WriteOnlyWorksheet,
    facts: Iterable[tuple[str, Any]],
    counts: Mapping[str, int],
    by_reason: Iterable[Facts],
) -> None:
    _widths(sheet, (34, 14, 60, 60))
    for heading, value in facts:
        sheet.append([_cell(sheet, heading, bold=True), _cell(sheet, value)])
    sheet.append([])
    sheet.append(_headings(sheet, (_("Outcome"), _("Records"), _("What it means"))))
    words, meanings = outcomes(), explained()
    for name, number in counts.items():
        shown = (words.get(name, name), number, meanings.get(name, ""))
        sheet.append([_cell(sheet, value) for value in shown])
    sheet.append([])
    sheet.append(_headings(sheet, (_("Reason"), _("Records"), _("For example"), _("What to do"))))
    for one in by_reason:
        row = (
            reasons.name(one["code"]),
            one["count"],
            reasons.describe(one["example"]),
            reasons.advice(one["code"]),
        )
        sheet.append([_cell(sheet, value) for value in row])


def _records(sheet: WriteOnlyWorksheet, records: Iterable[tuple[str, str, str, list[str]]]) -> None:
    _widths(sheet, (26, 50, 12, 60, 60))
    sheet.freeze_panes = "A2"
    sheet.append(
        _headings(
            sheet,
            (
                _("Id at the source"),
                _("Title"),
                _("What happened"),
                _("Why"),
                _("What to do"),
            ),
        )
    )
    words, said = outcomes(), {"": ""}
    for number, (native_id, title, outcome, why) in enumerate(records, start=2):
        if number > MOST_ROWS:
            sheet.append([_cell(sheet, _("There are more; they are on the page of the run."))])
            return
        todo = []
        for reason in why:
            code = reasons.code_of(reason)
            if code not in said:
                said[code] = reasons.advice(code)
            if said[code] and said[code] not in todo:
                todo.append(said[code])
        row = (
            native_id,
            title,
            words.get(outcome, outcome),
            "\n".join(reasons.describe(reason) for reason in why),
            "\n".join(todo),
        )
        sheet.append([_cell(sheet, value) for value in row])


def _widths(sheet: Any, widths: Iterable[int]) -> None:
    for letter, width in zip("ABCDEFGH", widths, strict=False):
        sheet.column_dimensions[letter].width = width


def _headings(sheet: WriteOnlyWorksheet, words: Iterable[str]) -> list[Any]:
    return [_cell(sheet, word, bold=True) for word in words]


_BOLD, _WRAP = Font(bold=True), Alignment(wrap_text=True, vertical="top")


def _cell(sheet: WriteOnlyWorksheet, value: Any, bold: bool = False) -> Any:
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value=value.translate(CONTROLS)[:LONGEST])
        cell.data_type = "s"  # whatever it begins with, it is text
        cell.alignment = _WRAP
    else:
        cell = WriteOnlyCell(sheet, value=value)
    if bold:
        cell.font = _BOLD
    return cell
