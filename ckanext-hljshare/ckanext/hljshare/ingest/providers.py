"""Which organization a source means by an agency's name. Pure: names in, an id out, never a guess.

City lists write 统计局, 市统计局, 哈尔滨市统计局 or the name an agency had before 2018 (地税局).
The tree below the
source's owner is searched by exact title, with and without the owner's own name; renamed
agencies come from the mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import text


@dataclass(frozen=True)
class Organization:
    """An organization of the tree."""

    id: str
    title: str


class Directory:
    """The organizations a source may file under: its owner and all below it."""

    def __init__(
        self,
        owner: Organization,
        below: Iterable[Organization],
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.owner = owner
        self._prefixes = _prefixes(owner.title)
        self._aliases = {text.key(name): title for name, title in (aliases or {}).items()}
        found: dict[str, set[str]] = {}
        for organization in (owner, *below):
            for name in self._names(organization.title):
                found.setdefault(name, set()).add(organization.id)
        self._ids = {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1}

    def find(self, name: str | None) -> str | None:
        """The id of the organization of that name, None if none or more than one answers."""
        if not name:
            return None
        alias = self._aliases.get(text.key(name))
        for candidate in (name, alias):
            for written in self._names(candidate) if candidate else ():
                if written in self._ids:
                    return self._ids[written]
        if alias is None:
            for written in self._names(name):
                if written in self._aliases:
                    return self.find(self._aliases[written])
        return None

    def _names(self, title: str) -> list[str]:
        """Comparison keys of a title: as it stands, then without the owner's name in front."""
        names = [text.key(title)]
        for prefix in self._prefixes:
            if names[0].startswith(prefix) and len(names[0]) > len(prefix) + 1:
                names.append(names[0][len(prefix) :])
        return names


def _prefixes(owner: str) -> list[str]:
    """How an owner's agencies may begin: 哈尔滨市, 哈尔滨市人民政府, 哈尔滨, 市."""
    full = text.key(owner).removesuffix("人民政府").removesuffix("行政公署")
    short = full.removesuffix("地区").rstrip("省市县区")
    units = [unit for unit in ("省", "市", "地区", "县", "区") if full.endswith(unit)]
    return list(dict.fromkeys((full + "人民政府", full, short, *units)))
