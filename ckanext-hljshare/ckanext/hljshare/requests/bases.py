"""Legal bases on which a request may be refused, declined or suspended. Pure.

They are data in ``config/requests/bases.yaml``. Who decides names one of them by its id, or
another law and article; a decision keeps the words, so that later editions change nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.paths import CONFIG

PATH = CONFIG / "requests" / "bases.yaml"
LAW_MAX = 200
ARTICLE_MAX = 100
MOST = 10  # bases of one decision

Use = Literal["refuse", "decline", "suspend"]
Axis = Literal["open", "share"]
USES: tuple[Use, ...] = ("refuse", "decline", "suspend")
AXES: tuple[Axis, ...] = ("open", "share")

_ID = re.compile(r"[a-z][a-z0-9-]{2,49}\Z")
_URL = re.compile(r"https?://[^\s\"<>]{4,480}\Z")


class BasesError(ValueError):
    """The file of bases cannot be used; the text says which entry is wrong."""


class BasisError(ValueError):
    """What was given is no basis. `code`: unknown, unfit, empty, long, url, none or many."""

    def __init__(self, code: str, value: str = "") -> None:
        super().__init__(f"{code}: {value}")
        self.code = code
        self.value = value


@dataclass(frozen=True)
class Basis:
    """One article: law, article, what it says, for which decisions on which axis it may serve."""

    id: str
    law: Mapping[str, str]
    article: str
    text: Mapping[str, str]
    applies_to: tuple[str, ...]
    axes: tuple[str, ...]
    url: str = ""

    def words(self, language: str = codelists.DEFAULT_LANGUAGE) -> dict[str, str]:
        """The basis as people read it: `law`, `article`, `text`, `url`, and its `id`."""
        return {
            "id": self.id,
            "law": codelists.text_of(dict(self.law), language),
            "article": self.article,
            "text": codelists.text_of(dict(self.text), language),
            "url": self.url,
        }


@cache
def load(path: Path = PATH) -> Mapping[str, Basis]:
    """The library by id, in the file's order. Raises BasesError for a file that is not right."""
    loaded = yaml.safe_load(path.read_text("utf-8"))
    found: dict[str, Basis] = {}
    for entry in loaded.get("items") or []:
        basis = _basis(entry)
        if basis.id in found:
            raise BasesError(f"{basis.id}: given twice")
        found[basis.id] = basis
    if not found:
        raise BasesError(f"{path.name}: no bases")
    return found


@cache
def version(path: Path = PATH) -> str:
    """The version of the library."""
    return str(yaml.safe_load(path.read_text("utf-8"))["version"])


def offered(use: Use, axis: Axis, path: Path = PATH) -> list[Basis]:
    """What may be chosen for a decision on an axis, in the file's order."""
    return [
        basis for basis in load(path).values() if use in basis.applies_to and axis in basis.axes
    ]


def find(basis_id: str, path: Path = PATH) -> dict[str, str] | None:
    """The words of a basis of the library; None where the library has no such id."""
    basis = load(path).get(basis_id)
    return basis.words() if basis is not None else None


def read(given: Any, use: Use, axis: Axis, path: Path = PATH) -> list[dict[str, str]]:
    """The bases of a decision, in words that can be kept: `id`, `law`, `article`, `text`, `url`.

    `given`: one, or a list, of an id, a mapping with `id`, or a mapping with `law` and `article`
    (and `url`). Raises BasisError if one is not a basis, does not serve this decision, or none is
    left.
    """
    entries = [given] if isinstance(given, str | Mapping) else given
    if not isinstance(entries, Sequence):
        raise BasisError("none")
    kept: list[dict[str, str]] = []
    for entry in entries:
        words = _chosen(entry, use, axis, path)
        if words is not None and words not in kept:
            kept.append(words)
    if not kept:
        raise BasisError("none")
    if len(kept) > MOST:
        raise BasisError("many", str(MOST))
    return kept


def _chosen(entry: Any, use: Use, axis: Axis, path: Path) -> dict[str, str] | None:
    if isinstance(entry, str):
        entry = {"id": entry}
    if not isinstance(entry, Mapping):
        raise BasisError("none")
    values = {
        name: " ".join(str(entry.get(name) or "").split())
        for name in ("id", "law", "article", "url")
    }
    if values["id"]:
        basis = load(path).get(values["id"])
        if basis is None:
            raise BasisError("unknown", values["id"])
        if use not in basis.applies_to or axis not in basis.axes:
            raise BasisError("unfit", values["id"])
        return basis.words()
    if not any(values.values()):
        return None
    if not values["law"] or not values["article"]:
        raise BasisError("empty", "article" if values["law"] else "law")
    for name, most in (("law", LAW_MAX), ("article", ARTICLE_MAX)):
        if len(values[name]) > most:
            raise BasisError("long", name)
    if values["url"] and not _URL.match(values["url"]):
        raise BasisError("url", values["url"])
    return {**values, "text": ""}


def _basis(entry: Mapping[str, Any]) -> Basis:
    name = str(entry.get("id") or "")
    if not _ID.match(name):
        raise BasesError(f"{name!r}: an id is lower case letters, digits and hyphens")
    for field in ("law", "text"):
        if not (entry.get(field) or {}).get(codelists.DEFAULT_LANGUAGE):
            raise BasesError(f"{name}: no Chinese {field}")
    if not str(entry.get("article") or "").strip():
        raise BasesError(f"{name}: no article")
    for field, known in (("applies_to", USES), ("axes", AXES)):
        values = entry.get(field)
        if not values or not set(values) <= set(known):
            raise BasesError(f"{name}: {field} is one or more of {', '.join(known)}")
    url = str(entry.get("url") or "")
    if url and not _URL.match(url):
        raise BasesError(f"{name}: {url!r} is not an address")
    return Basis(
        id=name,
        law=dict(entry["law"]),
        article=str(entry["article"]),
        text=dict(entry["text"]),
        applies_to=tuple(entry["applies_to"]),
        axes=tuple(entry["axes"]),
        url=url,
    )
