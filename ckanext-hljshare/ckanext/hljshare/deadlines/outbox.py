"""The outbox: work outside the database that must follow a change, promised in its transaction.

What is to be done (clean a store, send a mail) is written into a table together with the change
itself: a rollback forgets both, a crash loses neither. It is worked later, at least once: a
handler must be safe to repeat.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import jobs
from ckan.lib.redis import connect_to_redis
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.engine import Connection

from ckanext.hljshare.deadlines import backoff
from ckanext.hljshare.deadlines.model import OutboxItem, now

Handler = Callable[[dict[str, Any]], None]

KEPT = timedelta(days=90)
JOB_SECONDS = 900
WAKE_SECONDS = 600
PUT_MARK = "hljshare_outbox_put"

log = logging.getLogger(__name__)
table: sa.Table = OutboxItem.__table__
_INSERT = sa.text("""
    INSERT INTO hljshare_outbox (kind, key, payload, created, not_before, attempts, state)
    SELECT kind, key, payload, moment, moment, 0, 'pending'
    FROM jsonb_to_recordset(:rows) AS given (kind text, key text, payload jsonb, moment timestamptz)
    ON CONFLICT (kind, key) DO NOTHING RETURNING id
""").bindparams(sa.bindparam("rows", type_=JSONB))
_handlers: dict[str, Handler] = {}


class NoHandlerError(Exception):
    """No loaded plugin does work of this kind."""


@dataclass(frozen=True)
class Counts:
    """What a run did: items done, to be tried again, given up; `left`: due and not reached."""

    done: int = 0
    retried: int = 0
    failed: int = 0
    left: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


class _Claim(NamedTuple):
    id: int
    attempts: int


def put(kind: str, key: str, payload: dict[str, Any], not_before: datetime | None = None) -> bool:
    """Promise work in the open transaction of `model.Session`; the caller commits.

    `key` names the work within its `kind`: putting it again does nothing, as long as the item is
    kept (done items: 90 days). `payload` is JSON and holds ids, not content or secrets.
    `not_before` (with its zone): not earlier than that. Returns whether the item is new.
    """
    if not_before is not None and not_before.tzinfo is None:
        raise ValueError("not_before needs a time zone")
    moment = now()
    statement = (
        insert(table)
        .values(
            kind=kind,
            key=key,
            payload=payload,
            created=moment,
            not_before=not_before or moment,
            attempts=0,
            state="pending",
        )
        .on_conflict_do_nothing(index_elements=["kind", "key"])
        .returning(table.c.id)
    )
    made = model.Session.execute(statement).first() is not None
    if made and (not_before is None or not_before <= moment):
        model.Session().info[PUT_MARK] = True
    return made


def put_all(items: Sequence[tuple[str, str, dict[str, Any]]]) -> int:
    """Promise many things at once, each (kind, key, payload), as `put` does; how many are new."""
    if not items:
        return 0
    moment = now().isoformat()
    rows = [
        {"kind": kind, "key": key, "payload": payload, "moment": moment}
        for kind, key, payload in items
    ]
    made = len(model.Session.execute(_INSERT, {"rows": rows}).all())
    if made:
        model.Session().info[PUT_MARK] = True
    return made


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Name the function that does the work of a kind.

    It takes the payload and does its work on `model.Session`, which `run` commits afterwards, or
    anywhere else. It may be called again after it has succeeded, and raises to be tried later.
    Raises ValueError if another function has the kind.
    """

    def register(function: Handler) -> Handler:
        present = _handlers.get(kind)
        if present is not None and present.__qualname__ != function.__qualname__:
            raise ValueError(f"{kind} has a handler already: {present.__qualname__}")
        _handlers[kind] = function
        return function

    return register


def run(limit: int = 1000, seconds: float = 300.0, at: datetime | None = None) -> Counts:
    """Work what is due, oldest first: at most `limit` items, none begun after `seconds`.

    Each item is claimed for itself, so that several runs share the work and none does an item
    that another one is doing. The attempt is written down before the work: a process that dies
    in it leaves an item that is tried again after a while, and given up in the end.
    `at`: the time to take as now. Not to be called within a transaction: `model.Session` is
    committed after each item.
    """
    stop = time.monotonic() + seconds
    tally: Counter[str] = Counter()
    while sum(tally.values()) < limit and time.monotonic() < stop:
        claim = _claim(at or now())
        if claim is None:
            break
        tally[_work(claim)] += 1
    moment = at or now()
    with model.meta.engine.begin() as connection:
        connection.execute(
            sa.delete(table).where(table.c.state == "done", table.c.done_at < moment - KEPT)
        )
        left = connection.scalar(sa.select(sa.func.count()).where(*_due(moment)))
    return Counts(tally["done"], tally["retried"], tally["failed"], left)


