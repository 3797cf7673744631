"""The workflow as a table for people, made from `workflow.TABLE` (pure): docs/requests.md holds it.

`python -m ckanext.hljshare.requests.workflow_table FILE` writes it between the file's marks.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ckanext.hljshare.requests.workflow import STATES, TABLE, State, Step

MARKS = ("<!-- workflow -->\n", "<!-- /workflow -->")
STAYS = "•"  # possible, and the state stays


def _name(step: Step) -> str:
    return f"`{step.action}`" + (f" ({step.case})" if step.case else "")


def _cell(step: Step, state: State) -> str:
    if state not in step.sources:
        return ""
    return STAYS if step.target is None else f"→ {step.target}"


def _clock(step: Step) -> str:
    return {
        "": "",
        "acceptance": "limit of acceptance begins",
        "starts": "begins",
        "pauses": "rests",
        "goes on": "goes on",
        "stops": "stops",
    }[step.clock]


def _event(step: Step) -> str:
    return f"`{step.event}`" + (" (agency only)" if step.private else "")


def table() -> str:
    """The workflow in Markdown: a row for each of the table, a column for each state."""
    head = ["action", "by", *STATES, "event", "clock"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for step in TABLE:
        cells = [_name(step), ", ".join(step.roles)]
        cells += [_cell(step, state) for state in STATES]
        cells += [_event(step), _clock(step)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def written_into(text: str) -> str:
    """Return a document with the table between its marks. Raises ValueError without them."""
    before, found, rest = text.partition(MARKS[0])
    _old, closed, after = rest.partition(MARKS[1])
    if not (found and closed):
        raise ValueError("the document lacks the marks of the workflow's table")
    return f"{before}{MARKS[0]}{table()}{MARKS[1]}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(written_into(document.read_text("utf-8")), "utf-8")
