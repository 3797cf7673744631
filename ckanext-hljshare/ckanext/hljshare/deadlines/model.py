"""The tables of the outbox, of the notices and of the calendar."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(timezone.utc)


def new_id() -> str:
    """A new random id."""
    return str(uuid.uuid4())


class OutboxItem(tk.BaseModel):
    """Work outside the database, promised in a transaction.

    ``state``: pending, done or failed (given up). ``last_error`` is the name of an exception's
    class, never its text, which may hold data. ``not_before`` moves on with each attempt.
    """

    __tablename__ = "hljshare_outbox"
    __table_args__ = (sa.UniqueConstraint("kind", "key"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[str] = mapped_column(sa.Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    not_before: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text, default="pending")
    done_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Notice(tk.BaseModel):
    """A notice to one person: a kind of text with its parameters, and where to go from it."""

    __tablename__ = "hljshare_notice"
    __table_args__ = (sa.UniqueConstraint("user_id", "key"),)

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    params: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    link: Mapped[str] = mapped_column(sa.Text, default="")
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    read_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    emailed_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class CalendarVersion(tk.BaseModel):
    """One reading of one year's notice; never changed. The newest one of a year counts."""

    __tablename__ = "hljshare_calendar_version"

    id: Mapped[int] = mapped_column(sa.Integer, sa.Identity(), primary_key=True)
    year: Mapped[int] = mapped_column(sa.Integer)
    source: Mapped[str] = mapped_column(sa.Text, default="")
    file_name: Mapped[str] = mapped_column(sa.Text, default="")
    user_id: Mapped[str | None] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)


class CalendarDay(tk.BaseModel):
    """A day that a version names: of rest, or (`is_off` false) a weekend that is worked."""

    __tablename__ = "hljshare_calendar_day"

    version_id: Mapped[int] = mapped_column(
        sa.ForeignKey("hljshare_calendar_version.id", ondelete="CASCADE"), primary_key=True
    )
    date: Mapped[date] = mapped_column(sa.Date, primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    is_off: Mapped[bool] = mapped_column(sa.Boolean)
