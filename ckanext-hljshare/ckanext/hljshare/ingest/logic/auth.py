"""Who may read reports of runs: administrators of the source's owner, and system administrators."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model


def hljshare_ingest_run_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The administrators of the organization that owns the source; all sources: system
    administrators.
    """
    source = model.Package.get(data_dict.get("source_id") or "")
    if source is None:
        return {"success": False}
    return _administrator(context, source.owner_org)


def hljshare_ingest_run_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As the list of runs of its source."""
    return hljshare_ingest_run_list(context, data_dict)


def hljshare_held_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Whoever may edit datasets of some organization; the list shows those organizations only."""
    user = context.get("user")
    allowed = bool(user) and authz.has_user_permission_for_some_org(user, "update_dataset")
    return {"success": allowed}


def _administrator(context: Any, organization: str | None) -> dict[str, Any]:
    user = context.get("user")
    allowed = bool(user and organization) and authz.has_user_permission_for_group_or_org(
        organization, user, "admin"
    )
    return {
        "success": allowed,
        "msg": "" if allowed else tk._("Only for administrators of the source"),
    }
