"""Datasets and the catalog in schema.org's words, as search engines read them in pages. Pure.

Made of what the DCAT feeds tell (`dcat/mapping.py`): a file has its address here only if it is
open. In plain JSON-LD and not by way of a graph, it takes a fraction of a millisecond: nothing has
to be kept, so nothing kept can be out of date when a level changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.dcat import mapping
from ckanext.hljshare.feeds.dcat.agencies import Agency
from ckanext.hljshare.feeds.dcat.mapping import Distribution, Entry
from ckanext.hljshare.feeds.dcat.terms import IANA, Where, day, segment, text

CONTEXT = "https://schema.org"
LANGUAGE = "zh"
USCC = "统一社会信用代码"
VARIABLES = 500  # items of a dataset that are told
Node = dict[str, Any]


def dataset(shown: Mapping[str, Any], agency: Agency | None, where: Where, site_title: str) -> Node:
    """A public dataset, given as package_show gives it: schema.org/Dataset.

    :param agency: who publishes it; None where that is not known
    """
    entry = mapping.entry(shown, where)
    publisher = organization(agency, where, entry.contact) if agency else None
    name = text(shown.get("name")) or text(shown["id"])
    asked = f"{where.site}/request/new?{urlencode({'dataset': name})}"
    return told(
        {
            "@context": CONTEXT,
            "@type": "Dataset",
            "@id": entry.iri,
            "url": entry.page,
            "name": entry.title,
            "description": entry.description,
            "identifier": entry.identifier,
            "keywords": list(entry.keywords),
            "inLanguage": LANGUAGE,
            "datePublished": date(entry.issued),
            "dateModified": date(entry.modified),
            "license": entry.licence,
            "isAccessibleForFree": entry.level == "open",
            "conditionsOfAccess": entry.rights,
            "acquireLicensePage": asked if entry.level == "on_request" else "",
            "creator": {"@id": publisher["@id"]} if publisher else None,
            "publisher": publisher,
            "spatialCoverage": _place(entry, where),
            "variableMeasured": list(_variables(shown.get("items"))),
            "includedInDataCatalog": _catalog(where, site_title),
            "distribution": [_download(each, entry) for each in downloads(entry)],
        }
    )


def catalog(where: Where, title: str, description: str, publisher: Agency | None) -> Node:
    """The catalog as a whole: schema.org/DataCatalog."""
    return told(
        {
            "@context": CONTEXT,
            **_catalog(where, title),
            "description": text(description) or text(title),
            "inLanguage": LANGUAGE,
            "isAccessibleForFree": True,
            "publisher": organization(publisher, where) if publisher else None,
        }
    )


def organization(agency: Agency, where: Where, contact: mapping.Contact | None = None) -> Node:
    """An agency with its code, and who answers for its data."""
    point = contact and {
        "@type": "ContactPoint",
        "contactType": "customer service",
        "name": contact.name,
        "telephone": unquote(contact.telephone.removeprefix("tel:")),
        "email": contact.email.removeprefix("mailto:"),
    }
    code = {"@type": "PropertyValue", "propertyID": USCC, "value": text(agency.uscc)}
    return told(
        {
            "@type": "GovernmentOrganization",
            "@id": where.agency(agency.id),
            "name": text(agency.title),
            "url": f"{where.site}/organization/{segment(agency.name)}",
            "identifier": code if code["value"] else None,
            "contactPoint": told(point) if point else None,
        }
    )


def downloads(entry: Entry) -> Iterator[Distribution]:
    """The files and interfaces that everybody may have."""
    for each in entry.distributions:
        if each.level == "open" and address(each):
            yield each


def address(distribution: Distribution) -> str:
    """Where a file is downloaded, or an interface asked; "" for none."""
    return distribution.access_url if distribution.is_service else distribution.download_url


def media(distribution: Distribution) -> str:
    """A file's media type, else the name of its format, "" for neither."""
    found = distribution.format
    if found is None:
        return ""
    return found.media.removeprefix(IANA) or unquote(found.iri.rsplit("/", 1)[1])


def size(distribution: Distribution) -> str:
    """A file's size as both vocabularies want it, in words."""
    return "" if distribution.size is None else f"{distribution.size} B"


def date(value: str) -> str:
    """A date as ISO 8601 has it; "" where it is none."""
    return str(day(value) or "")


def told(node: Mapping[str, Any]) -> Node:
    """A node without what it has nothing to say of."""
    return {name: value for name, value in node.items() if value not in (None, "", [], {})}


def _download(distribution: Distribution, entry: Entry) -> Node:
    algorithm, digits = distribution.checksum or ("", "")
    return told(
        {
            "@type": "DataDownload",
            "@id": distribution.iri,
            "name": distribution.title,
            "description": distribution.description,
            "contentUrl": address(distribution),
            "encodingFormat": media(distribution),
            "contentSize": size(distribution),
            "sha256": digits if algorithm == "sha256" else "",
            "dateModified": date(distribution.modified),
            "license": entry.licence,
        }
    )


def _catalog(where: Where, title: str) -> Node:
    return {
        "@type": "DataCatalog",
        "@id": where.base,
        "name": text(title) or "CKAN",
        "url": f"{where.site}/",
    }


def _place(entry: Entry, where: Where) -> Node | None:
    code = entry.codes.get("region_code")
    if not code:
        return None
    return {
        "@type": "Place",
        "@id": where.concept("region", code),
        "name": codelists.label("region", code),
        "identifier": code,
    }


def _variables(items: object) -> Iterator[Node]:
    """Items of a table: names and explanations, which the public entry has at every level."""
    listed = items if isinstance(items, Iterable) else []
    for _number, item in zip(range(VARIABLES), listed, strict=False):
        if isinstance(item, Mapping) and text(item.get("name")):
            yield told(
                {
                    "@type": "PropertyValue",
                    "name": text(item["name"]),
                    "description": text(item.get("description")),
                }
            )
