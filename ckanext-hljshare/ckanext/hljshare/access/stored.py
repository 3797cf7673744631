"""Where uploaded files lie: open ones where CKAN puts them, all others under a private root.

Both roots are outside everything that is served as it lies. The door (`access/views.py`) finds a
file in either, so that a move that is still to be done opens nothing and breaks nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import ckan.plugins.toolkit as tk


def _below(root: Path, resource_id: str) -> Path:
    """Return CKAN's layout of resource files; ids are UUIDs, checked before they get here."""
    if "/" in resource_id or "." in resource_id or len(resource_id) < 7:
        raise ValueError("not a resource id")
    return root / resource_id[:3] / resource_id[3:6] / resource_id[6:]


def public_root() -> Path:
    """Return the folder of CKAN's resource uploads."""
    return Path(tk.config["ckan.storage_path"]).resolve() / "resources"


def private_root() -> Path:
    """Return the folder for files that are not open: `hljshare.private_storage_path`, by default
    beside CKAN's storage."""
    configured = tk.config.get("hljshare.private_storage_path")
    if configured:
        return Path(configured).resolve()
    return Path(tk.config["ckan.storage_path"]).resolve().parent / "private"


def place(resource_id: str, private: bool) -> Path:
    """Return where a file belongs, whether it is there or not."""
    return _below(private_root() if private else public_root(), resource_id)


def find(resource_id: str) -> Path | None:
    """Return where the file of a resource lies, None if there is none."""
    for private in (True, False):
        path = place(resource_id, private)
        if path.is_file():
            return path
    return None


def move(resource_id: str, private: bool) -> bool:
    """Bring a file to the root where it belongs; return whether one had to be moved.

    Safe to repeat and to be stopped: the file is whole in one place before it leaves the other.
    """
    source, target = place(resource_id, not private), place(resource_id, private)
    if not source.is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    try:
        os.replace(source, target)
    except OSError:  # another file system
        half = target.with_name(target.name + "~")
        shutil.copyfile(source, half)
        with half.open("rb") as copied:
            os.fsync(copied.fileno())
        os.replace(half, target)
        source.unlink()
    return True


def erase(resource_id: str) -> None:
    """Remove the file of a resource, wherever it lies."""
    for private in (True, False):
        place(resource_id, private).unlink(missing_ok=True)