def status() -> dict[str, int]:
    """How many items are in each state, and how many of the pending ones are due."""
    with model.meta.engine.connect() as connection:
        found = dict(
            connection.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state))
            .tuples()
            .all()
        )
        due = connection.scalar(sa.select(sa.func.count()).where(*_due(now())))
    return {**{state: found.get(state, 0) for state in ("pending", "done", "failed")}, "due": due}


def retry(kind: str | None = None) -> int:
    """Take up what was given up (of one kind, or all) from the first attempt; how many items."""
    with model.meta.engine.begin() as connection:
        chosen = [table.c.state == "failed"]
        if kind:
            chosen.append(table.c.kind == kind)
        fresh = {"state": "pending", "attempts": 0, "not_before": now()}
        return connection.execute(sa.update(table).where(*chosen).values(fresh)).rowcount


def _due(moment: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.state == "pending", table.c.not_before <= moment


def _claim(moment: datetime) -> _Claim | None:
    """Take the next item for this process, until the wait after its attempt is over."""
    with model.meta.engine.begin() as connection:
        while True:
            row = connection.execute(
                sa.select(table.c.id, table.c.attempts)
                .where(*_due(moment))
                .order_by(table.c.not_before, table.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if row is None:
                return None
            if backoff.exhausted(row.attempts):  # its last attempt died with its process
                _settle(connection, row.id, state="failed", last_error="Interrupted")
                continue
            attempts = row.attempts + 1
            later = moment + backoff.wait(attempts)
            _settle(connection, row.id, attempts=attempts, not_before=later)
            return _Claim(row.id, attempts)


def _work(claim: _Claim) -> str:
    """Do one item; its row stays locked meanwhile, so that no other run does it too."""
    with model.meta.engine.begin() as connection:
        row = connection.execute(
            sa.select(table.c.kind, table.c.key, table.c.payload)
            .where(
                table.c.id == claim.id,
                table.c.state == "pending",
                table.c.attempts == claim.attempts,
            )
            # Waiting, for a moment: another run may just be looking whether the row is its own.
            .with_for_update()
        ).first()
        if row is None:
            return "passed"
        try:
            if row.kind not in _handlers:
                raise NoHandlerError  # noqa: TRY301
            _handlers[row.kind](row.payload)
            model.Session.commit()
        except Exception as error:
            model.Session.rollback()
            name = type(error).__name__
            log.warning("outbox item %s of kind %s: %s", claim.id, row.kind, name)
            if backoff.exhausted(claim.attempts):
                _settle(connection, claim.id, state="failed", last_error=name)
                return "failed"
            _settle(connection, claim.id, last_error=name)
            return "retried"
        _settle(connection, claim.id, state="done", done_at=now(), last_error=None)
        return "done"


def _settle(connection: Connection, item: int, **values: Any) -> None:
    connection.execute(sa.update(table).where(table.c.id == item).values(values))


# Waking the worker: a job without arguments, since what is to be done is in the table.


def work() -> None:
    """The background job: work the outbox, and ask for another job if not all was reached."""
    connect_to_redis().delete(_wake_key())  # before looking: what is put from now on wakes again
    if run().left:
        wake()


def wake() -> None:
    """Have the worker run the outbox, unless it has been asked to already.

    Where Redis does not answer, the scheduler's periodic run does the work.
    """
    try:
        if connect_to_redis().set(_wake_key(), "1", nx=True, ex=WAKE_SECONDS):
            jobs.enqueue(work, title="outbox", rq_kwargs={"timeout": JOB_SECONDS})
    except Exception as error:  # the caller's change is committed and must not fail here
        log.warning("the outbox waits for its periodic run: %s", type(error).__name__)


def _wake_key() -> str:
    return f"hljshare:outbox:{tk.config['ckan.site_id']}"


@sa.event.listens_for(model.Session, "after_commit")
def _wake_after_commit(session: Any) -> None:
    # Released savepoints come by here as well; only the whole transaction counts.
    if not session.in_nested_transaction() and session.info.pop(PUT_MARK, False):
        wake()


@sa.event.listens_for(model.Session, "after_rollback")
def _forget_after_rollback(session: Any) -> None:
    if not session.in_nested_transaction():
        session.info.pop(PUT_MARK, None)
