"""Codes of ours as terms of public vocabularies, and back (pure).

Which code means which term stands in the code lists (``eu``, ``media``); labels of the EU's terms
in ``labels.yaml``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.paths import SCHEMING

from .terms import EU, IANA, Where, text

WORDS: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "labels.yaml").read_text(encoding="utf-8")
)
AUTHORITIES = {"open_type": "access-right", "update_cycle": "frequency", "theme": "data-theme"}
UNOFFERED = "others"  # formats in format_type.yaml that no form offers
_DEED = re.compile(r"/(?:deed|legalcode)(?:\.[\w-]+)?\Z")


@dataclass(frozen=True)
class Format:
    """A format as the feed tells it: IRI of `dct:format`, of `dcat:mediaType` ("" for none), and
    whether an address in it is an interface, not a file.
    """

    iri: str
    media: str
    is_service: bool


def eu_terms(list_id: str, code: str | None) -> list[str]:
    """The IRIs of the EU's terms for a code of a list; none for an unknown one."""
    found = codelists.item(list_id, code)
    given = found.get("eu", []) if found else []
    listed = [given] if isinstance(given, str) else given
    return [f"{EU}{AUTHORITIES[list_id]}/{term}" for term in listed]


@cache
def meanings(list_id: str) -> dict[str, str]:
    """The EU's code → ours, where only one of ours has it."""
    found: dict[str, list[str]] = {}
    for item in codelists.items(list_id):
        given = item.get("eu", [])
        for term in [given] if isinstance(given, str) else given:
            found.setdefault(term, []).append(item["code"])
    return {term: ours[0] for term, ours in found.items() if len(ours) == 1}


def eu_code(iri: str, list_id: str) -> str | None:
    """Our code for a term of the EU's list; None for another list, or where several of ours have
    it.
    """
    begun = f"{EU}{AUTHORITIES[list_id]}/"
    return meanings(list_id).get(iri.removeprefix(begun)) if iri.startswith(begun) else None


def formats() -> Iterator[dict[str, Any]]:
    """Every format that has terms: the national list's, then the others."""
    listed = codelists.load("format_type")
    yield from listed["items"]
    yield from listed[UNOFFERED]


@cache
def _formats() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in formats():
        for word in (item["code"], *item.get("aliases", [])):
            found.setdefault(word.casefold(), item)
    return found


def format_of(words: object, where: Where) -> Format | None:
    """What a resource's format is; None for an empty one. An unknown one is a concept of our own,
    called as it is written.
    """
    written = re.sub(r"\s+", " ", text(words)).lstrip(".")
    if not written:
        return None
    item = _formats().get(written.casefold())
    if item is None:
        return Format(where.concept("format", written), "", is_service=False)
    media = f"{IANA}{item['media']}" if item.get("media") else ""
    own = f"{EU}file-type/{item['eu']}" if item.get("eu") else where.concept("format", item["code"])
    return Format(own, media, bool(item.get("service")) or item.get("class") == "7")


@cache
def file_types() -> dict[str, str]:
    """The EU's file type → our format."""
    return {item["eu"]: item["code"] for item in formats() if item.get("eu")}


@cache
def media_types() -> dict[str, str]:
    """IANA's media type → our format."""
    return {item["media"].casefold(): item["code"] for item in formats() if item.get("media")}


@cache
def licences() -> dict[str, dict[str, Any]]:
    """The licences of the portal by id."""
    listed = json.loads((SCHEMING / "licenses.json").read_text(encoding="utf-8"))
    return {item["id"]: item for item in listed}


def licence_iri(license_id: object, where: Where) -> str:
    """The IRI of a licence: its own address (not that of a translation), else a concept of ours; ""
    for one that says nothing.
    """
    item = licences().get(text(license_id))
    if item is None or item["id"] == "notspecified":
        return ""
    return _DEED.sub("/", item["url"]) if item["url"] else where.concept("licence", item["id"])


def licence_of(iri: str) -> dict[str, Any] | None:
    """The licence that an IRI of :func:`licence_iri` means, of whichever site."""
    for item in licences().values():
        own = f"/vocabulary/licence/{item['id']}"
        if (item["url"] and _DEED.sub("/", item["url"]) == iri) or iri.endswith(own):
            return item
    return None


def labels(item: dict[str, Any]) -> dict[str, str]:
    """Labels of an item of a code list by RDF's language tags."""
    found = item.get("label", {codelists.DEFAULT_LANGUAGE: item["code"], "en": item["code"]})
    return {"zh": found[codelists.DEFAULT_LANGUAGE], "en": found.get("en", "")}


def concept_lists() -> Iterable[str]:
    """The lists that have a page of their own."""
    return sorted({*codelists.ids(), "format", "licence", "terms"} - {"format_type"})
