"""Collection tasks in the database: reading, locking, the record, what the clock brings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert

from ckanext.hljshare.deadlines import calendars, ladder
from ckanext.hljshare.deadlines.count import local_date
from ckanext.hljshare.requests.collection import people, rules
from ckanext.hljshare.requests.collection.model import (
    Assignment,
    Collection,
    CollectionEvent,
    Submission,
)
from ckanext.hljshare.requests.model import new_id, now

events: sa.Table = CollectionEvent.__table__


def get(ref: str) -> Collection:
    """A task by id or number. Raises ObjectNotFound."""
    return _one(_by(ref))


def locked(ref: str) -> Collection:
    """The same as it is now, and for nobody else to change until the transaction's end."""
    return _one(_by(ref).with_for_update().execution_options(populate_existing=True))


def _by(ref: str) -> Any:
    ref = ref.replace("\x00", "")  # which PostgreSQL does not take as text
    return sa.select(Collection).where(sa.or_(Collection.id == ref, Collection.number == ref))


def _one(query: Any) -> Any:
    row = model.Session.scalar(query)
    if row is None:
        model.Session.rollback()
        raise tk.ObjectNotFound(tk._("There is no such task"))
    return row


def assignment(ref: str) -> Assignment:
    """An agency's task by id. Raises ObjectNotFound."""
    found: Assignment = _one(_assignment(ref))
    return found


def locked_assignment(ref: str) -> Assignment:
    """The same as it is now, and for nobody else to change until the transaction's end."""
    query = _assignment(ref).with_for_update().execution_options(populate_existing=True)
    found: Assignment = _one(query)
    return found


def _assignment(ref: str) -> Any:
    return sa.select(Assignment).where(Assignment.id == ref.replace("\x00", ""))


