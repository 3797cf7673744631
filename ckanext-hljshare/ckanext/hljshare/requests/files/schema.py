"""Input of the actions on files and identity numbers."""

from __future__ import annotations

from typing import Any

from ckan.logic.schema import validator_args

from ckanext.hljshare.requests.files import rules


@validator_args
def add(
    not_empty: Any, not_missing: Any, hljshare_ref: Any, default: Any, one_of: Any, ignore: Any
) -> dict[str, Any]:
    """`hljshare_request_file_add`."""
    return {
        "id": [not_empty, hljshare_ref],
        "purpose": [default("attachment"), one_of(list(rules.PURPOSES))],
        "upload": [not_missing],
        "__extras": [ignore],
    }


@validator_args
def by_id(not_empty: Any, hljshare_ref: Any, ignore: Any) -> dict[str, Any]:
    """Actions that need an id only."""
    return {"id": [not_empty, hljshare_ref], "__extras": [ignore]}


@validator_args
def identity(
    not_empty: Any, hljshare_ref: Any, default: Any, boolean_validator: Any, ignore: Any
) -> dict[str, Any]:
    """`hljshare_request_identity_show`."""
    return {
        "id": [not_empty, hljshare_ref],
        "reveal": [default(False), boolean_validator],
        "__extras": [ignore],
    }
