"""The policy as a table for people, made by asking it (pure): docs/access.md holds it.

`python -m ckanext.hljshare.access.policy_table FILE` writes it between the file's marks.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from ckanext.hljshare.access.grants.rules import Axis, Grant
from ckanext.hljshare.access.policy import ANONYMOUS, Content, Decision, Subject, decide

MARKS = ("<!-- policy -->\n", "<!-- /policy -->")


def _grant(axis: Axis, counted: bool = False) -> Grant:
    start, end = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2026, 2027))
    return Grant("grant", "dataset", axis, start, end, max_downloads=1 if counted else None)


_CITIZEN = Subject(signed_in=True)
_AGENCY = Subject(signed_in=True, government=True)
SUBJECTS: dict[str, Subject] = {
    "anonymous": ANONYMOUS,
    "registered": _CITIZEN,
    "registered, with a live grant (opening)": replace(
        _CITIZEN, grant=_grant("open"), grant_state="live"
    ),
    "registered, with a live grant that counts downloads": replace(
        _CITIZEN, grant=_grant("open", counted=True), grant_state="live"
    ),
    "registered, grant over (expired, revoked, used up …)": replace(
        _CITIZEN, grant=_grant("open"), grant_state="expired"
    ),
    "member of another agency": _AGENCY,
    "member of another agency, with a live grant (sharing)": replace(
        _AGENCY, grant=_grant("share"), grant_state="live"
    ),
    "member of the owning agency": replace(_AGENCY, owner_role="member"),
    "editor of the owning agency": replace(_AGENCY, owner_role="editor"),
    "administrator of the city or province above": replace(_AGENCY, above=True),
    "administrator above, with a stated purpose": replace(_AGENCY, above=True, stated=True),
    "administrator above, by an API token": replace(_AGENCY, above=True, stated=True, machine=True),
    "system administrator": Subject(signed_in=True, sysadmin=True),
    "system administrator, with a stated purpose": Subject(
        signed_in=True, sysadmin=True, stated=True
    ),
}
CONTENTS: dict[str, Content] = {
    "open": Content("open", "unconditional"),
    "on request, shared unconditionally": Content("on_request", "unconditional"),
    "on request, shared conditionally": Content("on_request", "conditional"),
    "closed, shared unconditionally": Content("closed", "unconditional"),
    "closed, shared conditionally": Content("closed", "conditional"),
    "closed, not shared": Content("closed", "none"),
    "not published (held, draft)": Content("open", "unconditional", published=False),
    "withdrawn": Content("open", "unconditional", withdrawn=True),
}


def _cell(subject: Subject, content: Content) -> str:
    """What a subject may do with content, in a few words."""
    see, read = decide(subject, content, "see"), decide(subject, content, "read")
    if not see.allowed:
        return "–"
    manages = decide(subject, content, "manage").allowed
    if not read.allowed:
        return f"{'manages' if manages else 'entry'} · {_way(read)}"
    query = decide(subject, content, "query").allowed
    return "reads" + ("" if query else ", downloads only") + (", manages" if manages else "")


def _way(decision: Decision) -> str:
    return {
        "apply": "apply",
        "ask_agency": "ask the agency",
        "objection": "object",
        "state_purpose": "state a purpose",
        "none": decision.reason,
    }[decision.how]


def table() -> str:
    """The whole policy in Markdown: a row for each subject, a column for each kind of content."""
    lines = [
        "| who | " + " | ".join(CONTENTS) + " |",
        "|---|" + "---|" * len(CONTENTS),
    ]
    lines += [
        f"| {name} | " + " | ".join(_cell(subject, content) for content in CONTENTS.values()) + " |"
        for name, subject in SUBJECTS.items()
    ]
    return "\n".join(lines) + "\n"


def written_into(text: str) -> str:
    """Return a document with the table between its marks. Raises ValueError without them."""
    before, found, rest = text.partition(MARKS[0])
    _old, closed, after = rest.partition(MARKS[1])
    if not (found and closed):
        raise ValueError("the document lacks the marks of the policy's table")
    return f"{before}{MARKS[0]}{table()}{MARKS[1]}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(written_into(document.read_text("utf-8")), "utf-8")
