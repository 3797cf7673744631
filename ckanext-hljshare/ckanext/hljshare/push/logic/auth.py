"""Who may push, and who may see what a city has pushed: whoever may edit in the owner of the
source. A system administrator's token has no way in (see `push/who.py`)."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan import model

from ckanext.hljshare.push import who


def hljshare_push_batch(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Editors and administrators of the organization that owns the source ``source_id``."""
    user = model.User.get(context.get("user") or "")
    package = model.Package.get(data_dict.get("source_id") or "")
    if user is None or package is None or not who.may_push(user.id, package.owner_org):
        return {"success": False, "msg": tk._("This account may not push for this source")}
    return {"success": True}


def hljshare_push_state(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """As `hljshare_push_batch`."""
    return hljshare_push_batch(context, data_dict)
