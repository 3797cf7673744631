"""What a record is made from: the source's own words, the mapping, and how we read them.

Equal fingerprints make equal records, so that an unchanged one need not be made to be compared. A
change of the mapping or of the portal's own reading makes all of them new.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ckanext.hljshare import ingest
from ckanext.hljshare.paths import SCHEMING

from .mapping import Mapping as SourceMapping

HERE = Path(__file__).resolve().parent


@lru_cache(maxsize=1)
def _reading() -> bytes:
    """A digest of the code and lists that turn a source's words into a record."""
    digest = hashlib.blake2b(digest_size=16)
    folders = (HERE, *map(Path, ingest.__path__), SCHEMING / "codelists")
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", ".yaml"):
                digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()


def stamp(mapping: SourceMapping, *more: str) -> bytes:
    """What all records of a source are made with; ``more``: addresses and the like."""
    said = "\n".join((repr(mapping), *more)).encode()
    return hashlib.blake2b(said, key=_reading(), digest_size=16).digest()


def of(row: Mapping[str, Any], made_with: bytes) -> str:
    """The fingerprint of one dataset as its source lists it."""
    said = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), key=made_with, digest_size=16)
    return digest.hexdigest()
