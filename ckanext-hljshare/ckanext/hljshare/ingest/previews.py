"""Trials of sources in the background, for people to look at before a source is approved.

A trial reads the source as a run does, with limits, and changes nothing. What it found is kept
without any address.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.harvest.model import HarvestSource

from . import approval, engine, schedule, sources
from .fetch import SourceError
from .model import Preview, now
from .record import CatalogRecord, Deferred

log = logging.getLogger(__name__)

FIRST = 20
MOST_RECORDS, MOST_SECONDS = 20_000, 300
JOB_SECONDS = 900
KEPT = 5  # previews of a source
OUTCOMES = ("created", "updated", "unchanged", "held", "withdrawn", "rejected")
SHOWN = ("native_id", "title", "provider", "outcome", "reasons", "fields", "resources")
# Where the source says it has the thing: for its own administrators too, nothing to keep.
_ADDRESSES = frozenset({"url", "source_url", "download_url"})


class ChangedError(Exception):
    """The source is not, or is not any more, what the preview was asked for."""


class Limited:
    """An adapter that ends early: after so many records or seconds. ``cut`` says that it did."""

    def __init__(
        self,
        adapter: engine.Adapter,
        records: int = MOST_RECORDS,
        seconds: float = MOST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._adapter, self._records, self._seconds = adapter, records, seconds
        self._clock = clock
        # What the source says it has; not to be held against a list that was cut.
        self.total: int | None = None
        self.cut = False

    def records(self) -> Iterator[CatalogRecord | Deferred]:
        """The adapter's records, as far as the limits allow. Raises SourceError."""
        until = self._clock() + self._seconds
        for number, record in enumerate(self._adapter.records()):
            self.total = self._adapter.total
            if number >= self._records or self._clock() > until:
                self.cut, self.total = True, None
                return
            yield record
        self.total = self._adapter.total


def kept(found: Mapping[str, Any], cut: bool) -> dict[str, Any]:
    """What is kept of a trial: counts, problems by reason, the first records. Pure.

    A list that was cut looks as if it had shrunk, so it is not held against it.
    """
    stopped = None if cut else found.get("stopped")
    first = [
        {
            **{name: record.get(name) for name in SHOWN},
            "fields": {
                name: value
                for name, value in (record.get("fields") or {}).items()
                if name not in _ADDRESSES
            },
            "resources": [
                {"name": str(item.get("name") or ""), "format": str(item.get("format") or "")}
                for item in record.get("resources") or []
            ],
        }
        for record in list(found.get("first") or [])[:FIRST]
    ]
    plain = {
        "seen": int(found.get("seen") or 0),
        **{name: int(found.get(name) or 0) for name in OUTCOMES},
        "stopped": stopped,
        "cut": cut,
        "problems": {str(code): int(n) for code, n in (found.get("problems") or {}).items()},
        "first": first,
    }
    loaded: dict[str, Any] = json.loads(json.dumps(plain, ensure_ascii=False, default=str))
    return loaded


def can(row: HarvestSource) -> bool:
    """Whether sources of this kind can be tried."""
    try:
        sources.harvester(row.type)
    except sources.SourceProblemError:
        return False
    return True


def start(
    row: HarvestSource,
    user_id: str,
    digest: str | None,
    mapping: str | None = None,
    body: str | None = None,
) -> Preview:
    """Put a trial into the queue. A source has one at a time: where one waits or runs already,
    whatever it tries, that one is given back.

    :param digest: of what is tried, None for a mapping that is not saved (``mapping``, ``body``)
    """
    key = {"key": f"hljshare-preview {row.id}"}  # two who ask at once
    model.Session.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), key)
    other = _under_way(row.id)
    if other is not None:
        model.Session.rollback()
        return other
    preview = Preview(
        source_id=row.id, digest=digest, mapping=mapping, body=body, requested_by=user_id
    )
    model.Session.add(preview)
    model.Session.flush()
    _forget_old(row.id)
    model.Session.commit()
    try:
        tk.enqueue_job(
            job,
            [preview.id],
            title=f"preview of source {row.id}",
            queue="bulk",
            rq_kwargs={"timeout": JOB_SECONDS},
        )
    except Exception:
        # It will never run, and must not keep others from being made.
        _write(preview.id, state="failed", problem="interrupted", finished=now())
        raise
    return preview


