"""What time brings about: notices of the ladder, deemed acceptance, overdue, lapse, end of use.

Run by the scheduler every few minutes. Safe to run late, twice, and on several machines: each
request is locked for itself, each notice has its key, and what is recorded is dated to the moment
it fell due, not to the run. It approves nothing and refuses nothing.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import load_only

from ckanext.hljshare.deadlines import calendars, ladder, notices
from ckanext.hljshare.deadlines.count import end_of, local_date
from ckanext.hljshare.requests import clock, engine, routing, store, tell, workflow
from ckanext.hljshare.requests.model import Request, RequestOrder, now

log = logging.getLogger(__name__)

BATCH = 500
_LATER = sa.text("""
    UPDATE hljshare_request SET next_at = given.next_at
    FROM jsonb_to_recordset(:rows) AS given (id text, next_at timestamptz)
    WHERE hljshare_request.id = given.id
""").bindparams(sa.bindparam("rows", type_=JSONB))
# What the ladder needs of a request; the rest of the row stays where it is.
_LIGHT = load_only(
    Request.id,
    Request.number,
    Request.data_name,
    Request.state,
    Request.agency_id,
    Request.handler_id,
    Request.applicant_id,
    Request.accepted_at,
    Request.due,
    Request.limit_from,
    Request.limit_due,
    Request.limit_at,
    Request.closed_at,
    Request.report_due,
    Request.reported_at,
    Request.use_ends_at,
    Request.use_ended_at,
    Request.overdue_at,
    Request.counts_at,
    raiseload=True,
)
STEPS = 12  # a request that has rested for years comes through all its states in one run


def run(at: datetime | None = None, limit: int = 1_000_000, seconds: float = 600) -> dict[str, int]:
    """Do what is due at a moment, now by default; commits. Returns what was done, by kind.

    Memory does not grow with the number of requests. What `seconds` do not suffice for is left to
    the next run; ``left`` says that there is some.
    """
    moment = at or now()
    stop = time.monotonic() + seconds
    done: Counter[str] = Counter()
    people = _People()
    after: tuple[datetime, str] | None = None
    while done["looked at"] < limit and time.monotonic() < stop:
        found = _due(moment, after)
        if not found:
            done.update(_orders(moment))
            done.update(_gone())
            return dict(done)
        ids = [request_id for request_id, _next in found]
        for request_id in _remind(ids, moment, people, done):
            done.update(_safely(_one, request_id, moment, people))
        after = (found[-1][1], found[-1][0])
    done["left"] += 1
    return dict(done)


class _People:
    """Whom notices reach, and what agencies are called: asked once in a run for each."""

    def __init__(self) -> None:
        self._found: dict[tuple[str | None, str | None, str], list[str]] = {}
        self._titles: dict[str | None, str] = {}

    def of(self, row: Request, audience: ladder.Audience) -> list[str]:
        """The people of an audience."""
        key = (row.agency_id, row.handler_id if audience == "handler" else None, audience)
        if key not in self._found:
            self._found[key] = routing.people(row.agency_id, row.handler_id, audience)
        return self._found[key]

    def agency(self, row: Request) -> str:
        """The agency's name."""
        if row.agency_id not in self._titles:
            self._titles[row.agency_id] = tell.agency_title(row.agency_id)
        return self._titles[row.agency_id]


def _due(moment: datetime, after: tuple[datetime, str] | None) -> list[tuple[str, datetime]]:
    query = sa.select(Request.id, Request.next_at).where(Request.next_at <= moment)
    if after is not None:
        # What another run holds, or what did not move on, is not looked at twice.
        query = query.where(
            sa.tuple_(Request.next_at, Request.id) > sa.tuple_(*map(sa.literal, after))
        )
    rows = model.Session.execute(query.order_by(Request.next_at, Request.id).limit(BATCH))
    return [(row.id, row.next_at) for row in rows]


