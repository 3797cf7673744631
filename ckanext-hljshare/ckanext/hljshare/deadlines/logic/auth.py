"""Who may call the room's actions."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.types import AuthResult, Context

__all__ = [
    "hljshare_calendar_import",
    "hljshare_calendar_list",
    "hljshare_deadline_explain",
    "hljshare_notice_list",
    "hljshare_notice_read",
    "hljshare_outbox_failed",
]


def hljshare_notice_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody with an account; the action shows the caller's own notices only."""
    return {"success": bool(context.get("user"))}


def hljshare_notice_read(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """Everybody with an account; the action changes the caller's own notices only."""
    return {"success": bool(context.get("user"))}


def hljshare_outbox_failed(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """System administrators, who pass before this function is asked."""
    return {"success": False}


@tk.auth_allow_anonymous_access
def hljshare_calendar_list(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """The calendar is public: everybody may check a date."""
    return {"success": True}


def hljshare_calendar_import(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """System administrators, who pass before this function is asked."""
    return {"success": False}


@tk.auth_allow_anonymous_access
def hljshare_deadline_explain(context: Context, data_dict: dict[str, Any]) -> AuthResult:
    """How days are counted is public."""
    return {"success": True}
