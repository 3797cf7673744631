"""The columns of open tables, asked of the DataStore as a visitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib.search import SearchError
from sqlalchemy.exc import DBAPIError

from ckanext.hljshare.feeds.dcat import mapping
from ckanext.hljshare.feeds.dcat.terms import Where
from ckanext.hljshare.feeds.web import croissant
from ckanext.hljshare.feeds.web.croissant import Column


def columns(shown: Mapping[str, Any], where: Where) -> dict[str, list[Column]]:
    """By the ids of their files, the columns of a dataset's tables, of those that the access policy
    gives to everybody."""
    found = croissant.files(mapping.entry(shown, where))
    asked = ((file_id, _columns(file_id)) for file_id in croissant.tables(shown, found))
    return {file_id: listed for file_id, listed in asked if listed}


def _columns(file_id: str) -> list[Column]:
    try:
        answer = tk.get_action("datastore_search")(
            {"user": "", "auth_user_obj": None},
            {"resource_id": file_id, "limit": 0, "include_total": False},
        )
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError, SearchError, DBAPIError):
        return []  # the file is told without
    found = [
        (croissant.heading(field["id"], (field.get("info") or {}).get("label")), field["type"])
        for field in answer["fields"]
        if field["id"] != "_id"
    ]
    told = [Column(heading, kind) for heading, kind in found if heading]
    return told if len(told) == len(found) else []
