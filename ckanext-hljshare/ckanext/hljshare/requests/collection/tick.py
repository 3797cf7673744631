"""What the clock brings: reminders, overdue events, the next tasks of a series.

Safe to run late, twice, or on two machines: rows are taken with FOR UPDATE SKIP LOCKED, each batch
is a transaction, and keys keep everything to once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.requests.collection import store
from ckanext.hljshare.requests.collection.model import Assignment, Collection

BATCH = 200
AGAIN = timedelta(hours=1)  # after a row that fails: the others go on meanwhile

log = logging.getLogger(__name__)


def run(now: datetime, limit: int = 100_000) -> dict[str, int]:
    """Do all that is due at a moment, at most `limit` rows; commits.

    Returns how many tasks were `made`, `notices` put, `overdue` events written, rows that `failed`.
    """
    counts = {"made": 0, "notices": 0, "overdue": 0, "failed": 0}

    def renew(row: Collection) -> None:
        counts["made"] += store.make_next(row, now) is not None

    def remind(task: Assignment) -> None:
        row = model.Session.get_one(Collection, task.collection_id)
        sent, late = store.remind(row, task, now)
        counts["notices"] += sent
        counts["overdue"] += late

    left = limit
    # What a series brings now is reminded of in the same run.
    for table, work in ((Collection, renew), (Assignment, remind)):
        while left > 0 and (done := _batch(table, work, now, min(BATCH, left), counts)):
            left -= done
    return counts


def _batch(
    table: type[Collection] | type[Assignment],
    work: Callable[[Any], None],
    now: datetime,
    size: int,
    counts: dict[str, int],
) -> int:
    rows = model.Session.scalars(
        sa.select(table)
        .where(table.next_at <= now)
        .order_by(table.next_at, table.id)
        .limit(size)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for row in rows:
        before = dict(counts)
        try:
            with model.Session.begin_nested():
                work(row)
        except Exception as error:
            log.exception("collection task %s: %s", row.id, type(error).__name__)
            counts.update(before)
            counts["failed"] += 1
            row.next_at = now + AGAIN
    model.Session.commit()
    return len(rows)
