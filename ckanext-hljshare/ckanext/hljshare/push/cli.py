"""`ckan hljshare push …`: the city's sender, and what the province sets up for a city."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ckanext.hljshare.cli import hljshare

UNREACHABLE, DIFFERENT, WITHHELD = 2, 3, 4


@hljshare.group("push", short_help="Send the catalog to the province; take in those of cities.")
def push() -> None:
    """Send this portal's catalog to the province, or set up a city that sends its own here."""


@push.command("run")
@click.option("--full", is_flag=True, help="Send everything, not only what changed.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; send nothing.")
@click.option(
    "--confirm-deletions",
    is_flag=True,
    help="Send deletions even where more than a fifth of what the province holds would go.",
)
def run_command(full: bool, dry_run: bool, confirm_deletions: bool) -> None:
    """Send what changed since the province confirmed it, then compare both sides.

    Prints, last, one line of JSON. Exit codes: 0 both sides hold the same; 1 settings, or refused
    as a whole; 2 the province does not answer (run it again later, nothing is lost); 3 the
    province has refused records, or holds something else; 4 deletions wait for
    --confirm-deletions.
    """
    from ckanext.hljshare.push import sender

    province = _province()
    if dry_run:
        click.echo(json.dumps(sender.plan(province), ensure_ascii=False))
        return
    try:
        report = sender.run(
            province, full=full, confirm_deletions=confirm_deletions, progress=_progress()
        )
    except sender.UnreachableError as error:
        click.echo(f"The province does not answer: {error}. Run this again later.", err=True)
        raise SystemExit(UNREACHABLE) from None
    except sender.RefusedError as error:
        raise click.ClickException(f"the province refuses: {error}") from None
    except sender.BusyError:
        raise click.ClickException("another process is pushing") from None
    click.echo(json.dumps(report.as_dict(), ensure_ascii=False))
    if report.withheld:
        click.echo(
            f"{report.withheld} deletions wait: more than a fifth would go. If that is right: "
            "--confirm-deletions",
            err=True,
        )
        raise SystemExit(WITHHELD)
    if report.difference or report.refused or not report.same:
        raise SystemExit(DIFFERENT)


@push.command("state")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON.")
@click.option("--compare", is_flag=True, help="Ask the province, too, and compare.")
def state_command(as_json: bool, compare: bool) -> None:
    """How the push stands: what the province has confirmed, refused, and what waits.

    Exit codes as those of `run`.
    """
    from ckanext.hljshare.push import digest, sender

    province = _province()
    found = sender.overview(province.target)
    if compare:
        try:
            tree = province.tree()
        except sender.UnreachableError as error:
            click.echo(f"The province does not answer: {error}", err=True)
            raise SystemExit(UNREACHABLE) from None
        except sender.RefusedError as error:
            raise click.ClickException(f"the province refuses: {error}") from None
        own = {record.native_id: record.content_hash() for record in sender.published()}
        mine = digest.tree_of(own)
        found["compared"] = {
            "published": mine.count,
            "province": tree.count,
            "same": mine.root == tree.root,
            "differing_buckets": len(mine.differing(tree)),
        }
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else _table(found))
    if compare and not found["compared"]["same"]:
        raise SystemExit(DIFFERENT)


@push.command("source")
@click.argument("city")
@click.option("--name", help="Name of the source; by default <organization>-push.")
@click.option("--new-token", is_flag=True, help="Make another token for an account that is there.")
def source_command(city: str, name: str | None, new_token: bool) -> None:
    """At the province: make the source, the machine account and the token of CITY (an organization:
    name, id or title).

    The token is printed once and kept nowhere; running it again changes nothing.
    """
    from ckanext.hljshare.ingest.sources import SourceProblemError
    from ckanext.hljshare.push import source

    try:
        made = source.make(city, name, new_token=new_token)
    except SourceProblemError as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(f"source   {made.source}")
    click.echo(f"account  {made.account}")
    click.echo(f"token    {made.token or '(made before; --new-token makes another)'}")


@push.command("watch")
def watch_command() -> None:
    """At the province: tell administrators of cities that have fallen silent, once for each
    silence; delete receipts that are too old. Safe to run as often as wanted."""
    import ckan.plugins.toolkit as tk
    from ckan import model

    from ckanext.hljshare.push import store, watch

    found = watch.run()
    found["forgotten"] = store.forget(int(tk.config["hljshare.push.receipts_kept_days"]))
    model.Session.commit()
    click.echo(json.dumps(found))


@push.command("verify")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def verify_command(path: Path) -> None:
    """At the province: whether the receipt in the JSON file PATH was given by this portal and is
    unchanged. Exit code 1 if not."""
    from ckanext.hljshare.push import intake, receipt

    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise click.ClickException("no JSON") from None
    given = given.get("receipt", given) if isinstance(given, dict) else {}
    genuine = receipt.is_genuine(given, intake.signing_key())
    click.echo("genuine" if genuine else "not genuine")
    if not genuine:
        raise SystemExit(1)


def _province() -> Any:
    from ckanext.hljshare.push import sender

    try:
        return sender.province()
    except sender.SettingsError as error:
        raise click.ClickException(str(error)) from None


def _table(found: dict[str, Any]) -> str:
    last = found["last"] or {}
    rows = [
        ("province", found["target"]),
        ("confirmed", found["confirmed"]),
        *sorted((f"  {name}", number) for name, number in found["outcomes"].items()),
        ("waiting batches", found["waiting"]),
        ("last receipt", f"{last.get('finished', '-')}  {last.get('id', '')}"),
        *((f"compared: {name}", value) for name, value in found.get("compared", {}).items()),
        *(
            (f"{word} {entry['id']}", "; ".join(entry["reasons"]))
            for word in ("refused", "held")
            for entry in found[word]
        ),
    ]
    width = max(len(str(name)) for name, _value in rows)
    return "\n".join(f"{name!s:<{width}}  {value}" for name, value in rows)


def _progress() -> Callable[[str, int, int | None], None]:
    """A line that counts, on a terminal's standard error; nothing elsewhere."""
    shown = sys.stderr.isatty()
    last = 0.0

    def show(_stage: str, done: int, total: int | None) -> None:
        nonlocal last
        moment = time.monotonic()
        if not shown or (moment - last < 0.1 and done != total):
            return
        last = moment
        end = "\n" if done == total else ""
        click.echo(f"\r  {done}/{total} datasets\x1b[K{end}", nl=False, err=True)

    return show
