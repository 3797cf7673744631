"""When an address counts as verified, the link that verifies it, and how often it is sent. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Literal

from ckanext.hljshare.requests import limits

LINK_LASTS = timedelta(hours=24)
WAIT = timedelta(minutes=2)  # between two mails
MOST_A_DAY = 5

_TOKEN = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})\Z")


def same(one: str | None, other: str | None) -> bool:
    """Whether two spellings are one address; nothing is no address."""
    return bool(one) and bool(other) and _plain(one) == _plain(other)


def _plain(address: str | None) -> str:
    return (address or "").strip().casefold()


def sign(key: bytes, user_id: str, address: str, nonce: str) -> str:
    """The secret part of a link: for this person and this address only. `nonce`: 32 hex digits."""
    text = "\n".join((user_id, _plain(address), nonce))
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return f"{nonce}.{signature}"


def check(
    key: bytes,
    token: str,
    *,
    user_id: str,
    address: str,
    nonce: str | None,
    sent_at: datetime | None,
    now: datetime,
) -> Literal["ok", "wrong", "expired"]:
    """Whether a link is the one that was sent last to the address the person has now.

    `nonce`, `sent_at`: of the last mail; None once the link is used.
    """
    found = _TOKEN.match(token)
    if not found or not nonce or sent_at is None:
        return "wrong"
    if not hmac.compare_digest(sign(key, user_id, address, nonce), token):
        return "wrong"
    return "ok" if sent_at <= now < sent_at + LINK_LASTS else "expired"


def sends_today(sent_at: datetime | None, sends: int, now: datetime) -> int:
    """How many mails went out today, by the counter kept with the last one."""
    if sent_at is None or limits.start_of_day(sent_at) != limits.start_of_day(now):
        return 0
    return sends


def may_send(sent_at: datetime | None, sends: int, now: datetime) -> Literal["ok", "wait", "day"]:
    """Whether another mail may be sent: `wait` a little, or until the next `day`."""
    if sends_today(sent_at, sends, now) >= MOST_A_DAY:
        return "day"
    if sent_at is not None and sent_at <= now < sent_at + WAIT:
        return "wait"
    return "ok"
