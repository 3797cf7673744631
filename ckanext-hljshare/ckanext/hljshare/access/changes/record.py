"""The rule for whoever writes: what has been public is loosened by two people, and all is recorded.

`hljshare_levels` refuses in validation, before anything is written or uploaded. `after_write` looks
at what stands in the database in the end, keeps the levels last published and the history, and
orders what a tightening needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access.changes import clean, people, rules
from ckanext.hljshare.access.changes.model import LevelChange, LevelState
from ckanext.hljshare.access.model import now
from ckanext.hljshare.catalog import known
from ckanext.hljshare.deadlines import outbox

# In the action's context, never in what the API sends: the change that is being carried out, or
# TRIAL while a proposal is only validated.
CHANGE = "hljshare_level_change"
TRIAL = "trial"


def lock(dataset_id: str) -> None:
    """Let one writer at a time decide about a dataset's levels, until its transaction ends.

    The row that CKAN locks too, so that the order of locks is the same everywhere.
    """
    model.Session.execute(
        sa.select(model.Package.id).where(model.Package.id == dataset_id).with_for_update()
    )


def _rows(dataset_id: str) -> tuple[Any, list[Any]]:
    """Return the dataset's and its files' columns from the database, not what the session holds:
    another writer may have committed since it was read."""
    package, resource = model.Package, model.Resource
    columns = (package.type, package.state, package.private, package.owner_org, package.name)
    found = model.Session.execute(
        sa.select(*columns, package.title, package.extras).where(package.id == dataset_id)
    ).one()
    files = model.Session.execute(
        sa.select(resource.id, resource.extras).where(
            resource.package_id == dataset_id, resource.state == "active"
        )
    ).all()
    return found, list(files)


def _files(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "open_type": (row.extras or {}).get("open_type"),
            "derivative": (row.extras or {}).get("derivative"),
        }
        for row in rows
    ]


def _public(row: Any) -> bool:
    return row.state == "active" and not row.private


def current(dataset_id: str) -> rules.Levels:
    """Return a dataset's levels as they stand in the database, public or not."""
    row, files = _rows(dataset_id)
    return rules.levels_of(row.extras or {}, _files(files))


def baseline(dataset_id: str) -> rules.Levels | None:
    """Return the levels a dataset was last public with, None if it never was."""
    state = model.Session.get(LevelState, dataset_id, populate_existing=True)
    if state is not None:
        return state.levels
    row, files = _rows(dataset_id)
    # Public without a state: written past CKAN's actions. What the public has is the measure.
    return rules.levels_of(row.extras or {}, _files(files)) if _public(row) else None


def has_been_public(dataset_id: str) -> bool:
    """Tell whether a dataset's levels are bound by what was published. One query."""
    query = sa.select(LevelState.dataset_id).where(LevelState.dataset_id == dataset_id)
    return model.Session.scalar(query) is not None


def _value(data: dict[tuple[Any, ...], Any], key: tuple[Any, ...], otherwise: Any = None) -> Any:
    found = data.get(key)
    return otherwise if found is tk.missing or found in (None, "") else found


def _proposed(data: dict[tuple[Any, ...], Any], package: model.Package) -> rules.Levels:
    """Return the levels a write would lead to, from flattened, validated data.

    CKAN validates only the files that differ. The others are as the database has them: where the
    dataset becomes public, all are validated (`resource_validation_dependencies`).
    """
    positions = {key[1] for key in data if key[0] == "resources" and len(key) > 2}
    files = []
    for position in sorted(positions):
        at = ("resources", position)
        file_id = _value(data, (*at, "id"), f"new {position}")
        files.append(
            {
                "id": file_id,
                "open_type": _value(data, (*at, "open_type")),
                "derivative": _value(data, (*at, "derivative")),
            }
        )
    row, stored = _rows(package.id)
    if _public(row):
        named = {file["id"] for file in files}
        files += [file for file in _files(stored) if file["id"] not in named]
    dataset = {name: _value(data, (name,)) for name in ("open_type", "share_type")}
    return rules.levels_of(dataset, files)


