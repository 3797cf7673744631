"""/catalog-list: the catalog in the national format, as a page and as XLSX, CSV, JSON, XML."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk
from flask import Blueprint, Response

from ckanext.hljshare.access import delivery, export
from ckanext.hljshare.catalog import codelists, organizations, orgtree
from ckanext.hljshare.catalog.language import language
from ckanext.hljshare.catalog.paging import last_page, page_of

from . import columns, kept, rows, store, writing
from .asking import AskedWronglyError, Filters

lists = Blueprint("hljshare_lists", __name__)

ROWS = 50
LAST = 200  # pages; further on, finding a page takes too long
ENDINGS = ("xlsx", "csv", "json", "xml")
SHANGHAI = ZoneInfo("Asia/Shanghai")
# HTTP counts in seconds: a younger list may change again within the one it would name.
SETTLED = timedelta(seconds=2)
_workbooks = kept.Kept()


@dataclass(frozen=True)
class Asked:
    """The filters of an address, and the organization they name with the ids of all below it."""

    filters: Filters
    agency: dict[str, Any] | None
    agencies: Collection[str] | None

    @property
    def title(self) -> str:
        """What the list is called, in the language of the guide."""
        words = columns.load()
        kind = "restricted" if self.filters.restricted else "opened"
        narrow = self.filters.restricted or self.filters.opened
        return str(words[kind] if narrow else words["title"])

    @property
    def words(self) -> dict[str, str]:
        """The filters as people read them, in the language of the guide."""
        said = {
            "city": codelists.label("region", self.filters.city),
            "agency": self.agency["title"] if self.agency else "",
            "level": codelists.label("open_type", self.filters.level),
            "share": codelists.label("share_type", self.filters.share),
            "opened": "1" if self.filters.opened else "",
            "restricted": "1" if self.filters.restricted else "",
        }
        names = columns.load()["filters"]
        return {names[key]: value for key, value in said.items() if value}


def _asked() -> Asked:
    try:
        filters = Filters.read(tk.request.args)
    except AskedWronglyError as error:
        tk.abort(400, _refusal(error))
    if not filters.agency:
        return Asked(filters, None, None)
    nodes = organizations.kept()
    for node in nodes:
        if filters.agency in (node["name"], node["id"]):
            below = orgtree.descendants({n["name"]: n["parent"] for n in nodes}, node["name"])
            ids = {n["id"] for n in nodes if n["name"] in below}
            return Asked(filters, node, frozenset({node["id"], *ids}))
    return tk.abort(400, _refusal(AskedWronglyError("agency")))


def _refusal(error: AskedWronglyError) -> str:
    if error.allowed:
        return str(
            tk._("The value of {name} is not known. It may be: {allowed}").format(
                name=error.name, allowed=tk._(", ").join(error.allowed)
            )
        )
    return str(tk._("The value of {name} is not known").format(name=error.name))


def _site() -> str:
    return str(tk.config["ckan.site_url"]).rstrip("/")


# ---------------------------------------------------------------------- files


@lists.route(f"/catalog-list.<any({', '.join(ENDINGS)}):ending>")
def download(ending: str) -> Response:
    """The whole list, by the filters, as a file; conditional requests are answered from sums."""
    asked = _asked()
    overview = store.overview()
    response = Response(content_type=export.CONTENT_TYPES[ending])
    etag = _etag(asked, overview, ending)
    response.set_etag(etag, weak=True)
    if overview.changed and datetime.now(timezone.utc) - overview.changed > SETTLED:
        response.last_modified = overview.changed
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(tk.request)
    if response.status_code == 304:
        return response
    response.headers.pop("Content-Length", None)  # of the body that is not there yet
    response.headers["Content-Disposition"] = delivery.attachment(_file_name(asked, ending))
    if tk.request.method == "HEAD":
        response.response = iter(())  # how long the body would be, nobody knows yet
        return response
    head = writing.Head(
        title=asked.title,
        made=datetime.now(SHANGHAI),
        address=f"{_site()}/catalog-list",
        filters=asked.filters.parameters(),
        words=asked.words,
    )
    datasets = store.stream(asked.filters, asked.agencies, _site())
    table = (rows.row(dataset) for dataset in datasets)
    if ending != "xlsx":
        response.response = writing.STREAMS[ending](head, table)
        response.call_on_close(datasets.close)
        return response
    try:
        file = _workbooks.file(etag, lambda: writing.to_xlsx(head, table))
    except kept.BusyError:
        return _come_again()
    response.content_length = os.fstat(file).st_size
    response.response = kept.read(file)
    response.call_on_close(lambda: os.close(file))
    return response


def _come_again() -> Response:
    words = tk._("Another list is being made at the moment. Please try again in a minute.")
    return Response(
        words, status=503, headers={"Retry-After": "60"}, content_type="text/plain; charset=utf-8"
    )


def _etag(asked: Asked, overview: store.Overview, ending: str) -> str:
    """A word that changes whenever the list would read otherwise: with each entry, and with the
    agencies, which every row names."""
    found = overview.of(asked.filters, asked.agencies)
    said = (
        columns.stamp(),
        _site(),
        ending,
        sorted(asked.filters.parameters().items()),
        overview.organizations,
        sum(each.count for each in found),
        sum(each.weight for each in found),
        max((each.newest for each in found), default=0),
    )
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _file_name(asked: Asked, ending: str) -> str:
    place = asked.agency["title"] if asked.agency else ""
    place = place or codelists.label("region", asked.filters.city)
    parts = (asked.title, place, f"{datetime.now(SHANGHAI):%Y%m%d}")
    return f"{'-'.join(part for part in parts if part)}.{ending}"


# ---------------------------------------------------------------------- the page


@lists.route("/catalog-list")
def entries() -> str:
    """The list as a page: what it is, its files, and `ROWS` entries of it."""
    asked = _asked()
    overview = store.overview()
    found = overview.of(asked.filters, asked.agencies)
    count = sum(each.count for each in found)
    last = last_page(count, ROWS, LAST)
    number = page_of(tk.request.args.get("page"), last)
    datasets = store.page(asked.filters, asked.agencies, _site(), ROWS, (number - 1) * ROWS)
    now = language()
    return str(
        tk.render(
            "feeds/catalog_list.html",
            {
                "filters": asked.filters,
                "entries": [_shown(dataset, now) for dataset in datasets],
                "count": count,
                "ready": _ready(overview),
                "levels": _levels(asked, overview),
                "shares": [
                    (code, codelists.label("share_type", code, now))
                    for code in codelists.codes("share_type")
                ],
                "cities": _cities(overview, now),
                "agencies": _agencies(overview, asked),
                "endings": ENDINGS,
                "number": number,
                "last": last,
                "most": ROWS * LAST,
                "basis": columns.load()["basis"],
            },
        )
    )


def _shown(dataset: dict[str, Any], now: str) -> dict[str, Any]:
    """An entry for the page: its row, and what the page says in the reader's own language."""
    return {
        **rows.named(dataset),
        "name": dataset["name"],
        "level": rows.level_of(dataset),
        "sharing": dataset.get("share_type") or "",
        "update_cycle": codelists.label("update_cycle", dataset.get("update_cycle"), now),
        "region": codelists.label("region", dataset.get("region_code"), now),
    }