def _locked(ids: Sequence[str], moment: datetime, *options: Any) -> list[Request]:
    """The requests that are due and that nobody else is just changing, or has changed."""
    return list(
        model.Session.scalars(
            sa.select(Request)
            .options(*options)
            .where(Request.id == sa.any_(sa.literal(list(ids), ARRAY(sa.Text))))
            .where(Request.next_at <= moment)
            .order_by(Request.id)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )


def _remind(ids: Sequence[str], moment: datetime, people: _People, done: Counter[str]) -> list[str]:
    """Write the notices of many requests to which nothing else happens, in one transaction; return
    the ids of those that are looked at one by one: they take a step, or get a line in their
    history, or something went wrong."""
    try:
        return _remind_all(ids, moment, people, done)
    except Exception:
        model.Session.rollback()
        log.exception("notices of many requests could not be written at once")
        return list(ids)


def _remind_all(
    ids: Sequence[str], moment: datetime, people: _People, done: Counter[str]
) -> list[str]:
    left, letters = [], []
    later: list[dict[str, Any]] = []
    for row in _locked(ids, moment, _LIGHT):
        if _moves(row, moment):
            left.append(row.id)
            continue
        letters += _letters(row, moment, people)
        following = clock.next_moment(engine.watch(row), moment)
        later.append({"id": row.id, "next_at": following.isoformat() if following else None})
    made = notices.put_all(letters)
    model.Session.execute(_LATER, {"rows": later})
    model.Session.expunge_all()
    model.Session.commit()
    done["notices"] += made
    done["looked at"] += len(later)
    return left


def _moves(row: Request, moment: datetime) -> bool:
    """Whether more than a reminder is due."""
    ends = row.use_ends_at if row.state == "delivered" and not row.use_ended_at else None
    if any(end is not None and end <= moment for end in (row.limit_at, ends)):
        return True
    running = row.state in workflow.RUNNING and row.due is not None and row.closed_at is None
    if not running or row.due is None:
        return False
    late, counts = _late(row.due)
    return (row.overdue_at is None and late <= moment) or (
        row.counts_at is None and counts <= moment
    )


def _late(due: date) -> tuple[datetime, datetime]:
    late, counts = (step.at(due) for step in ladder.STEPS if step.overdue)
    return late, counts


def _one(request_id: str, moment: datetime, people: _People) -> Counter[str]:
    """Bring one request up to a moment, in a transaction of its own."""
    done: Counter[str] = Counter()
    found = _locked([request_id], moment)
    if not found:
        model.Session.rollback()
        return done
    row = found[0]
    done["looked at"] += 1
    done.update(catch_up(row, moment, people))
    model.Session.commit()
    return done


def _safely(work: Callable[..., Counter[str]], request_id: str, *more: Any) -> Counter[str]:
    """Do something to one request; what goes wrong with it does not keep the others waiting."""
    try:
        return work(request_id, *more)
    except Exception:
        model.Session.rollback()
        log.exception("the request %s could not be brought up to date", request_id)
        return Counter(failed=1)


def catch_up(row: Request, moment: datetime, people: _People | None = None) -> Counter[str]:
    """Bring about what is due by a moment for a locked request, in the open transaction."""
    people = people or _People()
    done: Counter[str] = Counter()
    for _step in range(STEPS):
        done["notices"] += notices.put_all(_letters(row, moment, people))
        done.update(_records(row, moment))
        if not _forward(row, moment, done):
            break
    row.next_at = clock.next_moment(engine.watch(row), moment)
    return done


def _forward(row: Request, moment: datetime, done: Counter[str]) -> bool:
    """Take the step that time takes, if one is due; it is dated to when it fell due."""
    at = row.limit_at
    if row.state == "submitted" and at is not None and at <= moment:
        act = _act(row, "accept", at, "deemed")
        row.deemed = True
        engine.accept(act, at)
        data = {"deemed": True, "rule": row.rule}
        engine.finish(act, data, visibility="public", at=at, told="deemed")
        done["deemed accepted"] += 1
        return True
    if row.state == "suspended" and at is not None and at <= moment:
        act = _act(row, "resume", at)
        # The last day of the consultation is the last one that does not count.
        engine.resume(act, at - timedelta(seconds=1))
        engine.finish(act, {"limit": True}, visibility="public", at=at)
        done["resumed"] += 1
        return True
    if row.state == "returned" and at is not None and at <= moment:
        act = _act(row, "lapse", at)
        row.closed_at, row.outcome = at, "lapsed"
        engine.start_limit(row, None)
        engine.finish(act, {}, visibility="public", at=at)
        done["lapsed"] += 1
        return False
    ends = row.use_ends_at
    if row.state == "delivered" and not row.use_ended_at and ends is not None and ends <= moment:
        act = _act(row, "close", ends)
        row.use_ended_at = ends
        engine.finish(act, {}, at=ends)
        done["use ended"] += 1
    return False


def _act(row: Request, action: str, at: datetime, case: str = "") -> engine.Act:
    step, role = workflow.find(action, row.state, {"system"}, case)
    return engine.Act(row, step, role, None, at, {"system"})


def _letters(row: Request, moment: datetime, people: _People) -> list[notices.Letter]:
    found: list[notices.Letter] = []
    for about, due, step in clock.steps(engine.watch(row), moment):
        found += tell.letters(
            row,
            about,
            _case(step),
            ladder.key(f"{about}:{row.id}", due, step),
            abs(step.days),
            due.isoformat(),
            _whom(row, about, step, people),
            people.agency(row),
        )
    return found


def _case(step: ladder.Step) -> str:
    if step.counts:
        return "counts"
    if step.overdue:
        return "after"
    return "before" if step.days < 0 else "today"


def _whom(row: Request, about: str, step: ladder.Step, people: _People) -> list[str]:
    if about == "correction" or (about == "report" and not step.overdue):
        return [row.applicant_id]
    found = {person for audience in step.audience for person in people.of(row, audience)}
    return sorted(found - {row.applicant_id})


def _records(row: Request, moment: datetime) -> Counter[str]:
    """Write that a request is overdue, once, dated to the start of the day after (design)."""
    written: Counter[str] = Counter()
    if row.state not in workflow.RUNNING or row.due is None or row.closed_at is not None:
        return written
    late, counts = _late(row.due)
    if row.overdue_at is None and late <= moment:
        row.overdue_at = late
        store.record(
            row,
            "overdue",
            role="system",
            visibility="public",
            data={"due": row.due.isoformat()},
            at=late,
        )
        written["overdue"] += 1
    if row.counts_at is None and counts <= moment:
        row.counts_at = counts
        store.record(
            row,
            "overdue_counts",
            role="system",
            visibility="public",
            data={"due": row.due.isoformat()},
            at=counts,
        )
        written["counted"] += 1
    return written


def _orders(moment: datetime) -> Counter[str]:
    """Tell who ordered an answer that it has not come, and the agency once more."""
    sent: Counter[str] = Counter()
    today = local_date(moment)
    late = sa.select(RequestOrder).where(
        RequestOrder.answered_at.is_(None),
        RequestOrder.reminded_at.is_(None),
        RequestOrder.answer_due < today,
    )
    while True:
        order = model.Session.scalar(late.limit(1).with_for_update(skip_locked=True))
        if order is None:
            model.Session.rollback()
            return sent
        row = store.get(order.request_id)
        people = {order.by, *routing.people(row.agency_id, row.handler_id, "approver")}
        when = order.answer_due.isoformat()
        sent["notices"] += notices.put_all(
            tell.letters(
                row,
                "order",
                "after",
                f"order:{order.id}",
                1,
                when,
                sorted(people),
                tell.agency_title(row.agency_id),
            )
        )
        order.reminded_at = end_of(order.answer_due)
        model.Session.commit()


def _gone() -> Counter[str]:
    """Withdraw the open requests of people whose account does not exist any more."""
    done: Counter[str] = Counter()
    open_states = sorted((*workflow.OPEN, "returned"))
    ids = list(
        model.Session.scalars(
            sa.select(Request.id)
            .join(model.User, model.User.id == Request.applicant_id)
            .where(Request.state.in_(open_states), model.User.state == model.State.DELETED)
            .limit(BATCH)
        )
    )
    for request_id in ids:
        done.update(_safely(_withdraw, request_id, open_states))
    model.Session.rollback()
    return done


def _withdraw(request_id: str, open_states: Sequence[str]) -> Counter[str]:
    done: Counter[str] = Counter()
    row = store.locked(request_id)
    if row.state in open_states:
        act = _act(row, "withdraw", now(), "applicant gone")
        engine.start_limit(row, None)
        row.proposal = None
        engine.finish(act, {"account": "gone"}, visibility="public")
        done["withdrawn"] += 1
    model.Session.commit()
    return done


@calendars.follow
def follow_calendar(version: int) -> None:
    """Recompute the dates of requests that are not closed, after the calendar has changed: those
    under way before. Where a last day has moved, it is recorded and both sides are told."""
    calendar = calendars.current()
    moment = now()
    last = ""
    while True:
        ids = list(
            model.Session.scalars(
                sa.select(Request.id)
                .where(
                    Request.id > last,
                    Request.state.in_(sorted((*workflow.OPEN, "returned"))),
                    Request.calendar_version.is_distinct_from(str(version)),
                )
                .order_by(Request.id)
                .limit(BATCH)
            )
        )
        if not ids:
            return
        for request_id in ids:
            _safely(_recompute, request_id, moment, calendar)
        last = ids[-1]


def _recompute(request_id: str, moment: datetime, calendar: Any) -> Counter[str]:
    row = store.locked(request_id)
    before, provisional = row.due, row.provisional
    if engine.settle(row, moment, calendar):
        position = store.record(
            row,
            "due_moved",
            role="system",
            visibility="public",
            data={
                "before": _iso([before])[0],
                "after": _iso([row.due])[0],
                "provisional": [provisional, row.provisional],
                "calendar": calendar.version,
            },
        )
        tell.about(row, "due_moved", position, None, "system", {})
        if row.overdue_at is not None and row.due_at is not None and row.due_at > moment:
            row.overdue_at = row.counts_at = None  # it was not late after all
        row.version += 1
    model.Session.commit()
    return Counter()


def _iso(days: Iterable[date | None]) -> list[str | None]:
    return [day.isoformat() if day else None for day in days]
