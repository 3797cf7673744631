"""Commands of the catalog: ``ckan hljshare organizations …``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ckanext.hljshare.catalog import orgdata, orgload
from ckanext.hljshare.cli import hljshare


@hljshare.group("organizations", short_help="The tree of organizations.")
def organizations() -> None:
    """The tree of organizations."""


@organizations.command("load", short_help="Create the organizations of a file.")
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def load(file: Path | None) -> None:
    """Create the organizations of FILE (default: scheming/organizations.yaml) that are not there
    yet.

    What exists is left as it is; on an error nothing is written.
    """
    started = time.monotonic()
    try:
        listed = orgdata.read(file or orgdata.FILE)
        with click.progressbar(length=len(listed), label="organizations") as bar:
            counts = orgload.load(listed, lambda done, total: bar.update(1))
    except (ValueError, KeyError) as error:
        raise click.ClickException(f"organizations not loaded: {error}") from error
    click.echo(
        f"{counts['created']} created, {counts['existing']} already there"
        + (f" ({counts['attached']} of them now below their parent)" if counts["attached"] else "")
        + f", "
        f"{time.monotonic() - started:.1f} s"
    )
