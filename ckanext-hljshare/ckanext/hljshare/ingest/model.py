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
    of what a run has seen and not yet written, ``step`` what it decided to do with it;
    ``seen_run`` is the last run that saw it, with ``seen_hash``. ``unmirrored``: files of the
    dataset that the portal does not hold and should if it is open; ``files`` by their native ids
    the digest of what each stored copy was fetched from ("": it has changed since).
    ``fingerprint``: of what the record was made from, where it is enough to compare that.
    """

    __tablename__ = "hljshare_ingest_ledger"
    __table_args__ = (sa.UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.Text)
    native_id: Mapped[str] = mapped_column(sa.Text)
    package_id: Mapped[str | None] = mapped_column(sa.Text, index=True)
    content_hash: Mapped[str | None] = mapped_column(sa.Text)
    record: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    staged_hash: Mapped[str | None] = mapped_column(sa.Text)
    staged: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    outcome: Mapped[str] = mapped_column(sa.Text, default="staged")
    reasons: Mapped[list[str]] = mapped_column(JSONB, default=list)
    unmirrored: Mapped[int] = mapped_column(sa.Integer, default=0)
    first_seen: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    last_seen: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    missing_since: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    seen_run: Mapped[str | None] = mapped_column(sa.Text)
    seen_hash: Mapped[str | None] = mapped_column(sa.Text)
    step: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    files: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    fingerprint: Mapped[str | None] = mapped_column(sa.Text)


class Version(tk.BaseModel):
    """A record as it was written once, without the addresses of its files: the history of a native
    id.
    """

    __tablename__ = "hljshare_ingest_version"
    __table_args__ = (sa.Index("hljshare_ingest_version_of", "source_id", "native_id"),)

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.Text)
    native_id: Mapped[str] = mapped_column(sa.Text)
    package_id: Mapped[str | None] = mapped_column(sa.Text, index=True)
    content_hash: Mapped[str | None] = mapped_column(sa.Text)
    record: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    run_id: Mapped[str | None] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)


class SourceSettings(tk.BaseModel):
    """What the portal keeps about a harvest source beside ckanext-harvest's own columns.

    ``approved_digest`` is of what was approved (kind, address, mapping, owner); ``every`` the
    minutes between two runs (None: only by hand), ``next_run`` when the next is due, jitter
    included; ``failures`` in a row; ``missed_after`` the hours after which silence is an alarm;
    ``validators`` ETag and Last-Modified of its documents by the digest of their address;
    ``let_pass`` a person's word that the next run may pass the brake, and up to which figures.
    ``digest`` is of what the source was last saved as, ``changed`` when, and ``changed_by`` by whom
    (a user's id, or ``operator``): nobody approves a change of their own.
    """

    __tablename__ = "hljshare_ingest_source"

    source_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    approved: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    approved_by: Mapped[str | None] = mapped_column(sa.Text)
    approved_digest: Mapped[str | None] = mapped_column(sa.Text)
    every: Mapped[int | None] = mapped_column(sa.Integer)
    next_run: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True), index=True)
    failures: Mapped[int] = mapped_column(sa.Integer, default=0)
    last_try: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    last_success: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    supplier_name: Mapped[str] = mapped_column(sa.Text, default="")
    supplier_contact: Mapped[str] = mapped_column(sa.Text, default="")
    missed_after: Mapped[int | None] = mapped_column(sa.Integer)
    validators: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    let_pass: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    note: Mapped[str] = mapped_column(sa.Text, default="")
    digest: Mapped[str | None] = mapped_column(sa.Text)
    changed: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    changed_by: Mapped[str | None] = mapped_column(sa.Text)


class StoredMapping(tk.BaseModel):
    """A mapping as somebody saved it on the site; the newest of a name holds, over the file."""

    __tablename__ = "hljshare_ingest_mapping"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text, index=True)
    body: Mapped[str] = mapped_column(sa.Text)
    author: Mapped[str] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)


class Preview(tk.BaseModel):
    """A trial of a source for people to look at; nothing was changed by it.

    ``digest`` is of what was tried (None: a mapping that is not saved, its text in ``body``);
    ``state`` waiting, running, done or failed (then ``problem`` says why); ``result`` what
    `engine.trial` found: counts, problems, the first records, without any address.
    """

    __tablename__ = "hljshare_ingest_preview"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=_id)
    source_id: Mapped[str] = mapped_column(sa.Text, index=True)
    digest: Mapped[str | None] = mapped_column(sa.Text)
    mapping: Mapped[str | None] = mapped_column(sa.Text)
    body: Mapped[str | None] = mapped_column(sa.Text)
    requested_by: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text, default="waiting")
    problem: Mapped[str | None] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    heartbeat: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    finished: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    done: Mapped[int] = mapped_column(sa.Integer, default=0)
    total: Mapped[int | None] = mapped_column(sa.Integer)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class Run(tk.BaseModel):
    """One run of a source.

    ``stopped``: why nothing was changed, or None. ``trigger``: command, harvest, demo, push.
    ``total`` is what the source says it has, ``missing`` how many standing datasets it did not
    list; ``stage`` (read, write, files, done), ``done`` and ``todo`` tell how far it is, and
    ``heartbeat`` that it lives. ``reconciled``: the difference both sides found at the end.
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
    total: Mapped[int | None] = mapped_column(sa.Integer)
    stage: Mapped[str] = mapped_column(sa.Text, default="read")
    done: Mapped[int] = mapped_column(sa.Integer, default=0)
    todo: Mapped[int | None] = mapped_column(sa.Integer)
    heartbeat: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    missing: Mapped[int] = mapped_column(sa.Integer, default=0)
    reconciled: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


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