def hljshare_levels(
    key: tuple[Any, ...], data: dict[tuple[Any, ...], Any], errors: Any, context: Any
) -> None:
    """Validator at the end of the dataset's schema: a dataset that has been public never becomes,
    or stays, public with a looser level unless a second person has confirmed that very change.

    The portal's own jobs (`ignore_auth`) are not held up; what they change is recorded.
    """
    package = context.get("package")
    if not isinstance(package, model.Package) or package.type != "dataset":
        return
    if known.of(context) is None:  # whoever writes a batch has locked it whole
        lock(package.id)
    if context.get("ignore_auth") or context.get(CHANGE) == TRIAL:
        return
    private = bool(_value(data, ("private",), package.private))
    if private or _value(data, ("state",), package.state) != "active":
        return
    published = baseline(package.id)
    after = _proposed(data, package)
    difference = rules.compare(published, after)
    if not difference.loosens or _confirmed(context, after):
        return
    for field, messages in refusals(package.name, difference.looser, _names(data, package)).items():
        errors.setdefault((field,), []).extend(messages)


def _names(data: dict[tuple[Any, ...], Any], package: model.Package) -> dict[str, str]:
    names = {resource.id: resource.name or "" for resource in package.resources}
    for key, value in data.items():
        if key[0] == "resources" and key[-1] == "id" and len(key) == 3:
            names[str(value)] = str(_value(data, (*key[:-1], "name"), ""))
    return names


def refusals(
    name: str, looser: Iterable[rules.Step], files: dict[str, str]
) -> dict[str, list[str]]:
    """Return, by field, why a write is refused and where the change is proposed."""
    page = f"/dataset/{name}/level"
    found: dict[str, list[str]] = {}
    for step in rules.without_echoes(looser):
        if step.file is not None:
            text = tk._(
                'The file "{file}" would be more open than what was published. A second person has'
                ' to confirm that: propose it on the page "Change levels" ({page})'
            ).format(file=files.get(step.file) or tk._("Unnamed resource"), page=page)
        elif step.axis == "open":
            text = tk._(
                "What was published is opened further only when a second person confirms it:"
                ' propose it on the page "Change levels" ({page})'
            ).format(page=page)
        else:
            text = tk._(
                "What was published is shared more widely only when a second person confirms it:"
                ' propose it on the page "Change levels" ({page})'
            ).format(page=page)
        found.setdefault("share_type" if step.axis == "share" else "open_type", []).append(text)
    return found


def _confirmed(context: Any, after: rules.Levels) -> bool:
    """Tell whether the write carries out a change that two people have agreed on, exactly."""
    change = context.get(CHANGE)
    return isinstance(change, LevelChange) and change.state == "confirmed" and change.after == after


def after_write(context: Any, dataset_id: str, created: bool = False) -> None:
    """Record what a write did to a dataset's levels, in the write's transaction.

    Raises `tk.ValidationError` if it loosened what nobody confirmed (validation was passed by).
    """
    row, stored = _rows(dataset_id)
    state = model.Session.get(LevelState, dataset_id, populate_existing=True)
    _record(context, dataset_id, row, stored, state, created)


def after_many_writes(context: Any, dataset_ids: Collection[str], created: Collection[str]) -> None:
    """:func:`after_write` for a batch: three queries, however many datasets. All are locked."""
    package, resource = model.Package, model.Resource
    columns = (package.type, package.state, package.private, package.owner_org, package.name)
    rows = model.Session.execute(
        sa.select(package.id, *columns, package.title, package.extras).where(
            package.id.in_(dataset_ids)
        )
    ).all()
    files: dict[str, list[Any]] = {}
    for file in model.Session.execute(
        sa.select(resource.id, resource.extras, resource.package_id).where(
            resource.package_id.in_(dataset_ids), resource.state == "active"
        )
    ):
        files.setdefault(file.package_id, []).append(file)
    states = {
        state.dataset_id: state
        for state in model.Session.scalars(
            sa.select(LevelState)
            .where(LevelState.dataset_id.in_(dataset_ids))
            .execution_options(populate_existing=True)
        )
    }
    for row in rows:
        _record(context, row.id, row, files.get(row.id, []), states.get(row.id), row.id in created)


