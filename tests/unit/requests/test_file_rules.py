"""Who may add, take away and read the files of a request, and see the identity number."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ckanext.hljshare.requests import workflow
from ckanext.hljshare.requests.files import rules

NOW = datetime(2026, 11, 25, 9, tzinfo=timezone.utc)
LATER, BEFORE = NOW + timedelta(days=1), NOW - timedelta(seconds=1)
A, H, S, C = {"applicant"}, {"handler"}, {"supervisor"}, {"colleague"}
APPROVER = {"handler", "approver"}
BOTH = {"applicant", "handler", "approver"}


@pytest.mark.parametrize(
    ("purpose", "roles", "states"),
    [
        ("attachment", A, {"draft", "returned"}),
        ("proof", A, {"draft", "returned"}),
        ("report", A, {"delivered"}),
        ("delivery", H, {"accepted"}),
        ("delivery", APPROVER, {"accepted"}),
        ("delivery", A, None),
        ("delivery", BOTH, None),  # nobody delivers to oneself
        ("delivery", S, None),
        ("attachment", H, None),
        ("proof", APPROVER, None),
        ("attachment", C, None),
        ("attachment", S, None),
        ("report", H, None),
        ("attachment", set(), None),
    ],
)
def test_who_changes_files_and_when(purpose, roles, states):
    """A part that never may is told so; one that may, but not now, is told the state."""
    for state in workflow.STATES:
        expected = "role" if states is None else "yes" if state in states else "state"
        assert rules.may_change(purpose, state, roles) == expected, state


@pytest.mark.parametrize(
    ("purpose", "readers"),
    [
        ("proof", (A, H, APPROVER)),
        ("attachment", (A, H, APPROVER, S, C)),
        ("report", (A, H, APPROVER, S, C)),
        ("delivery", (H, APPROVER)),
    ],
)
def test_who_reads(purpose, readers):
    """Proofs are for the handling agency alone; of a draft nobody but its author sees anything."""
    for roles in (A, H, APPROVER, S, C, set()):
        for state in workflow.STATES:
            if purpose == "delivery" and roles == A:
                continue  # below
            allowed = roles in readers and (state != "draft" or roles == A)
            answer = rules.may_read(purpose, state, roles, NOW)
            assert (answer == "yes") is allowed, (roles, state)
            assert rules.may_know(purpose, state, roles) is allowed


@pytest.mark.parametrize(
    ("state", "not_after", "ended", "answer"),
    [
        ("delivered", LATER, False, "yes"),
        ("delivered", NOW, False, "expired"),
        ("delivered", BEFORE, False, "expired"),
        ("delivered", LATER, True, "expired"),
        ("delivered", None, False, "state"),
        ("approved", LATER, False, "state"),
        ("accepted", None, False, "state"),
        ("withdrawn", LATER, False, "state"),
    ],
)
def test_delivered_files(state, not_after, ended, answer):
    """The applicant takes them after delivery, until the end; a second role changes nothing."""
    for roles in (A, BOTH):
        found = rules.may_read("delivery", state, roles, NOW, not_after, use_ended=ended)
        assert found == answer
    assert rules.may_know("delivery", state, A) is (state == "delivered")


@pytest.mark.parametrize(
    ("roles", "seen"),
    [(A, "masked"), (H, "number"), (APPROVER, "number"), (BOTH, "masked"), (S, ""), (C, "")],
)
def test_the_identity_number(roles, seen):
    """In full for the handling agency, masked for its owner, nothing for those above."""
    assert rules.may_see_identity("accepted", roles) == seen
    assert rules.may_see_identity("draft", roles) == ("masked" if "applicant" in roles else "")
