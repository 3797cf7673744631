"""A hash chain: entries of which none can be changed, put in, taken out or moved unnoticed (pure).

Each entry's hash covers its content and the hash before it. Who rewrites the whole chain from some
place on, or cuts off its end, is found out by a *seal*: the head at some moment, signed with a key
that is not in the database, and kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from typing import Any, Literal, NamedTuple

GENESIS = ""  # what stands before the first entry
ALGORITHM = "sha256"
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

Kind = Literal["missing", "order", "link", "content", "tail", "head", "seal"]


class Row(NamedTuple):
    """An entry as it is stored: its place (from 1, without gaps), the hash before it, its own hash,
    and the content that the hash covers."""

    position: int
    previous: str
    hash: str
    record: Mapping[str, Any]


class Seal(NamedTuple):
    """A signed head: the last entry's place and hash, and the signature (hexadecimal)."""

    position: int
    hash: str
    mac: str


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where.

    ``missing``: the entries from `position` to `until` are not there. ``order``: a place that comes
    twice or too early. ``link``: the entry does not continue the one before it: that one was
    replaced, or one between them was put in or taken out. ``content``: the entry's content or hash
    was changed. ``tail``: the sealed entry at `position` is gone, the chain ends before it.
    ``head``: the entry is not the one that was sealed. ``seal``: the seal is not genuine.
    """

    kind: Kind
    position: int
    until: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Result:
    """What a verification saw: how many entries in order before the first finding (all of them if
    there is none), the last one's hash, and the finding."""

    count: int
    head: str
    finding: Finding | None = None

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return self.finding is None


def canonical(record: Mapping[str, Any]) -> bytes:
    """The one form in which content is hashed: JSON, UTF-8, keys sorted, no blanks.

    Times become UTC with microseconds, whatever their zone; days ISO 8601. What has no single form,
    or comes back from a JSON column as something else, is refused.

    :raises TypeError: a float, or anything else that is not JSON; a key that is no text
    :raises ValueError: a time without a zone, or text that is not Unicode
    """
    text = json.dumps(_plain(record), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(timezone.utc).strftime(TIME)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("a key must be text")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in a hash chain")


def digest(
    previous: str,
    record: Mapping[str, Any],
    key: bytes | None = None,
    algorithm: str = ALGORITHM,
) -> str:
    """The hash of an entry, hexadecimal.

    :param previous: the hash of the entry before it, `GENESIS` for the first
    :param record: its content, see `canonical`
    :param key: makes it an HMAC: nobody without the key can compute it
    :param algorithm: one of hashlib's
    :raises TypeError, ValueError: content that cannot be hashed
    """
    # The hash before it holds hexadecimal digits only, so the line break ends it beyond doubt.
    message = previous.encode("ascii") + b"\n" + canonical(record)
    if key is not None:
        return hmac.new(key, message, algorithm).hexdigest()
    return hashlib.new(algorithm, message).hexdigest()


def seal(position: int, head: str, key: bytes) -> Seal:
    """Sign a head: the last entry's place (0: no entry yet) and hash."""
    return Seal(position, head, _mac(position, head, key))


def is_genuine(found: Seal, key: bytes) -> bool:
    """Whether a seal was made with this key."""
    return hmac.compare_digest(found.mac, _mac(found.position, found.hash, key))


def _mac(position: int, head: str, key: bytes) -> str:
    message = f"hljshare chain head\n{position}\n{head}".encode()
    return hmac.new(key, message, "sha256").hexdigest()


def verify(
    rows: Iterable[Row],
    key: bytes | None = None,
    algorithm: str = ALGORITHM,
    sealed: Seal | None = None,
    seal_key: bytes | None = None,
) -> Result:
    """Check a chain, read once from its beginning in the order of places; memory stays flat.

    :param key: the key of the hashes, where they are HMACs
    :param sealed: a head that was sealed once: the chain must still hold it
    :param seal_key: what it was sealed with; required with `sealed`
    :raises ValueError: `sealed` without `seal_key`
    """
    if sealed is not None:
        if seal_key is None:
            raise ValueError("a seal is checked with its key")
        if not is_genuine(sealed, seal_key):
            return Result(0, GENESIS, Finding("seal", sealed.position))
    count, head = 0, GENESIS
    for row in rows:
        finding = _check(row, count + 1, head, key, algorithm)
        if finding is None and sealed is not None and row.position == sealed.position:
            finding = None if row.hash == sealed.hash else Finding("head", row.position)
        if finding is not None:
            return Result(count, head, finding)
        count, head = row.position, row.hash
    if sealed is not None and count < sealed.position:
        return Result(count, head, Finding("tail", count + 1, sealed.position))
    return Result(count, head)


def _check(row: Row, expected: int, head: str, key: bytes | None, algorithm: str) -> Finding | None:
    """What is wrong with the entry that should stand at a place, after the one with hash `head`."""
    if row.position > expected:
        return Finding("missing", expected, row.position - 1)
    if row.position < expected:
        return Finding("order", row.position)
    if row.previous != head:
        return Finding("link", row.position)
    try:
        wanted = digest(head, row.record, key, algorithm)
    except (TypeError, ValueError):  # content that was never written by `digest`
        return Finding("content", row.position)
    if not hmac.compare_digest(row.hash.encode(), wanted.encode()):
        return Finding("content", row.position)
    return None
