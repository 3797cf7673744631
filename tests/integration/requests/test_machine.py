"""The workflow as a whole, under a moving clock, against a simple model of it.

The model knows the rules as a clerk would: it counts days one by one on the printed calendar. It
shares no code with the portal. What people do, and when the scheduler runs, is left to Hypothesis.
"""

from __future__ import annotations

import csv
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from ckan import model
from ckan.plugins import toolkit as tk
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from ckanext.hljshare.requests import tick
from ckanext.hljshare.requests.model import Request, RequestOrder
from tests.integration.requests.conftest import WISH, ZONE

CALENDAR = Path(__file__).resolve().parents[3] / "config" / "calendar" / "2026.csv"
BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
DAY = timedelta(days=1)

# ---------------------------------------------------------------- the model

PRINTED = {
    date.fromisoformat(line["date"]): line["is_off"] == "true"
    for line in csv.DictReader(CALENDAR.read_text("utf-8").splitlines())
}
A, B = "harbin-jtysj", "daqing-sthjj"
PEOPLE = (
    "applicant",
    "stranger",
    "handler",
    "approver",
    "city",
    "province",
    "outsider",
    "consumer",
    "root",
)
PARTS = {
    A: {
        "handler": {"h"},
        "approver": {"h", "a"},
        "city": {"s"},
        "province": {"s"},
        "root": {"s"},
    },
    B: {"outsider": {"h", "a"}, "consumer": {"h"}, "province": {"s"}, "root": {"s"}},
}
ANYONE, SIGNERS = {"h", "a", "s"}, {"a", "s"}
OWED = {"submitted", "accepted", "suspended", "approved"}
# What would only lengthen, or end, what is looked at; anybody tries it all the same.
SELDOM = {"message", "update", "supervise", "withdraw", "decline"}
# action → the states in which it is possible, and who may.
MAY: dict[str, tuple[set[str], set[str]]] = {
    "submit": ({"draft", "returned"}, {"applicant"}),
    "update": ({"draft", "returned"}, {"applicant"}),
    "withdraw": ({"submitted", "returned", "accepted", "suspended"}, {"applicant"}),
    "accept": ({"submitted"}, ANYONE),
    "return": ({"submitted"}, ANYONE),
    "decline": ({"submitted"}, ANYONE),
    "reopen": ({"declined"}, SIGNERS),
    "transfer": ({"submitted", "accepted"}, SIGNERS),
    "assign": (OWED, ANYONE),
    "suspend": ({"accepted"}, ANYONE),
    "resume": ({"suspended"}, ANYONE),
    "propose": ({"accepted"}, ANYONE),
    "decide": ({"accepted"}, SIGNERS),
    "deliver": ({"approved"}, ANYONE),
    "reconsider": ({"approved"}, SIGNERS),
    "message": (OWED | {"returned", "delivered", "refused", "declined"}, ANYONE | {"applicant"}),
    "supervise": (OWED, {"s"}),
    "object": ({"refused", "declined"}, {"applicant"}),
    "close": ({"delivered"}, ANYONE | {"applicant"}),
}
EVENTS = {
    "submit": "submitted",
    "withdraw": "withdrawn",
    "accept": "accepted",
    "return": "returned",
    "decline": "declined",
    "reopen": "reopened",
    "transfer": "transferred",
    "assign": "assigned",
    "suspend": "suspended",
    "resume": "resumed",
    "propose": "proposed",
    "deliver": "delivered",
    "reconsider": "reconsidered",
    "message": "message",
    "supervise": "supervised",
    "object": "objected",
}


def rests(day: date) -> bool:
    """Whether the printed calendar says that nobody works."""
    return PRINTED.get(day, day.weekday() >= 5)


def working(start: date, length: int) -> date:
    """The last of so many working days after a day."""
    day = start
    while length:
        day += DAY
        if not rests(day):
            length -= 1
    return day


