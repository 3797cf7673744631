"""`ckan hljshare ingest …`: run a source, load the demo province."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import yaml

from ckanext.hljshare.cli import hljshare
from ckanext.hljshare.paths import CONFIG

COUNTS = ("seen", "created", "updated", "unchanged", "held", "withdrawn", "rejected")


@hljshare.group("ingest", short_help="Bring in the catalogs of cities.")
def ingest() -> None:
    """Bring in the catalogs of cities."""


@ingest.command("run")
@click.argument("name")
@click.option("--kind", help="Kind of source, such as odweb or json_api. Needed for a new source.")
@click.option("--url", help="Its address; a local file is allowed here.")
@click.option(
    "--owner", help="Organization that owns it: name, id or title. Needed for a new source."
)
@click.option("--mapping", help="Mapping: a name in harvesters/mappings, or a YAML file.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option(
    "--files",
    "seconds",
    type=click.FloatRange(min=0),
    default=5,
    show_default=True,
    help="Seconds to spend here on fetching files; the rest is the background worker's.",
)
def run_command(
    name: str,
    kind: str | None,
    url: str | None,
    owner: str | None,
    mapping: str | None,
    dry_run: bool,
    seconds: float,
) -> None:
    """Run the source NAME, making it first where it does not exist.

    Prints, last, one line of JSON:
    {"seen","created","updated","unchanged","held","withdrawn","rejected","stopped"}.
    """
    from ckanext.hljshare.ingest import runs
    from ckanext.hljshare.ingest.sources import SourceProblemError

    try:
        with _progress() as progress, _harvest_paths_allowed():
            summary = run_source(
                name, kind, url, owner, mapping, dry_run, progress, seconds=seconds
            )
    except SourceProblemError as problem:
        raise click.ClickException(str(problem)) from None
    except runs.BusyError:
        raise click.ClickException(f"the source {name} is being run already") from None
    for code, number in summary.get("problems", {}).items():
        click.echo(f"{number}\t{code}", err=True)
    shown = {name: summary[name] for name in (*COUNTS, "stopped")}
    click.echo(json.dumps(shown, ensure_ascii=False))


def run_source(
    name: str,
    kind: str | None,
    url: str | None,
    owner: str | None,
    mapping: str | None,
    dry_run: bool,
    progress: Any,
    title: str | None = None,
    trigger: str = "command",
    seconds: float | None = None,
) -> dict[str, Any]:
    """Find or make a source and run it; then fetch its files, for so many seconds (None: all).

    Raises SourceProblemError, BusyError.
    """
    from ckanext.hljshare.ingest import approval, engine, files, sources

    row = sources.find(name)
    address = sources.address(url) if url else None
    chosen = sources.mapping_name(mapping) if mapping else None
    if row is not None:
        if kind and kind != row.type:
            raise sources.SourceProblemError(f"{name} is a source of kind {row.type}, not {kind}")
        harvester = sources.harvester(row.type)
        owner_id, target = None, address or row.url
        stored = json.loads(row.config or "{}")
        settings = json.dumps({**stored, **({"mapping": chosen} if chosen else {})})
    else:
        missing = [
            option
            for option, value in (("--kind", kind), ("--url", url), ("--owner", owner))
            if not value
        ]
        if missing:
            raise sources.SourceProblemError(
                f"there is no source {name} yet; to make it, give {', '.join(missing)}"
            )
        harvester = sources.harvester(str(kind))
        owner_id, target = sources.organization(str(owner)), str(address)
        settings = sources.config(name, chosen)
        sources.check_name(name)
    try:
        adapter, read_mapping = harvester.open(target, settings, local_files=True)
    except ValueError as error:
        raise sources.SourceProblemError(str(error)) from None
    if row is None and dry_run:
        assert owner_id
        from ckanext.hljshare.ingest.dataset import Source

        transient = Source(
            "",
            name,
            read_mapping.site or title or name,
            str(kind),
            target,
            owner_id,
            read_mapping.providers,
            read_mapping.defaults,
            read_mapping.trust_total,
        )
        return engine.trial(transient, adapter, progress)
    if row is None:
        row = sources.create(name, str(kind), target, str(owner_id), chosen, title)
    elif not dry_run and (
        target != row.url or settings != json.dumps(json.loads(row.config or "{}"))
    ):
        row = sources.change(row, target, chosen)
    source = harvester.source(row, read_mapping, target)
    if dry_run:
        return engine.trial(source, adapter, progress)
    approval.by_operator(row)
    summary = engine.run(source, adapter, trigger=trigger, progress=progress)
    # The list may be a local file; what it links to may not.
    files.run(source.id, target, seconds, lambda done, todo: progress("files", done, todo))
    engine.fetch_files(source, target)
    return summary


@ingest.command("due")
def due_command() -> None:
    """Start the sources whose turn it is; close runs that died. For the scheduler, every minute."""
    from ckanext.hljshare.ingest import due, runs

    try:
        done = due.run()
    except runs.BusyError:
        click.echo("another pass is under way")
        return
    for name in done.started:
        click.echo(f"started: {name}")
    for name in done.unapproved:
        click.echo(f"waits for approval: {name}")
    click.echo(f"{len(done.started)} started, {done.closed} closed")


@ingest.command("consume")
@click.argument("stage", type=click.Choice(["gather", "fetch"]))
def consume_command(stage: str) -> None:
    """Run one of ckanext-harvest's consumers, as `ckan harvester STAGE-consumer` does.

    But patiently: since version 8 redis-py gives up a connection that is silent for five seconds,
    which ckanext-harvest's wait for the next job takes for an error.
    """
    from ckanext.harvest import utils

    from ckanext.hljshare.ingest import jobs

    jobs.wait_patiently()
    if stage == "gather":
        utils.gather_consumer()
    else:
        utils.fetch_consumer()


@ingest.command("load-demo")
@click.option("--base-url", "base", help="Address of the demo source server.")
@click.option(
    "--processes", type=int, default=2, show_default=True, help="Sources run side by side."
)
def load_demo(base: str | None, processes: int) -> None:
    """Make the sources of config/demo/sources.yaml and run them all; running again changes
    nothing.
    """
    from ckan import model

    base = (base or f"http://127.0.0.1:{os.environ.get('DEMO_PORT', '5099')}").rstrip("/")
    listed = yaml.safe_load((CONFIG / "demo" / "sources.yaml").read_text(encoding="utf-8"))
    entries = listed["sources"] if isinstance(listed, dict) else listed
    began, failed = time.monotonic(), 0
    totals = dict.fromkeys(COUNTS, 0)
    model.Session.remove()
    _leave_connections()
    with multiprocessing.get_context("fork").Pool(
        max(1, processes), _leave_connections, maxtasksperchild=8
    ) as pool:
        work = [(entry, base) for entry in entries]
        for title, summary, seconds in pool.imap_unordered(_load_one, work):
            counts = "  ".join(
                f"{name} {summary.get(name, 0)}" for name in COUNTS if summary.get(name)
            )
            problem = summary.get("stopped")
            failed += bool(problem)
            click.echo(
                f"  {title}: {counts or 'nothing'}"
                f"{'  STOPPED: ' + problem if problem else ''}  ({seconds:.0f} s)"
            )
            for name in COUNTS:
                totals[name] += summary.get(name, 0)
    click.echo(
        f"  {len(entries)} sources, {totals['seen']} datasets, {time.monotonic() - began:.0f} s"
    )
    if failed:
        raise click.ClickException(f"{failed} sources were stopped")


def _load_one(work: tuple[dict[str, Any], str]) -> tuple[str, dict[str, Any], float]:
    from ckan import model

    from ckanext.hljshare.ingest import engine

    entry, base = work
    began = time.monotonic()
    try:
        summary = run_source(
            entry["name"],
            entry["kind"],
            base + quote(entry["path"]),
            entry["owner"],
            _named(entry.get("mapping")),
            False,
            engine.silent,
            entry.get("title"),
            "demo",
        )
    except Exception as error:
        summary = {"stopped": f"{type(error).__name__}: {error}"}
    finally:
        model.Session.remove()
    return entry.get("title") or entry["name"], summary, time.monotonic() - began


def _named(mapping: str | None) -> str | None:
    """The mapping of a demo source, a path from the project's root."""
    return Path(mapping).stem if mapping else None


