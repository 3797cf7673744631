"""What a web form or an API client sends, brought into the one shape that is validated. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ckanext.hljshare.catalog import tags as tag_words


def collect_rows(data: dict[str, Any], field: str) -> None:
    """Gather a repeating field, in place: a list as it is, JSON text read, ``field-<n>-<sub>`` keys
    of a form in order of n.

    Rows in which nothing is filled in are dropped. A text that is no JSON list of objects stays,
    for a validator to refuse.
    """
    if field in data:
        rows = data[field]
        if isinstance(rows, str):
            try:
                rows = json.loads(rows) if rows.strip() else []
            except ValueError:
                return
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            return
        data[field] = [dict(row) for row in rows if _filled(row)]
        return
    shape = re.compile(re.escape(field) + r"-(\d+)-(.+)\Z")
    numbered: dict[int, dict[str, Any]] = {}
    for key in list(data):
        found = shape.match(key)
        if found:
            numbered.setdefault(int(found[1]), {})[found[2]] = data.pop(key)
    if numbered:
        data[field] = [numbered[number] for number in sorted(numbered) if _filled(numbered[number])]


def _filled(row: Mapping[str, Any]) -> bool:
    return any(value not in (None, "", []) for value in row.values())


def unread_rows(data: Mapping[str, Any], fields: Iterable[Mapping[str, Any]]) -> list[str]:
    """Names of the repeating fields whose value is no list of objects."""
    names = [field["field_name"] for field in fields if "repeating_subfields" in field]
    return [
        name
        for name in names
        if data.get(name) is not None
        and not (
            isinstance(data[name], list) and all(isinstance(row, Mapping) for row in data[name])
        )
    ]


def clean_tags(data: dict[str, Any]) -> None:
    """Bring keywords, in place, into CKAN's ``tags``: from ``tags`` and from the free text
    ``tag_string``.

    Tags of a vocabulary are kept as they are. Without either key nothing changes.
    """
    text, listed = data.get("tag_string"), data.get("tags")
    if not isinstance(listed, list):
        listed = []
    if not text and "tags" not in data and "tag_string" not in data:
        return
    fixed = [tag for tag in listed if isinstance(tag, Mapping) and tag.get("vocabulary_id")]
    free = [name for tag in listed if tag not in fixed for name in _names(tag)]
    words: Iterable[str] = [*free, *([text] if isinstance(text, str) else [])]
    known = {tag["name"]: tag for tag in listed if isinstance(tag, Mapping) and "name" in tag}
    data["tags"] = fixed + [known.get(word, {"name": word}) for word in tag_words.clean(words)]


def _names(tag: Any) -> list[str]:
    if isinstance(tag, Mapping):
        tag = tag.get("name")
    return [tag] if isinstance(tag, str) else []
