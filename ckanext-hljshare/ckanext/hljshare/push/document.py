"""The OpenAPI 3.1 description of the push interface, built from data. Pure."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.catalog import codelists

from . import lines, problems, spool, tables
from .lines import FieldKind

FILE = Path(__file__).with_name("openapi.yaml")


def openapi(site: str) -> dict[str, Any]:
    """The description for a site. Field names, code lists, limits and problem codes come from
    where they are decided."""
    return {**_made(), "servers": [{"url": f"{site.rstrip('/')}/push/v1"}]}


@cache
def _made() -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    schemas = made["components"]["schemas"]
    schemas["Fields"]["properties"] = {
        name: _schema(name, kind) for name, kind in sorted(lines.field_kinds().items())
    }
    schemas["Problem"]["properties"]["code"]["enum"] = sorted(problems.CODES)
    schemas["TableHeader"]["properties"]["fields"]["items"]["properties"]["type"]["enum"] = list(
        tables.TYPES
    )
    made["info"]["description"] = made["info"]["description"].format(
        lines=f"{spool.MAX_LINES:,}", mib=spool.MAX_BYTES >> 20
    )
    return made


def _schema(name: str, kind: FieldKind) -> dict[str, Any]:
    if kind.kind == "list":
        parts = {part: _schema(part, inner) for part, inner in (kind.parts or {}).items()}
        item = {"type": "object", "properties": parts, "additionalProperties": False}
        return {"type": ["array", "null"], "maxItems": lines.MAX_ITEMS, "items": item}
    if kind.kind == "codes":
        return {"type": ["array", "null"], "items": {"type": "string"}}
    if kind.kind == "length":
        return {"type": ["integer", "string", "null"]}
    found: dict[str, Any] = {"type": ["string", "null"]}
    if kind.kind == "code":
        listed = codelists.codes(kind.codelist)
        if len(listed) <= 40:
            found["examples"] = listed
        found["description"] = f"{codelists.title(kind.codelist)} ({kind.codelist})"
    elif kind.kind == "url":
        found["format"] = "uri"
    elif kind.kind in ("date", "past"):
        found["format"] = "date"
    return found


def methods(path: str) -> list[str]:
    """The methods of an address below /push/v1, none for an unknown one."""
    found: set[str] = set()
    for template, item in _made()["paths"].items():
        parts = re.split(r"\{\w+\}", template.lstrip("/"))
        if re.fullmatch("(.+)".join(map(re.escape, parts)), path):
            found.update(name.upper() for name in item if name in ("get", "put"))
    return sorted(found)
