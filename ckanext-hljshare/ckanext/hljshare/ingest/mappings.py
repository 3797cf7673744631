"""The mappings there are: files of the project, and those that somebody saved on the site.

The newest saved body of a name holds over the file; every body stays. What lies under all mappings
(`default`) belongs to the software and is not edited on the site.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from ckan import model
from ckan.common import _
from ckanext.harvest.model import HarvestSource

from ckanext.hljshare.paths import HARVESTERS

from .mapping_check import LARGEST, Problem
from .model import StoredMapping

FOLDER = HARVESTERS / "mappings"
DEFAULT = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


def is_name(name: str) -> bool:
    """Whether a mapping may be named so."""
    return bool(_NAME.fullmatch(name))


def stored(name: str) -> StoredMapping | None:
    """The newest body that was saved on the site under a name."""
    query = (
        sa.select(StoredMapping)
        .where(StoredMapping.name == name)
        .order_by(StoredMapping.id.desc())
        .limit(1)
    )
    found: StoredMapping | None = model.Session.scalar(query)
    return found


def stored_body(name: str) -> str | None:
    """The text in force if it was saved on the site, None if the file is."""
    found = stored(name) if is_name(name) else None
    return found.body if found else None


def body(name: str) -> str | None:
    """The text in force: as saved on the site, else as the file has it; None if there is neither.

    :param name: a mapping's name; or the path of a file, which only the command line can have
        stored with a source
    """
    saved = stored_body(name)
    return saved if saved is not None else _of_file(name)


def _of_file(name: str) -> str | None:
    path = FOLDER / f"{name}.yaml" if is_name(name) else Path(name)
    try:
        # A configuration may name anything: no device, no endless file.
        if not path.is_file() or path.stat().st_size > LARGEST * 4:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError):
        return None


def bodies(wanted: Collection[str]) -> dict[str, str | None]:
    """:func:`body` of many names: one query."""
    query = (
        sa.select(StoredMapping.name, StoredMapping.body)
        .where(StoredMapping.name.in_(wanted))
        .order_by(StoredMapping.name, StoredMapping.id.desc())
        .distinct(StoredMapping.name)
    )
    saved = dict(model.Session.execute(query).tuples().all())
    return {name: saved[name] if name in saved else _of_file(name) for name in wanted}


def author(name: str) -> str | None:
    """Who (user id) saved the text in force, None if it is the file's."""
    found = stored(name) if is_name(name) else None
    return found.author if found else None


def names() -> list[str]:
    """All mappings by name."""
    saved = model.Session.scalars(sa.select(StoredMapping.name).distinct())
    return sorted({*saved, *(path.stem for path in FOLDER.glob("*.yaml"))})


def title(name: str) -> str:
    """What people call a mapping: the title in its text, if that can be read."""
    try:
        data = yaml.safe_load(body(name) or "")
    except yaml.YAMLError:
        return name
    return str(data.get("title") or name) if isinstance(data, dict) else name


def history(name: str, limit: int = 20) -> list[StoredMapping]:
    """What was saved under a name, the newest first."""
    query = (
        sa.select(StoredMapping)
        .where(StoredMapping.name == name)
        .order_by(StoredMapping.id.desc())
        .limit(limit)
    )
    return list(model.Session.scalars(query))


def save(name: str, text: str, user_id: str) -> StoredMapping:
    """Put a text in force, in the open transaction. Sources that use it need a new approval: it is
    part of what was approved."""
    made = StoredMapping(name=name, body=text, author=user_id)
    model.Session.add(made)
    model.Session.flush()
    return made


def used_by() -> dict[str, list[HarvestSource]]:
    """The active sources by the mapping they name."""
    found: dict[str, list[HarvestSource]] = {}
    query = sa.select(HarvestSource).where(HarvestSource.active.is_(True))
    for row in model.Session.scalars(query.order_by(HarvestSource.title)):
        try:
            config = json.loads(row.config or "{}")
        except ValueError:
            continue
        if isinstance(config, dict):
            found.setdefault(str(config.get("mapping") or DEFAULT), []).append(row)
    return found


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that differ, with three around them: (``+``, ``-``, ``@`` or ``" "``, the line)."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return [(line[:1], line if line.startswith("@") else line[1:]) for line in lines][2:]


def words(problem: Problem) -> str:
    """A problem in the reader's language, without its line."""
    told = _words().get(problem.code)
    text = told(problem.values) if told else problem.code
    return f"{problem.where}{_(': ')}{text}" if problem.where else text


def _words() -> dict[str, Callable[[dict[str, Any]], str]]:
    return {
        "too-long": lambda v: _("The text is too long; at most {most} characters").format(**v),
        "alias": lambda v: _("Anchors and aliases (& and *) are not allowed"),
        "not-yaml": lambda v: _("Not YAML from here on: look at quotes, colons and indentation"),
        "no-keys": lambda v: _("It must consist of keys with values"),
        "twice": lambda v: _("“{key}” stands here twice").format(**v),
        "unknown-key": lambda v: _("“{key}” is not known here; known are: {allowed}").format(**v),
        "missing-key": lambda v: _("“{key}” is missing").format(**v),
        "not-in-list": lambda v: _("“{value}” is not allowed; allowed are: {allowed}").format(**v),
        "wrong-type": lambda v: _("“{value}” is not of the right kind ({wanted})").format(**v),
        "wrong-form": lambda v: _("“{value}” is not written as it must be").format(**v),
        "not-allowed": lambda v: _("“{value}” is not allowed ({rule})").format(**v),
        "harvester": lambda v: str(v.get("message", "")),
    }
