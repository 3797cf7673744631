"""ckanext-dcat's actions, where the feeds have the answer already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.hljshare.feeds.catalog import pages
from ckanext.hljshare.feeds.catalog.asking import Asked, AskedWronglyError
from ckanext.hljshare.feeds.dcat.syntax import ALIASES, SYNTAXES
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.entries.store import EVERYTHING

Action = Callable[[Any, dict[str, Any]], Any]


@tk.chained_action
@tk.side_effect_free
def dcat_catalog_show(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """A page of the catalog as RDF, the same that /catalog.ttl gives.

    :param format: ``ttl``, ``rdf``, ``jsonld`` or ``nt``
    :param page: a number from 1
    :param modified_since: a moment (ISO 8601): only what changed from then on
    :param q, fq: as ckanext-dcat has them; made on the spot, for who has signed in
    :raises ValidationError: for what cannot be read
    """
    ending = _ending(data_dict)
    if any(data_dict.get(name) for name in ("q", "fq")):
        _signed_in(context)
        return original(context, _ours(data_dict))
    tk.check_access("dcat_catalog_show", context, data_dict)
    given = {name: str(data_dict.get(name) or "") for name in ("page", "modified_since")}
    try:
        asked = Asked.read(given)
    except AskedWronglyError as error:
        raise tk.ValidationError({str(error): [tk._("The value cannot be read")]}) from None
    page = pages.find(asked, EVERYTHING, ending, f"{making.site()}/catalog.{ending}")
    return pages.document(page, ending)


@tk.chained_action
@tk.side_effect_free
def dcat_catalog_search(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """ckanext-dcat's, for who has signed in: a page takes seconds to make."""
    _ending(data_dict)
    _signed_in(context)
    return original(context, _ours(data_dict))


@tk.chained_action
def dcat_dataset_show(original: Action, context: Any, data_dict: dict[str, Any]) -> Any:
    """ckanext-dcat's, by our profile."""
    _ending(data_dict)
    return original(context, _ours(data_dict))


def _ours(data_dict: dict[str, Any]) -> dict[str, Any]:
    """Without the caller's choice of profiles: stock ones tell sizes, checksums and column names of
    what is not open."""
    return {name: value for name, value in data_dict.items() if name != "profiles"}


def _ending(data_dict: dict[str, Any]) -> str:
    given = str(data_dict.get("format") or "rdf")
    ending = ALIASES.get(given, given)
    if ending not in SYNTAXES:
        raise tk.ValidationError({"format": [tk._("The value cannot be read")]})
    return ending


def _signed_in(context: Any) -> None:
    if not context.get("user") and not context.get("ignore_auth"):
        raise tk.NotAuthorized(
            tk._("Please sign in, or read /catalog.ttl, which needs no search and no key")
        )
