"""Writing down what is read of content that is not open, other than by download."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access import subject
from ckanext.hljshare.access.grants import store


def note(
    user_name: str,
    resource_id: str,
    what: str,
    *,
    reason: str = "owner",
    grant_id: str | None = None,
    detail: str = "",
) -> None:
    """Write one line of the log about a known person; nothing for a file that is not there."""
    person = model.User.get(user_name)
    try:
        dataset, _file = subject.dataset_levels(resource_id)
    except tk.ObjectNotFound:
        return
    if person is None:
        return
    store.log(
        user_id=person.id,
        grant_id=grant_id,
        dataset_id=dataset["id"],
        resource_id=resource_id,
        owner_org=dataset["owner_org"],
        what=what,
        reason=reason,
        outcome="complete",
        detail=detail,
    )
