"""The one access policy (pure): who may do what with a dataset's content, why, and how to get it.

Two axes that do not depend on each other (clauses 5.2 and 6.1): opening, to everybody, and
sharing, between agencies. Every gate asks `decide`; what no rule allows is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckanext.hljshare.access.levels import Level

Purpose = Literal["see", "read", "preview", "query", "manage"]
How = Literal["download", "sign_in", "apply", "ask_agency", "objection", "none"]


@dataclass(frozen=True)
class Subject:
    """Who asks. `owner_role` is the role in the agency that owns the dataset, also when it comes
    from an administrator's role in a city or the province above it."""

    signed_in: bool = False
    sysadmin: bool = False
    government: bool = False
    owner_role: Literal["admin", "editor", "member"] | None = None


@dataclass(frozen=True)
class Content:
    """What is asked for: a file (or table) of a dataset, with the level that counts for it."""

    level: Level
    share_type: str | None = None
    published: bool = True
    withdrawn: bool = False


@dataclass(frozen=True)
class Decision:
    """The answer: `reason` is a code for logs and labels, `how` the way to what was refused."""

    allowed: bool
    reason: str
    how: How = "none"


ANONYMOUS = Subject()


def decide(subject: Subject, content: Content, purpose: Purpose) -> Decision:
    """Decide whether `subject` may use `content` for `purpose`."""
    staff = subject.sysadmin or subject.owner_role is not None
    editor = subject.sysadmin or subject.owner_role in ("admin", "editor")
    if purpose == "manage":
        return Decision(editor, "owner" if editor else "not_owner")
    if not content.published and not staff:
        return Decision(False, "unpublished")
    if purpose == "see":
        return Decision(True, "public" if content.published else "owner")
    if content.withdrawn:
        return Decision(False, "withdrawn")
    if staff:
        return Decision(True, "administrator" if subject.sysadmin else "owner", "download")
    if content.level == "open":
        return Decision(True, "open", "download")
    if subject.government and content.share_type == "unconditional":
        return Decision(True, "shared", "download")
    return _refuse(subject, content)


def _refuse(subject: Subject, content: Content) -> Decision:
    """Say why content that is not open is refused, and what the person can do."""
    if content.level == "on_request":
        return Decision(False, "on_request", "apply")
    if subject.government and content.share_type == "conditional":
        return Decision(False, "closed", "ask_agency")
    return Decision(False, "closed", "objection")
