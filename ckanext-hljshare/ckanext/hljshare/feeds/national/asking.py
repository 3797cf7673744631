"""Which entries of the list are asked for, from the address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ckanext.hljshare.catalog import codelists

FLAGS = {"": False, "0": False, "1": True}


class AskedWronglyError(ValueError):
    """A value that is none of those there are: ``name`` of the parameter, and what it may be
    (empty where that would be too much to say)."""

    def __init__(self, name: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        self.name, self.allowed = name, allowed


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
        """Read the parameters of an address; whether there is such an agency is asked elsewhere.

        :raises AskedWronglyError: rather than to answer what was not asked
        """
        return cls(
            city=_one(given, "city", cities()),
            agency=given.get("agency", "").strip(),
            level=_one(given, "level", tuple(codelists.codes("open_type"))),
            share=_one(given, "share", tuple(codelists.codes("share_type"))),
            restricted=FLAGS[_one(given, "restricted", ("0", "1"))],
            opened=FLAGS[_one(given, "opened", ("0", "1"))],
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


def cities() -> tuple[str, ...]:
    """The province's code, then those of its cities."""
    return tuple(
        item["code"]
        for item in codelists.items("region")
        if item.get("level") in ("province", "city")
    )


def _one(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = given.get(name, "").strip()
    if value and value not in allowed:
        raise AskedWronglyError(name, allowed if len(allowed) < 5 else ())
    return value
