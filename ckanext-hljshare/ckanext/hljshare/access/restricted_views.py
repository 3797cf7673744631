"""/catalog: the public list of what is not open, with the basis of each restriction (6.1 a)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk
import flask
from ckan.lib.search import SearchError, SearchQueryError
from flask import Blueprint, Response

from ckanext.hljshare.access import delivery, export, restricted
from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.catalog.language import language
from ckanext.hljshare.catalog.paging import last_page, page_of

blueprint = Blueprint("hljshare_restricted", __name__)

ROWS = 50
LAST = 1000  # pages
BATCH = 500  # entries that an export reads at a time
FORMATS = ("csv", "xlsx")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def _ask(filters: restricted.Filters, fq: str, **more: Any) -> dict[str, Any]:
    """Ask the search as a visitor who is not signed in: the list is the same for everybody."""
    found: dict[str, Any] = tk.get_action("package_search")(
        {"user": "", "auth_user_obj": None},
        {
            "q": filters.words,
            "fq": fq,
            "sort": None if filters.words else "title_string asc, id asc",
            **more,
        },
    )
    return found


def _options() -> dict[str, list[dict[str, Any]]]:
    """Return what there is to choose from: the facets of the whole list."""
    none = restricted.Filters()
    fields = ["hljshare_city", "hljshare_agency", "hljshare_law"]
    found = _ask(
        none, restricted.query(none), rows=0, **{"facet.field": fields, "facet.limit": -1}
    )["search_facets"]
    return {name.removeprefix("hljshare_"): facet["items"] for name, facet in found.items()}


def _laws(filters: restricted.Filters, options: dict[str, list[dict[str, Any]]]) -> Any:
    """Return the laws that the typed name stands for; None where none is asked for."""
    if not filters.law:
        return None
    return restricted.laws_with((item["name"] for item in options["law"]), filters.law)


def _words() -> restricted.Words:
    now = language()
    return restricted.Words(
        label=lambda list_id, code: codelists.label(list_id, code, now),
        page=lambda name: str(tk.h.url_for("dataset.read", id=name, qualified=True)),
        separator=tk._("; "),
    )


def _headings() -> list[str]:
    """Return the export's headings, in the order of `restricted.COLUMNS`."""
    return [
        tk._("Resource code"),
        tk._("Title of the entry"),
        tk._("Provider"),
        tk._("City"),
        tk._("Opening level"),
        tk._("Sharing type"),
        tk._("Basis for not opening"),
        tk._("Links to the bases"),
        tk._("Conditions of opening"),
        tk._("Conditions of sharing"),
        tk._("Items"),
        tk._("Next review"),
        tk._("Page of the entry"),
    ]


@blueprint.route("/catalog")
def entries() -> Any:
    """The list, filtered, `ROWS` entries a page, with the number of entries of each level."""
    filters = restricted.Filters.read(tk.request.args)
    number = page_of(tk.request.args.get("page"), LAST)
    variables: dict[str, Any] = {"filters": filters, "number": number, "failed": False}
    try:
        options = _options()
        laws = _laws(filters, options)
        counted = _ask(
            filters,
            restricted.query(filters, laws, level=False),
            rows=0,
            **{"facet.field": ["hljshare_open_type"]},
        )
        found = _ask(filters, restricted.query(filters, laws), rows=ROWS, start=(number - 1) * ROWS)
    except SearchQueryError:
        return tk.abort(400, tk._("The filter or the search holds something that cannot be read"))
    except SearchError:
        return tk.render("access/restricted.html", {**variables, "failed": True}), 503
    levels = counted["search_facets"]["hljshare_open_type"]["items"]
    counts = {item["name"]: item["count"] for item in levels}
    words = _words()
    return tk.render(
        "access/restricted.html",
        {
            **variables,
            "entries": [restricted.entry(dataset) for dataset in found["results"]],
            "count": found["count"],
            "counts": {level: counts.get(level, 0) for level in restricted.LEVELS},
            "total": counted["count"],
            "cities": _cities(options["city"], words),
            "agencies": _agencies(options["agency"], filters.agency),
            "laws": sorted(item["name"] for item in options["law"]),
            "last": last_page(found["count"], ROWS, LAST),
        },
    )


def _cities(items: list[dict[str, Any]], words: restricted.Words) -> list[dict[str, Any]]:
    """Return the cities in the order of their codes; the province's own entries come first."""
    return [
        {
            "value": item["name"],
            "text": tk._("Province level")
            if item["name"] == restricted.PROVINCE
            else words.label("region", item["name"]),
            "count": item["count"],
        }
        for item in sorted(items, key=lambda item: str(item["name"]))
    ]


def _agencies(items: list[dict[str, Any]], chosen: str) -> list[dict[str, Any]]:
    """Return the agencies by title, with the chosen one even where it has no entry of its own."""
    found = {item["name"]: (item["display_name"], item["count"]) for item in items}
    if chosen and chosen not in found:
        found[chosen] = (chosen, 0)
    return [
        {"value": name, "text": title, "count": count}
        for name, (title, count) in sorted(found.items(), key=lambda pair: pair[1][0])
    ]


@blueprint.route(f"/catalog/restricted.<any({', '.join(FORMATS)}):fmt>")
def download(fmt: str) -> Any:
    """The whole list, by the same filters, as CSV or XLSX."""
    filters = restricted.Filters.read(tk.request.args)
    try:
        fq = restricted.query(filters, _laws(filters, _options() if filters.law else {}))
        first = _ask(filters, fq, rows=BATCH)
    except SearchQueryError:
        return tk.abort(400, tk._("The filter or the search holds something that cannot be read"))
    except SearchError:
        return tk.abort(
            503, tk._("The search is not available at the moment. Please try again in a minute.")
        )
    words = _words()

    def rows() -> Iterator[list[Any]]:
        batch, start = first["results"], 0
        while batch:
            for dataset in batch:
                yield restricted.cells(restricted.entry(dataset), words)
            start += BATCH
            # A list that is as long as it was said to be needs no further question.
            batch = (
                _ask(filters, fq, rows=BATCH, start=start)["results"]
                if start < first["count"]
                else []
            )

    body = export.stream(fmt, _headings(), rows())
    if not hasattr(body, "read"):
        body = flask.stream_with_context(body)
    today = datetime.datetime.now(SHANGHAI).date()
    response = Response(body, content_type=export.CONTENT_TYPES[fmt])
    name = f"{tk._('Data that is not open')}-{today:%Y%m%d}.{fmt}"
    response.headers["Content-Disposition"] = delivery.attachment(name)
    return response
