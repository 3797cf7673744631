"""The public list of what is not open, with the basis of each restriction (clause 6.1 a). Pure.

Which entries stand in it is asked of the search; here is what is said about each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.hljshare.catalog import codelists

LEVELS = ("on_request", "closed")
PROVINCE = "230000"
LAW_LIMIT = 200  # laws that one typed word may stand for; more is no filter
COLUMNS = (
    "code",
    "title",
    "agency",
    "city",
    "open_type",
    "share_type",
    "basis",
    "links",
    "condition",
    "share_condition",
    "items",
    "review",
    "page",
)


@dataclass(frozen=True)
class Basis:
    """A law or document that restricts, with its article; `url` is empty where none is known."""

    law: str
    article: str = ""
    url: str = ""

    @property
    def text(self) -> str:
        """Law and article as they are cited."""
        return f"{self.law} {self.article}".strip()


@dataclass(frozen=True)
class Entry:
    """An entry of the list. Levels are codes; `city` is a region code; dates are as entered."""

    id: str
    name: str
    title: str
    code: str
    agency: str
    agency_name: str
    city: str
    open_type: str
    share_type: str
    bases: tuple[Basis, ...]
    condition: str
    share_condition: str
    items: tuple[str, ...]
    review: str


@dataclass(frozen=True)
class Filters:
    """What a visitor asks for; empty means all. `city` is a region code, `agency` an
    organization's name, `law` a part of a law's name, `words` a question to the search."""

    level: str = ""
    city: str = ""
    agency: str = ""
    law: str = ""
    words: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """Return the filters of an address; a level that is none is left out."""
        level = args.get("level", "")
        return cls(
            level=level if level in LEVELS else "",
            city=args.get("city", "").strip(),
            agency=args.get("agency", "").strip(),
            law=" ".join(args.get("law", "").split())[:100],
            words=" ".join(args.get("q", "").split())[:200],
        )

    @property
    def any(self) -> bool:
        """Whether the list is narrowed at all."""
        return any((self.level, self.city, self.agency, self.law, self.words))

    def parameters(self) -> dict[str, str]:
        """Return the address's parameters for these filters, the empty ones left out."""
        given = {
            "level": self.level,
            "city": self.city,
            "agency": self.agency,
            "law": self.law,
            "q": self.words,
        }
        return {name: value for name, value in given.items() if value}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def city_of(dataset: Mapping[str, Any]) -> str:
    """Return the code of the city that a dataset belongs to; the province's where to none."""
    path = codelists.ancestors("region", _text(dataset.get("region_code")))
    return path[min(1, len(path) - 1)] if path else PROVINCE


def entry(dataset: Mapping[str, Any]) -> Entry:
    """Return what the list says of a dataset as `package_search` gives it."""
    organization = dataset.get("organization") or {}
    bases = [
        Basis(_text(row.get("law")), _text(row.get("article")), _text(row.get("url")))
        for row in _mappings(dataset.get("open_basis"))
    ]
    return Entry(
        id=str(dataset["id"]),
        name=str(dataset["name"]),
        title=_text(dataset.get("title")) or str(dataset["name"]),
        code=_text(dataset.get("resource_code")),
        agency=_text(organization.get("title")) or _text(organization.get("name")),
        agency_name=_text(organization.get("name")),
        city=city_of(dataset),
        open_type=_text(dataset.get("open_type")),
        share_type=_text(dataset.get("share_type")),
        bases=tuple(basis for basis in bases if basis.law),
        condition=_text(dataset.get("open_condition")),
        share_condition=_text(dataset.get("share_condition")),
        items=tuple(
            name for row in _mappings(dataset.get("items")) if (name := _text(row.get("name")))
        ),
        review=_text(dataset.get("review_date")),
    )


def laws_with(laws: Iterable[str], words: str) -> list[str]:
    """Return the laws whose name holds all typed words, whatever their case; titles' 《》 do not
    count."""
    wanted = words.casefold().replace("《", "").replace("》", "").split()
    found = [
        law for law in laws if all(word in law.casefold().replace("《", "") for word in wanted)
    ]
    return found[:LAW_LIMIT]


def _quoted(value: str) -> str:
    """Return a value that cannot end the quotes around it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def query(filters: Filters, laws: Iterable[str] | None = None, level: bool = True) -> str:
    """Return the search's filter for these filters.

    :param laws: names that the filter by law stands for; None where it is not asked
    :param level: whether to narrow to the chosen level (without it, both levels are counted)
    """
    levels = (filters.level,) if level and filters.level else LEVELS
    parts = ["+dataset_type:dataset", f"+hljshare_open_type:({' OR '.join(levels)})"]
    if filters.city:
        parts.append(f"+hljshare_city:{_quoted(filters.city)}")
    if filters.agency:
        # With the agencies below it: an administration answers for its offices.
        parts.append(f"+hljshare_org_path:{_quoted(filters.agency)}")
    if laws is not None:
        parts.append(f"+hljshare_law:({' OR '.join(map(_quoted, laws)) or _quoted('')})")
    return " ".join(parts)


@dataclass(frozen=True)
class Words:
    """What codes are called, and where an entry's page stands."""

    label: Callable[[str, str], str]
    page: Callable[[str], str]
    separator: str = "；"


def cells(found: Entry, words: Words) -> list[str]:
    """Return an entry as a row of `COLUMNS`."""
    join = words.separator.join
    return [
        found.code,
        found.title,
        found.agency,
        words.label("region", found.city),
        words.label("open_type", found.open_type),
        words.label("share_type", found.share_type),
        join(basis.text for basis in found.bases),
        join(basis.url for basis in found.bases if basis.url),
        found.condition,
        found.share_condition,
        join(found.items),
        found.review,
        words.page(found.name),
    ]
