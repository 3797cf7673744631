"""The keys of the portal's encryption at rest, as the settings name them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import ckan.plugins.toolkit as tk

from ckanext.hljshare.safety.sealed import KeysError, Sealer, read_keys

SETTING = "hljshare.sealing_keys"


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> Sealer:
    return Sealer(read_keys(path))


def sealer() -> Sealer:
    """Seals and opens with the keys of the file that `hljshare.sealing_keys` names; a change of the
    file counts at once.

    :raises KeysError: the setting is missing, or the file cannot be used
    """
    setting = tk.config.get(SETTING)
    if not setting:
        raise KeysError(f"the setting {SETTING} names no file of keys")
    path = Path(setting)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise KeysError(
            f"the file of keys ({SETTING}) cannot be read: {type(error).__name__}"
        ) from None
    return _read(path, changed)
