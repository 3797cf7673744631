"""The table of requests: who may do what, and what can never happen."""

from __future__ import annotations

from itertools import chain, combinations
from pathlib import Path

import pytest

from ckanext.hljshare.requests import workflow, workflow_table
from ckanext.hljshare.requests.workflow import (
    AGENCY,
    ENDED,
    OPEN,
    RUNNING,
    STATES,
    TABLE,
    NotAllowedError,
    WrongStateError,
    allowed,
    find,
)

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "requests.md"
ROLES = ("applicant", "handler", "approver", "supervisor", "system", "colleague")
ROLE_SETS = [
    set(found) for found in chain.from_iterable(combinations(ROLES, n) for n in range(len(ROLES)))
]
ACTIONS = sorted({step.action for step in TABLE})
CASES = sorted({(step.action, step.case) for step in TABLE})


def answer(action, state, roles, case=""):
    """What `find` says: a step and a role, or which error."""
    try:
        return find(action, state, roles, case)
    except NotAllowedError as error:
        return error.code
    except WrongStateError:
        return "state"


def edges(*skipped):
    """From which state to which, by any action that is not skipped."""
    return {
        (source, step.target)
        for step in TABLE
        for source in step.sources
        if step.target and step.action not in skipped
    }


def reachable(start, graph):
    """The states that can be come to."""
    found, fresh = {start}, [start]
    while fresh:
        here = fresh.pop()
        fresh += [after for before, after in graph if before == here and after not in found]
        found.update(after for before, after in graph if before == here)
    return found


def test_the_table_names_states_and_roles_that_exist():
    """A slip of the pen would make a row that never applies."""
    for step in TABLE:
        assert set(step.sources) <= set(STATES)
        assert step.sources
        assert step.target is None or step.target in STATES
        assert set(step.roles) <= set(ROLES) - {"colleague"}
        assert step.roles
        assert len(set(step.sources)) == len(step.sources)
    assert OPEN | ENDED | {"draft", "returned"} == set(STATES)
    assert RUNNING < OPEN
    assert not OPEN & ENDED


def test_one_row_at_most_answers_each_question():
    """The same action of the same person in the same state comes to one thing."""
    for action, case in CASES:
        for state in STATES:
            for role in ROLES:
                rows = [
                    step
                    for step in TABLE
                    if (step.action, step.case) == (action, case)
                    and state in step.sources
                    and role in step.roles
                ]
                assert len(rows) <= 1, (action, case, state, role)


def test_nobody_handles_an_own_request():
    """Whatever other roles an applicant has: they act as applicant, or not at all."""
    own = [roles for roles in ROLE_SETS if "applicant" in roles]
    for action, case in CASES:
        for state in STATES:
            for roles in own:
                found = answer(action, state, roles, case)
                if isinstance(found, tuple):
                    step, role = found
                    assert role == "applicant"
                    assert "applicant" in step.roles
    for action in ("accept", "decide", "deliver", "propose", "suspend", "transfer", "supervise"):
        assert answer(action, "accepted", {"applicant", "approver", "supervisor"}) == "own"


def test_who_has_no_part_does_nothing():
    """Neither strangers nor those who may only read."""
    for roles in ({"colleague"}, set(), {"admin"}):
        for action, case in CASES:
            for state in STATES:
                assert answer(action, state, roles, case) in ("role", "own")
        assert all(allowed(state, roles) == [] for state in STATES)


def test_only_the_portal_does_what_only_time_does():
    """Lapse and deemed acceptance are nobody's to order."""
    people = set(ROLES) - {"system"}
    for action, case in (("lapse", ""), ("accept", "deemed"), ("withdraw", "applicant gone")):
        for state in STATES:
            for role in people:
                assert answer(action, state, {role}, case) in ("role", "own")


def test_the_portal_neither_approves_nor_refuses():
    """Nothing is decided by the passing of time."""
    reached = {
        step.target
        for step in TABLE
        if "system" in step.roles and step.case != "dataset moved" and step.target
    }
    assert reached == {"accepted", "withdrawn", "lapsed"}


