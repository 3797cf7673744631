"""What a change of levels loosens, tightens, or leaves as it is (pure).

Levels are plain data, as they are stored: ``{"open_type": …, "share_type": …, "files": {id:
level}}``, the files with the level that counts for each (`access/levels.py`). What is missing or
unknown is the strictest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ckanext.hljshare.access import levels as opening

Levels = dict[str, Any]

OPEN_ORDER: Mapping[str, int] = opening.STRICTNESS
SHARE_ORDER: Mapping[str, int] = {"unconditional": 0, "conditional": 1, "none": 2}


@dataclass(frozen=True)
class Step:
    """One level that differs. `axis`: which of the two; `file`: a resource's id, None for the
    dataset itself."""

    axis: Literal["open", "share"]
    before: str
    after: str
    file: str | None = None


@dataclass(frozen=True)
class Difference:
    """What a change does. It may loosen one thing and tighten another; then it loosens."""

    looser: tuple[Step, ...] = ()
    stricter: tuple[Step, ...] = ()

    @property
    def loosens(self) -> bool:
        """Whether anybody gets more than before: a second person is needed."""
        return bool(self.looser)

    @property
    def tightens(self) -> bool:
        """Whether anybody gets less than before."""
        return bool(self.stricter)


def known_share(value: object) -> str:
    """Return `value` when it is a sharing type, else `none`: the default is no."""
    return value if isinstance(value, str) and value in SHARE_ORDER else "none"


def levels_of(dataset: Mapping[str, Any], files: Iterable[Mapping[str, Any]]) -> Levels:
    """Return the levels of a dataset: `dataset` with ``open_type`` and ``share_type``, each file
    with ``id``, ``open_type`` and ``derivative``."""
    return {
        "open_type": opening.known(dataset.get("open_type")),
        "share_type": known_share(dataset.get("share_type")),
        "files": {str(file["id"]): opening.of_resource(dataset, file) for file in files},
    }


def compare(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Difference:
    """Say what differs between two states of a dataset's levels.

    Before the first publication (`before` None) there is nothing to loosen. A file that is new
    loosens when it is more open than its dataset is and was: as a sample it lets content out that
    the dataset's own level keeps in. A file that is gone changes nothing.
    """
    if before is None:
        return Difference()
    steps = []
    opened = opening.known(before.get("open_type")), opening.known(after.get("open_type"))
    steps.append((Step("open", *opened), OPEN_ORDER))
    shared = known_share(before.get("share_type")), known_share(after.get("share_type"))
    if not (_all_open(before) and _all_open(after)):
        # What everybody may have, agencies may have: naming its sharing type lets nobody in.
        steps.append((Step("share", *shared), SHARE_ORDER))
    files: Mapping[str, Any] = before.get("files") or {}
    whole = min(opened, key=OPEN_ORDER.__getitem__)
    for file, level in (after.get("files") or {}).items():
        now = opening.known(level)
        if file in files:
            steps.append((Step("open", opening.known(files[file]), now, file), OPEN_ORDER))
        elif OPEN_ORDER[now] < OPEN_ORDER[whole]:
            steps.append((Step("open", whole, now, file), OPEN_ORDER))
    return Difference(
        tuple(step for step, order in steps if order[step.after] < order[step.before]),
        tuple(step for step, order in steps if order[step.after] > order[step.before]),
    )


def _all_open(levels: Mapping[str, Any]) -> bool:
    every = [levels.get("open_type"), *(levels.get("files") or {}).values()]
    return all(opening.known(level) == "open" for level in every)


def without_echoes(steps: Iterable[Step]) -> list[Step]:
    """Leave out files that only follow their dataset: the same step stands there already."""
    listed = list(steps)
    whole = {(step.axis, step.before, step.after) for step in listed if step.file is None}
    return [
        step
        for step in listed
        if step.file is None or (step.axis, step.before, step.after) not in whole
    ]
