"""Posts notices to the webhook of an SMS gateway; the message is made in `deadlines/webhook.py`."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.deadlines import notices, outbox, webhook
from ckanext.hljshare.safety.fetch import Fetcher, parse_networks

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0


@outbox.handler(notices.WEBHOOK)
def send(payload: dict[str, Any]) -> None:
    """Post one notice. Raises SourceError for anything but 2xx, to be tried again; a gateway that
    got it already knows it by its Idempotency-Key.
    """
    message = webhook.prepare(payload["notice"])
    if message is None:
        return
    networks = parse_networks(tk.config.get("hljshare.webhook.allowed_networks") or "")
    fetcher = Fetcher(networks, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS)
    fetcher.post(message.url, message.body, message.headers)
