"""The files that are handed in: checked, and kept below the private root, never served as they lie.

A file is there before its row is committed and goes again if it is not; rows never lack a file.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access import stored
from ckanext.hljshare.requests.collection.model import Submission
from ckanext.hljshare.requests.files import store, words
from ckanext.hljshare.requests.model import new_id
from ckanext.hljshare.safety import uploads

MIB = 1 << 20
LEFTOVER_SECONDS = 86400


class Kept(NamedTuple):
    """A file that passed the check: its id, and what the check says of it."""

    id: str
    verdict: uploads.Verdict


def root() -> Path:
    """The folder of all files that were handed in."""
    return stored.private_root() / "collection"


def place(file_id: str) -> Path:
    """Where a file lies; ids are the portal's own. Raises ValueError for what is no id."""
    if not file_id.replace("-", "").isalnum() or len(file_id) < 8:
        raise ValueError("not an id")
    return root() / file_id[:2] / file_id


@contextmanager
def keep(upload: Any) -> Iterator[Kept]:
    """Check and keep an upload; taken away again if the block fails, so commit inside it.

    Raises ValidationError for what is no file, or is refused.
    """
    stream = getattr(upload, "stream", None)
    if stream is None or not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    root().mkdir(parents=True, exist_ok=True, mode=0o750)
    limits = uploads.Limits(max_bytes=int(tk.config["ckan.max_resource_size"]) * MIB)
    with tempfile.TemporaryFile(dir=root()) as content:
        file = cast(BinaryIO, content)
        declared = str(getattr(upload, "mimetype", "") or "")
        verdict = uploads.take(stream, file, str(upload.filename), declared, limits)
        if not verdict.accepted:
            text = words.refusal(verdict.code, verdict.params)
            raise tk.ValidationError({"upload": [text]})
        kept = Kept(new_id(), verdict)
        store.write(place(kept.id), file, sealed_for=None)
    try:
        yield kept
    except BaseException:
        place(kept.id).unlink(missing_ok=True)
        raise


def sweep() -> int:
    """Remove files without a row, a day after they were written: what a crash has left. Returns how
    many."""
    old, swept = time.time() - LEFTOVER_SECONDS, 0
    for folder in root().glob("??"):
        files = [path for path in folder.iterdir() if path.stat().st_mtime < old]
        names = [path.name for path in files]
        known = set(model.Session.scalars(sa.select(Submission.id).where(Submission.id.in_(names))))
        for path in files:
            if path.name not in known:
                path.unlink(missing_ok=True)
                swept += 1
    model.Session.rollback()
    return swept
