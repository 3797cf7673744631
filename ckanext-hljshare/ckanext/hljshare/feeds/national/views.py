"""/catalog-list: the catalog in the national format, as a page and as XLSX, CSV, JSON, XML."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import IO, Any
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk
from flask import Blueprint, Response

from ckanext.hljshare.access import delivery, export
from ckanext.hljshare.catalog import codelists, organizations
from ckanext.hljshare.catalog.language import language
from ckanext.hljshare.catalog.paging import last_page, page_of
from ckanext.hljshare.feeds.catalog import scopes
from ckanext.hljshare.feeds.catalog.asking import Asked as Place
from ckanext.hljshare.feeds.catalog.asking import AskedWronglyError
from ckanext.hljshare.feeds.catalog.views import RefusedError, answers
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.web import addresses

from . import asking, columns, kept, rows, store, writing
from .asking import Filters

lists = Blueprint("hljshare_lists", __name__)

ROWS = 50
LAST = 200  # pages; further on, finding a page takes too long
ENDINGS = ("xlsx", "csv", "json", "xml")
SHANGHAI = ZoneInfo("Asia/Shanghai")
# HTTP counts in seconds: a younger list may change again within the one it would name.
SETTLED = timedelta(seconds=2)
# Entries: so few are made within a second, whoever else asks; making more is counted and kept.
FEW = 2000
_files = kept.Kept()


@dataclass(frozen=True)
class Asked:
    """The filters of an address, and the organization they name with the ids of all below it."""

    filters: Filters
    agency: Agency | None
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
            "agency": self.agency.title if self.agency else "",
            "level": codelists.label("open_type", self.filters.level),
            "share": codelists.label("share_type", self.filters.share),
            "opened": "1" if self.filters.opened else "",
            "restricted": "1" if self.filters.restricted else "",
        }
        names = columns.load()["filters"]
        return {names[key]: value for key, value in said.items() if value}


def _asked() -> Asked:
    """What the address asks for.

    :raises RefusedError: 400 for what cannot be read, 404 for a city or an agency that is none
    """
    try:
        filters = Filters.read(tk.request.args)
        scope = scopes.find(Place(city=filters.city, agency=filters.agency))
    except AskedWronglyError as error:
        raise RefusedError(400, **{str(error): _refusal(str(error))}) from None
    except scopes.UnknownError as error:
        words = {
            "city": tk._("There is no city with this code"),
            "agency": tk._("There is no such agency"),
        }
        raise RefusedError(404, **{str(error): words[str(error)]}) from None
    if not scope.agency:
        return Asked(filters, None, None)
    agency = making.organizations().get(scope.agency)
    return Asked(filters, agency, frozenset(scope.members))


def _refusal(name: str) -> str:
    allowed = asking.allowed(name)
    if allowed:
        return str(
            tk._("The value of {name} is not known. It may be: {allowed}").format(
                name=name, allowed=tk._(", ").join(allowed)
            )
        )
    return str(tk._("The value of {name} is not known").format(name=name))


# ---------------------------------------------------------------------- files


@lists.route(f"/catalog-list.<any({', '.join(ENDINGS)}):ending>")
@answers
def download(ending: str) -> Response:
    """The whole list, by the filters, as a file; conditional requests are answered from sums."""
    overview = store.overview()  # first: what is read after it is not older than its sums say
    asked = _asked()
    response = Response(content_type=export.CONTENT_TYPES[ending])
    etag = _etag(asked, overview, ending)
    response.set_etag(etag, weak=True)
    if overview.changed and datetime.now(timezone.utc) - overview.changed > SETTLED:
        response.last_modified = overview.changed
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(tk.request)
    if response.status_code != 200:
        return response
    response.headers.pop("Content-Length", None)  # of the body that is not there yet
    response.headers["Content-Disposition"] = delivery.attachment(_file_name(asked, ending))
    if tk.request.method == "HEAD":
        response.response = iter(())  # how long the body would be, nobody knows yet
        return response
    count = sum(each.count for each in overview.of(asked.filters, asked.agencies))
    make = partial(_make, asked, ending)
    try:
        file = kept.descriptor(make) if count <= FEW else _files.file(etag, make)
    except kept.BusyError:
        words = tk._("Another list is being made at the moment. Please try again in a minute.")
        raise RefusedError(503, list=words) from None
    response.content_length = os.fstat(file).st_size
    response.response = kept.read(file)
    response.call_on_close(lambda: os.close(file))
    return response


def _make(asked: Asked, ending: str) -> IO[bytes]:
    site = addresses.home()
    head = writing.Head(
        title=asked.title,
        made=datetime.now(SHANGHAI),
        address=f"{site}/catalog-list",
        filters=asked.filters.parameters(),
        words=asked.words,
    )
    with closing(store.stream(asked.filters, asked.agencies, site)) as datasets:
        return writing.to_file(ending, head, map(rows.row, datasets))


def _etag(asked: Asked, overview: store.Overview, ending: str) -> str:
    """A word that changes whenever the list would read otherwise: with each entry, and with the
    agencies, which every row names."""
    found = overview.of(asked.filters, asked.agencies)
    said = (
        columns.STAMP,
        addresses.home(),
        ending,
        sorted(asked.filters.parameters().items()),
        overview.organizations,
        sum(each.count for each in found),
        sum(each.weight for each in found),
        max((each.newest for each in found), default=0),
    )
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _file_name(asked: Asked, ending: str) -> str:
    place = asked.agency.title if asked.agency else ""
    place = place or codelists.label("region", asked.filters.city)
    parts = (asked.title, place, f"{datetime.now(SHANGHAI):%Y%m%d}")
    return f"{'-'.join(part for part in parts if part)}.{ending}"


# ---------------------------------------------------------------------- the page


@lists.route("/catalog-list")
def entries() -> str:
    """The list as a page: what it is, its files, and `ROWS` entries of it."""
    try:
        asked = _asked()
    except RefusedError as error:
        tk.abort(error.status, " ".join(error.wrong.values()))
    overview = store.overview()
    found = overview.of(asked.filters, asked.agencies)
    count = sum(each.count for each in found)
    last = last_page(count, ROWS, LAST)
    number = page_of(tk.request.args.get("page"), last)
    site, offset = addresses.home(), (number - 1) * ROWS
    datasets = store.page(asked.filters, asked.agencies, site, ROWS, offset)
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
    chosen = asked.agency.id if asked.agency else None
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
