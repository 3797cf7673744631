"""The ledger of what each source sent, and the reports of the runs.

`LedgerEntry.record` remembers a record without the addresses of its files; `staged` holds them
from the reading of a source to the writing of its records, and no action, feed or page reads it.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(timezone.utc)


def _id() -> str:
    return str(uuid.uuid4())


class LedgerEntry(tk.BaseModel):
    """One native id of one source.

    ``content_hash`` and ``record`` are of what was last written, ``staged`` and ``staged_hash``
    of what a run has seen and not yet
    written. ``unmirrored``: files of the dataset that the portal does not hold and should if it
    is open.
    """

    __tablename__ = "hljshare_ingest_ledger"
    __table_args__ = (sa.UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.Text)
    native_id: Mapped[str] = mapped_column(sa.Text)
    package_id: Mapped[str | None] = mapped_column(sa.Text, index=True)
    content_hash: Mapped[str | None] = mapped_column(sa.Text)
    record: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    staged_hash: Mapped[str | None] = mapped_column(sa.Text)
    staged: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    outcome: Mapped[str] = mapped_column(sa.Text, default="staged")
    reasons: Mapped[list[str]] = mapped_column(JSONB, default=list)
    unmirrored: Mapped[int] = mapped_column(sa.Integer, default=0)
    first_seen: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    last_seen: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    missing_since: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))


class Run(tk.BaseModel):
    """One run of a source. ``stopped``: why nothing was changed, or None. ``trigger``: command,
    harvest, demo.
    """

    __tablename__ = "hljshare_ingest_run"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=_id)
    source_id: Mapped[str] = mapped_column(sa.Text, index=True)
    harvest_job_id: Mapped[str | None] = mapped_column(sa.Text, index=True)
    trigger: Mapped[str] = mapped_column(sa.Text)
    started: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    finished: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    seen: Mapped[int] = mapped_column(sa.Integer, default=0)
    created: Mapped[int] = mapped_column(sa.Integer, default=0)
    updated: Mapped[int] = mapped_column(sa.Integer, default=0)
    unchanged: Mapped[int] = mapped_column(sa.Integer, default=0)
    held: Mapped[int] = mapped_column(sa.Integer, default=0)
    withdrawn: Mapped[int] = mapped_column(sa.Integer, default=0)
    rejected: Mapped[int] = mapped_column(sa.Integer, default=0)
    stopped: Mapped[str | None] = mapped_column(sa.Text)


class RunEntry(tk.BaseModel):
    """What a run did with one record and why; records that were unchanged and unremarkable have
    none.
    """

    __tablename__ = "hljshare_ingest_entry"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    run_id: Mapped[str] = mapped_column(
        sa.ForeignKey("hljshare_ingest_run.id", ondelete="CASCADE"), index=True
    )
    native_id: Mapped[str] = mapped_column(sa.Text)
    title: Mapped[str] = mapped_column(sa.Text, default="")
    package_id: Mapped[str | None] = mapped_column(sa.Text)
    outcome: Mapped[str] = mapped_column(sa.Text)
    reasons: Mapped[list[str]] = mapped_column(JSONB, default=list)
