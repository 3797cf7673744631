"""Download tickets: short-lived proof that a person may fetch one file under one grant.

A ticket is signed (HMAC-SHA-256, compared in constant time), names its user, grant and file, is
good for the download route only, and for at most `SECONDS`. It adds nothing to a person's rights:
grant and person are checked again when it is used. It makes a download countable: one ticket is
one download, however often a broken transfer is taken up again.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeTimedSerializer

SECONDS = 600
AUDIENCE = "hljshare.download"


@dataclass(frozen=True)
class Ticket:
    """What a ticket says. `id` is unique to it."""

    id: str
    user_id: str
    grant_id: str
    resource_id: str


def _signer(secret: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        secret,
        salt=AUDIENCE,
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def issue(secret: str, user_id: str, grant_id: str, resource_id: str) -> str:
    """Return a new ticket as text for an address."""
    made = _signer(secret).dumps([secrets.token_urlsafe(16), user_id, grant_id, resource_id])
    return made if isinstance(made, str) else made.decode()


def read(secret: str, text: str, seconds: int = SECONDS) -> Ticket | None:
    """Return what a ticket says, None if it is forged, made for something else, or too old."""
    try:
        values = _signer(secret).loads(text, max_age=seconds)
    except BadSignature:
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return Ticket(*values) if len(values) == 4 else None
