"""Template helpers of the access room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.common import current_user

from ckanext.hljshare.access import levels, subject, vault
from ckanext.hljshare.access.policy import Decision, Purpose


def hljshare_access(
    pkg: Mapping[str, Any], resource: Mapping[str, Any], purpose: Purpose = "read"
) -> Decision:
    """Return the policy's decision for the person who looks at the page."""
    return subject.decide_for(current_user.name, pkg, resource, purpose)


def hljshare_level(pkg: Mapping[str, Any], resource: Mapping[str, Any]) -> str:
    """Return the opening level that counts for a resource."""
    return levels.of_resource(pkg, resource)


def hljshare_locator(resource: Mapping[str, Any]) -> str:
    """Return the protected address for the edit form, or nothing for who may not edit."""
    if not resource.get("id"):
        return ""
    try:
        tk.check_access("hljshare_locator_show", {}, {"id": resource["id"]})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        return ""
    return vault.address(str(resource["id"])) or ""
