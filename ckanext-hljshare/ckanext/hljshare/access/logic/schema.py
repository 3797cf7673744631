"""Input of the access room's actions."""

from __future__ import annotations

from typing import Any

from ckan.logic.schema import validator_args


@validator_args
def access_check(not_empty: Any, unicode_safe: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_access_check`."""
    return {"resource_id": [not_empty, unicode_safe], "__extras": [ignore]}


@validator_args
def locator_show(not_empty: Any, unicode_safe: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_locator_show`."""
    return {"id": [not_empty, unicode_safe], "__extras": [ignore]}
