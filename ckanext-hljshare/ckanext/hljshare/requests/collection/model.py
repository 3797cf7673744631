"""Tables of collection tasks: what was asked, each agency's task, what it handed in, the record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.hljshare.requests.model import TIME, new_id, now


class Collection(tk.BaseModel):
    """What a superior asks agencies for, once; a series is several of them.

    `asker_id`: the organization that asks. `series_id`: the id of the first, `occurrence` its place
    (1 is the first), `first_*` the first one's days, from which all are counted. `next_at`: when
    the next one is made; None when there is none, or it is made. `for_all`: all agencies below.
    """

    __tablename__ = "hljshare_collection"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(sa.Text, unique=True)
    client_key: Mapped[str | None] = mapped_column(sa.Text)
    asker_id: Mapped[str] = mapped_column(sa.Text)
    creator: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text, default="open")
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
    subject: Mapped[str] = mapped_column(sa.Text)
    title: Mapped[str] = mapped_column(sa.Text)
    purpose: Mapped[str] = mapped_column(sa.Text)
    basis: Mapped[str] = mapped_column(sa.Text)
    fields: Mapped[str] = mapped_column(sa.Text)
    processing: Mapped[str] = mapped_column(sa.Text)
    format: Mapped[str] = mapped_column(sa.Text)
    period_from: Mapped[date] = mapped_column(sa.Date)
    period_to: Mapped[date] = mapped_column(sa.Date)
    due: Mapped[date] = mapped_column(sa.Date)
    for_all: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    repeats: Mapped[str] = mapped_column(sa.Text, default="none")
    series_id: Mapped[str] = mapped_column(sa.Text)
    occurrence: Mapped[int] = mapped_column(sa.Integer, default=1)
    first_from: Mapped[date] = mapped_column(sa.Date)
    first_to: Mapped[date] = mapped_column(sa.Date)
    first_due: Mapped[date] = mapped_column(sa.Date)
    next_at: Mapped[datetime | None] = mapped_column(TIME)
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    created: Mapped[datetime] = mapped_column(TIME, default=now)


class Assignment(tk.BaseModel):
    """One agency's task.

    `since`: from when `due` holds. `met_at`: when it was handed in, or withdrawn. `submission_id`:
    what was handed in last. `receipt`: the number of the receipt. `next_at`: when the tick looks at
    it again.
    """

    __tablename__ = "hljshare_collection_assignment"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    collection_id: Mapped[str] = mapped_column(sa.Text)
    agency_id: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text, default="assigned")
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
    due: Mapped[date] = mapped_column(sa.Date)
    since: Mapped[datetime] = mapped_column(TIME)
    acknowledged_at: Mapped[datetime | None] = mapped_column(TIME)
    met_at: Mapped[datetime | None] = mapped_column(TIME)
    submission_id: Mapped[str | None] = mapped_column(sa.Text)
    returns: Mapped[int] = mapped_column(sa.Integer, default=0)
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    receipt: Mapped[str | None] = mapped_column(sa.Text)
    closed_at: Mapped[datetime | None] = mapped_column(TIME)
    next_at: Mapped[datetime | None] = mapped_column(TIME)


class Submission(tk.BaseModel):
    """A file that was handed in, with the note on how the data were processed. Never changed."""

    __tablename__ = "hljshare_collection_submission"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    assignment_id: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.Text)
    media_type: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text)
    user_id: Mapped[str] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(TIME, default=now)


class CollectionEvent(tk.BaseModel):
    """What happened, written once: a trigger refuses updates and deletes.

    `at`: when it took effect. `key` keeps what the clock brings (`overdue`) to once.
    """

    __tablename__ = "hljshare_collection_event"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    collection_id: Mapped[str] = mapped_column(sa.Text)
    assignment_id: Mapped[str | None] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(TIME)
    recorded: Mapped[datetime] = mapped_column(TIME, default=now)
    actor: Mapped[str | None] = mapped_column(sa.Text)
    role: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    key: Mapped[str | None] = mapped_column(sa.Text)
