"""The command group `ckan hljshare`; each room's `cli.py` attaches its own commands to it."""

import click


@click.group(short_help="Provincial open-data portal.")
def hljshare() -> None:
    """Commands of the provincial portal."""
