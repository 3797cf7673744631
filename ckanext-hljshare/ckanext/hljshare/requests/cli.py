"""`ckan hljshare requests …`."""

from __future__ import annotations

import json
from datetime import datetime

import click

from ckanext.hljshare.cli import hljshare


@hljshare.group("requests", short_help="Requests for data.")
def group() -> None:
    """Requests for data and their deadlines."""


@group.command("tick")
@click.option("--now", "at", help="The time to take as now (ISO 8601 with a zone).")
@click.option("--seconds", type=float, default=600, show_default=True, help="Stop after so long.")
def tick_command(at: str | None, seconds: float) -> None:
    """Do what time brings about: notices, deemed acceptance, overdue, lapse, end of use; the same
    for collection tasks; erasure of identities that are not needed any more.

    Safe to run late, twice, and on several machines. Prints, last, one line of JSON.
    """
    from ckanext.hljshare.requests import tick
    from ckanext.hljshare.requests.collection import tick as collection
    from ckanext.hljshare.requests.files import upkeep
    from ckanext.hljshare.requests.model import now

    when = moment(at) or now()
    done: dict[str, object] = dict(tick.run(when, seconds=seconds))
    done["collection"] = collection.run(when)
    done["erased"] = upkeep.erase_due(when)
    click.echo(json.dumps(done))


def moment(text: str | None) -> datetime | None:
    """A moment given on the command line; without a zone it is one in China."""
    if not text:
        return None
    from ckanext.hljshare.deadlines.count import ZONE

    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    return found if found.tzinfo else found.replace(tzinfo=ZONE)
