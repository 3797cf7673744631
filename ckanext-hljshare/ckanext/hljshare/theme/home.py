"""What the home page shows: numbers, themes, cities, newest and most viewed data.

Everything is asked as an anonymous visitor, so the result may be shared by all and kept a minute.
"""

from __future__ import annotations

import datetime
import logging
import threading
import time
from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.search import SearchError

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.theme import tiles, usage

log = logging.getLogger(__name__)

SECONDS = 60
ROWS = 6
FACETS = ["hljshare_open_type", "hljshare_theme", "hljshare_city"]

_lock = threading.Lock()
_kept: dict[str, tuple[float, dict[str, Any]]] = {}


def search(**parameters: Any) -> dict[str, Any]:
    """`package_search` as an anonymous visitor: what is not public is never in the answer."""
    context: Any = {"user": "", "auth_user_obj": None}
    result: dict[str, Any] = tk.get_action("package_search")(
        context, {"q": "*:*", "fq": "+dataset_type:dataset", **parameters}
    )
    return result


def counts(result: dict[str, Any], facet: str) -> dict[str, int]:
    """The counts of one facet by its values."""
    found = result.get("search_facets", {}).get(facet, {}).get("items", [])
    return {item["name"]: item["count"] for item in found}


def assemble(result: dict[str, Any], viewed: list[dict[str, Any]], files: int) -> dict[str, Any]:
    """The page's data from a search result with facets; pure."""
    by_level = counts(result, "hljshare_open_type")
    by_city = counts(result, "hljshare_city")
    drawn = tiles.tiles(by_city)
    by_theme = counts(result, "hljshare_theme")
    return {
        "available": True,
        "datasets": result["count"],
        "open": by_level.get("open", 0),
        "levels": {code: by_level.get(code, 0) for code in codelists.codes("open_type")},
        "themes": [(code, by_theme.get(code, 0)) for code in codelists.codes("theme")],
        "tiles": drawn,
        "cities": sum(1 for tile in drawn if tile.count),
        "province": by_city.get("230000", 0),
        "files": files,
        "newest": result["results"],
        "viewed": viewed,
    }


def _file_count() -> int:
    """Number of files of public datasets."""
    query = (
        model.Session.query(model.Resource.id)
        .join(model.Package, model.Package.id == model.Resource.package_id)
        .filter(
            model.Resource.state == "active",
            model.Package.state == "active",
            model.Package.private.is_(False),
            model.Package.type == "dataset",
        )
    )
    return int(query.count())


def _viewed(today: datetime.date) -> list[dict[str, Any]]:
    """The public ones among the datasets viewed most, most first."""
    ids = usage.most_viewed(today)
    if not ids:
        return []
    wanted = " OR ".join(f'"{name}"' for name in ids)
    found = search(fq=f"+dataset_type:dataset +id:({wanted})", rows=len(ids))["results"]
    by_id = {dataset["id"]: dataset for dataset in found}
    return [by_id[name] for name in ids if name in by_id][:ROWS]


def data(today: datetime.date) -> dict[str, Any]:
    """The page's data, at most a minute old in each web process."""
    kept = _kept.get("home")
    if kept and time.monotonic() - kept[0] < SECONDS:
        return kept[1]
    with _lock:
        kept = _kept.get("home")
        if kept and time.monotonic() - kept[0] < SECONDS:
            return kept[1]
        try:
            result = search(
                **{"facet.field": FACETS, "facet.limit": -1, "rows": ROWS},
                sort="hlj_updated desc, metadata_modified desc",
            )
        except SearchError:
            # The last numbers are better than none; without any, the page says that it has none.
            log.exception("The home page could not ask the search index")
            return kept[1] if kept else {"available": False}
        fresh = assemble(result, _viewed(today), _file_count())
        _kept["home"] = (time.monotonic(), fresh)
        return fresh


def forget() -> None:
    """Drop what is kept (tests, and after a large load)."""
    _kept.clear()
