"""Names of datasets in addresses. Pure.

A Chinese title cannot be munged into one (CKAN makes ``__`` of it), so a name is a prefix and a
digest.
"""

from __future__ import annotations

import hashlib


def dataset_name(prefix: str, identity: str) -> str:
    """``prefix-<12 hex digits>``: the same identity always gets the same name."""
    digest = hashlib.blake2b(identity.encode("utf-8"), digest_size=6).hexdigest()
    return f"{prefix[:80]}-{digest}"
