"""The one access policy (pure): who may do what with a dataset's content, why, and how to get it.

Two axes that do not depend on each other (clauses 5.2 and 6.1): opening, to everybody, and
sharing, between agencies. Every gate asks `decide`; what no rule allows is refused. The table in
docs/access.md is generated from `decide` (`access/policy_table.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckanext.hljshare.access.grants.rules import Axis, Grant, State
from ckanext.hljshare.access.levels import Level

Purpose = Literal["see", "read", "preview", "query", "manage"]
How = Literal["download", "apply", "ask_agency", "objection", "state_purpose", "none"]
Role = Literal["admin", "editor", "member"]


@dataclass(frozen=True)
class Subject:
    """Who asks.

    `owner_role`: the role in the very agency that owns the dataset. `above`: administrator of the
    city or province above that agency. `machine`: known by an API token, not by signing in.
    `grant`: the best grant the person has for this content, `grant_state` what it is worth now.
    `stated`: an administrator has stated a purpose for reading this content, a moment ago.
    """

    signed_in: bool = False
    sysadmin: bool = False
    government: bool = False
    owner_role: Role | None = None
    above: bool = False
    machine: bool = False
    grant: Grant | None = None
    grant_state: State | None = None
    stated: bool = False


@dataclass(frozen=True)
class Content:
    """What is asked for: a file (or table) of a dataset, with the level that counts for it."""

    level: Level
    share_type: str | None = None
    published: bool = True
    withdrawn: bool = False


@dataclass(frozen=True)
class Decision:
    """The answer: `reason` is a code for logs and labels, `how` the way to what was refused.

    `grant` is the grant that opened the content, with its limits, or the one that is over; None
    where no grant plays a part.
    """

    allowed: bool
    reason: str
    how: How = "none"
    grant: Grant | None = None


ANONYMOUS = Subject()


def decide(subject: Subject, content: Content, purpose: Purpose) -> Decision:
    """Decide whether `subject` may use `content` for `purpose`."""
    administrator = subject.sysadmin or subject.above
    staff = administrator or subject.owner_role is not None
    if purpose == "manage":
        editor = administrator or subject.owner_role in ("admin", "editor")
        return Decision(editor, "owner" if editor else "not_owner")
    if not content.published and not staff:
        return Decision(False, "unpublished")
    if purpose == "see":
        return Decision(True, "public" if content.published else "owner")
    if content.withdrawn:
        return Decision(False, "withdrawn")
    if content.published and content.level == "open":
        return Decision(True, "open", "download")
    if subject.owner_role is not None:
        return Decision(True, "owner", "download")
    if content.published and subject.government and content.share_type == "unconditional":
        return Decision(True, "shared", "download")
    if content.published and subject.grant is not None and subject.grant_state == "live":
        answer = _by_grant(subject, subject.grant, content, purpose)
        if answer is not None:
            return answer
    if administrator and subject.stated and not subject.machine:
        return Decision(True, "administrator", "download")
    return _refuse(subject, content, administrator)


def opens(axis: Axis, content: Content) -> bool:
    """Tell whether a grant of this axis can open content of this level at all.

    What is closed stays with its agency, whatever was granted before (6.1); so does, between
    agencies, what is not shared (5.2).
    """
    if axis == "open":
        return content.level == "on_request"
    return content.share_type in ("unconditional", "conditional")


def _by_grant(
    subject: Subject, grant: Grant, content: Content, purpose: Purpose
) -> Decision | None:
    """Answer by a live grant, or None where it opens nothing here."""
    if not opens(grant.axis, content) or (grant.axis == "share" and not subject.government):
        return None
    if purpose in ("preview", "query") and grant.max_downloads is not None:
        # Each page of rows would be a download that nobody counts.
        return Decision(False, "grant_counted", "download")
    return Decision(True, "grant", "download", grant)


def _refuse(subject: Subject, content: Content, administrator: bool) -> Decision:
    """Say why content that is not open is refused, and what the person can do."""
    if administrator:
        reason = "machine" if subject.machine else "purpose_missing"
        return Decision(False, reason, "none" if subject.machine else "state_purpose")
    if content.level == "on_request" or (
        subject.government and content.share_type == "conditional"
    ):
        how: How = "apply" if content.level == "on_request" else "ask_agency"
        if subject.grant is not None and subject.grant_state not in (None, "live"):
            return Decision(False, f"grant_{subject.grant_state}", how, subject.grant)
        return Decision(False, content.level, how)
    return Decision(False, "closed", "objection")
