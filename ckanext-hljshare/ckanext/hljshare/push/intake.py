"""From a content on disk to its receipt.

One batch of a source at a time; lines in groups of at most 200, each group with its results in one
transaction. What was interrupted goes on, when the same content comes again under the same key,
from the first line that has no result; what was finished gives the same receipt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.ingest import engine, incremental, indexing, ledger, runs, text
from ckanext.hljshare.ingest.dataset import Source
from ckanext.hljshare.ingest.diff import Step
from ckanext.hljshare.ingest.incremental import Change, Settled

from . import keys, lines, receipt, rows, store
from .lines import Line, Refused
from .model import Batch, now
from .problems import ProblemError
from .spool import Spooled

GROUP = 200
RETRY_SECONDS = 10
log = logging.getLogger(__name__)


@dataclass
class Settling:
    """A batch on its way: ``results`` gives what each line came to, once; then ``receipt`` is
    there. Close it in any case: it holds the source."""

    batch_id: int
    results: Iterator[dict[str, Any]]
    stack: ExitStack = field(default_factory=ExitStack)
    receipt: str | None = None

    def close(self) -> None:
        """End the work where it stands, then let go of the source and of the content: while it
        still writes, nobody else may."""
        try:
            if isinstance(self.results, Generator):
                self.results.close()
        finally:
            self.stack.close()


def signing_key() -> bytes:
    """The key of receipts: from the secret that the history of requests is hashed with, which
    outlives that of sessions."""
    return receipt.key_of(str(tk.config.get("hljshare.audit.key") or tk.config["SECRET_KEY"]))


def spool_folder() -> Path:
    """Where contents wait: beside the storage, served by nothing."""
    return Path(str(tk.config["ckan.storage_path"])) / "push-spool"


def known(source: Source, key: str) -> Settling:
    """The finished batch of a key. Raises ProblemError."""
    batch = store.find(source.id, keys.idempotency_key(key))
    if batch is None:
        raise ProblemError("batch-unknown")
    if batch.state != "done":
        raise ProblemError("batch-unfinished", f"{store.last_line(batch.id)} of {batch.lines}")
    return _finished(batch)


def records(source: Source, user_id: str, key: str, content: Spooled) -> Settling:
    """Settle a batch of records. Raises ProblemError before anything is changed.

    It takes the content over: `Settling.close` closes it, and so does a failure here.
    """

    def prepare() -> Settle:
        return lambda batch, made: _apply(source, batch, content, made)

    return _settling(source, user_id, key, "records", "", content, prepare)


def table(
    source: Source, user_id: str, key: str, record: str, name: str, content: Spooled
) -> Settling:
    """Settle rows of a table of a record. Raises ProblemError before anything is changed."""

    def prepare() -> Settle:
        work = rows.prepare(source, record, keys.table_name(name), content)
        return lambda batch, made: _store_rows(source, batch, work, made)

    return _settling(source, user_id, key, "rows", f"{record}/{name}", content, prepare)


Settle = Callable[[Batch, "Settling"], Iterator[dict[str, Any]]]


def _settling(
    source: Source,
    user_id: str,
    key: str,
    kind: str,
    target: str,
    content: Spooled,
    prepare: Callable[[], Settle],
) -> Settling:
    with ExitStack() as stack:
        stack.callback(content.close)
        keys.idempotency_key(key)
        batch = store.find(source.id, key)
        if batch is not None:
            store.same(batch, kind, target, content.digest)
        if batch is None or batch.state != "done":
            stack.enter_context(_alone(source.id))
            batch = store.find(source.id, key)  # it may have come in the meantime
        if batch is not None:
            store.same(batch, kind, target, content.digest)
            if batch.state == "done":
                return _finished(batch)
        settle = prepare()
        if batch is None:
            batch = store.begin(
                source.id, user_id, key, kind, target, content.digest, content.lines
            )
        model.Session.commit()
        made = Settling(batch.id, iter(()))
        made.results = settle(batch, made)
        made.stack = stack.pop_all()
        return made


def _finished(batch: Batch) -> Settling:
    return Settling(batch.id, store.results(batch.id), receipt=batch.receipt)


@contextmanager
def _alone(source_id: str) -> Iterator[None]:
    """Hold the source, and one of the few places at which batches are written at a time."""
    with ExitStack() as stack:
        try:
            stack.enter_context(runs.only_one(source_id))
        except runs.BusyError:
            raise ProblemError("busy", retry_after=RETRY_SECONDS) from None
        stack.enter_context(_place())
        yield


def _place() -> AbstractContextManager[None]:
    at_once = int(tk.config["hljshare.push.at_once"])
    places = [f"hljshare-push-place {number}" for number in range(at_once)]
    return _one_of(places, "crowded")


@contextmanager
def receiving(source_id: str) -> Iterator[None]:
    """Hold the source's only place to send at, and one of the few at which anybody sends: who
    sends holds a thread of the site as long as it likes. Raises ProblemError."""
    at_once = int(tk.config["hljshare.push.receive_at_once"])
    places = [f"hljshare-push-receive {number}" for number in range(at_once)]
    with _one_of([f"hljshare-push-sender {source_id}"], "busy"), _one_of(places, "crowded"):
        yield


@contextmanager
def _one_of(places: Sequence[str], problem: str) -> Iterator[None]:
    """Hold one of some places; an advisory lock, gone with the connection whatever happens."""
    with model.meta.engine.connect() as connection:
        for name in places:
            place = {"key": name}
            got = connection.scalar(
                sa.text("SELECT pg_try_advisory_lock(hashtextextended(:key, 0))"), place
            )
            connection.commit()
            if got:
                break
        else:
            raise ProblemError(problem, retry_after=RETRY_SECONDS)
        try:
            yield
        finally:
            connection.execute(
                sa.text("SELECT pg_advisory_unlock(hashtextextended(:key, 0))"), place
            )
            connection.commit()


# ------------------------------------------------------------------ records


def _apply(
    source: Source, batch: Batch, content: Spooled, made: Settling
) -> Iterator[dict[str, Any]]:
    batch_id, key, lines_in_all = batch.id, batch.key, batch.lines
    tally = receipt.Results(receipt.OUTCOMES)
    apart: dict[int, dict[str, Any]] = {}  # settled, behind the first line that is not
    for result in store.results(batch_id):
        if result["line"] == tally.lines + 1:
            tally.add(result)
            yield result
        else:
            apart[result["line"]] = result
    run_id = runs.start(source.id, "push", None).id
    writing = engine.Writing(source, run_id, None)
    stopped: str | None = "interrupted"
    try:
        engine.repair(source)  # what a batch that was cut off had written and not indexed
        runs.advance(run_id, stage="write", total=lines_in_all, todo=lines_in_all)
        for group in _groups(content, tally.lines, apart):
            results = _apply_group(writing, batch_id, group)
            for result in results:
                tally.add(result)
                yield result
            runs.advance(run_id, done=tally.lines, seen=tally.lines)
            model.Session.commit()
        writing.end()
        finished = now()
        made.receipt = _receipt(source, batch_id, key, tally, finished)
        store.finish(batch_id, made.receipt, finished)
        model.Session.commit()
        stopped = None
    finally:
        model.Session.rollback()
        writing.close()
        runs.finish(run_id, stopped)
        indexing.commit()
        engine.fetch_files(source)


def _groups(
    content: Spooled, after: int, apart: dict[int, dict[str, Any]]
) -> Iterator[list[Line | Refused | dict[str, Any]]]:
    """Lines in groups of at most 200 in which no id comes twice: of two changes to one record the
    second meets what the first has made. A line that is settled already comes as its result."""
    today = text.today()
    group: list[Line | Refused | dict[str, Any]] = []
    ids: set[str] = set()
    for number, data in content.each(after):
        settled = apart.get(number)
        line = settled if settled is not None else lines.read(number, data, today)
        native_id = "" if isinstance(line, dict) else line.native_id
        if len(group) == GROUP or (native_id and native_id in ids):
            yield group
            group, ids = [], set()
        group.append(line)
        ids.add(native_id)
    if group:
        yield group


def _apply_group(
    writing: engine.Writing, batch_id: int, group: Sequence[Line | Refused | dict[str, Any]]
) -> list[dict[str, Any]]:
    offered = {line.number: line for line in group if isinstance(line, Line)}
    refused = [line for line in group if isinstance(line, Refused)]
    results = {line["line"]: line for line in group if isinstance(line, dict)}
    if refused:
        told = [_refusal(line) for line in refused]
        _report(writing.run_id, refused)
        store.put(batch_id, told)
        model.Session.commit()
        results.update({each["line"]: each for each in told})

    def before_commit(settled: list[Settled]) -> None:
        """Called again, for one line at a time, where the transaction of a group has failed."""
        names = _names([item.package_id for item in settled if item.package_id])
        told = [_result(item, offered[item.line], names) for item in settled]
        store.put(batch_id, told)
        store.hold(writing.source.id, [_entry(item, offered[item.line]) for item in settled])
        results.update({each["line"]: each for each in told})

    if offered:
        changes = [
            Change(line.number, line.native_id, line.record, line.content_hash)
            for line in offered.values()
        ]
        incremental.apply(writing, changes, before_commit)
    return [results[line] for line in sorted(results)]


def _result(item: Settled, line: Line, names: dict[str, str]) -> dict[str, Any]:
    return {
        "line": item.line,
        "id": item.native_id,
        "outcome": item.outcome,
        "reasons": list(item.reasons),
        "hash": line.content_hash or None,
        "dataset": names.get(item.package_id or ""),
    }


def _entry(item: Settled, line: Line) -> dict[str, Any]:
    """What is held after a line: of a deletion nothing, of a rejected record what stood."""
    gone = line.record is None
    return {
        "native_id": item.native_id,
        "content_hash": None if gone or item.outcome == "rejected" else line.content_hash,
        "outcome": "withdrawn" if gone and item.outcome == "unchanged" else item.outcome,
        "package_id": item.package_id,
        "new": not gone,
    }


def _report(run_id: str, refused: Sequence[Refused]) -> None:
    """Count lines that no record could be made of, and remember them with the run."""
    runs.report(
        run_id,
        [
            ledger.Settled(
                ledger.Entry(
                    0,
                    Step(line.native_id or f"#{line.number}", "keep", "rejected", line.reasons),
                    "",
                    None,
                    None,
                    None,
                    None,
                ),
                "rejected",
                list(line.reasons),
                None,
            )
            for line in refused
        ],
    )


def _refusal(line: Refused) -> dict[str, Any]:
    return {
        "line": line.number,
        "id": line.native_id,
        "outcome": "rejected",
        "reasons": list(line.reasons),
        "hash": None,
        "dataset": None,
    }


def _names(ids: Sequence[str]) -> dict[str, str]:
    """Addresses of datasets by their ids."""
    rows = model.Session.execute(
        sa.select(model.Package.id, model.Package.name).where(model.Package.id.in_(ids))
    )
    site = str(tk.config["ckan.site_url"]).rstrip("/")
    return {row.id: f"{site}/dataset/{row.name}" for row in rows}


def _receipt(source: Source, batch_id: int, key: str, tally: receipt.Results, finished: Any) -> str:
    batch = model.Session.get(Batch, batch_id, populate_existing=True)
    assert batch is not None
    return receipt.make(
        batch=key,
        kind=batch.kind,
        target=batch.target,
        source=source.name,
        content=bytes.fromhex(batch.digest),
        received=batch.received.isoformat(),
        finished=finished.isoformat(),
        results=tally,
        key=signing_key(),
    )


# ------------------------------------------------------------------ rows of tables


def _store_rows(
    source: Source, batch: Batch, work: Iterator[dict[str, Any]], made: Settling
) -> Iterator[dict[str, Any]]:
    """The DataStore is written first, all in one transaction; then results and receipt, in
    another. Ended in between, the same content is written again, to the same end."""
    batch_id, key = batch.id, batch.key
    tally = receipt.Results(receipt.ROW_OUTCOMES)
    try:
        waiting: list[dict[str, Any]] = []
        for result in work:
            tally.add(result)
            waiting.append(result)
            if len(waiting) == store.CHUNK:
                store.put(batch_id, waiting)
                waiting = []
        store.put(batch_id, waiting)
        finished = now()
        text_of_it = _receipt(source, batch_id, key, tally, finished)
        store.finish(batch_id, text_of_it, finished)
        model.Session.commit()
    except BaseException:
        model.Session.rollback()
        raise
    made.receipt = text_of_it
    yield from store.results(batch_id)
