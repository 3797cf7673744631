"""What is outside the database when a level changes or data goes: files and tables.

The change and the order to follow it are one transaction (`deadlines/outbox.py`); the work is done
after the commit, and again until it succeeds. Nothing waits for it to be safe: the gates ask the
level as it stands.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan import model
from ckanext.datastore.backend.postgres import get_write_engine, identifier

from ckanext.hljshare.access import levels, stored, subject
from ckanext.hljshare.deadlines import outbox

PLACE = "access.place"
ERASE = "access.erase"


def put_place(resource_ids: Collection[str]) -> None:
    """Order that files lie where their level wants them."""
    wrong = [found for found in resource_ids if _misplaced(found)]
    if wrong:
        outbox.put(PLACE, str(uuid.uuid4()), {"resources": wrong})


def put_erase_deleted(*dataset_ids: str) -> None:
    """Order that what the deleted resources of datasets have left behind is erased."""
    query = sa.select(model.Resource).where(
        model.Resource.package_id.in_(dataset_ids), model.Resource.state == "deleted"
    )
    put_erase(
        [
            resource.id
            for resource in model.Session.scalars(query)
            if stored.find(resource.id) or (resource.extras or {}).get("datastore_active")
        ]
    )


def put_erase(resource_ids: Collection[str]) -> None:
    """Order that files and tables of resources that are gone are erased."""
    if resource_ids:
        outbox.put(ERASE, str(uuid.uuid4()), {"resources": list(resource_ids)})


def _private(resource_id: str) -> bool | None:
    """Tell whether a resource's file belongs to the private root; None where it is gone."""
    try:
        dataset, resource = subject.dataset_levels(resource_id)
    except tk.ObjectNotFound:
        return None
    shut = dataset["private"] or dataset["state"] != "active"
    return shut or levels.of_resource(dataset, resource) != "open"


def _misplaced(resource_id: str) -> bool:
    if stored.find(resource_id) is None:
        return False
    private = _private(resource_id)
    return private is not None and stored.place(resource_id, not private).is_file()


@outbox.handler(PLACE)
def place(payload: dict[str, Any]) -> None:
    """Move files to the root of their present level."""
    for resource_id in payload["resources"]:
        private = _private(resource_id)
        if private is not None:
            stored.move(resource_id, private)


@outbox.handler(ERASE)
def erase(payload: dict[str, Any]) -> None:
    """Erase file and table of resources, unless one is in use again."""
    for resource_id in payload["resources"]:
        resource = model.Session.get(model.Resource, resource_id)
        if resource is not None and resource.state == "active":
            continue
        stored.erase(resource_id)
        with get_write_engine().begin() as connection:
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {identifier(resource_id)} CASCADE"))
