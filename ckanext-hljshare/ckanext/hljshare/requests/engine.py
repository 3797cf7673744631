"""One change of a request: who, in which state, at which version; its dates; its line of history.

Every action goes `begin` → change of the row → `finish`, in one transaction with the notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from ckanext.hljshare.deadlines import calendars, shipped
from ckanext.hljshare.deadlines.calendar import Calendar
from ckanext.hljshare.deadlines.count import CountError, Rule
from ckanext.hljshare.deadlines.logic import action as deadline_action
from ckanext.hljshare.requests import clock, register, routing, store, tell, words, workflow
from ckanext.hljshare.requests.files import store as files
from ckanext.hljshare.requests.model import Request, RequestTally, now

tallies: sa.Table = RequestTally.__table__


@dataclass
class Act:
    """A change under way: the row is locked, and this person may do this in its state."""

    row: Request
    step: workflow.Step
    role: workflow.Role
    actor: model.User | None
    at: datetime
    roles: set[str] = field(default_factory=set)

    @property
    def stead(self) -> bool:
        """Whether it is done from above, in place of the agency."""
        return workflow.in_stead(self.role) and "approver" in self.step.roles


def caller(context: Mapping[str, Any]) -> model.User | None:
    """The person who calls an action, if active."""
    user = model.User.get(context.get("user") or "")
    return user if user is not None and user.state == model.State.ACTIVE else None


def begin(
    context: Mapping[str, Any],
    action: str,
    ref: str,
    version: int | None = None,
    case: str = "",
) -> Act:
    """Lock a request and see whether the caller may do this to it now.

    :raises ObjectNotFound: there is no such request
    :raises NotAuthorized: the caller has no part in it that does this
    :raises ValidationError: it is in another state, or not at the version that was looked at; the
        text says what happened (CKAN's API answers 409)
    """
    row = store.locked(ref)
    actor = caller(context)
    moment = now()
    if row.next_at is not None and row.next_at <= moment:
        _catch_up(row, moment)
    roles = routing.roles(actor, row)
    try:
        step, role = workflow.find(action, row.state, roles, case)
    except workflow.NotAllowedError as error:
        model.Session.rollback()
        raise tk.NotAuthorized(words.not_allowed(error.code)) from None
    except workflow.WrongStateError:
        raise conflict(row) from None
    if version is not None and version != row.version:
        raise conflict(row)
    return Act(row, step, role, actor, moment, roles)


def _catch_up(row: Request, moment: datetime) -> None:
    """Bring about what time has, before anything else is done: nobody gains a day, and no lateness
    goes unrecorded, because the scheduler was late."""
    from ckanext.hljshare.requests import tick

    tick.catch_up(row, moment)


def conflict(row: Request) -> tk.ValidationError:
    """The error for somebody who comes too late: what happened, by whom, when."""
    text = words.happened(row.state, store.history(row.id))
    model.Session.rollback()
    return tk.ValidationError({"version": [text]})


def invalid(name: str, text: str) -> tk.ValidationError:
    """An error at a field; nothing is changed."""
    model.Session.rollback()
    return tk.ValidationError({name: [text]})


def finish(
    act: Act,
    data: dict[str, Any] | None = None,
    *,
    visibility: str | None = None,
    event: str | None = None,
    at: datetime | None = None,
    params: Mapping[str, str] | None = None,
    told: str | None = None,
) -> int:
    """Bring the row to its new state, with dates, history and notices; the caller commits.

    `params` are for the notices: a reason, a message; `told`: their words, where they are not the
    event's. Returns the event's position.
    """
    row, moment = act.row, at or act.at
    before = row.state
    if act.step.target is not None:
        row.state = act.step.target
    if act.step.clock == "stops" and row.closed_at is None:
        row.closed_at = moment
        row.outcome = row.outcome or row.state
        tally(row)
    settle(row, moment)
    row.version += 1
    row.updated = max(now(), row.updated)
    model.Session.flush()
    kind = event or act.step.event
    position = store.record(
        row,
        kind,
        role=act.role,
        actor=act.actor.id if act.actor else None,
        stead=act.stead,
        visibility=visibility or ("agency" if act.step.private else "parties"),
        data={**(data or {}), **({"from": before, "to": row.state} if before != row.state else {})},
        at=at,
    )
    actor = act.actor.id if act.actor else None
    tell.about(row, told or kind, position, actor, act.role, params or {})
    return position


def settle(row: Request, moment: datetime, calendar: Calendar | None = None) -> bool:
    """Compute the dates of a request anew; return whether its last day moved.

    A request that is closed is never recomputed; only what comes after delivery is still watched.
    """
    due_before = row.due
    if row.closed_at is None and row.state in (*workflow.OPEN, "returned"):
        calendar = calendar or calendars.current()
        try:
            found = _dates(_timing(row), calendar)
        except CountError:
            # By the new calendar the deadline was over before it was suspended: that was not known
            # then, and the calendar that was known holds.
            calendar = calendars.current(int(row.calendar_version or calendar.version))
            found = _dates(_timing(row), calendar)
        row.nominal, row.due, row.due_at = found.nominal, found.due, found.due_at
        row.provisional = found.provisional
        row.limit_due, row.limit_at = found.limit_due, found.limit_at
        row.limit_provisional = found.limit_provisional
        row.calendar_version = calendar.version
    row.next_due = row.due_at or row.limit_at
    row.next_at = clock.look_at(watch(row), moment)
    return due_before is not None and row.due is not None and row.due != due_before


@lru_cache(maxsize=4096)
def _dates(timing: clock.Timing, calendar: Calendar) -> clock.Dates:
    # Thousands of requests share few days: what is counted once need not be counted again.
    return clock.dates(timing, limits(), calendar)


def _timing(row: Request) -> clock.Timing:
    return clock.Timing(
        row.state, row.limit_from, row.accepted_at, rule_of(row), tuple(pauses_of(row))
    )


def limits() -> clock.Rules:
    """The rules of the waits beside the deadline itself."""
    rules = shipped.rules()
    return clock.Rules(rules["acceptance"], rules["correction"], rules["third_party"])


def rule_of(row: Request) -> Rule | None:
    """The rule that a request was accepted under."""
    if row.rule is None:
        return None
    basis = tuple((language, text) for language, text in row.rule["basis"])
    return Rule(**{**row.rule, "basis": basis})


def freeze_rule(row: Request) -> None:
    """Have a request keep the rule of its kind as it is now (design: Kinds of request)."""
    rule = shipped.rules()[row.kind]
    row.rule = {**asdict(rule), "basis": [list(pair) for pair in rule.basis]}


def pauses_of(row: Request) -> list[clock.Pause]:
    """The suspensions of a request as moments."""
    return [
        (datetime.fromisoformat(str(start)), datetime.fromisoformat(end) if end else None)
        for start, end in row.pauses
    ]


def watch(row: Request) -> clock.Watch:
    """What the ladder needs of a request."""
    return clock.Watch(
        state=row.state,
        since=row.accepted_at,
        due=row.due if row.closed_at is None else None,
        limit_since=row.limit_from,
        limit_due=row.limit_due,
        report_due=row.report_due if row.reported_at is None and not row.use_ended_at else None,
        report_since=row.closed_at,
        ends_at=row.use_ends_at if row.state == "delivered" and not row.use_ended_at else None,
    )


def start_limit(row: Request, moment: datetime | None) -> None:
    """Begin the wait of the state that a request comes to; None ends it."""
    row.limit_from = moment
    if moment is None:
        row.limit_due = row.limit_at = None
        row.limit_provisional = False


def accept(act: Act, at: datetime) -> None:
    """Set the moment from which the days count; it never changes afterwards (clause 6.1 f)."""
    act.row.accepted_at = at
    freeze_rule(act.row)
    start_limit(act.row, None)
    if act.row.dataset_id is None:
        renew_public(act.row, None)


def renew_public(row: Request, title: str | None) -> None:
    """Bring what the register shows and finds up to date. What an applicant typed as the name of
    data that is not in the catalog is shown once an agency has read and accepted it."""
    typed = row.data_name if row.accepted_at is not None else ""
    row.public_name = register.public_name(title or typed)
    row.words = register.words(f"{row.public_name} {tell.agency_title(row.agency_id)}")


def tally(row: Request, by: int = 1) -> None:
    """Count how a request of the public ended, for the register's rates; `by` -1 takes it back."""
    if row.kind != "open" or not row.agency_id or row.closed_at is None:
        return
    if row.state in ("withdrawn", "lapsed", "declined"):
        return
    late = clock.is_overdue(row.due_at, row.closed_at, row.closed_at)
    days = clock.days_used(row.accepted_at, row.closed_at) if row.accepted_at else 0
    statement = insert(tallies).values(
        agency_id=row.agency_id,
        year=int(register.year_of(row.closed_at)),
        outcome=row.outcome,
        late=late,
        count=by,
        days=by * days,
    )
    model.Session.execute(
        statement.on_conflict_do_update(
            index_elements=["agency_id", "year", "outcome", "late"],
            set_={"count": tallies.c.count + by, "days": tallies.c.days + by * days},
        )
    )


def move(row: Request, group: model.Group) -> None:
    """Have another agency handle a request; what was proposed at the old one is void."""
    row.agency_id, row.handler_id, row.proposal = group.id, None, None
    for file in files.of_request(row.id, "delivery"):
        files.remove(file)  # they are the old agency's
    row.triage = row.dataset_id is None and routing.is_office(group.id)
    row.words = register.words(f"{row.public_name} {group.display_name}")


def suspend(act: Act) -> None:
    """Begin a suspension; not before the last one ended, should the clock have gone back."""
    ends = [datetime.fromisoformat(str(end)) for _start, end in act.row.pauses]
    begins = max([act.at, *ends])
    act.row.pauses = [*act.row.pauses, [begins.isoformat(), None]]
    start_limit(act.row, begins)


def pause_left(row: Request) -> int:
    """How many working days the clock may still stand still in all."""
    return clock.pause_left(_timing(row), limits(), calendars.current())


def resume(act: Act, at: datetime) -> None:
    """End the suspension that lasts."""
    start, _end = act.row.pauses[-1]
    began = datetime.fromisoformat(str(start))
    act.row.pauses = [*act.row.pauses[:-1], [start, max(at, began).isoformat()]]
    start_limit(act.row, None)


def explained(row: Request, rule: Rule) -> dict[str, Any]:
    """Why the date of a request is what it is, day by day: by the calendar it was counted with."""
    version = int(row.calendar_version) if row.calendar_version else None
    calendar = calendars.current(version)
    counted = clock.counted(_timing(row), calendar)
    assert counted is not None
    return deadline_action.explain(counted, rule, calendar.version)
