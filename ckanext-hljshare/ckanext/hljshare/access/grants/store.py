"""Grants and the log in the database.

Uses are written in a session of their own: they stand whatever becomes of the caller's
transaction, and counting a download and writing it down is one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from ckan import model
from sqlalchemy.orm import Session

from ckanext.hljshare.access.grants import rules
from ckanext.hljshare.access.grants.model import AccessLogRow, GrantRow
from ckanext.hljshare.access.model import now

STATEMENT_MINUTES = 30  # how long an administrator's stated purpose holds
RESUMES = 2  # a download may be sent this many times over: broken ones are taken up again


def view(row: GrantRow) -> rules.Grant:
    """Return a row as the rules know it."""
    return rules.Grant(
        id=row.id,
        dataset_id=row.dataset_id,
        axis="share" if row.axis == "share" else "open",
        not_before=row.not_before,
        not_after=row.not_after,
        resource_id=row.resource_id,
        organization_id=row.organization_id,
        columns=tuple(row.columns) if row.columns is not None else None,
        rows={name: tuple(values) for name, values in row.rows.items()} if row.rows else None,
        max_downloads=row.max_downloads,
        used=row.used,
        revoked=row.revoked is not None,
    )


def of_person(user_id: str, dataset_id: str) -> list[GrantRow]:
    """Return a person's grants and statements on a dataset, as the database has them now."""
    query = (
        sa.select(GrantRow)
        .where(GrantRow.user_id == user_id, GrantRow.dataset_id == dataset_id)
        .execution_options(populate_existing=True)
    )
    return list(model.Session.scalars(query))


def units(user_id: str) -> dict[str, str]:
    """Return the active organizations a person belongs to: id → role."""
    member, group = model.Member, model.Group
    query = (
        sa.select(member.group_id, member.capacity)
        .join(group, group.id == member.group_id)
        .where(
            member.table_name == "user",
            member.table_id == user_id,
            member.state == "active",
            group.is_organization.is_(True),
            group.state == "active",
        )
    )
    return dict(model.Session.execute(query).tuples().all())


def holders(dataset_id: str) -> list[str]:
    """Return the ids of active users with a grant on a dataset, or a file of it, that is not over.

    A grant that has not begun counts: its holder waits for it.
    """
    query = (
        sa.select(GrantRow.user_id)
        .join(model.User, model.User.id == GrantRow.user_id)
        .where(
            GrantRow.kind == "grant",
            GrantRow.dataset_id == dataset_id,
            GrantRow.revoked.is_(None),
            GrantRow.not_after > now(),
            model.User.state == "active",
        )
        .distinct()
        .order_by(GrantRow.user_id)
    )
    return list(model.Session.scalars(query))


@contextmanager
def _own_session() -> Iterator[Session]:
    """Open a session beside the request's, committed at the end."""
    with Session(model.meta.engine) as session, session.begin():
        yield session


def log(**values: Any) -> int:
    """Write one line of the log, at once; return its id."""
    with _own_session() as session:
        row = AccessLogRow(**values)
        session.add(row)
        session.flush()
        return row.id


def begin(ticket: str, size: int, *, grant_id: str, **values: Any) -> int | None:
    """Count one download of a grant and write it down, in one transaction; return the log's id.

    The same ticket again takes up a download that broke off and is not counted twice, as long as
    all its answers together stay within `RESUMES` times the first one's `size` (bytes). None: the
    grant is over or used up, or the ticket has given all it may.
    """
    with _own_session() as session:
        # The lock orders two answers to one grant; the second sees what the first has counted.
        grant = session.scalar(sa.select(GrantRow).where(GrantRow.id == grant_id).with_for_update())
        moment = now()
        if grant is None or grant.revoked is not None:
            return None
        if not grant.not_before <= moment < grant.not_after:
            return None
        row = session.scalar(
            sa.select(AccessLogRow).where(AccessLogRow.ticket == ticket).with_for_update()
        )
        if row is not None:
            if row.what != values["what"]:
                return None  # a ticket is one download of one kind
            whole = max(row.size or 0, size)
            if row.promised + size > RESUMES * whole:
                return None
            row.promised += size
            row.outcome = "started"
            return row.id
        if grant.max_downloads is not None and grant.used >= grant.max_downloads:
            return None
        grant.used += 1
        row = AccessLogRow(
            grant_id=grant_id, ticket=ticket, size=size, promised=size, outcome="started", **values
        )
        session.add(row)
        session.flush()
        return row.id


def end(log_id: int, sent: int, outcome: str, detail: str = "") -> None:
    """Write down what was sent (bytes, added to what its ticket gave before) and how it ended."""
    with _own_session() as session:
        session.execute(
            sa.update(AccessLogRow)
            .where(AccessLogRow.id == log_id)
            .values(
                sent=AccessLogRow.sent + sent, outcome=outcome, detail=detail[:200], ended=now()
            )
        )


def still_live(grant_id: str) -> bool:
    """Tell whether a grant has neither been revoked nor run out, asked of the database afresh.

    A download already counted goes on when it was the last one allowed.
    """
    with _own_session() as session:
        moment = now()
        return bool(
            session.scalar(
                sa.select(sa.literal(1)).where(
                    GrantRow.id == grant_id,
                    GrantRow.revoked.is_(None),
                    GrantRow.not_before <= moment,
                    GrantRow.not_after > moment,
                )
            )
        )


def state_purpose(user_id: str, dataset_id: str, resource_id: str, purpose: str) -> datetime:
    """Keep an administrator's purpose for reading one file; return until when it holds."""
    moment = now()
    until = moment + timedelta(minutes=STATEMENT_MINUTES)
    model.Session.add(
        GrantRow(
            kind="statement",
            user_id=user_id,
            dataset_id=dataset_id,
            resource_id=resource_id,
            purpose=purpose,
            not_before=moment,
            not_after=until,
            created_by=user_id,
        )
    )
    return until


def forget_dataset(dataset_id: str) -> None:
    """End all grants on a dataset that is purged; the log of what was taken stays."""
    model.Session.execute(
        sa.update(GrantRow)
        .where(GrantRow.dataset_id == dataset_id, GrantRow.revoked.is_(None))
        .values(revoked=now(), revoked_reason="dataset purged")
    )


def end_of_request(request_id: str, by: str | None, reason: str) -> int:
    """Revoke what a request led to, in the open transaction; return how many grants ended."""
    found = model.Session.execute(
        sa.update(GrantRow)
        .where(GrantRow.request_id == request_id, GrantRow.revoked.is_(None))
        .values(revoked=now(), revoked_by=by, revoked_reason=reason)
    )
    return int(found.rowcount)
