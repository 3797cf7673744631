"""`ckan hljshare outbox …` and `ckan hljshare calendar …`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ckanext.hljshare.cli import hljshare


@hljshare.group("outbox", short_help="Work that follows changes.")
def group() -> None:
    """Work outside the database that follows changes: cleaning stores, sending mails."""


@group.command("run")
@click.option("--limit", type=int, default=1000, show_default=True, help="At most so many items.")
def run(limit: int) -> None:
    """Do what is due; safe to run late, twice and side by side. Prints one line of JSON."""
    from ckanext.hljshare.deadlines import outbox

    click.echo(json.dumps(outbox.run(limit=limit).as_dict()))


@group.command("status")
def status() -> None:
    """How many items are in each state, as one line of JSON; exit code 1 if any was given up."""
    from ckanext.hljshare.deadlines import outbox

    found = outbox.status()
    click.echo(json.dumps(found))
    if found["failed"]:
        raise SystemExit(1)


@group.command("retry")
@click.option("--kind", help="Only items of this kind.")
def retry(kind: str | None) -> None:
    """Take up again what was given up."""
    from ckanext.hljshare.deadlines import outbox

    click.echo(json.dumps({"pending": outbox.retry(kind)}))


@hljshare.group("calendar", short_help="Days of rest.")
def calendar_group() -> None:
    """The calendar of rest days that deadlines are counted by."""


@calendar_group.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--year", type=int, help="Take only this year of the file.")
@click.option("--format", "kind", type=click.Choice(["json", "csv", "ical"]))
def import_command(path: Path, year: int | None, kind: str | None) -> None:
    """Take in the notice of a year: a holiday-cn JSON, a CSV, or an iCalendar file.

    A file that is incomplete or cannot be read changes nothing. Prints, last, one line of JSON.
    """
    import ckan.plugins.toolkit as tk
    from werkzeug.datastructures import FileStorage

    given = {"year": year, "format": kind}
    wanted: dict[str, Any] = {name: value for name, value in given.items() if value}
    try:
        with path.open("rb") as file:
            wanted["upload"] = FileStorage(file, path.name)
            answer = tk.get_action("hljshare_calendar_import")({"ignore_auth": True}, wanted)
    except tk.ValidationError as error:
        messages = [text for texts in error.error_dict.values() for text in texts]
        raise click.ClickException("; ".join(messages)) from None
    click.echo(json.dumps(answer, ensure_ascii=False))


@calendar_group.command("list")
def list_command() -> None:
    """The years and versions, as one line of JSON."""
    import ckan.plugins.toolkit as tk

    found = tk.get_action("hljshare_calendar_list")({"ignore_auth": True}, {})
    click.echo(json.dumps(found, ensure_ascii=False))


@calendar_group.command("remind")
@click.option("--now", "at", help="The time to take as now (ISO 8601 with a zone).")
def remind_command(at: str | None) -> None:
    """Tell the system administrators when a year is missing; each reminder comes once."""
    from ckanext.hljshare.deadlines import calendars

    try:
        made = calendars.remind(datetime.fromisoformat(at) if at else None)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps({"notices": made}))