def over(day: date) -> datetime:
    """24:00 of a day."""
    return datetime.combine(day + DAY, time(0), ZONE)


@dataclass
class Clerk:
    """What a clerk with a calendar and a pencil would say of the request."""

    state: str = "draft"
    version: int = 1
    agency: str = A
    handler: str | None = None
    dataset: bool = False
    limit: date | None = None
    accepted: datetime | None = None
    pauses: list[list[datetime | None]] = field(default_factory=list)
    proposal: tuple[str, str, bool] | None = None
    returned: int = 0
    attached: bool = False  # by the decision that was signed
    overdue: datetime | None = None
    counts: datetime | None = None
    closed: datetime | None = None
    ended: bool = False
    events: list[str] = field(default_factory=list)

    def due(self) -> date | None:
        """The last day, counted on the fingers."""
        if self.accepted is None or (self.pauses and self.pauses[-1][1] is None):
            return None
        pauses = [(a.astimezone(ZONE).date(), b.astimezone(ZONE).date()) for a, b in self.pauses]
        day, left = self.accepted.astimezone(ZONE).date(), 10
        while left:
            day += DAY
            if not any(start < day <= end for start, end in pauses):
                left -= 1
        while rests(day) or any(start <= day < end for start, end in pauses):
            day += DAY
        return day

    def go(self, state: str, event: str) -> None:
        """Come to a state; one line of history, one version."""
        self.state = state
        self.version += 1
        self.events.append(event)

    def until(self, now: datetime) -> None:
        """All that time brings about, in its order."""
        while True:
            due = self.due() if self.closed is None else None
            runs = self.state in ("accepted", "approved") and due is not None
            if runs and self.overdue is None and over(due) <= now:
                self.overdue = over(due)
                self.events.append("overdue")
            elif runs and self.counts is None and over(due + 4 * DAY) <= now:
                self.counts = over(due + 4 * DAY)
                self.events.append("overdue_counts")
            elif self.limit is None or over(self.limit) > now:
                return
            elif self.state == "submitted":
                self.accepted = over(self.limit)
                self.limit = None
                self.go("accepted", "accepted")
            elif self.state == "suspended":
                self.pauses[-1][1] = over(self.limit) - timedelta(seconds=1)
                self.limit = None
                self.go("accepted", "resumed")
            elif self.state == "returned":
                self.closed = over(self.limit)
                self.limit = None
                self.go("lapsed", "lapsed")
            else:
                return

    def parts(self, person: str) -> set[str]:
        """The roles of a person."""
        if person == "applicant":
            return {"applicant"}
        return set() if self.state == "draft" else PARTS[self.agency].get(person, set())

    def may(self, person: str) -> set[str]:
        """What a person is offered."""
        parts = self.parts(person)
        found = {
            name for name, (states, who) in MAY.items() if self.state in states and who & parts
        }
        if self.proposal is None or self.proposal[0] == person:
            found -= {"decide"}
        if self.ended:
            found -= {"close"}
        return found

    def act(self, person: str, action: str, data: dict, now: datetime) -> str:
        """Do it, and say how it goes: done, nothing (also done), no (403) or late (409)."""
        parts = self.parts(person)
        states, who = MAY[action]
        if not parts & who:
            return "no"
        if self.state not in states:
            return "late"
        if "version" in data and data["version"] != self.version:
            return "late"
        answer = getattr(self, f"on_{action}", lambda *_: "")(person, data, now)
        if answer:
            return answer
        if action in EVENTS:
            self.go(self.state, EVENTS[action])
        return "done"

    def on_submit(self, _person, _data, now):
        self.state = "submitted"
        self.limit = working(now.astimezone(ZONE).date(), 5)

    def on_update(self, _person, _data, _now):
        self.version += 1
        if self.state == "returned":
            self.events.append("updated")

    def on_withdraw(self, _person, _data, now):
        self.state, self.closed, self.limit, self.proposal = "withdrawn", now, None, None

    def on_accept(self, person, _data, now):
        self.state, self.accepted, self.limit = "accepted", now, None
        if self.handler is None and "h" in self.parts(person):
            self.handler = person

    def on_return(self, _person, _data, now):
        if self.returned == 2:
            return "late"
        self.returned += 1
        self.state = "returned"
        self.limit = working(now.astimezone(ZONE).date(), 15)
        return None

    def on_decline(self, _person, _data, now):
        self.state, self.closed, self.limit = "declined", now, None

    def on_reopen(self, _person, _data, now):
        self.state, self.closed = "submitted", None
        self.limit = working(now.astimezone(ZONE).date(), 5)

    def on_transfer(self, person, data, _now):
        if self.overdue and "s" not in self.parts(person):
            return "late"
        if data["agency"] == self.agency or (self.dataset and data["agency"] != A):
            return "late"
        self.agency, self.handler, self.proposal = data["agency"], None, None
        return None

    def on_assign(self, _person, data, _now):
        wanted = data["handler"]
        if wanted is not None and "h" not in PARTS[self.agency].get(wanted, set()):
            return "late"
        if wanted == self.handler:
            return "nothing"
        self.handler = wanted
        return None

    def on_suspend(self, _person, _data, now):
        rested = self.rested()
        if over(self.due()) <= now or rested >= 15:
            return "late"
        start = max([now, *(end for _start, end in self.pauses)])
        self.pauses.append([start, None])
        self.state, self.proposal = "suspended", None
        self.limit = working(start.astimezone(ZONE).date(), 15 - rested)
        return None

    def rested(self) -> int:
        """How many working days were taken for consulting others so far."""
        days = 0
        for start, end in self.pauses:
            day = start.astimezone(ZONE).date()
            while day < end.astimezone(ZONE).date():
                day += DAY
                days += not rests(day)
        return days

    def on_resume(self, _person, _data, now):
        self.pauses[-1][1] = max(now, self.pauses[-1][0])
        self.state, self.limit = "accepted", None

    def on_propose(self, person, data, _now):
        if data.get("dataset") and self.agency != A:
            return "late"
        attaches = bool(data.get("dataset")) and not self.dataset
        if data["decision"] == "approve" and not self.dataset and not attaches:
            return "late"  # nothing that could be provided
        self.proposal = (person, data["decision"], attaches)
        return None

    def on_decide(self, person, data, now):
        if self.proposal is None:
            return "late"
        proposer, decision, attaches = self.proposal
        if data["sign"] and proposer == person:
            return "no"
        self.proposal = None
        if not data["sign"]:
            self.go("accepted", "sent_back")
        elif decision == "approve":
            self.attached = attaches
            self.dataset = self.dataset or attaches
            self.go("approved", "approved")
        else:
            self.closed = now
            self.go("refused", "refused")
        return None

    def on_deliver(self, _person, _data, now):
        if not self.dataset:
            return "late"
        self.state, self.closed = "delivered", now
        return None

    def on_reconsider(self, _person, _data, _now):
        self.state = "accepted"
        self.dataset = self.dataset and not self.attached
        self.attached = False

    def on_object(self, _person, _data, _now):
        waits = self.events.count("objected") > self.events.count("reviewed")
        return "late" if waits else None

    def on_close(self, person, _data, _now):
        if self.ended:
            return "late"
        self.ended = True
        self.go("delivered", "closed" if person == "applicant" else "revoked")
        return None


