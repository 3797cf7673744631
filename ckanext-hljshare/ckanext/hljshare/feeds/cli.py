"""`ckan hljshare feeds …`: what machines read, made beforehand and written to files."""

from __future__ import annotations

from pathlib import Path

import click

from ckanext.hljshare.cli import hljshare


@hljshare.group("feeds", short_help="Feeds: make beforehand what readers ask for; dumps.")
def feeds() -> None:
    """Make beforehand what readers of feeds ask for, or write it to files."""


@feeds.command("refresh")
@click.option("--limit", type=click.IntRange(1), help="At most so many datasets.")
def refresh_command(limit: int | None) -> None:
    """Make what feeds tell of datasets that were written to, and the parts of the dump of the whole
    catalog; drop what nobody will be given any more. Prints how many datasets were made anew."""
    from ckanext.hljshare.feeds.catalog import dumps
    from ckanext.hljshare.feeds.entries import making

    made = making.refresh(limit)
    if limit is None:
        dumps.refresh()
    click.echo(made)


@feeds.command("dump")
@click.option(
    "--format", "ending", type=click.Choice(["ttl", "rdf", "jsonld", "nt"]), default="ttl"
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--city", default="", help="Region code of a city: its datasets only.")
@click.option("--agency", default="", help="Name or id of an organization: its datasets only.")
def dump_command(ending: str, output: Path, city: str, agency: str) -> None:
    """Write the whole catalog, or a part, to a gzip file; print its SHA-256.

    The file is complete or not there: it takes the place of an older one at the end.
    """
    from ckanext.hljshare.feeds.catalog import asking, dumps, scopes

    try:
        scope = scopes.find(asking.Asked.read({"city": city, "agency": agency}))
        made = dumps.make(scope, ending)
    except (asking.AskedWronglyError, scopes.UnknownError, dumps.BusyError) as error:
        raise click.ClickException(f"{type(error).__name__}: {error}") from None
    unfinished = output.with_name(f"{output.name}.part")
    try:
        with unfinished.open("wb") as target:
            target.writelines(made.read())
        unfinished.replace(output)
        click.echo(f"{made.sha256.hex()}  {output.name}")
    finally:
        made.close()
