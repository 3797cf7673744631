"""What the plugin offers to CKAN, gathered from the room's parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from ckanext.hljshare.feeds.api.views import api_docs
from ckanext.hljshare.feeds.catalog import action
from ckanext.hljshare.feeds.catalog.views import feeds
from ckanext.hljshare.feeds.dcat.views import vocabulary
from ckanext.hljshare.feeds.national.views import lists
from ckanext.hljshare.feeds.web.views import web


def get_actions() -> dict[str, Callable[..., Any]]:
    """CKAN's name of each action with its function."""
    names = ("dcat_catalog_show", "dcat_catalog_search", "dcat_dataset_show")
    return {name: getattr(action, name) for name in names}


def get_blueprints() -> list[Blueprint]:
    """The addresses of the room."""
    return [feeds, vocabulary, lists, web, api_docs]
