"""Harvest sources as the command line meets them: found, made, opened."""

from __future__ import annotations

import json
import logging
import re
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckanext.harvest.interfaces import IHarvester
from ckanext.harvest.model import HarvestSource

from ckanext.hljshare.paths import HARVESTERS

# Only the command line may name a mapping by its path: a path in a form would read the server's
# files.
paths_allowed: ContextVar[bool] = ContextVar("hljshare_paths_allowed", default=False)


class SourceProblemError(Exception):
    """What the person has to change; the message is for them."""


def harvester(kind: str) -> Any:
    """The harvester of a kind. It knows how to open a source of its kind."""
    found = {
        item.info()["name"]: item
        for item in p.PluginImplementations(IHarvester)
        if hasattr(item, "adapter")
    }
    if kind not in found:
        raise SourceProblemError(f"unknown kind {kind!r}; known: {', '.join(sorted(found))}")
    return found[kind]


def find(name: str) -> HarvestSource | None:
    """The harvest source of that name."""
    package = model.Package.get(name)
    if package is None or package.type != "harvest" or package.state != model.State.ACTIVE:
        return None
    return HarvestSource.get(package.id)


def address(url: str) -> str:
    """A URL as given; a path as an absolute file:// URL."""
    if urlsplit(url).scheme in ("http", "https", "file"):
        return url
    return "file://" + quote(str(Path(url).expanduser().resolve()))


def mapping_name(given: str) -> str:
    """A mapping's name, or the absolute path of a file that is not in `harvesters/mappings/`."""
    path = Path(given).expanduser()
    if path.suffix in (".yaml", ".yml") or "/" in given:
        path = path.resolve()
        if not path.is_file():
            raise SourceProblemError(f"no mapping file {given}")
        return path.stem if path.parent == (HARVESTERS / "mappings").resolve() else str(path)
    return given


def organization(name: str) -> str:
    """The id of an organization given by name, id or title."""
    group = model.Group.get(name)
    if group is None:
        same = (
            model.Session.query(model.Group)
            .filter_by(title=name, is_organization=True, state="active")
            .all()
        )
        group = same[0] if len(same) == 1 else None
    if group is None or not group.is_organization:
        raise SourceProblemError(
            f"no organization {name!r}; see the page /organization/ for its name"
        )
    return str(group.id)


def check_name(name: str) -> None:
    """A source's name is part of its datasets' addresses."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{1,86}", name):
        raise SourceProblemError(
            f"{name!r} cannot name a source: use 2 to 87 lower-case letters, digits, - and _"
        )


def create(
    name: str,
    kind: str,
    url: str,
    owner: str,
    mapping: str | None,
    title: str | None = None,
    frequency: str = "MANUAL",
) -> HarvestSource:
    """A new harvest source."""
    check_name(name)
    # It asks for the source before the source is flushed, and calls that an error.
    logging.getLogger("ckanext.harvest.plugin").setLevel(logging.CRITICAL)
    try:
        made = tk.get_action("harvest_source_create")(
            _context(),
            {
                "name": name,
                "title": title or name,
                "url": url,
                "source_type": kind,
                "owner_org": owner,
                "frequency": frequency,
                "config": config(name, mapping),
            },
        )
    except tk.ValidationError as error:
        words = "; ".join(f"{key}: {value}" for key, value in error.error_summary.items())
        raise SourceProblemError(f"the source could not be made: {words}") from None
    return HarvestSource.get(made["id"])


def config(name: str, mapping: str | None) -> str:
    """The stored configuration. The name keeps two sources with one address apart (ckanext-harvest
    compares both).
    """
    data = {"source": name, **({"mapping": mapping} if mapping else {})}
    return json.dumps(data, ensure_ascii=False)


def change(row: HarvestSource, url: str | None, mapping: str | None) -> HarvestSource:
    """Give an existing source another address or mapping."""
    package = tk.get_action("package_show")({**_context(), "use_cache": False}, {"id": row.id})
    stored = json.loads(row.config or "{}")
    if mapping:
        stored["mapping"] = mapping
    package.update(url=url or row.url, config=json.dumps(stored, ensure_ascii=False))
    for key in ("mapping", "source", "status"):
        package.pop(key, None)
    tk.get_action("harvest_source_update")(_context(), package)
    model.Session.expire_all()
    return HarvestSource.get(row.id)


def _context() -> dict[str, Any]:
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return {"user": user, "ignore_auth": True}
