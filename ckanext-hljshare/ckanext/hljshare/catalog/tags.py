"""Keywords as people write them, made into tags that CKAN accepts.

CKAN's rule for a tag is 2–100 characters of letters, digits, blank, ``-``, ``_`` and ``.``. Chinese
lists come with their own separators and brackets; what does not fit is adapted or left out, never
an error. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MINIMUM, MAXIMUM = 2, 100

_SEPARATORS = re.compile(r"[,，、;；\n\r\t|]+")
_BLANKS = re.compile(r"\s+")
_JOINTS = re.compile(r"[ -]*-[ -]*")
_FORBIDDEN = re.compile(r"[^\w \-.]+")
_CHINESE = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff]")


def split(text: str) -> list[str]:
    """Keywords of a free text. A blank separates Chinese words; elsewhere it belongs to the
    keyword.
    """
    words: list[str] = []
    for part in _SEPARATORS.split(unicodedata.normalize("NFKC", text)):
        pieces = part.split()
        for place, piece in enumerate(pieces):
            chinese = _CHINESE.search(piece) or (place and _CHINESE.search(pieces[place - 1]))
            if place and not chinese:
                words[-1] += " " + piece
            else:
                words.append(piece)
    return words


def adapt(word: str) -> str | None:
    """A keyword in the form CKAN accepts, or None if nothing usable is left (one character, only
    signs).
    """
    word = _FORBIDDEN.sub("-", unicodedata.normalize("NFKC", word))
    word = _JOINTS.sub("-", _BLANKS.sub(" ", word)).strip(" -_.")[:MAXIMUM].strip(" -_.")
    return word if len(word) >= MINIMUM else None


def clean(words: Iterable[str]) -> list[str]:
    """Adapted keywords in their order, each once (upper and lower case are the same word)."""
    kept: dict[str, str] = {}
    for word in words:
        for piece in split(word):
            tag = adapt(piece)
            if tag:
                kept.setdefault(tag.casefold(), tag)
    return list(kept.values())
