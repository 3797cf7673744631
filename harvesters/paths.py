"""Where a value stands in a JSON answer: ``data.rows``, ``result[0].list``, ``page[*].name``. Pure.

No library's path language opens a text that holds JSON on its way (``{"dataList": "{\\"list\\":
[…]}"}``), as a third of the portals need; so these few steps are our own.
"""

from __future__ import annotations

import re
from typing import Any

from ckanext.hljshare.ingest.envelope import unwrapped

_PART = re.compile(r'\.?(?:([^.\[\]"\']+)|\[(\d{1,6})\]|\[(\*)\]|\["([^"]+)"\]|\[\'([^\']+)\'\])')
_ALL = object()


class Path:
    """A compiled path. "" and ``$`` are the value itself. Raises ValueError for a wrong one."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.steps, self.many = _steps(words)
        # Nearly all paths are one name; they are taken millions of times.
        plain = len(self.steps) == 1 and isinstance(self.steps[0], str)
        self._name = self.steps[0] if plain else None

    def all(self, value: Any) -> list[Any]:
        """All values at the path, in order; a text on the way that holds JSON is opened, once."""
        found = [unwrapped(value) if self.steps else value]
        last = len(self.steps) - 1
        for number, step in enumerate(self.steps):
            found = [
                child for node in found for child in _children(node, step, opened=number < last)
            ]
        return found

    def first(self, value: Any) -> Any:
        """The first value at the path, None where there is none."""
        if self._name is not None and isinstance(value, dict):
            return value.get(self._name)
        found = self.all(value)
        return found[0] if found else None

    def rows(self, value: Any) -> list[Any] | None:
        """The list at the path, None where there is no such place. One object stands for a list of
        one, nothing (null, "", {}) for an empty list.
        """
        found = self.all(value)
        if self.many:
            return [unwrapped(row) for row in found]
        if not found:
            return None
        inner = unwrapped(found[0])
        if isinstance(inner, list):
            return inner
        if isinstance(inner, dict):
            return [inner] if inner else []
        return [] if inner in (None, "") else None


def _steps(words: str) -> tuple[tuple[Any, ...], bool]:
    rest = words.strip().removeprefix("$")
    steps: list[Any] = []
    while rest:
        found = _PART.match(rest)
        if not found:
            raise ValueError(f"{words}: not a path")
        name, index, every, quoted, single = found.groups()
        steps.append(int(index) if index else _ALL if every else name or quoted or single)
        rest = rest[found.end() :]
    return tuple(steps), _ALL in steps


def _children(node: Any, step: Any, *, opened: bool) -> list[Any]:
    if isinstance(node, dict):
        keys = list(node) if step is _ALL else [step] if step in node else []
    elif isinstance(node, list):
        keys = list(range(len(node))) if step is _ALL else []
        if isinstance(step, int) and step < len(node):
            keys = [step]
    else:
        return []
    children = []
    for key in keys:
        child = node[key]
        if opened and isinstance(child, str):
            child = node[key] = unwrapped(child)
        children.append(child)
    return children
