"""`ckan hljshare audit …`."""

from __future__ import annotations

import json

import click

from ckanext.hljshare.cli import hljshare


@hljshare.group("audit", short_help="Proof that the history was not touched.")
def group() -> None:
    """The history of requests: its chain of hashes, and its seal."""


@group.command("verify")
def verify_command() -> None:
    """Check the whole history of requests. Prints, last, one line of JSON; exit code 1 if it was
    changed, or something was put in, taken out or moved, with the place."""
    from ckanext.hljshare.requests import audit

    found = audit.verify()
    click.echo(json.dumps(found))
    if not found["intact"]:
        raise SystemExit(1)


@group.command("seal")
def seal_command() -> None:
    """Sign the present end of the history, so that it cannot be cut off unnoticed. Prints one line
    of JSON; exit code 1 if what was signed before is not there any more."""
    from ckanext.hljshare.requests import audit

    found = audit.seal()
    click.echo(json.dumps(found))
    if not found["renewed"]:
        raise SystemExit(1)
