"""What the head of a page says of the same in other formats. Pure.

Addresses are of no language: what they lead to is the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass

from ckanext.hljshare.feeds.dcat.syntax import SYNTAXES
from ckanext.hljshare.feeds.dcat.terms import segment


@dataclass(frozen=True)
class Link:
    """``type``: a media type. ``title``: for people whose browser lists them; no words of a
    language."""

    type: str
    href: str
    title: str


def of_catalog(home: str) -> list[Link]:
    """The catalog: in each syntax of RDF, and its changes."""
    rdf = [_rdf(ending, f"{home}/catalog") for ending in SYNTAXES]
    return [*rdf, Link("application/atom+xml", f"{home}/feeds/catalog.atom", "Atom")]


def of_dataset(home: str, name: str, *, has_croissant: bool) -> list[Link]:
    """A public dataset."""
    page = f"{home}/dataset/{segment(name)}"
    found = [_rdf(ending, page) for ending in SYNTAXES]
    if has_croissant:
        found.append(Link("application/ld+json", f"{page}/croissant.jsonld", "Croissant"))
    return found


def of_agency(home: str, name: str) -> list[Link]:
    """The changes of an agency's datasets."""
    address = f"{home}/feeds/agency/{segment(name)}.atom"
    return [Link("application/atom+xml", address, "Atom")]


def _rdf(ending: str, page: str) -> Link:
    return Link(SYNTAXES[ending].media, f"{page}.{ending}", f"DCAT-AP ({ending})")
