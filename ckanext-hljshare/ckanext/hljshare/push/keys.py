"""Names that a sender chooses: idempotency keys and tables; and the cursor of the state. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from .problems import ProblemError

# No path, no header, no query can be made of it; a UUID is one.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{7,127}\Z")
_TABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")
_CURSOR = re.compile(rb"s(\d{1,18})\Z")


def idempotency_key(value: str) -> str:
    """The key, 8 to 128 letters, digits and ``._~-``. Raises ProblemError."""
    if not _KEY.match(value):
        raise ProblemError("key-invalid", "8-128 x [A-Za-z0-9._~-]")
    return value


def table_name(value: str) -> str:
    """The name of a table, 1 to 64 letters, digits and ``_-``. Raises ProblemError."""
    if not _TABLE.match(value):
        raise ProblemError("parameter-invalid", "table")
    return value


def cursor(position: int) -> str:
    """A position in the sequence of changes, as senders keep it: no time, nothing to compare."""
    return base64.urlsafe_b64encode(b"s%d" % position).decode().rstrip("=")


def position(value: str) -> int:
    """The position of a cursor; 0 for none. Raises ProblemError."""
    if not value:
        return 0
    try:
        padded = value.encode("ascii") + b"=" * (-len(value) % 4)
        match = _CURSOR.match(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeEncodeError):
        match = None
    if match is None:
        raise ProblemError("cursor-invalid")
    return int(match.group(1))