def _under_way(source_id: str) -> Preview | None:
    query = sa.select(Preview).where(
        Preview.source_id == source_id, Preview.state.in_(("waiting", "running"))
    )
    return next((one for one in model.Session.scalars(query) if under_way(one)), None)


def _forget_old(source_id: str) -> None:
    newest = (
        sa.select(Preview.id)
        .where(Preview.source_id == source_id)
        .order_by(Preview.created.desc())
        .limit(KEPT)
    )
    model.Session.execute(
        sa.delete(Preview).where(
            Preview.source_id == source_id,
            Preview.id.not_in(newest),
            Preview.created < now() - timedelta(hours=1),
        )
    )


def latest(source_id: str, digest: str | None) -> Preview | None:
    """The newest trial of a source as it is now."""
    query = sa.select(Preview).where(
        Preview.source_id == source_id, Preview.digest == digest, Preview.digest.is_not(None)
    )
    found: Preview | None = model.Session.scalar(query.order_by(Preview.created.desc()).limit(1))
    return found


def under_way(preview: Preview) -> bool:
    """Whether it waits or runs; one that shows no sign of life any more does neither."""
    if preview.state == "running":
        return not schedule.is_stale(preview.created, preview.heartbeat, now())
    return preview.state == "waiting" and now() - preview.created < timedelta(hours=1)


def job(preview_id: str) -> None:
    """Carry out a trial (a background job). Whatever goes wrong is written down for who asked."""
    preview = model.Session.get(Preview, preview_id)
    if preview is None or preview.state != "waiting":
        return
    row = HarvestSource.get(preview.source_id)
    body, asked_for = preview.body, preview.digest
    _write(preview_id, state="running")
    model.Session.rollback()
    try:
        _check(row, asked_for)
        result = _try(row, body, _progress(preview_id))
        model.Session.rollback()
        _check(row, asked_for)
    except ChangedError:
        _write(preview_id, state="failed", problem="changed", finished=now())
    except SourceError as error:
        _write(preview_id, state="failed", problem=error.reason, finished=now())
    except (sources.SourceProblemError, ValueError) as error:
        _write(preview_id, state="failed", problem=f"mapping-invalid: {error}", finished=now())
    except Exception as error:
        log.exception("Preview of source %s failed", row.id if row else preview_id)
        problem = f"error: {type(error).__name__}"
        _write(preview_id, state="failed", problem=problem, finished=now())
        raise
    else:
        _write(preview_id, state="done", result=result, done=result["seen"], finished=now())
    finally:
        model.Session.rollback()


def _check(row: HarvestSource, asked_for: str | None) -> None:
    """Raise ChangedError where a source is not what its preview was asked for: what is shown must
    be what is approved. What a text that is not saved shows is approved by nobody."""
    if row is None:
        raise ChangedError
    model.Session.refresh(row)
    if asked_for is not None and approval.digest_of(row) != asked_for:
        raise ChangedError


def _try(row: HarvestSource, body: str | None, progress: engine.Progress) -> dict[str, Any]:
    harvester = sources.harvester(row.type)
    adapter, mapping = harvester.open(row.url, row.config, body=body)
    limited = Limited(adapter)
    found = engine.trial(harvester.source(row, mapping), limited, progress)
    return kept(found, limited.cut)


def _progress(preview_id: str) -> engine.Progress:
    last = 0.0

    def show(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last > 1:
            last = time.monotonic()
            _write(preview_id, done=done, total=total)

    return show


def _write(preview_id: str, **values: Any) -> None:
    """By a connection of its own: a trial rolls the session's transaction back."""
    with model.meta.engine.begin() as connection:
        connection.execute(
            sa.update(Preview).where(Preview.id == preview_id).values(heartbeat=now(), **values)
        )
