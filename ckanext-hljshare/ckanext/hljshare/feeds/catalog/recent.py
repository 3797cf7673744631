"""Texts of pages that were read a moment ago, in this process, by their ETags. No CKAN import.

An ETag is made of what is committed when somebody asks. Whatever changes a page, or closes
something on it, gives it another ETag in the same transaction, and the old text is never asked for
again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

MOST_BYTES = 16 << 20

_texts: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def get(etag: str) -> bytes | None:
    """The text with this ETag, if it is still there."""
    with _lock:
        text = _texts.get(etag)
        if text is not None:
            _texts.move_to_end(etag)
        return text


def put(etag: str, text: bytes) -> None:
    """Keep a text; those that nobody has asked for longest go when there are too many bytes."""
    with _lock:
        _texts.pop(etag, None)
        _texts[etag] = text
        size = sum(map(len, _texts.values()))
        while size > MOST_BYTES and _texts:
            _etag, gone = _texts.popitem(last=False)
            size -= len(gone)
