"""What must follow the writing of many datasets, in their transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ckanext.hljshare.access import storage, vault
from ckanext.hljshare.access.changes import record


def written(context: Any, datasets: Collection[Mapping[str, Any]]) -> None:
    """Store protected addresses, record the levels, and order what follows.

    :param datasets: validated, with ``id``, ``resources`` and whether each was ``created``
    """
    created = {each["id"] for each in datasets if each["created"]}
    updated = [each for each in datasets if not each["created"]]
    vault.save_many(item["id"] for each in datasets for item in each["resources"])
    if updated:
        ids = [each["id"] for each in updated]
        vault.forget_deleted(*ids)
        storage.put_place([item["id"] for each in updated for item in each["resources"]])
        storage.put_erase_deleted(*ids)
    record.after_many_writes(context, [each["id"] for each in datasets], created)
