"""The columns of the list, as ``columns.yaml`` says. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.access import export, levels
from ckanext.hljshare.catalog import codelists, rules
from ckanext.hljshare.paths import SCHEMING

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Column:
    """``key``: its name in JSON and XML; ``heading``: what stands above it; ``element``: its number
    in the national guide, "" for the province's own. The rest is explained in ``columns.yaml``."""

    key: str
    heading: str
    width: int
    element: str = ""
    about: str = ""
    codes: str = ""
    text: str = ""
    line: str = ""
    label: tuple[str, str] | None = None


@cache
def load() -> dict[str, Any]:
    """The whole file. Callers must not change it."""
    loaded: dict[str, Any] = yaml.safe_load((HERE / "columns.yaml").read_text("utf-8"))
    return loaded


@cache
def columns() -> tuple[Column, ...]:
    """All columns in their order."""
    found = load()["columns"]
    return tuple(
        Column(**{**each, "label": tuple(each["label"]) if "label" in each else None})
        for each in found
    )


def _stamp() -> str:
    files = [*HERE.glob("*.py"), *HERE.glob("*.yaml"), *SCHEMING.rglob("*.yaml")]
    files += [Path(str(module.__file__)) for module in (export, levels, codelists, rules)]
    found = hashlib.blake2b(digest_size=12)
    for file in sorted(files):
        found.update(file.read_bytes())
    return found.hexdigest()


# What lists depend on besides the datasets: columns, code lists, and the code that makes them; of
# the code that runs, not of what replaces it on disk meanwhile.
STAMP = _stamp()
