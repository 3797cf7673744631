"""Who may add, take away and read which file of a request. Pure.

Roles are those of `routing.roles`. The supervisor reads what was applied for, but neither proofs
and identity numbers, which are for the handling agency alone, nor the data that was delivered.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal

Purpose = Literal["proof", "attachment", "delivery", "report"]
Answer = Literal["yes", "role", "state", "expired"]

PURPOSES: tuple[Purpose, ...] = ("proof", "attachment", "delivery", "report")
SEALED: frozenset[str] = frozenset(("proof",))
# In which states a file may be added or taken away again, and by whom.
_CHANGES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "proof": (frozenset(("draft", "returned")), frozenset(("applicant",))),
    "attachment": (frozenset(("draft", "returned")), frozenset(("applicant",))),
    # Before it is signed: the signature is for these very files.
    "delivery": (frozenset(("accepted",)), frozenset(("handler", "approver"))),
    "report": (frozenset(("delivered",)), frozenset(("applicant",))),
}
_HANDLING = frozenset(("handler", "approver"))
_READERS: dict[str, frozenset[str]] = {
    "proof": _HANDLING,
    "attachment": _HANDLING | {"supervisor", "colleague"},
    "delivery": _HANDLING,
    "report": _HANDLING | {"supervisor", "colleague"},
}


def may_change(purpose: str, state: str, roles: Collection[str]) -> Answer:
    """Whether a file may be added, or taken away again.

    Nobody delivers to oneself: who applies is no handler of the same request.
    """
    states, wanted = _CHANGES[purpose]
    if purpose == "delivery" and "applicant" in roles:
        return "role"
    if not wanted & set(roles):
        return "role"
    return "yes" if state in states else "state"


def may_read(
    purpose: str,
    state: str,
    roles: Collection[str],
    moment: datetime,
    not_after: datetime | None = None,
    *,
    use_ended: bool = False,
) -> Answer:
    """Whether the bytes of a file may be read.

    :param moment: now
    :param not_after: delivered files: until when the applicant may take them
    :param use_ended: the use of what was delivered has been ended (by either side)
    """
    held = set(roles)
    if "applicant" in held:
        if purpose != "delivery":
            return "yes"
        # Also for an applicant who works in the agency: the data is had as applicant or not at all.
        if state != "delivered" or not_after is None:
            return "state"
        return "expired" if use_ended or moment >= not_after else "yes"
    if not held & _READERS[purpose]:
        return "role"
    return "role" if state == "draft" else "yes"


def may_know(purpose: str, state: str, roles: Collection[str]) -> bool:
    """Whether the name of a file is shown: to who may read it now, or may once it is delivered."""
    held = set(roles)
    if "applicant" in held:
        return purpose != "delivery" or state == "delivered"
    return state != "draft" and bool(held & _READERS[purpose])


def may_see_identity(state: str, roles: Collection[str]) -> Literal["", "masked", "number"]:
    """What of the identity number is shown: the applicant reads it masked, the handling agency in
    full, once the request was submitted; nobody else reads anything."""
    held = set(roles)
    if "applicant" in held:
        return "masked"
    return "number" if state != "draft" and held & _HANDLING else ""
