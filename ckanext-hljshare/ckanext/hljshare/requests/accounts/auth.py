"""Who may block applicants: administrators of a city or the province, and of the site."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.access.grants import store as grants
from ckanext.hljshare.requests import routing

AuthResult = dict[str, Any]

__all__ = [
    "hljshare_applicant_block",
    "hljshare_applicant_block_list",
    "hljshare_applicant_unblock",
]


def _supervises(context: Any) -> AuthResult:
    user = model.User.get(context.get("user") or "")
    allowed = user is not None and any(
        role == "admin" and routing.is_office(unit) for unit, role in grants.units(user.id).items()
    )
    if allowed:
        return {"success": True}
    return {"success": False, "msg": tk._("For administrators of a city or the province")}


def hljshare_applicant_block(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """Administrators of a city or the province."""
    return _supervises(context)


def hljshare_applicant_unblock(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """As for blocking."""
    return _supervises(context)


def hljshare_applicant_block_list(context: Any, data_dict: dict[str, Any]) -> AuthResult:
    """As for blocking."""
    return _supervises(context)
