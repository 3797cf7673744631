"""The files of harvested datasets, after their metadata: fetched, checked, stored, loaded.

Runs as a background job, once for a source at a time. Which datasets have files to come stands in
the ledger until they are here or have failed, so that a worker that dies loses nothing; what failed
is tried again by the next run of the source.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckan.lib import uploader
from ckanext.harvest.model import HarvestSource

from ckanext.hljshare.access import levels as access_levels

from . import dataset as build
from . import ledger, load, mirror, naming, runs, sources, tabular
from .fetch import Fetcher, SourceError
from .model import LedgerEntry, Run, RunEntry
from .record import CatalogRecord, ResourceRecord, copy_digest
from .write import address_key, context

log = logging.getLogger(__name__)
INLINE_ROWS = 50_000
QUEUE = "files"


@dataclass
class Fetched:
    """What came of a dataset's files. ``files``: digests by native id, as the ledger keeps them."""

    files: dict[str, str]
    reasons: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    unmirrored: int = 0


def enqueue(source_id: str, typed: str | None = None) -> None:
    """Have a worker fetch what a source's datasets wait for.

    :param typed: the source's address, where the server's operator gave it on the command line
    """
    tk.enqueue_job(
        run,
        [source_id, typed],
        title=f"Files of {source_id}",
        queue=QUEUE,
        rq_kwargs={"timeout": 6 * 3600},
    )


