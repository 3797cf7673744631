"""What a record is made from: the source's own words, the mapping, and how we read them.

Equal fingerprints make equal records, so that an unchanged one need not be made to be compared. A
change of the mapping or of the portal's own reading makes all of them new.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ckanext.hljshare.ingest import reading

from .mapping import Mapping as SourceMapping


def stamp(mapping: SourceMapping, *more: str) -> bytes:
    """What all records of a source are made with; ``more``: addresses and the like."""
    said = "\n".join((repr(mapping), *more)).encode()
    return hashlib.blake2b(said, key=reading.digest(), digest_size=16).digest()


def of(row: Mapping[str, Any], made_with: bytes) -> str:
    """The fingerprint of one dataset as its source lists it."""
    said = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), key=made_with, digest_size=16)
    return digest.hexdigest()