def _leave_connections() -> None:
    """A forked process must not talk over its parent's connections."""
    from ckan import model
    from ckanext.datastore.backend import postgres

    model.meta.engine.dispose(close=False)
    for engine in getattr(postgres, "_engines", {}).values():
        engine.dispose(close=False)


@contextmanager
def _harvest_paths_allowed() -> Iterator[None]:
    """Let the harvesters read a mapping by its path, for this command."""
    from ckanext.hljshare.ingest import sources

    token = sources.paths_allowed.set(True)
    try:
        yield
    finally:
        sources.paths_allowed.reset(token)


@contextmanager
def _progress() -> Iterator[Any]:
    """A line that counts, on a terminal's standard error; nothing elsewhere."""
    shown = sys.stderr.isatty()
    words = {"read": "reading", "write": "writing", "files": "files"}
    last = 0.0

    def show(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if not shown or (now - last < 0.1 and done != total):
            return
        last = now
        width = 30
        bar = "#" * (width * done // total) if total else ""
        end = f"/{total}" if total else ""
        click.echo(
            f"\r  {words.get(stage, stage)} [{bar:<{width}}] {done}{end}\x1b[K", nl=False, err=True
        )

    yield show
    if shown:
        click.echo("\r\x1b[K", nl=False, err=True)
