"""The search in CKAN: what stands between ``package_search``, the indexer and Solr."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan import model
from ckan.lib.search import SearchQueryError
from flask import Blueprint, g, has_app_context, has_request_context

from ckanext.hljshare.catalog import search, suggest
from ckanext.hljshare.catalog.search_views import blueprint

DATASET = "dataset"


def trusted() -> bool:
    """Whether the caller may use all of Solr's language: a command, a job, a sysadmin."""
    if not has_request_context():
        return True
    user = tk.current_user
    return bool(user and user.is_authenticated and getattr(user, "sysadmin", False))


def organizations_above(owner_org: str | None) -> list[dict[str, Any]]:
    """The organization and those above it, top first: ``name``, ``title``, ``region_code``."""
    if not owner_org:
        return []
    known: dict[str, list[dict[str, Any]]] = {}
    if has_app_context():  # a batch of datasets asks for the same few organizations
        if "hljshare_organizations_above" not in g:
            g.hljshare_organizations_above = known
        known = g.hljshare_organizations_above
    if owner_org not in known:
        group = model.Group.get(owner_org)
        line = [*group.get_parent_group_hierarchy(type="organization"), group] if group else []
        known[owner_org] = [
            {"name": org.name, "title": org.title, "region_code": org.extras.get("region_code")}
            for org in line
        ]
    return known[owner_org]


def facet_titles() -> dict[str, str]:
    """Titles of the facets in the user's language."""
    return {
        "hljshare_region": tk._("City"),
        "hljshare_agency": tk._("Agency"),
        "hljshare_theme": tk._("Theme"),
        "hljshare_open_type": tk._("Openness"),
        "hljshare_share_type": tk._("Sharing between agencies"),
        "hljshare_update_cycle": tk._("Update cycle"),
        "hljshare_format": tk._("Format"),
        "hljshare_content_kind": tk._("Kind of content"),
    }


def _organization_titles(names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    rows = model.Session.query(model.Group.name, model.Group.title)
    return {name: title or name for name, title in rows.filter(model.Group.name.in_(names))}


def label_facets(results: dict[str, Any]) -> None:
    """Codes of the facets get the labels that people read."""
    facets = results.get("search_facets") or {}
    language = str(tk.h.lang()) if has_request_context() else "zh_Hans_CN"
    of_organizations = [facets[f] for f in ("hljshare_agency", "hljshare_org_path") if f in facets]
    names = [item["name"] for facet in of_organizations for item in facet["items"]]
    titles = _organization_titles(names)
    for field, facet in facets.items():
        for item in facet["items"]:
            if facet in of_organizations:
                item["display_name"] = titles.get(item["name"], item["name"])
            elif field in search.FACETS:
                item["display_name"] = search.facet_label(field, item["name"], language)


class SearchHooks(p.SingletonPlugin):
    """Mixed into the catalog plugin."""

    p.implements(p.IPackageController, inherit=True)
    p.implements(p.IFacets, inherit=True)

    def before_dataset_search(self, search_params: dict[str, Any]) -> dict[str, Any]:
        """The typed question as a query; see :func:`search.params`.

        :raises SearchQueryError: a filter that may not be asked
        """
        try:
            return search.params(search_params, trusted())
        except search.BadSearchError as error:
            raise SearchQueryError(
                tk._("The search parameter {name} names a field that cannot be searched").format(
                    name=error
                )
            ) from error

    def after_dataset_search(
        self, search_results: dict[str, Any], search_params: dict[str, Any]
    ) -> dict[str, Any]:
        """Labels for the facets."""
        label_facets(search_results)
        return search_results

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        """The document of :func:`search.index_fields`."""
        dataset = json.loads(pkg_dict["validated_data_dict"])
        return search.index_fields(pkg_dict, dataset, organizations_above(dataset.get("owner_org")))

    def dataset_facets(self, facets_dict: dict[str, Any], package_type: str) -> dict[str, Any]:
        """The facets of the dataset search."""
        if package_type != DATASET:
            return facets_dict
        facets_dict.clear()
        facets_dict.update(facet_titles())
        return facets_dict

    def organization_facets(
        self, facets_dict: dict[str, Any], organization_type: str, package_type: str | None
    ) -> dict[str, Any]:
        """The facets of an organization's page: those of the search."""
        facets_dict.clear()
        facets_dict.update(facet_titles())
        return facets_dict


def actions() -> dict[str, Callable[..., Any]]:
    """The search's actions for IActions."""
    return {
        "hljshare_suggest": suggest.hljshare_suggest,
        "hljshare_search_help": suggest.hljshare_search_help,
    }


def helpers() -> dict[str, Callable[..., Any]]:
    """The search's template helpers for ITemplateHelpers."""
    return {"hljshare_highlight": search.highlight, "hljshare_search_help": suggest.search_help}


def blueprints() -> list[Blueprint]:
    """The search's views for IBlueprint."""
    return [blueprint]
