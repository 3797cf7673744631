"""Commands of the access room: the demo accounts."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ckanext.hljshare.access import accounts
from ckanext.hljshare.cli import hljshare
from ckanext.hljshare.paths import CONFIG

FILE = click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=CONFIG / "demo" / "accounts.yaml",
    help="YAML list of accounts.",
)


@hljshare.group("accounts", short_help="The demo accounts.")
def group() -> None:
    """Accounts of the demo province; their key is the environment's DEMO_KEY."""


@group.command("load")
@FILE
def load(path: Path) -> None:
    """Make the accounts that are not there yet."""
    made = accounts.load(accounts.read(path), os.environ.get("DEMO_KEY", ""))
    click.echo(f"{made} accounts made")


@group.command("show")
@FILE
def show(path: Path) -> None:
    """Print names, passwords and roles."""
    key = os.environ.get("DEMO_KEY", "")
    for account in accounts.read(path):
        where = account.get("organization", "")
        role = "sysadmin" if account.get("sysadmin") else account.get("role", "")
        secret = accounts.password(key, account["name"])
        click.echo(f"{account['name']:<16}{secret:<24}{role:<10}{where:<16}{account['fullname']}")
