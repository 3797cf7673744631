"""What adapters fetch with: the portal's guarded fetcher, and the reading of JSON answers."""

from __future__ import annotations

import json
from typing import Any

from ckanext.hljshare.safety.fetch import (
    AddressRefusedError,
    Download,
    Fetcher,
    Network,
    SourceError,
    is_allowed,
    own_port,
    parse_networks,
    resolve,
)

from . import text

__all__ = [
    "AddressRefusedError",
    "Download",
    "Fetcher",
    "Network",
    "SourceError",
    "as_json",
    "is_allowed",
    "own_port",
    "parse_networks",
    "resolve",
]


def as_json(data: bytes) -> Any:
    """JSON of an answer. An HTML page (a login or error page sent as 200) or anything else raises
    SourceError.
    """
    try:
        words, _encoding = text.decode(data)
        return json.loads(words)
    except ValueError:
        kind = "HTML" if data.lstrip()[:1] == b"<" else "no JSON"
        raise SourceError(f"not-a-catalog: {kind}") from None
