"""A digest of how the portal reads sources: its own code and code lists.

What was read in the same way need not be read again; a new release may see in the same words what
the one before did not.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from ckanext.hljshare.paths import HARVESTERS, SCHEMING

HERE = Path(__file__).resolve().parent


@lru_cache(maxsize=1)
def digest() -> bytes:
    """Of all files that turn a source's words into a record (16 bytes)."""
    found = hashlib.blake2b(digest_size=16)
    for folder in (HARVESTERS, HERE, HERE.parent / "catalog", SCHEMING / "codelists"):
        for path in sorted(folder.iterdir()):
            if path.suffix in (".py", ".yaml"):
                found.update(path.name.encode() + path.read_bytes())
    return found.digest()