def assignments(collection_id: str, lock: bool = False) -> list[Assignment]:
    """The tasks of all agencies, always in the same order."""
    query = sa.select(Assignment).where(Assignment.collection_id == collection_id)
    query = query.order_by(Assignment.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return list(model.Session.scalars(query))


def submissions(assignment_ids: Iterable[str]) -> list[Submission]:
    """All that was handed in, the newest first."""
    query = (
        sa.select(Submission)
        .where(Submission.assignment_id.in_(list(assignment_ids)))
        .order_by(Submission.created.desc(), Submission.id)
    )
    return list(model.Session.scalars(query))


def history(collection_id: str) -> list[CollectionEvent]:
    """All that happened, in the order in which it took effect."""
    query = (
        sa.select(CollectionEvent)
        .where(CollectionEvent.collection_id == collection_id)
        .order_by(CollectionEvent.at, CollectionEvent.id)
    )
    return list(model.Session.scalars(query))


def record(
    row: Collection,
    task: Assignment | None,
    kind: str,
    role: str,
    actor: str | None,
    at: datetime,
    data: dict[str, Any] | None = None,
    key: str | None = None,
) -> bool:
    """Write a line of the record in the open transaction. With a `key` it is written once; return
    whether it is new."""
    made = model.Session.execute(
        insert(events)
        .values(
            collection_id=row.id,
            assignment_id=task.id if task else None,
            at=at,
            recorded=now(),
            actor=actor,
            role=role,
            kind=kind,
            data=data or {},
            key=key,
        )
        .on_conflict_do_nothing(index_elements=["assignment_id", "key"])
        .returning(events.c.id)
    )
    return made.first() is not None


def number(prefix: str, sequence: str, moment: datetime) -> str:
    """A new number: SJ-2026-000012 for a task, HZ-2026-000012 for a receipt."""
    count = model.Session.scalar(sa.text("SELECT nextval(:sequence)"), {"sequence": sequence})
    return f"{prefix}-{local_date(moment):%Y}-{count:06d}"


# ---------------------------------------------------------------- what the clock brings


def owing(task: Assignment) -> rules.Owing:
    """What the clock needs of an agency's task."""
    return rules.Owing(task.since, task.due, task.met_at)


def remind(row: Collection, task: Assignment, moment: datetime) -> tuple[int, int]:
    """Put the notices and the overdue events that are due at a moment, and say when to look again.

    Each is kept to once by its key. Also called before every change of a task, so that what was
    due before the change is not lost when the tick runs late. Returns (notices, events) made.
    """
    sent = late = 0
    for step in rules.due_notices(owing(task), moment):
        key = ladder.key(task.id, task.due, step)
        agency = people.handlers(task)
        if step.overdue:
            late += record(
                row,
                task,
                "overdue",
                "system",
                None,
                step.at(task.due),
                {"due": task.due.isoformat(), "step": step.name},
                key,
            )
            sent += people.tell(agency, "overdue", row, task, key)
            above = [person for person in people.administrators(row) if person not in agency]
            sent += people.tell(above, "overdue_above", row, task, key)
        else:
            sent += people.tell(agency, "due", row, task, key)
    task.next_at = rules.next_moment(owing(task), moment)
    return sent, late


def assign(row: Collection, agency_ids: Iterable[str], moment: datetime) -> None:
    """Give the task to agencies in the open transaction, each with its notice."""
    for agency_id in dict.fromkeys(agency_ids):
        task = Assignment(
            id=new_id(),
            collection_id=row.id,
            agency_id=agency_id,
            state="assigned",
            version=1,
            due=row.due,
            since=moment,
            returns=0,
            reason="",
        )
        task.next_at = rules.next_moment(owing(task), moment)
        model.Session.add(task)
        people.tell(people.handlers(task), "assigned", row, task, f"assigned:{task.id}")


def make_next(row: Collection, moment: datetime) -> Collection | None:
    """Make the next task of a series whose time has come, in the open transaction; `row` is locked.

    None where the series ends: nobody is left to ask. A due date on a day of rest moves to the next
    day that is not one: nobody is there to be warned. Safe to repeat: (series, occurrence) is
    unique.
    """
    row.next_at = None
    if row.for_all:
        agencies = list(people.below(row.asker_id))
    else:
        inside = people.below(row.asker_id)
        agencies = [
            task.agency_id
            for task in assignments(row.id)
            if task.state != "withdrawn" and task.agency_id in inside
        ]
    if not agencies:
        record(row, None, "ended", "system", None, moment)
        return None
    repeats: Any = row.repeats
    first = rules.Round(row.first_from, row.first_to, row.first_due)
    place = row.occurrence + 1
    planned = rules.made(rules.occurrence(first, repeats, place), moment)
    due = planned.due
    calendar = calendars.current()
    while calendar.is_rest(due):
        due += timedelta(days=1)
    following = rules.occurrence(first, repeats, place + 1)
    kept = ("asker_id", "creator", "subject", "title", "purpose", "basis", "fields", "processing")
    also = ("format", "for_all", "repeats", "series_id", "first_from", "first_to", "first_due")
    made = Collection(
        id=new_id(),
        number=number("SJ", "hljshare_collection_number", moment),
        state="open",
        version=1,
        occurrence=place,
        period_from=planned.period_from,
        period_to=planned.period_to,
        due=due,
        next_at=following.opens_at,
        reason="",
        created=moment,
        **{name: getattr(row, name) for name in (*kept, *also)},
    )
    model.Session.add(made)
    model.Session.flush()
    record(made, None, "created", "system", None, moment, {"after": row.number})
    assign(made, agencies, moment)
    return made


def deadlines_of(user_id: str) -> list[dict[str, Any]]:
    """What a person's agencies owe, for the calendar feed (`requests/ical.py`)."""
    user = model.Session.get(model.User, user_id)
    if user is None:
        return []
    query = (
        sa.select(Assignment, Collection.number, Collection.title)
        .join(Collection, Collection.id == Assignment.collection_id)
        .where(Assignment.agency_id.in_(people.agencies_of(user)), Assignment.state.in_(rules.OWED))
        .order_by(Assignment.due, Assignment.id)
    )
    return [
        {
            "number": row.number,
            "uid": f"{row.number}-{row.Assignment.id}",
            "name": row.title,
            "due": row.Assignment.due,
            "version": row.Assignment.version,
            "link": f"/collection/{row.number}",
        }
        for row in model.Session.execute(query)
    ]
