"""What a reader of a feed asks for, from the address; addresses of other pages of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import urlencode

ENTRIES = 100  # of a page, as ckanext-dcat has it
MOST_PAGES = 1_000_000
_CITY = re.compile(r"[0-9]{6}")


class AskedWronglyError(ValueError):
    """A parameter cannot be read; its name is the first argument."""


@dataclass(frozen=True)
class Asked:
    """``city``: a region code, ``agency``: an organization's name or id, "" for all. ``page``: a
    numbered page from 1; ``after``, ``before``: a position of the order. ``since``: only what
    changed from then on; ``as_of``: when the first page of such a list was read."""

    city: str = ""
    agency: str = ""
    page: int | None = None
    after: int | None = None
    before: int | None = None
    since: datetime | None = None
    as_of: datetime | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Asked:
        """Read the parameters of an address. Unknown ones are nobody's business here.

        :raises AskedWronglyError: for a value that cannot be read, rather than to answer what was
            not asked
        """
        city = given.get("city", "").strip()
        if city and not _CITY.fullmatch(city):
            raise AskedWronglyError("city")
        return cls(
            city=f"{city[:4]}00" if city else "",
            agency=given.get("agency", "").strip(),
            page=_number(given, "page", 1, MOST_PAGES),
            after=_number(given, "after", -1),
            before=_number(given, "before", 0),
            since=_moment(given, "modified_since"),
            as_of=_moment(given, "as_of"),
        )

    def address(self, base: str, **cursor: str | int) -> str:
        """The address of another page of the same list."""
        named = {"city": self.city, "agency": self.agency}
        values: dict[str, str | int] = {name: value for name, value in named.items() if value}
        if self.since is not None:
            values["modified_since"] = self.since.isoformat()
        values.update(cursor)
        return f"{base}?{urlencode(values)}" if values else base


def _number(given: Mapping[str, str], name: str, least: int, most: int = 2**62) -> int | None:
    words = given.get(name, "").strip()
    if not words:
        return None
    if not re.fullmatch(r"-?[0-9]{1,19}", words) or not least <= int(words) <= most:
        raise AskedWronglyError(name)
    return int(words)


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    """ISO 8601, a day or a moment; UTC where it says no zone, as ckanext-dcat has it."""
    words = given.get(name, "").strip()
    if not words:
        return None
    # A plus sign that was not encoded arrives as a space.
    words = re.sub(r" (\d\d:?\d\d)$", r"+\1", words).replace("Z", "+00:00")
    try:
        found = datetime.fromisoformat(words)
        found = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        return found.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise AskedWronglyError(name) from None
