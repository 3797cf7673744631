"""What is held of a source: page by page, as a digest tree, and whether its push is overdue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.ingest import approval, received, runs
from ckanext.hljshare.ingest.dataset import Source

from . import digest, keys, lines, store, who
from .problems import ProblemError

PAGE = 1000
MAX_PAGE = 5000
MAX_DIFFERING = 1000
_HASH = re.compile(r"[0-9a-f]{40}\Z")
_PREFIX = re.compile(r"[0-9a-f]{2}\Z")


def page(source_id: str, since: str = "", limit: int = PAGE) -> dict[str, Any]:
    """What changed behind a cursor, oldest first: ``entries`` (``id``, ``hash`` of the version
    that is held or None, ``outcome``, ``dataset``), ``next`` cursor, ``more``. The cursor is a
    place in a sequence: no clock has a part in it. Raises ProblemError."""
    if not 1 <= limit <= MAX_PAGE:
        raise ProblemError("parameter-invalid", f"limit 1-{MAX_PAGE}")
    position = keys.position(since)
    rows = store.entries_after(source_id, position, limit + 1)
    shown = rows[:limit]
    return {
        "entries": [
            {"id": native_id, "hash": content_hash, "outcome": outcome, "dataset": name}
            for _position, native_id, content_hash, outcome, name in shown
        ],
        "next": keys.cursor(shown[-1][0] if shown else position),
        "more": len(rows) > limit,
    }


def tree(source_id: str) -> digest.Tree:
    """The digest tree of what is held."""
    return digest.tree_of_sorted(store.held(source_id))


def bucket(source_id: str, prefix: str) -> dict[str, Any]:
    """One leaf with its records. Raises ProblemError."""
    if not _PREFIX.match(prefix):
        raise ProblemError("parameter-invalid", "prefix")
    entries = {
        native_id: content_hash
        for _leaf, native_id, content_hash in store.held(source_id, int(prefix, 16))
    }
    leaf, count = digest.tree_of(entries).leaves[int(prefix, 16)]
    return {
        "prefix": prefix,
        "digest": leaf,
        "count": count,
        "entries": [{"id": name, "hash": value} for name, value in entries.items()],
    }


def reconcile(source: Source, content: bytes) -> dict[str, Any]:
    """Compare with what a city says it publishes, and keep the finding with the source's last run.

    :param content: JSON ``{"root", "count", "differing": [{"id", "hash" or null}]}``: the root and
        size of the city's own tree, and what it holds otherwise than the province, as far as it
        knows (`MAX_DIFFERING` at most)
    :returns: ``same``, ``published`` (there), ``held`` (here), ``missing`` (ids that are published
        and not held), ``extra`` (held and not published), ``differing`` (another version),
        ``unexplained`` (the trees differ, and the ids listed do not say why)
    :raises ProblemError: no such JSON
    """
    root, count, listed = _compared(content)
    here = tree(source.id)
    held = store.hashes(source.id, list(listed))
    found: dict[str, list[str]] = {"missing": [], "extra": [], "differing": []}
    for native_id, theirs in listed.items():
        ours = held.get(native_id)
        if ours == theirs:
            continue
        kind = "missing" if ours is None else "extra" if theirs is None else "differing"
        found[kind].append(native_id)
    same = root == here.root
    result = {
        "same": same,
        "published": count,
        "held": here.count,
        **found,
        "unexplained": not same and not any(found.values()),
    }
    last = tk.get_action("hljshare_ingest_run_list")(
        {"ignore_auth": True}, {"source_id": source.id, "limit": 1}
    )["results"]
    if last:
        runs.advance(last[0]["id"], reconciled=result)
        model.Session.commit()
    return result


def _compared(content: bytes) -> tuple[str, int, dict[str, str | None]]:
    try:
        given = lines.load(content)
        root, count, listed = given["root"], given["count"], given["differing"]
        pairs = [(lines.native_id(item["id"]), item["hash"]) for item in listed[:MAX_DIFFERING]]
    except Exception:
        raise ProblemError("comparison-invalid") from None
    hashes = [root, *(value for _key, value in pairs if value is not None)]
    whole = isinstance(count, int) and not isinstance(count, bool) and count >= 0
    if not whole or not all(isinstance(one, str) and _HASH.match(one) for one in hashes):
        raise ProblemError("comparison-invalid")
    return root, count, dict(pairs)


@dataclass(frozen=True)
class Missed:
    """A source whose push is overdue: since when nothing came (its last receipt, or when the
    source was made), and after how many hours that is an alarm."""

    source_id: str
    name: str
    title: str
    owner_id: str
    since: datetime
    hours: int
    key: str


def missed(now: datetime) -> list[Missed]:
    """The sources whose last receipt is longer ago than they may be silent, by this portal's
    clock alone."""
    packages = who.sources()
    last = store.last_receipts([package.id for package in packages])
    connections = {one.id: one for one in received.connections() if one.kind == who.KIND}
    found = []
    for package in packages:
        connection = connections.get(package.id)
        if connection is None or connection.refused == approval.NOT_APPROVED:
            continue  # never approved, it owes nothing; one that was changed since is not excused
        made = package.metadata_created.replace(tzinfo=timezone.utc)
        key, since = last.get(package.id, ("", made))
        hours = connection.missed_after or int(tk.config["hljshare.push.missed_after"])
        if since + timedelta(hours=hours) < now:
            title = package.title or package.name
            found.append(
                Missed(package.id, package.name, title, package.owner_org, since, hours, key)
            )
    return found
