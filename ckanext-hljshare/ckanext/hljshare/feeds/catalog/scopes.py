"""Which entries a reader asks for, from the words in an address or of a command."""

from __future__ import annotations

from ckanext.hljshare.catalog import codelists, orgtree
from ckanext.hljshare.feeds.catalog.asking import Asked
from ckanext.hljshare.feeds.entries import making
from ckanext.hljshare.feeds.entries.store import Scope


class UnknownError(LookupError):
    """There is no such city or agency; says which parameter it was."""


def find(asked: Asked) -> Scope:
    """The entries that are asked for. An agency, by its name or id, stands for all below it too.

    :raises UnknownError: for a city or an agency that is none
    """
    if asked.city and not codelists.item("region", asked.city):
        raise UnknownError("city")
    if not asked.agency:
        return Scope(city=asked.city)
    known = making.organizations()
    for agency in known.values():
        if asked.agency in (agency.name, agency.id):
            below = orgtree.descendants(
                {each.id: each.parent for each in known.values()}, agency.id
            )
            return Scope(asked.city, agency.id, tuple(sorted({agency.id, *below})))
    raise UnknownError("agency")
