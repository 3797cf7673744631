"""The agreements that applicants accept, by version. Pure.

The texts are files in ``config/requests/agreements``: ``<kind>-<year>-<n>.md`` in Chinese, which
counts, and ``.en.md`` beside it. A published text is never edited: a change is a new version. A
request keeps the version and the hash of the Chinese text.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ckanext.hljshare.paths import CONFIG

DIRECTORY = CONFIG / "requests" / "agreements"

_VERSION = re.compile(r"(open|share)-(\d{4})-(\d{1,3})\Z")


class UnknownAgreementError(KeyError):
    """There is no agreement of that kind or version."""


@dataclass(frozen=True)
class Agreement:
    """One version: the texts in Markdown, and the hash (SHA-256, hexadecimal) of the Chinese."""

    version: str
    kind: str
    title: str
    text: str
    sha256: str
    title_en: str
    text_en: str

    def words(self, language: str) -> tuple[str, str]:
        """Title and text in a language; Chinese where it has no other."""
        if language.startswith("zh") or not self.text_en:
            return self.title, self.text
        return self.title_en, self.text_en


def current(kind: str, directory: Path = DIRECTORY) -> Agreement:
    """The version that a request of this kind accepts now: the newest.

    Raises UnknownAgreementError for another kind, or where there is none.
    """
    versions = versions_of(kind, directory)
    if not versions:
        raise UnknownAgreementError(kind)
    return by_version(versions[-1], directory)


@cache
def by_version(version: str, directory: Path = DIRECTORY) -> Agreement:
    """One version, old ones too. Raises UnknownAgreementError."""
    known = _VERSION.match(version)
    path = directory / f"{version}.md"
    if not known or not path.is_file():
        raise UnknownAgreementError(version)
    content = path.read_bytes()
    title, text = _parts(content.decode())
    english = directory / f"{version}.en.md"
    title_en, text_en = _parts(english.read_text("utf-8")) if english.is_file() else ("", "")
    return Agreement(
        version=version,
        kind=known[1],
        title=title,
        text=text,
        sha256=hashlib.sha256(content).hexdigest(),
        title_en=title_en,
        text_en=text_en,
    )


def versions_of(kind: str, directory: Path = DIRECTORY) -> list[str]:
    """All versions of a kind, the newest last."""
    found = []
    for path in directory.glob("*.md"):
        known = _VERSION.match(path.stem)
        if known and known[1] == kind:
            found.append((int(known[2]), int(known[3]), path.stem))
    return [stem for _year, _number, stem in sorted(found)]


def _parts(content: str) -> tuple[str, str]:
    """The first heading, and the rest."""
    first, _, rest = content.strip().partition("\n")
    return first.lstrip("# ").strip(), rest.strip()
