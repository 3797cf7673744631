"""Entries: one for each dataset that is or was public; notes of writes; parts of dumps."""

from __future__ import annotations

from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, deferred, mapped_column

POSITIONS = sa.Sequence("hljshare_feed_position", minvalue=0, start=0)
VERSIONS = sa.Sequence("hljshare_feed_version")


class FeedTouch(tk.BaseModel):
    """A dataset was written to, or an organization (""). Inserted by triggers, in the transaction
    of the write; taken away by :func:`store.settle`. What stands here must not be read from an
    entry."""

    __tablename__ = "hljshare_feed_touch"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(sa.Text, index=True)


class FeedEntry(tk.BaseModel):
    """A dataset that is or was public. Never deleted: what was once told is told to be gone.

    ``position``: its place in the order of all feeds, for good. ``version`` grows with each change;
    ``changed``: when that was noticed, in the order of commits. ``live``: public now. ``city``: the
    region code of a city, ``agency``: the id of an organization.
    ``ttl`` and the others are what was made of it with ``stamp``; ``refs`` the IRIs in it that have
    a description of their own. All None until it is made, and after each change.
    """

    __tablename__ = "hljshare_feed_entry"
    __table_args__ = (
        sa.Index("ix_hljshare_feed_entry_city", "city", "position"),
        sa.Index("ix_hljshare_feed_entry_agency", "agency", "position"),
    )

    dataset_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    position: Mapped[int] = mapped_column(
        sa.BigInteger, POSITIONS, server_default=POSITIONS.next_value(), unique=True
    )
    version: Mapped[int] = mapped_column(
        sa.BigInteger, VERSIONS, server_default=VERSIONS.next_value()
    )
    name: Mapped[str] = mapped_column(sa.Text)
    live: Mapped[bool]
    city: Mapped[str | None] = mapped_column(sa.Text)
    agency: Mapped[str | None] = mapped_column(sa.Text)
    changed: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    stamp: Mapped[str | None] = mapped_column(sa.Text)
    refs: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))
    ttl: Mapped[str | None] = deferred(mapped_column(sa.Text))
    rdf: Mapped[str | None] = deferred(mapped_column(sa.Text))
    jsonld: Mapped[str | None] = deferred(mapped_column(sa.Text))
    nt: Mapped[str | None] = deferred(mapped_column(sa.Text))


class FeedMark(tk.BaseModel):
    """When something last changed that texts depend on besides their datasets: ``organizations``
    (the value is another word each time), ``stamp`` (see `making.py`)."""

    __tablename__ = "hljshare_feed_mark"

    name: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    value: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class FeedDeparture(tk.BaseModel):
    """A dataset that is public has left a city or an agency for another: those who follow the one
    it has left are told."""

    __tablename__ = "hljshare_feed_departure"

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(sa.Text, index=True)
    city: Mapped[str | None] = mapped_column(sa.Text)
    agency: Mapped[str | None] = mapped_column(sa.Text)
    changed: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class FeedPart(tk.BaseModel):
    """A part of a dump: the entries of a hundred positions, as one gzip member. ``city`` and
    ``agency``: of the dump, "" for all (an organization's id, and a word for all below it).
    ``entries``, ``newest``: how many there are and the newest of their versions; both together
    never come back once anything has changed."""

    __tablename__ = "hljshare_feed_part"

    city: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    agency: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    syntax: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    entries: Mapped[int]
    newest: Mapped[int] = mapped_column(sa.BigInteger)
    stamp: Mapped[str] = mapped_column(sa.Text)
    refs: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    body: Mapped[bytes] = deferred(mapped_column(sa.LargeBinary))
