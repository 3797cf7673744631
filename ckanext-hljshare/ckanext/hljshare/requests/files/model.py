"""Tables of the files of requests, and of identity numbers."""

from __future__ import annotations

from datetime import datetime

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.hljshare.requests.model import TIME, new_id, now


class RequestFile(tk.BaseModel):
    """A file of a request; its bytes lie below the private root.

    `purpose`: proof, attachment, delivery or report. `size` (bytes) and `sha256` are of what was
    sent. `key_id`: the key it is sealed with, None where it lies as it is. `not_after`: until when
    the applicant may take a delivered file; None before delivery. `erased`: the bytes are gone, the
    line stays.
    """

    __tablename__ = "hljshare_request_file"

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True, default=new_id)
    request_id: Mapped[str] = mapped_column(sa.Text)
    purpose: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[str] = mapped_column(sa.Text)
    media_type: Mapped[str] = mapped_column(sa.Text)
    key_id: Mapped[str | None] = mapped_column(sa.Text)
    uploader: Mapped[str] = mapped_column(sa.Text)
    created: Mapped[datetime] = mapped_column(TIME, default=now)
    not_after: Mapped[datetime | None] = mapped_column(TIME)
    erased: Mapped[datetime | None] = mapped_column(TIME)


class RequestIdentity(tk.BaseModel):
    """The identity number of a request's applicant: sealed, bound to the request; and masked.

    Erased ones hold neither.
    """

    __tablename__ = "hljshare_request_identity"

    request_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    sealed: Mapped[str] = mapped_column(sa.Text)
    masked: Mapped[str] = mapped_column(sa.Text)
    key_id: Mapped[str] = mapped_column(sa.Text)
    erased_at: Mapped[datetime | None] = mapped_column(TIME)
