"""What the catalog's actions take."""

from __future__ import annotations

from ckan.logic.schema import validator_args
from ckan.types import Schema, Validator


@validator_args
def by_id(not_empty: Validator, unicode_safe: Validator, ignore: Validator) -> Schema:
    """``id``: name or id."""
    return {"id": [not_empty, unicode_safe], "__extras": [ignore]}


@validator_args
def organization_move(
    not_empty: Validator, ignore_missing: Validator, unicode_safe: Validator, ignore: Validator
) -> Schema:
    """``id`` of the organization, ``parent`` the new one (left out or empty: to the top)."""
    return {
        "id": [not_empty, unicode_safe],
        "parent": [ignore_missing, unicode_safe],
        "__extras": [ignore],
    }


@validator_args
def organization_tree(
    ignore_missing: Validator, unicode_safe: Validator, ignore: Validator
) -> Schema:
    """``id``: only what hangs below this organization."""
    return {"id": [ignore_missing, unicode_safe], "__extras": [ignore]}
