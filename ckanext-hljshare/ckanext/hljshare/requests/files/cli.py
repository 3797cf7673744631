"""`ckan hljshare requests erase` and `rotate-keys`."""

from __future__ import annotations

import json

import click

from ckanext.hljshare.requests.cli import group, moment


@group.command("erase")
@click.option("--now", "at", help="The time to take as now (ISO 8601 with a zone).")
def erase_command(at: str | None) -> None:
    """Erase identity numbers and proofs that are not needed any more, and sweep up what interrupted
    uploads left. Safe to stop and to repeat. Prints one line of JSON."""
    from ckanext.hljshare.requests.collection import files as collected
    from ckanext.hljshare.requests.files import upkeep

    leftovers = upkeep.sweep() + collected.sweep()
    click.echo(json.dumps({**upkeep.erase_due(moment(at)), "leftovers": leftovers}))


@group.command("rotate-keys")
def rotate_command() -> None:
    """Encrypt anew, with the first key of the file, what was encrypted with another one.

    Put a new key into the first line of the file of keys, run this, and take the old key away when
    nothing failed. Safe to stop and to repeat. Prints one line of JSON; exit code 1 if something
    does not open with any of the keys.
    """
    from ckanext.hljshare.requests import audit
    from ckanext.hljshare.requests.files import upkeep

    done = upkeep.rotate()
    audit.seal()  # the seal of the history is signed by one of the keys
    click.echo(json.dumps(done))
    if done["failed"]:
        raise SystemExit(1)
