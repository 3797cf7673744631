"""Whether a text holds a word that it must not, however it is written."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

LEAST = 8  # letters of an identifier that is looked for by itself
PASSES = 6  # writings that are undone one after another
_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")


def plain(text: str) -> str:
    """A text with the writings of JSON, HTML and addresses undone, as often as they were applied,
    and without backslashes. Two texts that say the same become the same.

    JSON within JSON within a table's row is written three times over.
    """
    for _ in range(PASSES):
        undone = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), html.unescape(text))
        if undone != text:  # halves of a letter that JSON writes as two
            undone = undone.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        undone = unquote(undone.replace("\\", ""))
        if undone == text:
            break
        text = undone
    return text


def words(address: str) -> set[str]:
    """An address, and what tells of the file by itself: long identifiers in its query, the end of
    its path."""
    parts = urlsplit(address)
    found = {address}
    for _name, value in parse_qsl(parts.query):
        if len(value) >= LEAST and re.search("[0-9]", value):
            found.add(value)
    last = unquote(parts.path.rpartition("/")[2])
    if re.search(r"[0-9a-f]{8}|[^\x00-\x7f]", last):
        found.add(last)
    return found


def find(texts: Iterable[tuple[str, str]], wanted: Iterable[str]) -> list[str]:
    """Which of the wanted words stand where, a line each, for people. ``texts``: (where, text)."""
    forms = [(plain(word), word) for word in sorted(wanted)]
    found = set[str]()
    for where, text in texts:
        undone = plain(text)
        found.update(f"{where}: {word}" for form, word in forms if form in undone)
    return sorted(found)
