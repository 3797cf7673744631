"""Requests in the database: reading, locking, and the history's next line."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.requests.model import (
    Request,
    RequestEvent,
    RequestMessage,
    new_id,
    now,
)
from ckanext.hljshare.safety import chain

CHAIN = "hljshare-request-events"
events: sa.Table = RequestEvent.__table__


def get(ref: str) -> Request:
    """A request by id or number. Raises `tk.ObjectNotFound`."""
    row = model.Session.scalar(_by(ref))
    if row is None:
        raise tk.ObjectNotFound(tk._("Request not found"))
    return row


def locked(ref: str) -> Request:
    """The same, as the database has it now and for nobody else to change until the end."""
    row = model.Session.scalar(_by(ref).with_for_update().execution_options(populate_existing=True))
    if row is None:
        model.Session.rollback()
        raise tk.ObjectNotFound(tk._("Request not found"))
    return row


def lock_all(refs: Collection[str]) -> list[str]:
    """Lock several requests in one order, so that two who take the same ones do not wait for each
    other; return their ids. Raises `tk.ObjectNotFound` unless each is there."""
    texts = [key(ref) for ref in refs]
    query = (
        sa.select(Request.id, Request.number)
        .where(sa.or_(Request.id.in_(texts), Request.number.in_(texts)))
        .order_by(Request.id)
        .with_for_update()
    )
    rows = model.Session.execute(query).all()
    if set(texts) - {row.id for row in rows} - {row.number for row in rows}:
        model.Session.rollback()
        raise tk.ObjectNotFound(tk._("Request not found"))
    return [row.id for row in rows]


def key(ref: str) -> str:
    """What may be an id or a number; the database knows no NUL and no lone surrogate."""
    return str(ref).encode("utf-8", "replace").decode().replace("\x00", "?")


def _by(ref: str) -> sa.Select[tuple[Request]]:
    text = key(ref)
    return sa.select(Request).where(sa.or_(Request.id == text, Request.number == text))


def next_number(moment: datetime) -> str:
    """A new number: the year in China and a running count, as SQ-2026-000123."""
    count = model.Session.scalar(sa.text("SELECT nextval('hljshare_request_number')"))
    return f"SQ-{moment:%Y}-{count:06d}"


def one_at_a_time(key: str) -> None:
    """Order transactions that count something before they add to it, until this one ends."""
    model.Session.execute(
        sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key}
    )


def record(
    row: Request,
    kind: str,
    *,
    role: str,
    actor: str | None = None,
    stead: bool = False,
    visibility: str = "parties",
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> int:
    """Write the history's next line in the open transaction; return its position.

    `at`: when it took effect, now by default; not before what was recorded last for this request,
    should the clock have gone back. Whatever rows a transaction locks, it locks before this.
    """
    moment = now()
    one_at_a_time(CHAIN)
    last = model.Session.execute(
        sa.select(events.c.position, events.c.hash).order_by(events.c.position.desc()).limit(1)
    ).first()
    position = int(last.position) + 1 if last else 1
    line = {
        "position": position,
        "request_id": row.id,
        "at": at or max(moment, _recorded(row.id) or moment),
        "recorded": moment,
        "actor": actor,
        "role": role,
        "stead": stead,
        "kind": kind,
        "visibility": visibility,
        "data": data or {},
    }
    previous = last.hash if last else chain.GENESIS
    model.Session.execute(
        sa.insert(events).values(
            **line, previous=previous, hash=chain.digest(previous, line, history_key())
        )
    )
    return position


def history_key() -> bytes:
    """The key of the history's hashes: it follows from the installation's secret, which is not in
    the database, so that nobody with the database alone can make a line that fits."""
    secret = str(tk.config.get("hljshare.audit.key") or tk.config["SECRET_KEY"])
    return hashlib.sha256(b"hljshare request history\n" + secret.encode()).digest()


def _recorded(request_id: str) -> datetime | None:
    return model.Session.scalar(
        sa.select(events.c.recorded)
        .where(events.c.request_id == request_id)
        .order_by(events.c.position.desc())
        .limit(1)
    )


def history(request_id: str) -> list[RequestEvent]:
    """All that happened to a request, oldest first."""
    return list(
        model.Session.scalars(
            sa.select(RequestEvent)
            .where(RequestEvent.request_id == request_id)
            .order_by(RequestEvent.position)
        )
    )


def keep_text(row: Request, author: str, text: str, moment: datetime) -> dict[str, str]:
    """Keep what a person wrote beside the history; return what the history holds of it."""
    message = RequestMessage(
        id=new_id(), request_id=row.id, author=author, text=text, created=moment
    )
    model.Session.add(message)
    return {"message": message.id, "sha256": hashlib.sha256(text.encode()).hexdigest()}


def texts(request_id: str) -> dict[str, str]:
    """What people wrote about a request, by id; erased ones are not there."""
    rows = model.Session.execute(
        sa.select(RequestMessage.id, RequestMessage.text).where(
            RequestMessage.request_id == request_id
        )
    )
    return dict(rows.tuples().all())
