"""What was pushed: batches with their receipts, the result of each line, and what is held of each
source; on a city's side, what the province has acknowledged.

No table of this room ever holds an address of a file.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

TIME = sa.DateTime(timezone=True)
SEQUENCE = sa.Sequence("hljshare_push_entry_position")


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(timezone.utc)


class Batch(tk.BaseModel):
    """A content that was received whole. ``kind``: records or rows; ``state``: applying, done.
    ``digest``: SHA-256 (hexadecimal) of the content unpacked; ``receipt``: the text that is given
    every time."""

    __tablename__ = "hljshare_push_batch"
    __table_args__ = (sa.UniqueConstraint("source_id", "key"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.Text)
    key: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    target: Mapped[str] = mapped_column(sa.Text, default="")
    user_id: Mapped[str] = mapped_column(sa.Text)
    digest: Mapped[str] = mapped_column(sa.Text)
    lines: Mapped[int] = mapped_column(sa.Integer)
    state: Mapped[str] = mapped_column(sa.Text)
    received: Mapped[datetime] = mapped_column(TIME, default=now)
    finished: Mapped[datetime | None] = mapped_column(TIME)
    receipt: Mapped[str | None] = mapped_column(sa.Text)


class LineResult(tk.BaseModel):
    """What became of a line."""

    __tablename__ = "hljshare_push_result"

    batch_id: Mapped[int] = mapped_column(
        sa.ForeignKey("hljshare_push_batch.id", ondelete="CASCADE"), primary_key=True
    )
    line: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    native_id: Mapped[str] = mapped_column(sa.Text)
    outcome: Mapped[str] = mapped_column(sa.Text)
    reasons: Mapped[list[str]] = mapped_column(JSONB)
    content_hash: Mapped[str | None] = mapped_column(sa.Text)
    dataset: Mapped[str | None] = mapped_column(sa.Text)


class Entry(tk.BaseModel):
    """What the portal holds of a native id. ``content_hash``: of the version that is held, as the
    sender called it; None: none is. ``position`` grows with every change and never comes again;
    ``bucket`` is the leaf of the digest tree."""

    __tablename__ = "hljshare_push_entry"

    source_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    native_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    bucket: Mapped[int] = mapped_column(sa.SmallInteger)
    position: Mapped[int] = mapped_column(sa.BigInteger, SEQUENCE)
    content_hash: Mapped[str | None] = mapped_column(sa.Text)
    outcome: Mapped[str] = mapped_column(sa.Text)
    package_id: Mapped[str | None] = mapped_column(sa.Text)


class Acknowledged(tk.BaseModel):
    """On a city's side: what the province has confirmed of a dataset. ``content_hash``: the
    version it holds (None: none), ``refused_hash``: the one that it refused last."""

    __tablename__ = "hljshare_push_acknowledged"

    target: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    native_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    content_hash: Mapped[str | None] = mapped_column(sa.Text)
    refused_hash: Mapped[str | None] = mapped_column(sa.Text)
    outcome: Mapped[str] = mapped_column(sa.Text)
    reasons: Mapped[list[str]] = mapped_column(JSONB, default=list)


class Outgoing(tk.BaseModel):
    """On a city's side: a batch that is on its way, or has arrived. ``state``: sending, done.
    ``content`` (gzip) until its receipt is here, then ``receipt``."""

    __tablename__ = "hljshare_push_outgoing"

    key: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    target: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    digest: Mapped[str] = mapped_column(sa.Text)
    lines: Mapped[int] = mapped_column(sa.Integer)
    content: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    made: Mapped[datetime] = mapped_column(TIME, default=now)
    attempts: Mapped[int] = mapped_column(sa.Integer, default=0)
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
