"""What a source wants to open further: a proposal, with the source as its first person.

Design, Ingest: a source may tighten an access level but never loosen one without a person's
consent. The levels stay as they are; the proposal waits where all others wait, and one
administrator of the dataset's owner decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access.changes import people, record, rules
from ckanext.hljshare.access.changes.model import LevelChange
from ckanext.hljshare.access.model import now


def _proposer(source_name: str) -> str:
    return f"source:{source_name}"


def propose_from_source(
    dataset_id: str,
    source_name: str,
    values: Mapping[str, Any],
    reason: str,
    resource_id: str | None = None,
) -> str | None:
    """Put down that a source wants a dataset's levels looser. In the open transaction: nothing is
    committed, nothing is rolled back.

    The same proposal is made, and its deciders told, once: not again while it waits, and not again
    after somebody has turned it down, until the source or the dataset says something else.

    :param dataset_id: a dataset that stands
    :param values: the fields to write if it is confirmed, of ``open_type``, ``open_condition``,
        ``open_basis``, ``share_type``, ``share_condition``, ``share_basis``
    :param resource_id: one of its files; then ``open_type`` alone is written, into that file
    :param reason: in words, for the deciders; published with the change
    :returns: the id of the proposal that waits; None where nothing would be loosened, or the same
        was turned down
    """
    record.lock(dataset_id)
    package, resource = model.Package, model.Resource
    found = model.Session.execute(
        sa.select(
            package.name, package.title, package.owner_org, package.extras, package.type
        ).where(package.id == dataset_id, package.state == "active")
    ).one_or_none()
    if found is None or found.type != "dataset":
        return None
    files = model.Session.execute(
        sa.select(resource.id, resource.extras).where(
            resource.package_id == dataset_id, resource.state == "active"
        )
    ).all()
    before = record.baseline(dataset_id) or record.current(dataset_id)
    whole = {**(found.extras or {}), **({} if resource_id else values)}
    own = {resource_id: values.get("open_type")} if resource_id else {}
    after = _levels(whole, files, own)
    if not rules.compare(before, after).loosens:
        return None
    proposer = _proposer(source_name)
    for earlier in _earlier(dataset_id, proposer):
        if earlier.resource_id != resource_id:
            continue
        same = earlier.after == after and earlier.values == dict(values)
        if earlier.state == "proposed":
            if same and earlier.before == before:
                return str(earlier.id)
            _end(earlier)  # the source has changed its mind
        elif earlier.state == "rejected" and same and earlier.before == before:
            return None
    change = LevelChange(
        dataset_id=dataset_id,
        resource_id=resource_id,
        state="proposed",
        before=before,
        after=after,
        values=dict(values),
        reason=reason,
        proposer=proposer,
        created=now(),
    )
    model.Session.add(change)
    model.Session.flush()
    people.tell_deciders(change, found.owner_org, found.name, found.title or found.name)
    return str(change.id)


def withdraw_from_source(dataset_id: str, source_name: str) -> int:
    """Take back what a source no longer wants: the number of proposals. In the open transaction.

    Without this a city's slip of the pen, mended the next day, could still be confirmed.
    """
    ended = 0
    for earlier in _earlier(dataset_id, _proposer(source_name)):
        if earlier.state == "proposed":
            _end(earlier)
            ended += 1
    return ended


def waiting_from_source(source_name: str) -> set[str]:
    """The datasets on which a proposal of a source waits: one query, for a whole run."""
    query = sa.select(LevelChange.dataset_id).where(
        LevelChange.proposer == _proposer(source_name), LevelChange.state == "proposed"
    )
    return set(model.Session.scalars(query))


def _levels(
    dataset: Mapping[str, Any], files: Any, own: Mapping[str, Any] | None = None
) -> rules.Levels:
    listed = [
        {
            "id": row.id,
            "open_type": (own or {}).get(row.id, (row.extras or {}).get("open_type")),
            "derivative": (row.extras or {}).get("derivative"),
        }
        for row in files
    ]
    return rules.levels_of(dataset, listed)


def _earlier(dataset_id: str, proposer: str) -> list[LevelChange]:
    """A source's proposals on a dataset, the newest first."""
    query = (
        sa.select(LevelChange)
        .where(
            LevelChange.dataset_id == dataset_id,
            LevelChange.proposer == proposer,
            LevelChange.state.in_(("proposed", "rejected")),
        )
        .order_by(LevelChange.created.desc())
    )
    return list(model.Session.scalars(query))


def _end(change: LevelChange) -> None:
    change.state, change.decided, change.version = "withdrawn", now(), change.version + 1
