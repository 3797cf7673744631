"""Open requests follow their dataset: moved to another agency, opened, or taken out."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from ckan import model

from ckanext.hljshare.access import subject
from ckanext.hljshare.requests import engine, store, tell, workflow
from ckanext.hljshare.requests.model import Request, now


def _open_on(dataset_id: str) -> list[Request]:
    """The open requests on a dataset, locked in one order, in the open transaction."""
    return list(
        model.Session.scalars(
            sa.select(Request)
            .where(
                Request.dataset_id == dataset_id,
                Request.state.in_(sorted((*workflow.OPEN, "returned"))),
            )
            .order_by(Request.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def dataset_changed(dataset_id: str) -> None:
    """Pass requests on to the agency that has the dataset now; tell where it is open to everybody.

    In the transaction of the dataset's change, which commits.
    """
    rows = _open_on(dataset_id)
    _follow(dataset_id, rows)


def datasets_changed(dataset_ids: Collection[str]) -> None:
    """:func:`dataset_changed` for a batch: one query where nobody has asked for any of them."""
    asked = model.Session.scalars(
        sa.select(Request.dataset_id)
        .where(
            Request.dataset_id.in_(dataset_ids),
            Request.state.in_(sorted((*workflow.OPEN, "returned"))),
        )
        .distinct()
    )
    for dataset_id in sorted(asked):
        dataset_changed(dataset_id)


def _follow(dataset_id: str, rows: list[Request]) -> None:
    package = model.Session.get(model.Package, dataset_id) if rows else None
    if package is None:
        return
    group = model.Session.get(model.Group, package.owner_org) if package.owner_org else None
    opened = _is_open(package)
    for row in rows:
        if group is not None and row.agency_id != group.id:
            _pass_on(row, group)
        if opened and row.kind == "open":
            _tell_once(row, "dataset_opened")


def dataset_gone(dataset_id: str) -> None:
    """Tell both sides that the dataset is not in the catalog any more; the request stays open, and
    its deadline too."""
    for row in _open_on(dataset_id):
        _tell_once(row, "dataset_gone")


def _is_open(package: model.Package) -> bool:
    if package.private or package.state != "active":
        return False
    files = [subject.content_of(*subject.dataset_levels(file.id)) for file in package.resources]
    return bool(files) and all(content.level == "open" for content in files)


def _pass_on(row: Request, group: model.Group) -> None:
    step, role = workflow.find("transfer", row.state, {"system"}, "dataset moved")
    engine.move(row, group)
    row.decision = None  # the agency that has the data now has signed nothing
    act = engine.Act(row, step, role, None, now(), {"system"})
    engine.finish(act, {"agency": group.id, "moved": True}, visibility="public")


def _tell_once(row: Request, event: str) -> None:
    if any(found.kind == event for found in store.history(row.id)):
        return
    position = store.record(row, event, role="system", visibility="parties")
    row.version += 1
    tell.about(row, event, position, None, "system", {})
