"""What pages of the website tell machines: a description within, and links to other formats. Asked
as the page is made; nothing is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import ckan.plugins.toolkit as tk
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from ckanext.hljshare.catalog import organizations
from ckanext.hljshare.feeds.dcat import agencies
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.web import addresses, croissant, links, schemaorg

# As the text of a script element: whatever a title holds, it cannot end the element.
_in_script = partial(htmlsafe_json_dumps, dumps=partial(json.dumps, ensure_ascii=False))


def _title() -> str:
    return str(tk.config.get("ckan.site_title") or "")


def publisher(organization_id: object) -> Agency | None:
    """The agency of a dataset, as pages know it; None for a deleted one."""
    return _agencies().get(str(organization_id or ""))


def _agencies() -> Mapping[str, Agency]:
    """All agencies, read anew when pages' own list of organizations is. Not from the notes of what
    was written: a page does not take those in."""
    listed = organizations.kept()
    of, found = _known.get("agencies", (None, {}))
    if of is not listed:
        found = agencies.load()
        _known["agencies"] = listed, found
    return found


_known: dict[str, tuple[Any, Mapping[str, Agency]]] = {}


def dataset_description(shown: Mapping[str, Any]) -> Markup:
    """schema.org's description of a dataset as the text of a script element; "" for one that is not
    public."""
    if not making.is_public(shown):
        return Markup("")
    agency = publisher(shown.get("owner_org"))
    return _in_script(schemaorg.dataset(shown, agency, addresses.where(), _title()))


def catalog_description() -> Markup:
    """schema.org's description of the catalog as the text of a script element."""
    about = str(tk.config.get("ckan.site_description") or "")
    province = agencies.top(_agencies())
    return _in_script(schemaorg.catalog(addresses.where(), _title(), about, province))


def dataset_links(shown: Mapping[str, Any]) -> list[links.Link]:
    """The same dataset in other formats; none of one that is not public."""
    if not making.is_public(shown):
        return []
    where = addresses.where()
    name, told = str(shown["name"]), croissant.exists(shown, where)
    return links.of_dataset(where.site, name, has_croissant=told)


def catalog_links() -> list[links.Link]:
    """The catalog in other formats."""
    return links.of_catalog(addresses.home())


def agency_links(name: str) -> list[links.Link]:
    """The feed of an agency."""
    return links.of_agency(addresses.home(), name)
