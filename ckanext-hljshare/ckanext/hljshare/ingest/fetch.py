"""What adapters fetch with: the portal's guarded fetcher, and the reading of JSON answers."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from typing import Any

from ckanext.hljshare.safety.fetch import (
    AddressRefusedError,
    Allowed,
    Answer,
    Download,
    Fetcher,
    Network,
    SourceError,
    Tls,
    is_allowed,
    own_port,
    parse_networks,
    resolve,
)

from . import envelope

__all__ = [
    "AddressRefusedError",
    "Allowed",
    "Answer",
    "Download",
    "Fetcher",
    "Network",
    "SourceError",
    "Tls",
    "UnchangedError",
    "Validators",
    "as_json",
    "is_allowed",
    "own_port",
    "parse_networks",
    "read_whole",
    "resolve",
]


# What documents bore: by the digest of their address, [ETag, Last-Modified].
Validators = MutableMapping[str, list[str | None]]


class UnchangedError(Exception):
    """The source says that its whole list is as it was at the last run (HTTP 304). An adapter
    raises it before its first record, and only where it was given validators.
    """


def read_whole(fetcher: Fetcher, url: str, validators: Validators | None, **more: Any) -> bytes:
    """A document that is a source's whole list; what it bears is put into ``validators``, where an
    adapter was given some. Raises UnchangedError, SourceError.
    """
    if validators is None or fetcher.local_path(url) is not None:
        return fetcher.get(url, **more)
    key = hashlib.blake2b(url.encode(), digest_size=16).hexdigest()
    etag, last_modified = validators.get(key) or (None, None)
    answer = fetcher.get_if_changed(url, etag, last_modified, **more)
    if answer is None:
        raise UnchangedError
    validators[key] = [answer.etag, answer.last_modified]
    return answer.body


def as_json(data: bytes, encoding: str | None = None) -> Any:
    """JSON of an answer, taken out of what portals wrap it in (`envelope.parse`). An HTML page (a
    login or error page sent as 200) or anything else raises SourceError.
    """
    return envelope.parse(data, encoding)
