"""What a decision says: how much is approved, or why not. Pure but for CKAN's errors' words.

Approval may be partial: some files, some columns of a table, some rows, a time. Refusal needs a
reason and a basis, two fields (clause 6.1 f).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ckanext.hljshare.requests import bases

_ARTICLE = re.compile(r"第[一二三四五六七八九十百千零〇\d]+条.*\Z", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """What of one file is approved. None: all of it."""

    resource: str
    columns: tuple[str, ...] | None = None
    rows: Mapping[str, Sequence[Any]] | None = None


class DecisionError(ValueError):
    """A decision that cannot be: `field` and `code`."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__(f"{field}: {code}")
        self.field = field
        self.code = code


def parts(
    offered: Sequence[str], chosen: Sequence[str] | None, columns: Any, rows: Any
) -> list[Part]:
    """What is approved, file by file, of the files a dataset `offers`.

    Columns and rows are given for one file, or file by file. Raises DecisionError for a file that
    is not among them (`resources`: unknown), for none (`none`), and for columns or rows without
    the one file they belong to (`which`).
    """
    wanted = list(offered) if chosen is None else list(dict.fromkeys(chosen))
    if chosen is not None and not wanted:
        raise DecisionError("resources", "none")
    if any(file not in offered for file in wanted):
        raise DecisionError("resources", "unknown")
    by_file: dict[str, dict[str, Any]] = {file: {} for file in wanted}
    for name, given in (("columns", columns), ("rows", rows)):
        for file, value in _by_file(name, given, wanted).items():
            if file not in by_file:
                raise DecisionError(name, "unknown")
            by_file[file][name] = tuple(value) if name == "columns" else value
    return [Part(file, **limits) for file, limits in by_file.items()]


def _by_file(name: str, given: Any, wanted: Sequence[str]) -> dict[str, Any]:
    if not given:
        return {}
    if name == "rows" and not all(isinstance(value, Mapping) for value in given.values()):
        given = [given]  # column → values, for the only file
    elif isinstance(given, Mapping):
        return dict(given)
    if len(wanted) != 1:
        raise DecisionError(name, "which")
    return {wanted[0]: given[0] if name == "rows" else given}


def is_partial(offered: Sequence[str], approved: Sequence[Part]) -> bool:
    """Whether less is approved than the dataset holds."""
    return len(approved) < len(offered) or any(
        part.columns is not None or part.rows is not None for part in approved
    )


def basis(given: Any, use: bases.Use, axis: bases.Axis) -> list[dict[str, str]]:
    """The bases of a decision; see `bases.read`. A text is an id of the library, or law and
    article as people write them: 《中华人民共和国数据安全法》第三十八条."""
    listed = given if isinstance(given, list) else [given]
    return bases.read([_written(item) for item in listed], use, axis)


def _written(item: Any) -> Any:
    if not isinstance(item, str) or item.strip() in bases.load():
        return item.strip() if isinstance(item, str) else item
    text = " ".join(item.split())
    article = _ARTICLE.search(text)
    if article is None:
        return {"law": text, "article": "—"} if text else {}
    law = text[: article.start()].strip().strip("《》")
    return {"law": law or text, "article": article.group().strip()}


def until(given: datetime | None, wanted: datetime | None, longest: datetime) -> datetime:
    """When the use ends: as decided, else as the applicant asked, else the portal's longest."""
    return given or min(wanted or longest, longest)