def _record(
    context: Any,
    dataset_id: str,
    row: Any,
    stored: Iterable[Any],
    state: LevelState | None,
    created: bool,
) -> None:
    if row.type != "dataset":
        return
    if created and state is not None:  # an earlier dataset of this id was purged
        model.Session.delete(state)
        model.Session.flush()
        state = None
    levels = rules.levels_of(row.extras or {}, _files(stored))
    if state is not None:
        _compare_written(context, row, state, levels)
    elif _public(row):
        model.Session.add(LevelState(dataset_id=dataset_id, levels=levels))


def _compare_written(context: Any, row: Any, state: LevelState, levels: rules.Levels) -> None:
    """Hold what was written against what was last public."""
    change = context.get(CHANGE)
    change = change if isinstance(change, LevelChange) else None
    difference = rules.compare(state.levels, levels)
    if change is None and not _public(row):
        if difference.tightens:
            # What it was before may lie about already, whether or not it is published again.
            key = f"{_digest(levels)}:{state.updated.isoformat()}"
            _put_clean(state.dataset_id, key, levels)
        return
    refused: dict[str, Any] = {}
    if change is not None and change.after != levels:
        refused = {"state": [stale_text()]}
    elif difference.loosens and not context.get("ignore_auth") and not _confirmed(context, levels):
        refused = refusals(row.name, difference.looser, {})
    if refused:
        model.Session.rollback()
        raise tk.ValidationError(refused)
    if state.levels == levels:
        return
    before, state.levels, state.updated = state.levels, levels, now()
    if difference.loosens or difference.tightens:
        if change is None:
            change = _written_down(context, row, state.dataset_id, before, levels)
        if difference.tightens:
            people.tell_holders(change, row.name, row.title or row.name)
            _put_clean(state.dataset_id, change.id, levels)
    _outdate(state.dataset_id, levels, row)


def _written_down(
    context: Any, row: Any, dataset_id: str, before: rules.Levels, after: rules.Levels
) -> LevelChange:
    """Add a change to the history that came by another way than a proposal."""
    source = (row.extras or {}).get("source_name")
    user = model.User.get(context.get("user") or "")
    if context.get("ignore_auth") or user is None:
        proposer = f"source:{source}" if source else "system"
    else:
        proposer = user.id
    moment = now()
    change = LevelChange(
        dataset_id=dataset_id,
        state="applied",
        before=before,
        after=after,
        values={},
        proposer=proposer,
        created=moment,
        decided=moment,
    )
    model.Session.add(change)
    model.Session.flush()
    return change


def _outdate(dataset_id: str, levels: rules.Levels, row: Any) -> None:
    """End proposals that were made from other levels than the dataset has now."""
    waiting = model.Session.scalars(
        sa.select(LevelChange).where(
            LevelChange.dataset_id == dataset_id, LevelChange.state == "proposed"
        )
    )
    for change in waiting:
        if change.before != levels:
            outdate(change, row.name, row.title or row.name)


def outdate(change: LevelChange, name: str, title: str) -> None:
    """End a proposal whose ground is gone, and tell who made it."""
    change.state, change.decided, change.version = "stale", now(), change.version + 1
    people.tell_proposer(change, name, title)


def stale_text() -> str:
    """Return what a person reads who confirms too late."""
    return tk._("The dataset has changed since this was proposed; it has to be proposed again")


def _put_clean(dataset_id: str, key: str, levels: rules.Levels) -> None:
    shut = [file for file, level in levels["files"].items() if level != "open"]
    outbox.put(
        clean.KIND, f"{dataset_id}:{key}", {"dataset_id": dataset_id, "resource_ids": sorted(shut)}
    )


def _digest(levels: rules.Levels) -> str:
    return hashlib.sha256(json.dumps(levels, sort_keys=True).encode()).hexdigest()[:32]