def test_data_is_delivered_only_by_way_of_acceptance_and_approval():
    """Without either there is no path."""
    assert "delivered" in reachable("draft", edges())
    assert "delivered" not in reachable("draft", edges("accept"))
    assert "delivered" not in reachable("draft", edges("decide"))
    into = {
        (step.action, source)
        for step in TABLE
        for source in step.sources
        if step.target == "delivered"
    }
    assert into == {("deliver", "approved")}
    assert {
        (s.action, s.case, src) for s in TABLE for src in s.sources if s.target == "approved"
    } == {("decide", "approve", "accepted")}


def test_a_refusal_is_signed_too():
    """Refused comes from a signature only, after acceptance."""
    ways = {(s.action, src, s.roles) for s in TABLE for src in s.sources if s.target == "refused"}
    assert ways == {("decide", "accepted", workflow.SIGNERS)}


@pytest.mark.parametrize("state", sorted(OPEN | {"returned", "draft"}))
def test_every_open_state_has_a_way_to_an_end(state):
    """And the agency alone can bring what it owes to an end, or hand it back."""
    assert reachable(state, edges()) & ENDED
    if state in OPEN:
        by_agency = {
            (source, step.target)
            for step in TABLE
            for source in step.sources
            if step.target and set(step.roles) & set(AGENCY)
        }
        assert reachable(state, by_agency) & ENDED


def test_what_has_ended_stays_ended():
    """Only what was not accepted may be taken up again."""
    out = {(state, target) for state, target in edges() if state in ENDED}
    assert out == {("declined", "submitted")}


def test_every_state_can_be_come_to():
    """No state is only a name."""
    assert reachable("draft", edges()) == set(STATES)


def test_buttons_and_answers_agree():
    """What is offered is what is done, in every state, for every mixture of roles."""
    for state in STATES:
        for roles in ROLE_SETS:
            offered = allowed(state, roles)
            assert len(offered) == len(set(offered))
            for action in ACTIONS:
                done = any(
                    isinstance(answer(action, state, roles, case), tuple)
                    for name, case in CASES
                    if name == action
                )
                assert done == (action in offered), (state, roles, action)


def test_role_comes_before_state():
    """Who may not do something learns nothing about the state."""
    for action, case in CASES:
        for roles in ROLE_SETS:
            answers = {
                found if isinstance(found := answer(action, state, roles, case), str) else "done"
                for state in STATES
            }
            assert answers <= {"role"} or answers <= {"own"} or answers <= {"state", "done"}


def test_the_nearest_role_acts():
    """An administrator above who also works for the agency acts for the agency."""
    _step, role = find("accept", "submitted", {"supervisor", "approver", "handler"})
    assert role == "handler"
    _step, role = find("decide", "accepted", {"supervisor", "approver", "handler"}, "approve")
    assert role == "approver"
    assert not workflow.in_stead(role)
    _step, role = find("decide", "accepted", {"supervisor"}, "approve")
    assert workflow.in_stead(role)


def test_two_people_decide():
    """The signer is not who proposed."""
    workflow.signs("a", "b")
    workflow.signs("a", None)
    with pytest.raises(NotAllowedError):
        workflow.signs("a", "a")


def test_the_clock_starts_once_and_stops_at_an_end():
    """What stops the clock ends the request; approving does not stop it (clause 6.1 f)."""
    for step in TABLE:
        if step.clock == "stops":
            assert step.target in ENDED
        if step.target in ENDED - {"lapsed"}:
            assert step.clock == "stops"
        if step.clock == "starts":
            assert step.target == "accepted"
    approve = [step for step in TABLE if step.target == "approved"]
    assert [step.clock for step in approve] == [""]


def test_the_documents_table_is_the_table():
    """Regenerate it with `python -m ckanext.hljshare.requests.workflow_table docs/requests.md`."""
    text = DOCUMENT.read_text("utf-8")
    assert workflow_table.written_into(text) == text


def test_every_row_stands_in_the_documents_table():
    """A line for each row, with every state it can be done in."""
    lines = workflow_table.table().splitlines()[2:]
    assert len(lines) == len(TABLE)
    for line, step in zip(lines, TABLE, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert f"`{step.action}`" in cells[0]
        marked = [state for state, cell in zip(STATES, cells[2:], strict=False) if cell != ""]
        assert marked == [state for state in STATES if state in step.sources]
