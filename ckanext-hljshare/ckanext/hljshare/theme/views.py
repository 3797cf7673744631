"""The home page, the pages about the portal, datasets, files and agencies."""

from __future__ import annotations

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.lib.helpers import Page
from ckan.lib.search import SearchError, SearchQueryError
from ckan.views.api import i18n_js_translations
from flask import Blueprint

from ckanext.hljshare.theme.calendar_views import blueprint as calendar_blueprint
from ckanext.hljshare.theme.city_mapping_views import blueprint as mapping_blueprint
from ckanext.hljshare.theme.city_source_views import blueprint as source_blueprint
from ckanext.hljshare.theme.city_views import blueprint as city_blueprint
from ckanext.hljshare.theme.notice_views import blueprint as notice_blueprint

__all__ = [
    "calendar_blueprint",
    "city_blueprint",
    "mapping_blueprint",
    "notice_blueprint",
    "source_blueprint",
    "theme",
]

theme = Blueprint("hljshare_theme", __name__)

# Pages below /about: the name in the address and the template. What is not built yet is explained
# on a page of its own until the real one takes its address over.
ABOUT = ("apply", "plan", "terms", "privacy", "accessibility", "developers")

FILTER = re.compile(r"[a-z][a-z_]*\Z")
NOT_FILTERS = frozenset({"q", "page", "sort"})


@theme.route("/")
def home() -> Any:
    """The home page; takes the place of CKAN's, which asks more and shows less."""
    return tk.render("home/index.html", {})


@theme.route("/api/i18n/zh_Hans-CN")
def script_words() -> Any:
    """The words of CKAN's scripts. They make this address of the page's language, `zh-Hans-CN`,
    and CKAN's own view does not know it; without an answer none of CKAN's scripts begins."""
    return i18n_js_translations("zh_Hans_CN")


@theme.route("/about/<any({}):page>".format(", ".join(ABOUT)))
def about(page: str) -> Any:
    """One page about the portal."""
    return tk.render(f"home/about_{page}.html", {"page": page})


@theme.route("/dataset/<id>")
def dataset(id: str) -> Any:  # noqa: A002  (CKAN's name in its routes)
    """A dataset of any level. CKAN's view asks for the views of each file, which this portal does
    not have, and fails where the policy keeps them from the visitor."""
    found = _dataset(id)
    if found["type"] != "dataset" or (id == found["id"] and id != found["name"]):
        return tk.redirect_to(f"{found['type']}.read", id=found["name"])
    return tk.render(
        "scheming/package/read.html", {"pkg_dict": found, "dataset_type": found["type"]}
    )


@theme.route("/dataset/<id>/resource/<resource_id>")
def resource(id: str, resource_id: str) -> Any:  # noqa: A002
    """A file of a dataset."""
    found = _dataset(id)
    file = next((file for file in found["resources"] if file["id"] == resource_id), None)
    if file is None:
        return tk.abort(404, tk._("Resource not found"))
    variables = {"pkg_dict": found, "package": found, "resource": file}
    return tk.render(
        "scheming/package/resource_read.html", {**variables, "dataset_type": found["type"]}
    )


def _dataset(name: str) -> dict[str, Any]:
    """The dataset as the visitor may see it; what he may not know of is not there."""
    try:
        found: dict[str, Any] = tk.get_action("package_show")({"for_view": True}, {"id": name})
    except (tk.ObjectNotFound, tk.NotAuthorized):
        tk.abort(404, tk._("Dataset not found"))
    # Templates of CKAN and extensions still read this.
    tk.g.pkg_dict = found
    return found


@theme.route("/organization/")
def organizations() -> Any:
    """The agencies as a tree; takes the place of CKAN's pages of 20."""
    return tk.render("organization/index.html", {"q": tk.request.args.get("q", "")})


@theme.route("/organization/<id>")
def organization(id: str) -> Any:  # noqa: A002  (CKAN's name in its routes)
    """An agency with its data and that of all below it; CKAN's page leaves the latter out."""
    try:
        found = tk.get_action("organization_show")(
            {"for_view": True},
            {
                "id": id,
                # Each of these is a query or more whose answer the page does not show.
                "include_datasets": False,
                "include_users": False,
                "include_dataset_count": False,
                "include_followers": False,
                "include_groups": False,
                "include_tags": False,
            },
        )
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return tk.abort(404, tk._("Organization not found"))
    if id == found["id"] and id != found["name"]:
        return tk.redirect_to("organization.read", id=found["name"])
    # Templates of CKAN and extensions still read these two.
    tk.g.group_dict = found
    tk.g.group_type = "organization"
    variables = _datasets(f'+hljshare_org_path:"{found["name"]}"', _facets())
    return tk.render(
        "organization/read.html",
        {
            "group_dict": found,
            "group_type": "organization",
            "dataset_type": "dataset",
            **variables,
        },
    )


def _facets() -> dict[str, str]:
    """The facets that plugins give to an organization's page."""
    titles: dict[str, str] = {}
    for plugin in p.PluginImplementations(p.IFacets):
        titles = plugin.organization_facets(titles, "organization", "dataset")
    return titles


def _datasets(scope: str, facet_titles: dict[str, str]) -> dict[str, Any]:
    """One page of the datasets within a scope, by the parameters of the request, as CKAN's views
    hand it to their templates."""
    args = tk.request.args
    number = tk.h.get_page_number(args)
    limit = tk.config["ckan.datasets_per_page"]
    fields = [
        (name, value)
        for name, value in args.items(multi=True)
        if value and name not in NOT_FILTERS and FILTER.match(name)
    ]
    grouped: dict[str, list[str]] = {}
    for name, value in fields:
        grouped.setdefault(name, []).append(value)
    chosen = "".join(f' {name}:"{_quoted(value)}"' for name, value in fields)
    variables: dict[str, Any] = {
        "q": args.get("q", ""),
        "fields": fields,
        "fields_grouped": grouped,
        "facet_titles": facet_titles,
        "search_facets": {},
        "remove_field": partial(_without, tk.request.path),
        "sort_by_selected": args.get("sort"),
        "query_error": False,
        "page": Page(collection=[]),
    }
    try:
        result = tk.get_action("package_search")(
            {"for_view": True},
            {
                "q": variables["q"],
                "fq": f"{scope} +dataset_type:dataset{chosen}",
                "facet.field": list(facet_titles),
                "rows": limit,
                "start": (number - 1) * limit,
                "sort": args.get("sort"),
                "include_private": True,
            },
        )
    except SearchQueryError:
        return tk.abort(400, tk._("The filter or the search holds something that cannot be read"))
    except SearchError:
        variables["query_error"] = True
        return variables
    variables["search_facets"] = result["search_facets"]
    variables["sort_by_selected"] = result["sort"]
    variables["page"] = Page(
        collection=result["results"],
        page=number,
        item_count=result["count"],
        items_per_page=limit,
        presliced_list=True,
    )
    return variables


def _quoted(value: str) -> str:
    """A value that cannot end the quotes around it."""
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _without(path: str, name: str, value: str | None = None) -> str:
    """The address of this page without one filter."""
    args = [
        (key, other)
        for key, other in tk.request.args.items(multi=True)
        if key != "page" and not (key == name and value in (None, other))
    ]
    url: str = tk.h.url_for(path)
    return f"{url}?{urlencode(args)}" if args else url
