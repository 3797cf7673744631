"""Sitemaps, feeds of changes, Croissant. Everybody is told the same, whoever asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import ckan.plugins.toolkit as tk
from ckan import model
from flask import Blueprint, Response, request

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.catalog import scopes
from ckanext.hljshare.feeds.catalog.asking import Asked, AskedWronglyError
from ckanext.hljshare.feeds.catalog.views import RefusedError
from ckanext.hljshare.feeds.catalog.views import answers as feeds_answers
from ckanext.hljshare.feeds.dcat.terms import segment
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.entries.store import EVERYTHING, Scope, settle
from ckanext.hljshare.feeds.web import addresses, atom, croissant, pages, sitemap, store, tables

web = Blueprint("hljshare_web", __name__)
MOST_SITEMAPS = 10**9  # far more than there can be; PostgreSQL counts so far


def answers(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer 304 to who has it already, and what was asked wrongly in CKAN's error shape."""

    @feeds_answers
    @wraps(view)
    def answer(**values: Any) -> Response:
        response = view(**values)
        response.make_conditional(request.environ)
        return response

    return answer


def _etag(*said: object) -> str:
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _sitemap(make: Callable[[], str], *said: object) -> Response:
    """A sitemap that changes whenever `said` does; made only for who does not have it."""
    response = Response(content_type=sitemap.MEDIA)
    response.set_etag(_etag(addresses.home(), *said))
    response.make_conditional(request.environ)
    if response.status_code != 304:
        response.set_data(make())
    return response


@web.get("/sitemap.xml")
@answers
def index() -> Response:
    """The sitemaps there are."""
    settle()
    home, found = addresses.home(), store.blocks()
    listed = [(f"{home}/sitemap-pages.xml", None), (f"{home}/sitemap-agencies.xml", None)]
    numbered = [(f"{home}/sitemap-{block.number + 1}.xml", block.changed) for block in found]
    return _sitemap(lambda: sitemap.index([*listed, *numbered]), numbered)


@web.get("/sitemap-pages.xml")
@answers
def fixed() -> Response:
    """The pages that are always there."""
    home = addresses.home()
    listed = [(f"{home}{path}", None) for path in sitemap.FIXED]
    return _sitemap(lambda: sitemap.urls(listed), listed)


@web.get("/sitemap-agencies.xml")
@answers
def agencies() -> Response:
    """The pages of agencies."""
    home, names = addresses.home(), store.agencies()
    listed = [(f"{home}/organization/{segment(name)}", None) for name in names]
    return _sitemap(lambda: sitemap.urls(listed), listed)


@web.get("/sitemap-<int:number>.xml")
@answers
def datasets(number: int) -> Response:
    """The pages of some public datasets; a dataset stays in its sitemap for good."""
    settle()
    found = store.block(number - 1) if 1 <= number <= MOST_SITEMAPS else None
    if found is None:
        raise RefusedError(404, sitemap=tk._("There is no such sitemap"))
    home = addresses.home()

    def make() -> str:
        rows = store.pages(number - 1)
        return sitemap.urls((f"{home}/dataset/{segment(name)}", moment) for name, moment in rows)

    return _sitemap(make, found)


@web.get("/feeds/catalog.atom")
@web.get("/feeds/dataset.atom", endpoint="stock_catalog_feed")
@answers
def catalog_feed() -> Response:
    """What is new, changed and gone. The second address is that of CKAN's own feed."""
    settle()
    return _feed(EVERYTHING, "catalog", tk._("New and changed datasets"), "/dataset/")


@web.get("/feeds/city/<code>.atom")
@answers
def city_feed(code: str) -> Response:
    """The same of one city; its code, or that of a district."""
    settle()
    try:
        scope = scopes.find(Asked.read({"city": code}))
    except scopes.UnknownError:
        raise RefusedError(404, city=tk._("There is no city with this code")) from None
    place = codelists.label("region", scope.city)
    title = tk._("New and changed datasets: {name}").format(name=place)
    return _feed(scope, f"city/{scope.city}", title, "/city")


@web.get("/feeds/agency/<name>.atom")
@web.get("/feeds/organization/<name>.atom", endpoint="stock_agency_feed")
@answers
def agency_feed(name: str) -> Response:
    """The same of one agency, by its name or id, and all below it. The second address is that of
    CKAN's own feed."""
    settle()
    try:
        scope = scopes.find(Asked(agency=name))
    except scopes.UnknownError:
        raise RefusedError(404, agency=tk._("There is no such agency")) from None
    agency = making.organizations()[scope.agency]
    title = tk._("New and changed datasets: {name}").format(name=agency.title)
    own = segment(agency.name)
    return _feed(scope, f"agency/{own}", title, f"/organization/{own}")


@web.get("/feeds/custom.atom", endpoint="stock_custom_feed")
@web.get("/feeds/group/<string:of>.atom", endpoint="stock_group_feed")
@web.get("/feeds/tag/<string:of>.atom", endpoint="stock_tag_feed")
def stock_feed(of: str = "") -> Any:
    """CKAN's feeds of a search, a group, a tag: not given, for they name neither what is gone nor,
    in Chinese, themselves. Who follows one is led to the feed of all."""
    return tk.redirect_to("hljshare_web.catalog_feed")


def _feed(scope: Scope, path: str, title: str, page: str) -> Response:
    words = request.args.get("before", "")
    try:
        place = atom.place(words)
    except ValueError:
        raise AskedWronglyError("before") from None
    found = store.changes(scope, atom.ENTRIES + 1, place)
    shown, site = found[: atom.ENTRIES], addresses.home(locale=None)
    address = f"{site}/feeds/{path}.atom"
    around = {"first": address}
    if len(found) > len(shown):
        around["next"] = f"{address}?{urlencode({'before': atom.cursor(shown[-1])})}"
    feed = atom.Feed(
        id=f"{addresses.home()}/feeds/{path}.atom",
        title=f"{title} · {tk.config.get('ckan.site_title')}",
        publisher=str(tk.config.get("ckan.site_title")),
        address=f"{address}?{urlencode({'before': words})}" if words else address,
        page=f"{site}{page}",
        pages=around,
        language="en" if str(tk.h.lang()).startswith("en") else "zh",
    )
    text = atom.document(feed, shown, addresses.where(), site)
    response = Response(text, content_type=atom.MEDIA)
    response.add_etag()
    return response


@web.get("/dataset/<name>/croissant.jsonld", endpoint="croissant")
@answers
def croissant_view(name: str) -> Response:
    """An open dataset for machine learning; of others there is nothing to load."""
    package = model.Package.get(name) if "\x00" not in name else None
    shown = next(making.datasets([package.id]), None) if package else None
    made = None
    if shown:
        where = addresses.where()
        agency = pages.publisher(shown.get("owner_org"))
        made = croissant.document(shown, agency, where, tables.columns(shown, where))
    if made is None:
        wrong = tk._("There are no open files of this dataset to be described")
        raise RefusedError(404, name=wrong)
    text = json.dumps(made, ensure_ascii=False, indent=1)
    response = Response(text, content_type="application/ld+json; charset=utf-8")
    response.add_etag()
    return response
