"""What a notice says to the webhook of an SMS gateway, and how the gateway knows it is ours.

The message is posted from `access/webhook.py`, through the guarded fetcher. It holds no telephone
number: the gateway knows whose number belongs to a user name. Documented in
docs/administration.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.deadlines.model import Notice, now

SECRET_BYTES = 32  # as long as the digest: nothing shorter is worth signing with
TOLERANCE = 300  # seconds between the clocks of portal and gateway
PREFIX = "sha256="


class Message(NamedTuple):
    """A signed message, ready to be posted to `url`."""

    url: str
    body: bytes
    headers: dict[str, str]


def check(config: Mapping[str, Any]) -> None:
    """Refuse to start with a webhook that nobody could verify. Raises ValidationError."""
    url, secret = str(config.get("hljshare.webhook.url") or ""), _secret(config)
    if not url:
        return
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise tk.ValidationError({"hljshare.webhook.url": ["an address beginning with https://"]})
    if len(secret) < SECRET_BYTES:
        raise tk.ValidationError(
            {"hljshare.webhook.secret": [f"set a random secret of at least {SECRET_BYTES} bytes"]}
        )


def prepare(notice_id: str) -> Message | None:
    """The message of a notice; None where there is no webhook, no such notice, or nobody to get it.

    It is signed anew each time, so that one that is tried again hours later is not taken for a
    replay; the Idempotency-Key stays.
    """
    url = str(tk.config.get("hljshare.webhook.url") or "")
    notice = model.Session.get(Notice, notice_id, populate_existing=True)
    if not url or notice is None:
        return None
    user = model.User.get(notice.user_id)
    if user is None or user.state != model.State.ACTIVE:
        return None
    text = notices.in_chinese(notice.kind, notice.params)
    site = str(tk.config["ckan.site_url"]).rstrip("/")
    body = json.dumps(
        {
            "id": notice.id,
            "kind": notice.kind,
            "user": user.name,
            "subject": text.subject,
            "text": text.body,
            "link": site + notice.link if notice.link else "",
            "created": notice.created.isoformat(),
        },
        ensure_ascii=False,
    ).encode()
    return Message(url, body, headers(_secret(tk.config), now(), body, notice.id))


def headers(secret: bytes, moment: datetime, body: bytes, key: str) -> dict[str, str]:
    """The headers of a message with this body, signed at a moment."""
    timestamp = str(int(moment.timestamp()))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "hljshare-notices",
        "Idempotency-Key": key,
        "X-Hljshare-Timestamp": timestamp,
        "X-Hljshare-Signature": PREFIX + _digest(secret, timestamp, body),
    }


def is_genuine(
    secret: bytes, timestamp: str, body: bytes, signature: str, moment: datetime
) -> bool:
    """Whether a message was signed with the secret, at most `TOLERANCE` seconds from a moment.

    What a gateway does with each message; in constant time.
    """
    expected = PREFIX + _digest(secret, timestamp, body)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        return False
    return timestamp.isdecimal() and abs(moment.timestamp() - int(timestamp)) <= TOLERANCE


def _digest(secret: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _secret(config: Mapping[str, Any]) -> bytes:
    return str(config.get("hljshare.webhook.secret") or "").encode()
