"""Tables of requests: the request, its append-only history, messages, orders, and the tallies."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timezone
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

TIME = sa.DateTime(timezone=True)


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(timezone.utc)


def new_id() -> str:
    """A new random id."""
    return str(uuid.uuid4())


class Request(tk.BaseModel):
    """A request as it stands. What happened to it is in `RequestEvent`.

    People, units and datasets are kept by id. `kind`: open (clause 6.1 e) or share (5.2).
    `version` grows with every change. `rule` is what the deadline is counted by, as it was at
    acceptance; `pauses` pairs of moments (ISO 8601), the last one's end null while it lasts.
    `limit_*`: the wait of the present state. `proposal`: what waits for a signature; `decision`:
    what was signed. `next_at`: when the tick looks at it again. `public_name` and `words` are what
    the register shows and finds.
    """

    __tablename__ = "hljshare_request"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(sa.Text, unique=True)
    client_key: Mapped[str | None] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text, default="open")
    state: Mapped[str] = mapped_column(sa.Text, default="draft")
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
    dataset_id: Mapped[str | None] = mapped_column(sa.Text)
    agency_id: Mapped[str | None] = mapped_column(sa.Text)
    triage: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    handler_id: Mapped[str | None] = mapped_column(sa.Text)
    applicant_id: Mapped[str] = mapped_column(sa.Text)
    unit_id: Mapped[str | None] = mapped_column(sa.Text)
    applicant_kind: Mapped[str] = mapped_column(sa.Text, default="")
    applicant_name: Mapped[str] = mapped_column(sa.Text, default="")
    contact: Mapped[str] = mapped_column(sa.Text, default="")
    data_name: Mapped[str] = mapped_column(sa.Text, default="")
    demand_type: Mapped[str] = mapped_column(sa.Text, default="")
    description: Mapped[str] = mapped_column(sa.Text, default="")
    theme: Mapped[str] = mapped_column(sa.Text, default="")
    format: Mapped[str] = mapped_column(sa.Text, default="")
    purpose: Mapped[str] = mapped_column(sa.Text, default="")
    other: Mapped[str] = mapped_column(sa.Text, default="")
    security_measures: Mapped[str] = mapped_column(sa.Text, default="")
    use_until: Mapped[date | None] = mapped_column(sa.Date)
    resources: Mapped[list[str]] = mapped_column(JSONB, default=list)
    business_basis: Mapped[str] = mapped_column(sa.Text, default="")
    fields: Mapped[str] = mapped_column(sa.Text, default="")
    share_mode: Mapped[str] = mapped_column(sa.Text, default="")
    agreement_version: Mapped[str | None] = mapped_column(sa.Text)
    agreement_hash: Mapped[str | None] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(TIME, default=now)
    updated: Mapped[datetime] = mapped_column(TIME, default=now)
    submitted_at: Mapped[datetime | None] = mapped_column(TIME)
    first_submitted_at: Mapped[datetime | None] = mapped_column(TIME)
    accepted_at: Mapped[datetime | None] = mapped_column(TIME)
    deemed: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    pauses: Mapped[list[list[str | None]]] = mapped_column(JSONB, default=list)
    calendar_version: Mapped[str | None] = mapped_column(sa.Text)
    nominal: Mapped[date | None] = mapped_column(sa.Date)
    due: Mapped[date | None] = mapped_column(sa.Date)
    due_at: Mapped[datetime | None] = mapped_column(TIME)
    provisional: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    limit_from: Mapped[datetime | None] = mapped_column(TIME)
    limit_due: Mapped[date | None] = mapped_column(sa.Date)
    limit_at: Mapped[datetime | None] = mapped_column(TIME)
    limit_provisional: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    next_due: Mapped[datetime | None] = mapped_column(TIME)
    next_at: Mapped[datetime | None] = mapped_column(TIME)
    overdue_at: Mapped[datetime | None] = mapped_column(TIME)
    counts_at: Mapped[datetime | None] = mapped_column(TIME)
    closed_at: Mapped[datetime | None] = mapped_column(TIME)
    outcome: Mapped[str] = mapped_column(sa.Text, default="")
    returns: Mapped[int] = mapped_column(sa.Integer, default=0)
    proposal: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    decision: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    basis: Mapped[list[dict[str, str]]] = mapped_column(JSONB, default=list)
    report_due: Mapped[date | None] = mapped_column(sa.Date)
    reported_at: Mapped[datetime | None] = mapped_column(TIME)
    use_ends_at: Mapped[datetime | None] = mapped_column(TIME)
    use_ended_at: Mapped[datetime | None] = mapped_column(TIME)
    flag: Mapped[str] = mapped_column(sa.Text, default="")
    public_name: Mapped[str] = mapped_column(sa.Text, default="")
    words: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)


class RequestEvent(tk.BaseModel):
    """One line of the history. Written once: nothing updates or deletes it.

    `position` counts from 1 without gaps over all requests; `hash` follows from `previous` and the
    line (`safety/chain.py`). `at`: when it took effect, `recorded`: when it was written. `actor`: a
    user's id, None for the portal itself. `stead`: done from above for the agency. `visibility`:
    public (also in the register), parties (applicant and agency) or agency. `data` holds no
    personal data: what people write is kept beside it, and its digest here.
    """

    __tablename__ = "hljshare_request_event"

    position: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    request_id: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(TIME)
    recorded: Mapped[datetime] = mapped_column(TIME)
    actor: Mapped[str | None] = mapped_column(sa.Text)
    role: Mapped[str] = mapped_column(sa.Text)
    stead: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    kind: Mapped[str] = mapped_column(sa.Text)
    visibility: Mapped[str] = mapped_column(sa.Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    previous: Mapped[str] = mapped_column(sa.Text)
    hash: Mapped[str] = mapped_column(sa.Text)


class RequestMessage(tk.BaseModel):
    """What people write to each other about a request, and the texts of returns, reports and
    objections: kept beside the history, so that they can be erased with their author's data."""

    __tablename__ = "hljshare_request_message"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    request_id: Mapped[str] = mapped_column(sa.Text)
    author: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(TIME, default=now)


class RequestOrder(tk.BaseModel):
    """A supervisor's order (督办): the agency has to answer it by a day."""

    __tablename__ = "hljshare_request_order"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    request_id: Mapped[str] = mapped_column(sa.Text)
    by: Mapped[str] = mapped_column(sa.Text)
    text: Mapped[str] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(TIME, default=now)
    answer_due: Mapped[date] = mapped_column(sa.Date)
    answer: Mapped[str] = mapped_column(sa.Text, default="")
    answered_by: Mapped[str | None] = mapped_column(sa.Text)
    answered_at: Mapped[datetime | None] = mapped_column(TIME)
    reminded_at: Mapped[datetime | None] = mapped_column(TIME)


class RequestTally(tk.BaseModel):
    """How an agency's requests of the public ended, by year of the end: counted as they end, so
    that the register's rates cost nothing to read."""

    __tablename__ = "hljshare_request_tally"

    agency_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    year: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    outcome: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    late: Mapped[bool] = mapped_column(sa.Boolean, primary_key=True)
    count: Mapped[int] = mapped_column(sa.Integer, default=0)
    days: Mapped[int] = mapped_column(sa.BigInteger, default=0)
