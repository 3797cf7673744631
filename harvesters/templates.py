"""Requests with places to fill: ``${page}``, ``${start}``, ``${row.id}``, ``${secret:KEY}``. Pure.

A text that is one place alone keeps the value's type (a page number stays a number in JSON); in an
address each value is percent-encoded whole, so that ``/`` and ``%2F`` in an id stay apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from ckanext.hljshare.ingest import text

Scope = Callable[[str], Any]
PLACE = re.compile(r"\$\{([^{}]*)\}")
WRITINGS = ("$json", "$form", "$quoted")


def places(template: Any) -> Iterator[str]:
    """The names of all places of a template."""
    if isinstance(template, str):
        yield from PLACE.findall(template)
    elif isinstance(template, dict):
        for key, value in template.items():
            yield from places(key)
            yield from places(value)
    elif isinstance(template, list):
        for value in template:
            yield from places(value)


def fill(template: Any, scope: Scope) -> Any:
    """The template with its places filled."""
    if isinstance(template, str):
        whole = PLACE.fullmatch(template)
        if whole:
            return scope(whole.group(1))
        return PLACE.sub(lambda found: words(scope(found.group(1))), template)
    if isinstance(template, dict):
        if len(template) == 1 and next(iter(template)) in WRITINGS:
            return _written(*next(iter(template.items())), scope)
        return {str(fill(key, scope)): fill(value, scope) for key, value in template.items()}
    if isinstance(template, list):
        return [fill(value, scope) for value in template]
    return template


def fill_flat(template: dict[str, Any], scope: Scope) -> dict[str, str]:
    """Parameters of a query or form: an object or a list within is written as JSON text."""
    filled = {name: fill(value, scope) for name, value in template.items()}
    return {
        name: _json(value) if isinstance(value, (dict, list)) else words(value)
        for name, value in filled.items()
    }


def fill_url(template: str, scope: Scope) -> str:
    """An address with its places filled, each value percent-encoded."""
    return PLACE.sub(lambda found: quote(words(scope(found.group(1))), safe=""), template)


class Address:
    """An address with places, taken apart once; ``base`` is what it is relative to."""

    def __init__(self, template: str, base: str) -> None:
        self.whole = PLACE.fullmatch(template)
        parts = PLACE.split(template if self.whole else urljoin(base, template))
        self._texts, self.names = parts[::2], parts[1::2]

    def fill(self, scope: Scope) -> str:
        """The address with its places filled, each value percent-encoded."""
        filled = [self._texts[0]]
        for name, after in zip(self.names, self._texts[1:], strict=True):
            filled += (quote(words(scope(name)), safe=""), after)
        return "".join(filled)


def words(value: Any) -> str:
    """A value as it stands in a text. Half a surrogate pair, which no encoding can hold, is left
    out.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).encode("utf-8", "ignore").decode()


def row_text(value: Any) -> str:
    """A value of a record as text, "" for nothing."""
    return "" if isinstance(value, (dict, list)) or text.is_empty(value) else words(value)


def _written(kind: str, inner: Any, scope: Scope) -> str:
    """``$json``: as JSON text; ``$form``: as a=1&b=2; ``$quoted``: percent-encoded once more."""
    if kind == "$form":
        return urlencode(fill_flat(inner, scope) if isinstance(inner, dict) else {})
    filled = fill(inner, scope)
    if kind == "$json":
        return _json(filled)
    return quote(_json(filled) if isinstance(filled, (dict, list)) else words(filled), safe="")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
