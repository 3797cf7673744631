"""The secret address of a person's calendar feed: whoever has it reads, without signing in.

The address is a random nonce and its signature; only the nonce is stored, so that a copy of the
database opens no feed. Renewing replaces the nonce: the old address is gone at once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime, timezone

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

NONCE_BYTES = 16
_SHAPE = re.compile(r"([0-9a-f]{32})([0-9a-f]{64})\Z")


def _now() -> datetime:
    return datetime.now(timezone.utc)


class FeedToken(tk.BaseModel):
    """A person's nonce."""

    __tablename__ = "hljshare_feed_token"

    user_id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    nonce: Mapped[str] = mapped_column(sa.Text, unique=True)
    created: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), default=_now)


def current(user_id: str) -> str | None:
    """The token of a person; None for who has none yet."""
    nonce = model.Session.scalar(sa.select(FeedToken.nonce).where(FeedToken.user_id == user_id))
    return nonce + _signature(user_id, nonce) if nonce else None


def renew(user_id: str) -> str:
    """Give a person a new token, in the open transaction; the caller commits."""
    nonce = secrets.token_hex(NONCE_BYTES)
    fresh = {"nonce": nonce, "created": _now()}
    model.Session.execute(
        insert(FeedToken)
        .values(user_id=user_id, **fresh)
        .on_conflict_do_update(index_elements=["user_id"], set_=fresh)
    )
    return nonce + _signature(user_id, nonce)


def revoke(user_id: str) -> bool:
    """Take a person's token away, in the open transaction; whether there was one."""
    gone = sa.delete(FeedToken).where(FeedToken.user_id == user_id).returning(FeedToken.user_id)
    return model.Session.execute(gone).first() is not None


def user_of(token: str) -> model.User | None:
    """The active person whose token this is; None for any other text."""
    parts = _SHAPE.match(token)
    if parts is None:
        return None
    nonce, signature = parts.groups()
    user_id = model.Session.scalar(sa.select(FeedToken.user_id).where(FeedToken.nonce == nonce))
    # Signed even for nobody: the time that it takes tells nothing.
    genuine = hmac.compare_digest(_signature(user_id or "", nonce), signature)
    user = model.User.get(user_id) if user_id and genuine else None
    return user if user is not None and user.state == model.State.ACTIVE else None


def _signature(user_id: str, nonce: str) -> str:
    text = f"hljshare.feed:{nonce}:{user_id}".encode()
    return hmac.new(str(tk.config["SECRET_KEY"]).encode(), text, hashlib.sha256).hexdigest()
