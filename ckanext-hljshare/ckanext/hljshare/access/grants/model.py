"""Tables of grants, and of every use and refused use of content that is not open."""

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


class GrantRow(tk.BaseModel):
    """A grant (`kind` "grant"), or an administrator's stated purpose ("statement").

    People and units are kept by id: a name may be given to somebody else. `request_id` names the
    request that led to the grant, where one did.
    """

    __tablename__ = "hljshare_grant"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=_id)
    kind: Mapped[str] = mapped_column(sa.Text, default="grant")
    axis: Mapped[str] = mapped_column(sa.Text, default="open")
    user_id: Mapped[str] = mapped_column(sa.Text, index=True)
    organization_id: Mapped[str | None] = mapped_column(sa.Text)
    dataset_id: Mapped[str] = mapped_column(sa.Text, index=True)
    resource_id: Mapped[str | None] = mapped_column(sa.Text)
    columns: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    rows: Mapped[dict[str, list[Any]] | None] = mapped_column(JSONB(none_as_null=True))
    purpose: Mapped[str] = mapped_column(sa.Text)
    conditions: Mapped[str] = mapped_column(sa.Text, default="")
    not_before: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    not_after: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))
    max_downloads: Mapped[int | None] = mapped_column(sa.Integer)
    used: Mapped[int] = mapped_column(sa.Integer, default=0)
    request_id: Mapped[str | None] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
    created_by: Mapped[str | None] = mapped_column(sa.Text)
    revoked: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    revoked_by: Mapped[str | None] = mapped_column(sa.Text)
    revoked_reason: Mapped[str] = mapped_column(sa.Text, default="")


class AccessLogRow(tk.BaseModel):
    """One use, or refused use, of content that is not open to everybody.

    `what`: file, table, query, address or statement. `reason`: the policy's. `outcome`: started,
    complete, cut or refused. Sizes in bytes; `promised` is what answers with this ticket may hold
    together. The agency is the one that owned the dataset then.
    """

    __tablename__ = "hljshare_access_log"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now, index=True)
    ended: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
    user_id: Mapped[str] = mapped_column(sa.Text, index=True)
    grant_id: Mapped[str | None] = mapped_column(sa.Text, index=True)
    ticket: Mapped[str | None] = mapped_column(sa.Text, unique=True)
    dataset_id: Mapped[str] = mapped_column(sa.Text, index=True)
    resource_id: Mapped[str | None] = mapped_column(sa.Text)
    owner_org: Mapped[str | None] = mapped_column(sa.Text, index=True)
    what: Mapped[str] = mapped_column(sa.Text)
    reason: Mapped[str] = mapped_column(sa.Text)
    outcome: Mapped[str] = mapped_column(sa.Text)
    detail: Mapped[str] = mapped_column(sa.Text, default="")
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
    promised: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    sent: Mapped[int] = mapped_column(sa.BigInteger, default=0)
