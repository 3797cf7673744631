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
import yaml

from ckanext.hljshare.ingest import text

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "mappings"
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
    base = own if path == FOLDER / "default.yaml" else _read(FOLDER / "default.yaml")
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
    )


def names() -> list[str]:
    """The mappings there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MappingError(f"{path.name}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path.name}: not YAML ({type(error).__name__})") from None
    found = jsonschema.Draft202012Validator(_schema()).iter_errors(data)
    for problem in sorted(found, key=lambda item: [str(part) for part in item.path]):
        where = "/".join(str(part) for part in problem.absolute_path) or "top"
        raise MappingError(f"{path.name}: {where}: {problem.message[:200]}")
    return data


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _aliases() -> dict[str, list[str]]:
    return yaml.safe_load((HERE / "aliases.yaml").read_text(encoding="utf-8"))


def _headers(aliases: MappingType[str, list[str]]) -> dict[str, str]:
    """Comparison key of a heading → our field."""
    return {text.key(word): name for name, words in aliases.items() for word in words}
