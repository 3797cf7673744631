"""Who may read reports of runs: administrators of the source's owner, and system administrators."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import authz, model

from ckanext.hljshare.ingest import approval


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


def hljshare_source_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The administrators of the organization that owns the source, and of those above it."""
    return hljshare_ingest_run_list(context, {"source_id": data_dict.get("id")})


def hljshare_source_settings_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As who sees it."""
    return hljshare_source_show(context, data_dict)


def hljshare_source_preview(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As who sees it."""
    return hljshare_source_show(context, data_dict)


def hljshare_source_preview_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As who sees the source (``id``)."""
    return hljshare_source_show(context, data_dict)


def hljshare_source_progress(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As who sees it."""
    return hljshare_source_show(context, data_dict)


def hljshare_source_abort(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As who sees it."""
    return hljshare_source_show(context, data_dict)


def hljshare_source_let_pass(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As who sees it: they know whether the city's list is right, and the datasets are theirs."""
    return hljshare_source_show(context, data_dict)


def hljshare_source_approve(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The administrators of an organization above the owner; the action sees to it that nobody
    approves what they made themselves."""
    source = model.Package.get(data_dict.get("id") or "")
    allowed = source is not None and approval.approves(context.get("user"), source.owner_org)
    return {
        "success": allowed,
        "msg": "" if allowed else tk._("Administrators of an organization above the owner approve"),
    }


@tk.auth_allow_anonymous_access
def hljshare_city_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Everybody; who administers a city is told more."""
    return {"success": True}


def hljshare_mapping_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The province's administrators: a mapping says what is open."""
    allowed = approval.keeps_mappings(context.get("user"))
    return {
        "success": allowed,
        "msg": "" if allowed else tk._("Only for administrators of the province"),
    }


def hljshare_mapping_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As their list."""
    return hljshare_mapping_list(context, data_dict)


def hljshare_mapping_check(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As their list."""
    return hljshare_mapping_list(context, data_dict)


def hljshare_mapping_save(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As their list."""
    return hljshare_mapping_list(context, data_dict)


def hljshare_mapping_try(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As their list; the source has to be theirs too."""
    return hljshare_mapping_list(context, data_dict)


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
