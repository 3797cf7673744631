"""Erasing what is not needed any more, sealing anew with a new key, and sweeping up."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.requests import workflow
from ckanext.hljshare.requests.files import identity, store
from ckanext.hljshare.requests.files.model import RequestFile, RequestIdentity
from ckanext.hljshare.requests.model import Request, now
from ckanext.hljshare.safety import keys
from ckanext.hljshare.safety.sealed import Sealer, SealError

BATCH = 200
DAYS = "hljshare.requests.identity_days"
LEFTOVER_SECONDS = 86400

log = logging.getLogger(__name__)


def erase_due(at: datetime | None = None) -> dict[str, int]:
    """Erase the identity numbers and proofs of requests that have been over for
    `hljshare.requests.identity_days` days, and of drafts that were left alone as long (personal
    information is not kept longer than it is needed: PIPL, article 19). Commits batch by batch;
    safe to stop and to repeat.

    :param at: the time to take as now
    :returns: how many ``identities`` and ``proofs``
    """
    moment = at or now()
    limit = moment - timedelta(days=int(tk.config[DAYS]))
    over = sa.and_(
        Request.state.in_([*workflow.ENDED, "draft"]),
        sa.func.coalesce(Request.closed_at, Request.updated) <= limit,
    )
    return {"identities": _erase_identities(over, moment), "proofs": _erase_proofs(over, moment)}


def _erase_identities(over: Any, moment: datetime) -> int:
    erased = 0
    while True:
        query = (
            sa.select(RequestIdentity.request_id)
            .join(Request, Request.id == RequestIdentity.request_id)
            .where(RequestIdentity.erased_at.is_(None), over)
            .limit(BATCH)
        )
        ids = list(model.Session.scalars(query))
        if not ids:
            model.Session.rollback()
            return erased
        blank = {"sealed": "", "masked": "", "key_id": "", "erased_at": moment}
        table = RequestIdentity.__table__
        model.Session.execute(sa.update(table).where(table.c.request_id.in_(ids)).values(blank))
        model.Session.commit()
        erased += len(ids)


def _erase_proofs(over: Any, moment: datetime) -> int:
    erased = 0
    while True:
        query = (
            sa.select(RequestFile)
            .join(Request, Request.id == RequestFile.request_id)
            .where(RequestFile.purpose == "proof", RequestFile.erased.is_(None), over)
            .limit(BATCH)
        )
        rows = list(model.Session.scalars(query))
        if not rows:
            model.Session.rollback()
            return erased
        store.blank(rows, moment)
        model.Session.commit()
        erased += len(rows)


def rotate() -> dict[str, int]:
    """Seal everything anew that was not sealed with the first key. Commits batch by batch; safe to
    stop, to repeat, and to run while the portal does: what is changed meanwhile is left alone.

    :returns: how many ``identities`` and ``files`` were sealed anew, and how many ``failed``: those
        do not open with any of the keys, so that the old key must be kept
    """
    sealer = keys.sealer()
    done = {"identities": 0, "files": 0, "failed": 0}
    _rotate_identities(sealer, done)
    _rotate_files(sealer, done)
    return done


def _rotate_identities(sealer: Sealer, done: dict[str, int]) -> None:
    last = ""
    while True:
        query = (
            sa.select(RequestIdentity)
            .where(
                RequestIdentity.request_id > last,
                RequestIdentity.erased_at.is_(None),
                RequestIdentity.key_id != sealer.key_id,
            )
            .order_by(RequestIdentity.request_id)
            .limit(BATCH)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        rows = list(model.Session.scalars(query))
        if not rows:
            model.Session.rollback()
            return
        for row in rows:
            last, bound = row.request_id, identity.place(row.request_id)
            try:
                row.sealed = sealer.seal(sealer.open(row.sealed, bound), bound)
            except SealError as error:
                done["failed"] += 1
                log.warning("the number of request %s: %s", row.request_id, error)
                continue
            row.key_id = sealer.key_id
            done["identities"] += 1
        model.Session.commit()


def _rotate_files(sealer: Sealer, done: dict[str, int]) -> None:
    last = ""
    while True:
        # One by one: a file takes a moment, and its row is locked meanwhile.
        query = (
            sa.select(RequestFile)
            .where(
                RequestFile.id > last,
                RequestFile.erased.is_(None),
                RequestFile.key_id.is_not(None),
                RequestFile.key_id != sealer.key_id,
            )
            .order_by(RequestFile.id)
            .limit(1)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        row = model.Session.scalar(query)
        if row is None:
            model.Session.rollback()
            return
        last = row.id
        try:
            row.key_id = _sealed_anew(row)
        except (OSError, SealError) as error:
            done["failed"] += 1
            log.warning("file %s: %s", row.id, error)
            model.Session.rollback()
            continue
        model.Session.commit()
        done["files"] += 1


def _sealed_anew(row: RequestFile) -> str | None:
    """Seal a file with the first key. Should the commit fail afterwards nothing is lost: which key
    a file was sealed with stands in the file."""
    target = store.path(row.request_id, row.id)
    return store.write(target, _Pieces(store.chunks(row)), store.place(row.id))  # type: ignore[arg-type]


class _Pieces:
    """Pieces of bytes as something to read from."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def read(self, most: int) -> bytes:
        """At most so many bytes; none at the end."""
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
            if not self._rest:
                continue
        given, self._rest = self._rest[:most], self._rest[most:]
        return given


def sweep() -> int:
    """Remove files below the root that have no row, a day after they were written: what a crash, or
    a change that was not committed, has left. Returns how many."""
    swept = 0
    old = time.time() - LEFTOVER_SECONDS
    for folder in store.root().glob("*"):
        if not folder.is_dir():
            continue
        files = [path for path in folder.iterdir() if path.stat().st_mtime < old]
        query = sa.select(RequestFile.id).where(
            RequestFile.request_id == folder.name, RequestFile.erased.is_(None)
        )
        kept = set(model.Session.scalars(query)) if files else set()
        for path in files:
            if path.name not in kept:
                path.unlink(missing_ok=True)
                swept += 1
    model.Session.rollback()
    return swept
