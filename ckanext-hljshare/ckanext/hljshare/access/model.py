"""The vault's table: addresses of content that is not open."""

from __future__ import annotations

from datetime import datetime, timezone

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column


def now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(timezone.utc)


class VaultEntry(tk.BaseModel):
    """Where the content of one non-open resource really is.

    Nothing serializes this table: an address leaves it only through `vault.address` (delivery) and
    the action `hljshare_locator_show` (the owning agency's editors).
    """

    __tablename__ = "hljshare_vault"

    resource_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    address: Mapped[str] = mapped_column(sa.Text)
    uploaded: Mapped[bool] = mapped_column(sa.Boolean, default=False)
    updated: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=now)