def run(
    source_id: str,
    typed: str | None = None,
    seconds: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Fetch the files a source's datasets wait for; the number of datasets done.

    Another process at the same work does it all: this one then does nothing.

    :param seconds: stop after so long, leaving the rest
    """
    until = None if seconds is None else time.monotonic() + seconds
    try:
        with runs.only_one(f"files {source_id}"):
            return _run(source_id, _fetcher(source_id, typed), until, progress)
    except runs.BusyError:
        return 0


def _fetcher(source_id: str, typed: str | None) -> Fetcher:
    """The portal's fetcher, as the source's mapping wants it where the source has one."""
    row = HarvestSource.get(source_id)
    try:
        harvester = sources.harvester(row.type)
        found: Fetcher = harvester.files_fetcher(row.url, row.config, typed)
    except (sources.SourceProblemError, ValueError):  # pushed, or its mapping is gone
        found = mirror.make_fetcher(typed=typed)
    package = model.Package.get(source_id)
    return replace(found, allowed=mirror.networks_for(package.name, row.type, row.url, typed))


def _run(
    source_id: str,
    fetcher: Fetcher,
    until: float | None,
    progress: Callable[[int, int], None] | None,
) -> int:
    done, last, todo = 0, 0, ledger.count_with_step(source_id, "files")
    with tempfile.TemporaryDirectory(prefix="hljshare-files-") as folder:
        while rows := ledger.with_step(source_id, "files", last, 20):
            ids = [row.id for row in rows]
            last = ids[-1]
            for entry_id in ids:
                if until is not None and time.monotonic() > until:
                    return done
                _one(source_id, entry_id, fetcher, Path(folder))
                done += 1
                if progress:
                    progress(done, todo)
    _close_runs(source_id)
    return done


def _close_runs(source_id: str) -> None:
    """No run of this source waits for files any more."""
    model.Session.execute(
        sa.update(Run)
        .where(Run.source_id == source_id, Run.stage == "files", Run.finished.is_not(None))
        .values(stage="done")
    )
    model.Session.commit()


def _one(source_id: str, entry_id: int, fetcher: Fetcher, folder: Path) -> None:
    row = model.Session.get(LedgerEntry, entry_id)
    if row is None or not row.staged or not row.package_id:
        _settle(entry_id, None, None)
        return
    record, package_id, run_id = (
        CatalogRecord.from_dict(row.staged),
        row.package_id,
        (row.step or {}).get("run"),
    )
    staged_hash = row.staged_hash
    try:
        fetched = fetch(source_id, package_id, record, dict(row.files or {}), fetcher, folder)
    except Exception as error:
        model.Session.rollback()
        log.exception("Files of a dataset of source %s failed", source_id)
        fetched = Fetched(dict(row.files or {}), [f"error: {type(error).__name__}"], [], 1)
    _settle(entry_id, staged_hash, fetched, run_id)


def _settle(
    entry_id: int, staged_hash: str | None, fetched: Fetched | None, run_id: str | None = None
) -> None:
    """Write down what came, unless a newer run has decided otherwise meanwhile."""
    row = model.Session.get(LedgerEntry, entry_id, with_for_update=True, populate_existing=True)
    if row is None or (row.step or {}).get("act") != "files":
        model.Session.rollback()
        return
    if fetched is not None:
        row.files = {**(row.files or {}), **fetched.files}
        row.unmirrored = fetched.unmirrored
        _report(run_id, row, fetched)
    if fetched is None or row.staged_hash == staged_hash:
        row.staged, row.staged_hash, row.step = None, None, None
    model.Session.commit()


def _report(run_id: str | None, row: LedgerEntry, fetched: Fetched) -> None:
    """What is odd about the files belongs to the report of the run that asked for them."""
    if not run_id or not fetched.reasons:
        return
    entry = model.Session.scalars(
        sa.select(RunEntry).where(RunEntry.run_id == run_id, RunEntry.native_id == row.native_id)
    ).first()
    row.reasons = list(dict.fromkeys([*row.reasons, *fetched.reasons]))
    if entry:
        entry.reasons = list(dict.fromkeys([*entry.reasons, *fetched.reasons]))
    elif model.Session.get(Run, run_id):
        title = (row.record or {}).get("title") or row.native_id
        model.Session.add(
            RunEntry(
                run_id=run_id,
                native_id=row.native_id,
                title=title,
                package_id=row.package_id,
                outcome=row.outcome,
                reasons=fetched.reasons,
            )
        )


def fetch(
    source_id: str,
    package_id: str,
    record: CatalogRecord,
    known: dict[str, str],
    fetcher: Fetcher,
    folder: Path,
) -> Fetched:
    """Fetch the open files of a dataset that are not here or have changed, and load its table.

    What is no longer open, or no longer listed, is left alone.
    """
    fetched = Fetched(dict(known))
    dataset = _show(package_id)
    if dataset is None or dataset.get("private") or dataset.get("withdrawn_on"):
        return fetched
    resources = {item["id"]: item for item in dataset["resources"]}
    key = address_key()
    copies: dict[str, mirror.Copy] = {}
    for item in record.resources:
        resource = resources.get(naming.resource_id(source_id, record.native_id, item.native_id))
        if resource is None or not build.is_file(item):
            continue
        level = access_levels.effective(dataset.get("open_type"), resource.get("open_type"))
        digest = copy_digest(item, key)
        stored = resource.get("url_type") == "upload"
        if level != "open" or (stored and known.get(item.native_id, digest) == digest):
            fetched.unmirrored += not stored
            continue
        copy = _copy_of(item, fetcher, folder, fetched)
        if copy is None:
            fetched.unmirrored += 1
            continue
        copies[resource["id"]] = copy
        fetched.files[item.native_id] = digest
    if copies:
        _store(package_id, copies, fetched)
    return fetched


def _show(package_id: str, lock: bool = False) -> dict[str, Any] | None:
    shown_for = {**context(), "use_cache": False, "for_update": lock}
    try:
        shown: dict[str, Any] = tk.get_action("package_show")(shown_for, {"id": package_id})
    except tk.ObjectNotFound:
        return None
    return shown if shown["state"] == "active" else None


def _copy_of(
    item: ResourceRecord, fetcher: Fetcher, folder: Path, fetched: Fetched
) -> mirror.Copy | None:
    try:
        copy = mirror.fetch(fetcher, item, folder)
    except SourceError as error:
        unlike = error.reason.startswith("file-format")
        detail = error.reason.split(": ")[-1]
        fetched.reasons.append(error.reason if unlike else f"file-unreachable: {detail}")
        return None
    fetched.reasons += copy.reasons
    return copy


def _store(package_id: str, copies: dict[str, mirror.Copy], fetched: Fetched) -> None:
    """Put copies under their resources, as the dataset stands now: it may have changed while they
    came, and what is no longer open is thrown away."""
    dataset = _show(package_id, lock=True)
    if dataset is None or dataset.get("private") or dataset.get("withdrawn_on"):
        model.Session.rollback()
        return
    del dataset["metadata_modified"]
    for resource in dataset["resources"]:
        copy = copies.get(resource["id"])
        if copy is None:
            continue
        level = access_levels.effective(dataset.get("open_type"), resource.get("open_type"))
        if level == "open":
            for name in ("datastore_active", "mimetype", "encoding"):
                resource.pop(name, None)
            mirror.store(copy, resource)
            fetched.stored.append(resource["id"])
    table = _choose_table(dataset["resources"], fetched)
    tk.get_action("package_update")({**context(), "return_id_only": True}, dataset)
    if table:
        failure = _load(*table)
        fetched.reasons += [failure] if failure else []


def _choose_table(
    resources: list[dict[str, Any]], fetched: Fetched
) -> tuple[str, tabular.Table] | None:
    """Decide which file becomes the dataset's table, and say so in the resource before it is
    written.
    """
    held = [
        (item["id"], item.get("format", ""))
        for item in resources
        if item.get("url_type") == "upload"
    ]
    best = build.best_for_table(held)
    chosen = None
    for item in resources:
        if item["id"] != best and item.get("datastore_active"):
            item["datastore_active"] = False
            load.drop(item["id"])
        if item["id"] != best or (item.get("datastore_active") and best not in fetched.stored):
            continue
        item["datastore_active"] = False
        try:
            table = tabular.read(_path(item["id"], item["url"]), item["format"])
        except tabular.TableError as error:
            fetched.reasons.append(f"table-unreadable: {error}")
            continue
        chosen = (item["id"], table)
        item["datastore_active"] = table.count <= INLINE_ROWS
    return chosen


def _path(resource_id: str, url: str) -> Path:
    stored = uploader.get_resource_uploader({"id": resource_id, "url": url})
    return Path(stored.get_path(resource_id))


def _load(resource_id: str, table: tabular.Table) -> str | None:
    if table.count > INLINE_ROWS:
        tk.enqueue_job(
            load_later,
            [resource_id],
            title=f"DataStore {resource_id}",
            queue=QUEUE,
            rq_kwargs={"timeout": 3600},
        )
        return None
    try:
        load.load(resource_id, table)
    except Exception as error:
        log.exception("Loading a table failed")
        model.Session.rollback()
        tk.get_action("resource_patch")(context(), {"id": resource_id, "datastore_active": False})
        return f"table-unreadable: {type(error).__name__}"
    return None


def load_later(resource_id: str) -> None:
    """Background job: load a large table."""
    resource = model.Resource.get(resource_id)
    if resource is None or resource.url_type != "upload":
        return
    load.load(resource_id, tabular.read(_path(resource_id, resource.url), resource.format))
