"""Which entries of the list are asked for, from the address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.catalog.asking import Asked, AskedWronglyError

FLAGS = {"": False, "0": False, "1": True}


@dataclass(frozen=True)
class Filters:
    """``city``: the region code of a city, or the province's for what belongs to none; ``agency``:
    an organization's name or id, with those below it; ``level``, ``share``: codes. ``restricted``:
    what is on request or closed, with its bases (clause 6.1 a); ``opened``: what is open to the
    public, at once or on request (是否向社会开放 of the national guide)."""

    city: str = ""
    agency: str = ""
    level: str = ""
    share: str = ""
    restricted: bool = False
    opened: bool = False

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filters:
        """Read the parameters of an address; whether there is such a city or agency is asked
        elsewhere.

        :raises AskedWronglyError: rather than to answer what was not asked
        """
        place = Asked.read({name: given.get(name, "") for name in ("city", "agency")})
        return cls(
            city=place.city,
            agency=place.agency,
            level=_one(given, "level"),
            share=_one(given, "share"),
            restricted=FLAGS[_one(given, "restricted")],
            opened=FLAGS[_one(given, "opened")],
        )

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that are asked for; none at all where the filters exclude each other."""
        found = (self.level,) if self.level else tuple(codelists.codes("open_type"))
        if self.restricted:
            found = tuple(level for level in found if level != "open")
        if self.opened:
            found = tuple(level for level in found if level != "closed")
        return found

    def parameters(self) -> dict[str, str]:
        """The address's parameters for these filters, those that narrow nothing left out."""
        given = {"city": self.city, "agency": self.agency, "level": self.level, "share": self.share}
        flags = {"restricted": self.restricted, "opened": self.opened}
        return {
            **{name: value for name, value in given.items() if value},
            **{name: "1" for name, on in flags.items() if on},
        }


def allowed(name: str) -> tuple[str, ...]:
    """The values that a parameter may have; empty where it is not one of a few."""
    if name in ("level", "share"):
        return tuple(codelists.codes(f"{'open' if name == 'level' else name}_type"))
    return ("0", "1") if name in ("restricted", "opened") else ()


def _one(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "").strip()
    if value and value not in allowed(name):
        raise AskedWronglyError(name)
    return value
