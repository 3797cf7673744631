"""Tables of verified addresses, and of people who may not apply."""

from __future__ import annotations

from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.hljshare.requests.model import TIME, new_id, now


class EmailProof(tk.BaseModel):
    """That an address is a person's: `address` is what `verified_at` or the sent link is about, so
    that another address of the account counts as unverified.

    `how`: link, administrator (made the account) or before (the account is older than the rule).
    `nonce`: of the last link, None once it is used. `sends`: mails on the day of `sent_at`.
    """

    __tablename__ = "hljshare_email_proof"

    user_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    address: Mapped[str] = mapped_column(sa.Text)
    verified_at: Mapped[datetime | None] = mapped_column(TIME)
    how: Mapped[str] = mapped_column(sa.Text, default="")
    nonce: Mapped[str | None] = mapped_column(sa.Text)
    sent_at: Mapped[datetime | None] = mapped_column(TIME)
    sends: Mapped[int] = mapped_column(sa.Integer, default=0)


class ApplicantBlock(tk.BaseModel):
    """That a person may not apply, by whom and why; `until` None: without end. It is ended, never
    deleted."""

    __tablename__ = "hljshare_applicant_block"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(sa.Text, index=True)
    by: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime] = mapped_column(TIME, default=now)
    until: Mapped[datetime | None] = mapped_column(TIME)
    reason: Mapped[str] = mapped_column(sa.Text)
    ended_at: Mapped[datetime | None] = mapped_column(TIME)
    ended_by: Mapped[str | None] = mapped_column(sa.Text)
