"""Making what feeds tell of a dataset, from what stands in the database now."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ckan import model

from ckanext.hljshare.access import levels
from ckanext.hljshare.catalog import shown, standing
from ckanext.hljshare.catalog.standing import Standings
from ckanext.hljshare.feeds import dcat
from ckanext.hljshare.feeds.dcat import agencies, graph, syntax
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.entries import store
from ckanext.hljshare.feeds.entries.store import Entry, Made
from ckanext.hljshare.paths import SCHEMING

BATCH = 100  # datasets read at a time
TRIES = 3  # where a dataset is written to while it is read
log = logging.getLogger(__name__)


def site() -> str:
    """What begins every IRI of the portal's own."""
    return graph.where().base


def stamp() -> str:
    """What texts depend on besides their dataset: the portal's address, the code lists, the code
    that decides and writes. What was made with another stamp is made anew."""
    return _stamp(repr(graph.where()))


def _sources() -> bytes:
    own = Path(dcat.__path__[0])
    files = [*own.glob("*.py"), *own.glob("*.yaml"), *SCHEMING.rglob("*.yaml")]
    files += [Path(str(module.__file__)) for module in (levels, standing, shown)]
    found = hashlib.blake2b(digest_size=12)
    for file in sorted([*files, SCHEMING / "licenses.json"]):
        found.update(file.read_bytes())
    for name in ("ckanext-dcat", "rdflib"):
        found.update(version(name).encode() + b"\0")
    return found.digest()


_SOURCES = _sources()  # of the code that runs, not of what replaces it on disk meanwhile


@lru_cache(maxsize=8)
def _stamp(addresses: str) -> str:
    found = hashlib.blake2b(_SOURCES + addresses.encode(), digest_size=12).hexdigest()
    store.mark_stamp(found)
    return found


def organizations(now: str | None = None) -> Mapping[str, Agency]:
    """All active organizations by their ids, as of the last time notes were taken in.

    :param now: what :func:`store.settle` says of them, by who knows it already
    """
    now = store.settle().organizations if now is None else now
    if _organizations.get("as of") != now:
        _organizations.update({"as of": now, "found": agencies.load()})
    found: Mapping[str, Agency] = _organizations["found"]
    return found


# Some hundreds, which rarely change: to read them takes longer than to read a page of datasets.
_organizations: dict[str, Any] = {}


def is_public(dataset: Mapping[str, Any]) -> bool:
    """Whether a dataset, as package_show gives it, stands in feeds: :data:`store.PUBLIC`."""
    return (
        dataset.get("type") == "dataset"
        and dataset.get("state") == "active"
        and dataset.get("private") is False
        and not dataset.get("withdrawn_on")
    )


def is_withdrawn(dataset_id: str) -> bool:
    """Whether it has a public page that says it is withdrawn."""
    package = model.Session.get(model.Package, dataset_id, populate_existing=True)
    return bool(
        package
        and package.state == "active"
        and not package.private
        and (package.extras or {}).get("withdrawn_on")
    )


def datasets(ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Those of the datasets that are public, as anybody is shown them, read from the database now:
    the search index may be behind."""
    context = {"model": model, "session": model.Session, "user": "", "ignore_auth": True}
    for start in range(0, len(ids), BATCH):
        found = Standings(context).load(ids[start : start + BATCH])
        for each in found.values():
            if is_public(each.shown):
                yield each.shown


def make(dataset: Mapping[str, Any]) -> Made:
    """What feeds tell of a public dataset."""
    own = syntax.named(graph.dataset_graph(dataset), site())
    bodies = {ending: syntax.piece(own, ending) for ending in syntax.SYNTAXES}
    return Made(graph.refs(own), bodies)


def make_all(entries: Sequence[Entry]) -> dict[str, Made]:
    """What feeds tell of those of these entries that are public, made now, and kept. One of which
    nothing can be made is left out, and the log says so."""
    made: dict[str, Made] = {}
    waiting = list(entries)
    for _attempt in range(TRIES):
        now: dict[str, Made] = {}
        for dataset in datasets([entry.dataset_id for entry in waiting]):
            try:
                now[dataset["id"]] = make(dataset)
            except Exception:  # whatever somebody has written into a field
                log.exception("nothing can be told of dataset %s", dataset["id"])
        untouched = store.keep(waiting, now, stamp()) if now else set()
        made.update({dataset_id: now[dataset_id] for dataset_id in untouched})
        # What was written to meanwhile may have been read half before and half after.
        again = now.keys() - untouched
        if not again:
            break
        store.settle()
        waiting = store.find_all(again, stamp())
    return made


def complete(entries: Sequence[Entry], ending: str) -> list[Entry]:
    """The live ones of these entries, each with its body: kept ones as they are, others made now
    and kept. What has ceased to be public meanwhile is left out."""
    missing = [entry for entry in entries if entry.live and entry.body is None]
    made = make_all(missing)
    result = []
    for entry in entries:
        if entry.live and entry.body is not None:
            result.append(entry)
        elif entry.live and entry.dataset_id in made:
            result.append(entry.with_made(made[entry.dataset_id], ending))
    return result


def refresh(limit: int | None = None) -> int:
    """Make what is missing, in the order of the feeds, so that no reader waits for it.

    :param limit: at most so many datasets
    :returns: how many were made
    """
    store.settle()
    count, behind = 0, -1
    while limit is None or count < limit:
        found = store.stale(stamp(), min(BATCH, limit - count if limit else BATCH), behind)
        if not found:
            return count
        count, behind = count + len(make_all(found)), found[-1].position
        model.Session.remove()
    return count
