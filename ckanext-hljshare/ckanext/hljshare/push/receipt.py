"""Receipts: what the portal has confirmed of a batch, signed; the same bytes every time. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from . import digest

LABEL = b"hljshare push receipt"
SIGNED = "hmac-sha256"
# What a line can come to. Records: the engine's outcomes. Rows of tables: written, deleted.
OUTCOMES = ("created", "updated", "unchanged", "held", "withdrawn", "rejected")
ROW_OUTCOMES = ("written", "deleted", "rejected")


def plain(value: Mapping[str, Any]) -> str:
    """JSON in one form: keys sorted, no blanks, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def key_of(secret: str) -> bytes:
    """The key of receipts, from one of the portal's secrets."""
    return hmac.new(secret.encode("utf-8"), LABEL, hashlib.sha256).digest()


def sign(receipt: Mapping[str, Any], key: bytes) -> str:
    """The signature over everything in a receipt but itself."""
    content = {name: value for name, value in receipt.items() if name != "signature"}
    mac = hmac.new(key, plain(content).encode("utf-8"), hashlib.sha256).digest()
    return f"{SIGNED}=:{base64.b64encode(mac).decode()}:"


def is_genuine(receipt: Mapping[str, Any], key: bytes) -> bool:
    """Whether this portal has given this receipt, and nothing was changed in it."""
    return hmac.compare_digest(str(receipt.get("signature", "")), sign(receipt, key))


class Results:
    """What the lines of a batch came to, as they go by: counts, and a digest over all of them."""

    def __init__(self, outcomes: tuple[str, ...] = OUTCOMES) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(outcomes, 0))
        self.lines = 0
        self._digest = hashlib.sha256()

    def add(self, result: Mapping[str, Any]) -> None:
        """Count a result: ``line`` ``id`` ``outcome`` ``reasons`` ``hash`` ``dataset``. Words for
        people are no part of the digest."""
        content = {
            name: result.get(name)
            for name in ("line", "id", "outcome", "reasons", "hash", "dataset")
        }
        self._digest.update(plain(content).encode("utf-8") + b"\n")
        self.counts[str(result["outcome"])] += 1
        self.lines += 1

    @property
    def digest(self) -> str:
        """SHA-256 over the results, one canonical JSON object and a line feed each."""
        return digest.content_digest(self._digest.digest())


def make(
    *,
    batch: str,
    kind: str,
    target: str,
    source: str,
    content: bytes,
    received: str,
    finished: str,
    results: Results,
    key: bytes,
) -> str:
    """The receipt as text. Times are ISO 8601, by the portal's clock."""
    receipt: dict[str, Any] = {
        "id": batch,
        "kind": kind,
        "source": source,
        "received": received,
        "finished": finished,
        "digest": digest.content_digest(content),
        "lines": results.lines,
        "counts": dict(sorted(results.counts.items())),
        "results_digest": results.digest,
    }
    if target:
        receipt["table"] = target
    receipt["signature"] = sign(receipt, key)
    return plain(receipt)