def _count(overview: store.Overview, filters: Filters) -> int:
    return sum(each.count for each in overview.of(filters, None))


def _ready(overview: store.Overview) -> list[dict[str, Any]]:
    """The lists that are asked for most: everything, what is open, what is restricted."""
    made = (
        (
            tk._("The whole catalog list"),
            tk._("All entries, whatever their opening level"),
            Filters(),
        ),
        (
            tk._("List of open data"),
            tk._("What is open to the public, at once or on request"),
            Filters(opened=True),
        ),
        (
            tk._("List of restricted data"),
            tk._("What is open on request only or not open, with the basis of each restriction"),
            Filters(restricted=True),
        ),
    )
    return [
        {"title": title, "about": about, "filters": filters, "count": _count(overview, filters)}
        for title, about, filters in made
    ]


def _levels(asked: Asked, overview: store.Overview) -> list[dict[str, Any]]:
    """The levels with the number of entries that the other filters leave of each."""
    given = {**vars(asked.filters), "level": ""}
    counts: dict[str, int] = {}
    for each in overview.of(Filters(**given), asked.agencies):
        counts[each.level] = counts.get(each.level, 0) + each.count
    return [{"code": code, "count": counts.get(code, 0)} for code in codelists.codes("open_type")]


def _cities(overview: store.Overview, now: str) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for each in overview.sums:
        counts[each.city] = counts.get(each.city, 0) + each.count
    return [
        {
            "value": code,
            "text": tk._("Province level")
            if code == store.PROVINCE
            else codelists.label("region", code, now),
            "count": count,
        }
        for code, count in sorted(counts.items())
        if codelists.item("region", code)
    ]


def _agencies(overview: store.Overview, asked: Asked) -> list[dict[str, Any]]:
    """The organizations that provide something themselves, and the chosen one."""
    counts: dict[str, int] = {}
    for each in overview.sums:
        counts[each.agency] = counts.get(each.agency, 0) + each.count
    chosen = asked.agency["id"] if asked.agency else None
    return [
        {
            "value": node["name"],
            "text": node["title"],
            "count": counts.get(node["id"], 0),
            "chosen": node["id"] == chosen,
        }
        for node in organizations.kept()
        if counts.get(node["id"]) or node["id"] == chosen
    ]
