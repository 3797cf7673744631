"""Tables of level changes: the levels last published, and every change with its reason."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.hljshare.access.model import now


def _id() -> str:
    return str(uuid.uuid4())


class LevelState(tk.BaseModel):
    """The levels a dataset was last public with: nothing looser is published without a second
    person, whatever it was edited to in between."""

    __tablename__ = "hljshare_level_state"

    dataset_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    levels: Mapped[dict[str, Any]] = mapped_column(JSONB)
    published: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    updated: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)


class LevelChange(tk.BaseModel):
    """One change of levels.

    `state`: proposed, confirmed (by a second person, and done), applied (done without one: it
    loosened nothing, or the system did it), rejected, withdrawn, or stale (the dataset changed
    meanwhile). `values` are the fields to write. `proposer`: a user's id, ``system``, or
    ``source:NAME`` of a harvest source.
    """

    __tablename__ = "hljshare_level_change"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=_id)
    dataset_id: Mapped[str] = mapped_column(sa.Text, index=True)
    resource_id: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    values: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    proposer: Mapped[str] = mapped_column(sa.Text, index=True)
    decider: Mapped[str | None] = mapped_column(sa.Text)
    message: Mapped[str] = mapped_column(sa.Text, default="")
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    decided: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    version: Mapped[int] = mapped_column(sa.Integer, default=1)
