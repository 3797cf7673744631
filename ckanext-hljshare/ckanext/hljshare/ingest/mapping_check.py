"""What is wrong with the text of a mapping, line by line. Pure.

Checked against `harvesters/mappings/schema.json`, the same that a mapping is checked against when
it is used; what a kind of source asks of its mapping besides, its harvester says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

import jsonschema
import yaml

from ckanext.hljshare.paths import HARVESTERS

LARGEST = 200_000  # characters
MOST = 50  # problems told at once


@dataclass(frozen=True)
class Problem:
    """One thing to mend. ``line`` counts from 1 (0: the text as a whole), ``where`` is the path of
    keys, ``code`` says what is wrong (`mappings.words`), ``values`` what it is about."""

    line: int
    where: str
    code: str
    values: dict[str, str] = field(default_factory=dict)


def problems(body: str) -> list[Problem]:
    """What is wrong with the text, in the order of its lines; nothing if it can be used."""
    if len(body) > LARGEST:
        return [Problem(0, "", "too-long", {"most": str(LARGEST)})]
    try:
        for token in yaml.scan(body, Loader=yaml.SafeLoader):
            # With them a short text stands for an endless one.
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
                return [Problem(token.start_mark.line + 1, "", "alias")]
        node = yaml.compose(body, Loader=yaml.SafeLoader)
        data = yaml.load(body, Loader=_TextKeys)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return [Problem(mark.line + 1 if mark else 0, "", "not-yaml")]
    except (yaml.YAMLError, ValueError, RecursionError):
        return [Problem(0, "", "not-yaml")]
    if not isinstance(data, dict) or node is None:
        return [Problem(1, "", "no-keys")]
    found = [*_twice(node), *_against_schema(node, data)]
    return sorted(found, key=lambda item: (item.line, item.where))[:MOST]


class _TextKeys(yaml.SafeLoader):
    """Keys are text as written: ``01`` is no number, ``no`` no False; they are codes."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The dictionary of a node."""
        return {
            str(key.value): self.construct_object(value, deep=True) for key, value in node.value
        }


def _twice(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Keys that stand twice: YAML takes the last one and says nothing."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield Problem(key.start_mark.line + 1, _path((*path, name)), "twice", {"key": name})
            seen.add(name)
            yield from _twice(value, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from _twice(item, (*path, str(number)))


def _against_schema(node: yaml.Node, data: Any) -> Iterator[Problem]:
    for error in jsonschema.Draft202012Validator(schema()).iter_errors(data):
        while error.context:  # of several forms that are allowed, the one that is nearest
            error = min(
                error.context, key=lambda item: (-len(item.absolute_path), str(item.validator))
            )
        path = tuple(error.absolute_path)
        yield from _problems_of(node, path, error)


def _problems_of(
    node: yaml.Node, path: tuple[Any, ...], error: jsonschema.ValidationError
) -> Iterator[Problem]:
    kind, value = str(error.validator), cast("Any", error.validator_value)
    if kind == "additionalProperties" and isinstance(error.instance, dict):
        allowed = set(cast("Any", error.schema).get("properties", {}))
        for key in error.instance:
            if key not in allowed:
                where = (*path, key)
                yield _problem(node, where, "unknown-key", key=key, allowed=_list(sorted(allowed)))
        return
    if kind == "required":
        for key in value:
            if key not in cast("Any", error.instance):
                yield _problem(node, path, "missing-key", key=key)
        return
    if kind in ("enum", "const"):
        choices = _list(value if kind == "enum" else [value])
        yield _problem(node, path, "not-in-list", value=error.instance, allowed=choices)
    elif kind == "type":
        wanted = _list(value) if isinstance(value, list) else str(value)
        yield _problem(node, path, "wrong-type", value=error.instance, wanted=wanted)
    elif kind in ("pattern", "format"):
        yield _problem(node, path, "wrong-form", value=error.instance)
    else:
        yield _problem(node, path, "not-allowed", value=error.instance, rule=f"{kind} {value}")


def _problem(node: yaml.Node, path: tuple[Any, ...], code: str, **values: object) -> Problem:
    shown = {name: str(value)[:200] for name, value in values.items()}
    return Problem(line_of(node, path), _path(path), code, shown)


def line_of(node: yaml.Node, path: tuple[Any, ...]) -> int:
    """The line, from 1, of a key or list item; that of the nearest one above if it is not there."""
    line = node.start_mark.line + 1
    for step in path:
        following = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if str(key.value) == str(step):
                    line, following = key.start_mark.line + 1, value
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value)
        ):
            following = node.value[step]
            line = following.start_mark.line + 1
        if following is None:
            break
        node = following
    return int(line)


def _path(path: tuple[Any, ...]) -> str:
    return "/".join(str(step) for step in path)


def _list(values: Any) -> str:
    return ", ".join(str(value) for value in values)


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The JSON schema of mappings."""
    path = HARVESTERS / "mappings" / "schema.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
