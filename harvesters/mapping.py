"""A source's mapping: loaded, checked against `mappings/schema.json`, laid over
`mappings/default.yaml`. No CKAN import.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema.exceptions
import yaml

from ckanext.hljshare.ingest import text

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "mappings"
MAX_BYTES = 256 * 1024
MAX_DEPTH = 40
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class MappingError(ValueError):
    """The mapping cannot be used; the message says where and why."""


@dataclass(frozen=True)
class Mapping:
    """How to read one source. ``codes`` by list (open, share, cycle, theme, industry, format), keys
    as `text.code` gives them.
    """

    title: str = ""
    site: str = ""
    id: str = "auto"
    trust_total: bool = True
    codes: MappingType[str, MappingType[str, str]] = field(default_factory=dict)
    headers: MappingType[str, str] = field(default_factory=dict)
    providers: MappingType[str, str] = field(default_factory=dict)
    defaults: MappingType[str, str] = field(default_factory=dict)
    page_size: int = 50
    pause: float = 0.0
    network: MappingType[str, Any] = field(default_factory=dict)
    dates: MappingType[str, Any] = field(default_factory=dict)
    json: MappingType[str, Any] = field(default_factory=dict)  # json_api
    html: MappingType[str, Any] = field(default_factory=dict)  # oportal
    xml: MappingType[str, Any] = field(default_factory=dict)  # xml_feed
    feed: MappingType[str, Any] = field(default_factory=dict)  # ckan_portal, dcat_feed

    def code(self, kind: str, value: object) -> str | None:
        """Our code for the source's own, None if the mapping does not know it."""
        return self.codes.get(kind, {}).get(text.code(value))


@lru_cache(maxsize=64)
def load(name: str = "default") -> Mapping:
    """The mapping of that name in `mappings/`."""
    if not _NAME.fullmatch(name):
        raise MappingError(f"{name}: not a mapping's name")
    return load_file(FOLDER / f"{name}.yaml")


def load_file(path: Path) -> Mapping:
    """The mapping in a file of anywhere. Raises MappingError."""
    own = _read(path)
    return _laid_over(own, own if path == FOLDER / "default.yaml" else _base())


def load_text(name: str, words: str) -> Mapping:
    """The mapping a text makes, with the checks of a file; ``name`` is for messages. Raises
    MappingError.
    """
    return _laid_over(_checked(name, words), _base())


def _base() -> dict[str, Any]:
    return _read(FOLDER / "default.yaml")


def _laid_over(own: dict[str, Any], base: dict[str, Any]) -> Mapping:
    codes = {
        kind: {
            text.code(key): value
            for layer in (base, own)
            for key, value in layer.get("codes", {}).get(kind, {}).items()
        }
        for kind in ("open", "share", "cycle", "theme", "industry", "format")
    }
    paging = own.get("paging", {})
    return Mapping(
        title=own["title"],
        site=own.get("site", ""),
        id=own.get("id", base.get("id", "auto")),
        trust_total=own.get("trust_total", base.get("trust_total", True)),
        codes=codes,
        headers={**_headers(_aliases()), **_headers(own.get("headers", {}))},
        providers={**base.get("providers", {}), **own.get("providers", {})},
        defaults={**base.get("defaults", {}), **own.get("defaults", {})},
        page_size=paging.get("size", 50),
        pause=paging.get("pause", 0.0),
        network=own.get("network", {}),
        dates=own.get("dates", {}),
        json=own.get("json", {}),
        html=own.get("html", {}),
        xml=own.get("xml", {}),
        feed=own.get("feed", {}),
    )


def names() -> list[str]:
    """The mappings there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MappingError(f"{path.name}: larger than {MAX_BYTES // 1024} KiB")
        return _checked(path.name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path.name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise MappingError(f"{path.name}: not YAML (not UTF-8)") from None


def _checked(name: str, words: str) -> dict[str, Any]:
    """The data of a mapping's text. Every error says where."""
    if len(words.encode("utf-8", "replace")) > MAX_BYTES:
        raise MappingError(f"{name}: larger than {MAX_BYTES // 1024} KiB")
    try:
        data = yaml.load(words, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise MappingError(f"{name}: {place}not YAML ({error.problem})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MappingError(f"{name}: not YAML ({type(error).__name__})") from None
    found = jsonschema.Draft202012Validator(_schema()).iter_errors(data)
    for problem in sorted(found, key=lambda item: [str(part) for part in item.path]):
        nearest = jsonschema.exceptions.best_match([problem]) or problem
        where = "/".join(str(part) for part in nearest.absolute_path) or "top"
        raise MappingError(f"{name}: {where}: {nearest.message[:200]}")
    return dict(data)


class _Loader(yaml.SafeLoader):
    """Keys are text as written (``01`` is no number, ``no`` no False: they are codes), none stands
    twice; and no anchors: with them a short text stands for an endless one.
    """

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases are not allowed", event.start_mark
            )
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deep", event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        made: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be a text", key.start_mark
                )
            if key.value in made:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} stands twice", key.start_mark
                )
            made[key.value] = self.construct_object(value, deep=True)
        return made


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _aliases() -> dict[str, list[str]]:
    return yaml.safe_load((HERE / "aliases.yaml").read_text(encoding="utf-8"))


def _headers(aliases: MappingType[str, list[str]]) -> dict[str, str]:
    """Comparison key of a heading → our field."""
    return {text.key(word): name for name, words in aliases.items() for word in words}