# ---------------------------------------------------------------- the machine

OTHER = {
    "return": {"message": "请补充用途"},
    "decline": {"reason": "不属于本机关", "basis": BASIS},
    "reopen": {"message": "应当受理"},
    "suspend": {"reason": "征求第三方意见"},
    "reconsider": {"message": "重新研究"},
    "message": {"message": "请问进展"},
    "supervise": {"message": "请按期答复"},
    "object": {"message": "依据不符"},
    "close": {"message": "使用结束"},
    "update": {"purpose": "研究公交线网优化和换乘"},
}
STARTS = (
    "2026-01-26 09:00",
    "2026-02-09 16:00",
    "2026-02-13 23:30",
    "2026-02-21 00:10",
    "2026-09-17 10:00",
    "2026-09-24 23:59",
    "2026-09-30 17:00",
)


class Life(RuleBasedStateMachine):
    """One request, from its draft on; `world` holds what the fixtures made."""

    world: dict = {}

    @initialize(start=st.sampled_from(STARTS), submitted=st.sampled_from((True, True, True, False)))
    def begin(self, start, submitted):
        """Write a free request to the agency, and mostly send it in."""
        self.start = self.clock(datetime.fromisoformat(start).replace(tzinfo=ZONE))
        self.clerk = Clerk()
        self.looks = 0
        wish = {**WISH, "data_name": "公交客流", "agency": A}
        self.id = self.world["call"]("applicant", "create", **wish)["id"]
        self.check()
        if submitted:
            self.attempt("applicant", "submit")

    def clock(self, moment):
        self.now = self.world["clock"](moment)
        return self.now

    def teardown(self):
        model.Session.rollback()
        model.Session.query(RequestOrder).delete()
        model.Session.query(Request).delete()
        model.Session.commit()

    def attempt(self, person, action, **data):
        """Have the clerk and the portal do the same; they must agree on how it goes."""
        foreseen = deepcopy(self.clerk)
        if action == "submit" and person == "applicant" and self.clerk.state == "submitted":
            expected = "nothing"
            foreseen = self.clerk
        else:
            foreseen.until(self.now)
            expected = foreseen.act(person, action, data, self.now)
        sent = {**OTHER.get(action, {}), **data}
        target = {"ids": [self.id]} if action == "assign" else {"id": self.id}
        try:
            self.world["call"](person, action, **target, **sent)
            answer = "done"
        except tk.NotAuthorized:
            answer = "no"
        except tk.ValidationError:
            answer = "late"
        model.Session.rollback()
        wanted = "done" if expected == "nothing" else expected
        assert answer == wanted, (person, action, data, self.clerk.state, foreseen.state)
        if answer == "done":
            self.clerk = foreseen
        self.check()

    @rule(
        person=st.sampled_from(PEOPLE),
        action=st.sampled_from(sorted(MAY)),
        stale=st.sampled_from((None, None, None, 0, 1)),
        data=st.data(),
    )
    def anybody_tries_anything(self, person, action, stale, data):
        """In any state, at times looking at an old version."""
        more = self.more(data, action)
        if stale is not None and action not in ("submit", "update", "assign"):
            more["version"] = max(1, self.clerk.version - stale)
        self.attempt(person, action, **more)

    def more(self, data, action):
        """What an action needs besides the request."""
        if action == "transfer":
            return {"agency": data.draw(st.sampled_from((A, B))), "message": "由其办理"}
        if action == "assign":
            people = ("handler", "approver", "consumer", "stranger", None)
            return {"handler": data.draw(st.sampled_from(people))}
        if action == "propose":
            if data.draw(st.sampled_from(("approve", "approve", "refuse"))) == "refuse":
                return {"decision": "refuse", "reason": "涉及商业秘密", "basis": BASIS}
            given = {"dataset": "bus-flows"} if data.draw(st.booleans()) else {}
            return {"decision": "approve", **given}
        if action == "decide":
            return {"sign": data.draw(st.sampled_from((True, True, False))), "message": "已阅"}
        return {}

    def somebody_does_what_is_offered(self, data):
        """Presses a button, so that the request gets somewhere."""
        foreseen = deepcopy(self.clerk)
        foreseen.until(self.now)
        ways = {}
        for person in PEOPLE:
            for action in sorted(foreseen.may(person) - SELDOM):
                ways.setdefault(action, []).append(person)
        if ways:
            action = data.draw(st.sampled_from(sorted(ways)))
            person = data.draw(st.sampled_from(ways[action]))
            self.attempt(person, action, **self.more(data, action))

    # Hypothesis takes each rule equally often; this one matters most.
    press = rule(data=st.data())(somebody_does_what_is_offered)
    press_again = rule(data=st.data())(somebody_does_what_is_offered)
    press_once_more = rule(data=st.data())(somebody_does_what_is_offered)

    @rule(hours=st.sampled_from((1, 7, 24, 49, 120, 240, 400)))
    @precondition(lambda self: self.now < self.start + timedelta(days=55))
    def wait(self, hours):
        """Time passes; no scheduler runs."""
        self.clock(self.now + timedelta(hours=hours))
        self.check()

    @rule()
    @precondition(lambda self: self.clerk.due() or self.clerk.limit)
    def wait_to_the_last_second(self):
        """Until the end of what runs, or just before it."""
        end = over(self.clerk.limit or self.clerk.due())
        for moment in (end - timedelta(seconds=1), end):
            if moment > self.now and moment < self.start + timedelta(days=80):
                self.clock(moment)
                break
        self.check()

    @rule(hours=st.sampled_from((1, 30)))
    @precondition(lambda self: self.now > self.start + timedelta(days=3))
    def clock_goes_back(self, hours):
        """A wrong clock is put right."""
        self.clock(self.now - timedelta(hours=hours))
        self.check()

    @rule(times=st.sampled_from((1, 2)))
    def tick(self, times):
        """The scheduler runs, late as it may be; again it finds nothing to do."""
        for again in range(times):
            done = tick.run(self.now)
            assert not done.get("failed")
            if again:
                assert not done.get("notices")
                assert not done.get("looked at")
        self.clerk.until(self.now)
        self.check()

    def check(self):
        """The portal's request is the clerk's."""
        model.Session.rollback()
        model.Session.expire_all()
        row, clerk = model.Session.get(Request, self.id), self.clerk
        assert (row.state, row.version) == (clerk.state, clerk.version)
        assert row.accepted_at == clerk.accepted
        assert (row.overdue_at, row.counts_at) == (clerk.overdue, clerk.counts)
        assert row.closed_at == clerk.closed
        group = model.Session.get(model.Group, row.agency_id)
        assert group.name == clerk.agency
        assert (row.proposal is None) == (clerk.proposal is None)
        assert row.limit_due == clerk.limit
        if clerk.state in ("accepted", "suspended", "approved") or clerk.state == "delivered":
            assert row.due == clerk.due()
            assert row.due_at == (over(clerk.due()) if clerk.due() else None)
        pauses = [
            [datetime.fromisoformat(start), end and datetime.fromisoformat(end)]
            for start, end in row.pauses
        ]
        assert pauses == clerk.pauses
        self.looks += 1
        self.look(PEOPLE[self.looks % len(PEOPLE)])

    def look(self, person):
        """What somebody is shown: nothing, or what happened and what they may do now."""
        clerk = self.clerk
        try:
            shown = self.world["call"](person, "show", id=self.id)
        except tk.NotAuthorized:
            assert not clerk.parts(person)
            return
        assert clerk.parts(person)
        assert set(shown["actions"]) & set(MAY) == clerk.may(person)
        late = clerk.overdue is not None or (
            clerk.accepted is not None
            and clerk.due() is not None
            and (clerk.closed or self.now) >= over(clerk.due())
        )
        assert shown["overdue"] == late
        if person != "applicant":
            assert [event["kind"] for event in shown["events"]] == clerk.events


@pytest.mark.usefixtures("dataset")
def test_the_portal_does_what_the_clerk_does(call, clock):
    """Through Spring Festival and National Day, whatever people do and whenever the job runs."""
    Life.world = {"call": call, "clock": clock}
    run(
        Life,
        settings=settings(
            max_examples=24,
            stateful_step_count=32,
            phases=(Phase.generate,),
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
