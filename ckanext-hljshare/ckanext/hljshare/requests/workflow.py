"""What may happen to a request: one table of actions, states and roles. Pure.

`docs/requests.md` is made from it, and a test compares. A request is decided by two people: who
handles it proposes, another one signs. Overdue is no state: it follows from the clock.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

State = Literal[
    "draft",
    "submitted",
    "returned",
    "accepted",
    "suspended",
    "approved",
    "delivered",
    "refused",
    "declined",
    "withdrawn",
    "lapsed",
]
Role = Literal["applicant", "handler", "approver", "supervisor", "system"]
Clock = Literal["", "acceptance", "starts", "pauses", "goes on", "stops"]

STATES: tuple[State, ...] = get_args(State)
# Something is owed by the agency; the deadline of clause 6.1 f runs or is about to.
OPEN: frozenset[State] = frozenset(("submitted", "accepted", "suspended", "approved"))
RUNNING: frozenset[State] = frozenset(("accepted", "suspended", "approved"))
# The request is over, or its data is delivered.
ENDED: frozenset[State] = frozenset(("delivered", "refused", "declined", "withdrawn", "lapsed"))
AGENCY: tuple[Role, ...] = ("handler", "approver", "supervisor")
SIGNERS: tuple[Role, ...] = ("approver", "supervisor")
# Who acts where several roles fit: the nearest to the request.
PRECEDENCE: tuple[Role, ...] = ("applicant", "handler", "approver", "supervisor", "system")


@dataclass(frozen=True)
class Step:
    """One row: who may do it in which states, and what becomes of the request.

    `action`: the name in the API, without `hljshare_request_`; `case` tells apart what one action
    may come to. `target` None: the state stays. `event`: what the history calls it. `clock`: what
    it does to the deadline.
    """

    action: str
    sources: tuple[State, ...]
    target: State | None
    roles: tuple[Role, ...]
    event: str
    case: str = ""
    clock: Clock = ""
    private: bool = False  # the applicant does not see it


TABLE: tuple[Step, ...] = (
    Step("update", ("draft", "returned"), None, ("applicant",), "updated"),
    Step("discard", ("draft",), None, ("applicant",), "discarded"),
    Step(
        "submit",
        ("draft", "returned"),
        "submitted",
        ("applicant",),
        "submitted",
        clock="acceptance",
    ),
    Step(
        "withdraw",
        ("submitted", "returned", "accepted", "suspended"),
        "withdrawn",
        ("applicant",),
        "withdrawn",
        clock="stops",
    ),
    Step("return", ("submitted",), "returned", AGENCY, "returned"),
    Step("accept", ("submitted",), "accepted", AGENCY, "accepted", clock="starts"),
    Step(
        "accept", ("submitted",), "accepted", ("system",), "accepted", case="deemed", clock="starts"
    ),
    Step("decline", ("submitted",), "declined", AGENCY, "declined", clock="stops"),
    Step("reopen", ("declined",), "submitted", SIGNERS, "reopened", clock="acceptance"),
    Step(
        "transfer",
        ("submitted", "accepted"),
        None,
        SIGNERS,
        "transferred",
    ),
    Step(
        "transfer",
        ("submitted", "returned", "accepted", "suspended"),
        None,
        ("system",),
        "transferred",
        case="dataset moved",
    ),
    # What one agency has signed does not bind another one's data.
    Step(
        "transfer",
        ("approved",),
        "accepted",
        ("system",),
        "transferred",
        case="dataset moved",
    ),
    Step(
        "assign",
        ("submitted", "accepted", "suspended", "approved"),
        None,
        AGENCY,
        "assigned",
        private=True,
    ),
    Step("suspend", ("accepted",), "suspended", AGENCY, "suspended", clock="pauses"),
    Step(
        "resume",
        ("suspended",),
        "accepted",
        (*AGENCY, "system"),
        "resumed",
        clock="goes on",
    ),
    Step("propose", ("accepted",), None, AGENCY, "proposed", private=True),
    Step("decide", ("accepted",), "approved", SIGNERS, "approved", case="approve"),
    Step("decide", ("accepted",), "refused", SIGNERS, "refused", case="refuse", clock="stops"),
    Step("decide", ("accepted",), None, SIGNERS, "sent_back", case="send back", private=True),
    Step("deliver", ("approved",), "delivered", AGENCY, "delivered", clock="stops"),
    Step(
        "reconsider",
        ("approved",),
        "accepted",
        SIGNERS,
        "reconsidered",
    ),
    Step(
        "message",
        (
            "submitted",
            "returned",
            "accepted",
            "suspended",
            "approved",
            "delivered",
            "refused",
            "declined",
        ),
        None,
        ("applicant", *AGENCY),
        "message",
    ),
    Step(
        "supervise",
        ("submitted", "accepted", "suspended", "approved"),
        None,
        ("supervisor",),
        "supervised",
        private=True,
    ),
    Step(
        "answer",
        (
            "submitted",
            "returned",
            "accepted",
            "suspended",
            "approved",
            "delivered",
            "refused",
            "declined",
            "withdrawn",
            "lapsed",
        ),
        None,
        ("handler", "approver"),
        "answered",
        private=True,
    ),
    Step("object", ("refused", "declined"), None, ("applicant",), "objected"),
    Step("review", ("refused", "declined"), None, ("supervisor",), "reviewed"),
    Step("report", ("delivered",), None, ("applicant",), "reported"),
    Step("close", ("delivered",), None, ("applicant", *AGENCY, "system"), "closed"),
    Step("lapse", ("returned",), "lapsed", ("system",), "lapsed"),
    Step(
        "withdraw",
        ("submitted", "returned", "accepted", "suspended", "approved"),
        "withdrawn",
        ("system",),
        "withdrawn",
        case="applicant gone",
        clock="stops",
    ),
)


class NotAllowedError(Exception):
    """No role of this person does this, in any state; or nobody may for themselves."""

    def __init__(self, code: Literal["role", "own", "same_person"]) -> None:
        super().__init__(code)
        self.code = code


class WrongStateError(Exception):
    """The request is not in a state in which this may be done."""

    def __init__(self, action: str, state: str) -> None:
        super().__init__(f"{action}: {state}")
        self.action = action
        self.state = state


def roles_for(action: str) -> frozenset[Role]:
    """The roles that may do something, in some state."""
    return frozenset(role for step in TABLE if step.action == action for role in step.roles)


def find(action: str, state: str, roles: Collection[str], case: str = "") -> tuple[Step, Role]:
    """The row that applies, and the role in which it is done.

    Whoever applies handles nothing of their own request, whatever other roles they have.
    Raises NotAllowedError, then WrongStateError.
    """
    rows = [step for step in TABLE if step.action == action and step.case == case]
    handling = not any("applicant" in step.roles for step in rows)
    if handling and {"applicant", "colleague"} & set(roles):
        raise NotAllowedError("own")
    mine = [step for step in rows if set(step.roles) & set(roles)]
    if not mine:
        raise NotAllowedError("role")
    for step in mine:
        if state in step.sources:
            fitting = [role for role in PRECEDENCE if role in step.roles and role in roles]
            if "applicant" in roles and "applicant" in fitting:
                return step, "applicant"
            return step, fitting[0]
    raise WrongStateError(action, state)


def allowed(state: str, roles: Collection[str]) -> list[str]:
    """The actions that these roles may do now, in the order of the table; for buttons."""
    found: list[str] = []
    for step in TABLE:
        if step.action in found:
            continue
        try:
            find(step.action, state, roles, step.case)
        except (NotAllowedError, WrongStateError):
            continue
        found.append(step.action)
    return found


def signs(signer: str, proposer: str | None) -> None:
    """Two people decide. Raises NotAllowedError if the signer is who proposed."""
    if signer == proposer:
        raise NotAllowedError("same_person")


def in_stead(role: Role) -> bool:
    """Whether somebody acts for the agency from above: the history says so."""
    return role == "supervisor"
