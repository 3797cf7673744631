"""Code lists: what each code of the metadata means, in both languages.

The lists are data in ``scheming/codelists/<id>.yaml`` (keys ``id title version source items``);
each item has a ``code`` and a ``label`` by language, and whatever else its list defines. Pure:
standard library and YAML.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.paths import SCHEMING

DIRECTORY = SCHEMING / "codelists"
DEFAULT_LANGUAGE = "zh_Hans_CN"

_LIST_ID = re.compile(r"[a-z][a-z_]*\Z")


class UnknownCodeListError(KeyError):
    """There is no code list of that name."""


@cache
def load(list_id: str, directory: Path = DIRECTORY) -> dict[str, Any]:
    """The whole list as it stands in its file. Callers must not change it.

    :raises UnknownCodeListError: no such file
    """
    path = directory / f"{list_id}.yaml"
    if not _LIST_ID.match(list_id) or not path.is_file():
        raise UnknownCodeListError(list_id)
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def ids(directory: Path = DIRECTORY) -> list[str]:
    """Names of all lists, sorted."""
    return sorted(path.stem for path in directory.glob("*.yaml"))


def version(list_id: str) -> str:
    """The version of the list, as its source counts."""
    return str(load(list_id)["version"])


def items(list_id: str) -> list[dict[str, Any]]:
    """The offered items in their order; retired codes are not offered."""
    offered: list[dict[str, Any]] = load(list_id)["items"]
    return offered


@cache
def _by_code(list_id: str) -> dict[str, dict[str, Any]]:
    loaded = load(list_id)
    return {item["code"]: item for item in [*loaded.get("retired", []), *loaded["items"]]}


def codes(list_id: str) -> list[str]:
    """The offered codes in their order."""
    return [item["code"] for item in items(list_id)]


def item(list_id: str, code: str | None) -> dict[str, Any] | None:
    """The item of a code, retired ones too; None if the list does not know it."""
    return _by_code(list_id).get(code) if code else None


def is_valid(list_id: str, code: str) -> bool:
    """Whether the code may be stored: offered now, not retired."""
    found = item(list_id, code)
    return found is not None and "successor" not in found


def label(list_id: str, code: str | None, language: str = DEFAULT_LANGUAGE) -> str:
    """What people read for a code. An unknown code is shown as it is; an empty one as nothing."""
    if not code:
        return ""
    found = item(list_id, code)
    return text_of(found["label"], language) if found else code


def title(list_id: str, language: str = DEFAULT_LANGUAGE) -> str:
    """The name of the list."""
    return text_of(load(list_id)["title"], language)


def text_of(texts: dict[str, str], language: str) -> str:
    """The text in the language, else in Chinese."""
    return texts.get(language) or texts[DEFAULT_LANGUAGE]


def _key(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


@cache
def _words(list_id: str) -> dict[str, set[str]]:
    """Every way to write an item, with the codes it may mean (names are not unique: two 向阳区)."""
    words: dict[str, set[str]] = {}
    for found in items(list_id):
        written = [found["code"], *found["label"].values(), *found.get("aliases", [])]
        if found.get("short"):
            written.append(found["short"])
        for text in written:
            words.setdefault(_key(text), set()).add(found["code"])
    return words


def find(list_id: str, text: str | None) -> str | None:
    """The code that a text names: a code, a label in either language, a short name or an alias.

    None where nothing or more than one thing answers; the caller never guesses.
    """
    if not text:
        return None
    if item(list_id, text):
        return text
    found = _words(list_id).get(_key(text), set())
    return next(iter(found)) if len(found) == 1 else None


def ancestors(list_id: str, code: str) -> list[str]:
    """The codes above a code in a list with parents, top first, the code itself last."""
    path: list[str] = []
    found = item(list_id, code)
    while found and found["code"] not in path:
        path.append(found["code"])
        found = item(list_id, found.get("parent"))
    return path[::-1]
