"""Input of the actions on level changes."""

from __future__ import annotations

from typing import Any

from ckan.logic.schema import validator_args


@validator_args
def propose(
    not_empty: Any,
    unicode_safe: Any,
    ignore_missing: Any,
    ignore: Any,
    hljshare_trim: Any,
    hljshare_max_length: Any,
) -> dict[str, Any]:
    """`hljshare_level_change_propose`. The levels and what belongs to them are validated by the
    dataset's own schema."""
    kept = [ignore_missing, hljshare_trim]
    return {
        "id": [not_empty, unicode_safe],
        "resource_id": [ignore_missing, unicode_safe],
        "open_type": kept,
        "open_condition": kept,
        "open_basis": [ignore_missing],
        "share_type": kept,
        "share_condition": kept,
        "share_basis": kept,
        "derivative": kept,
        "reason": [not_empty, unicode_safe, hljshare_trim, not_empty, hljshare_max_length(2000)],
        "__extras": [ignore],
    }


@validator_args
def decide(
    not_empty: Any,
    not_missing: Any,
    unicode_safe: Any,
    ignore_missing: Any,
    ignore_empty: Any,
    ignore: Any,
    boolean_validator: Any,
    int_validator: Any,
    hljshare_trim: Any,
    hljshare_max_length: Any,
) -> dict[str, Any]:
    """`hljshare_level_change_decide`."""
    return {
        "id": [not_empty, unicode_safe],
        "confirm": [not_missing, boolean_validator],
        "message": [ignore_missing, unicode_safe, hljshare_trim, hljshare_max_length(2000)],
        "version": [ignore_empty, int_validator],
        "__extras": [ignore],
    }


@validator_args
def by_id(
    not_empty: Any, unicode_safe: Any, ignore_empty: Any, int_validator: Any, ignore: Any
) -> dict[str, Any]:
    """Actions that need an id only."""
    return {
        "id": [not_empty, unicode_safe],
        "version": [ignore_empty, int_validator],
        "__extras": [ignore],
    }


@validator_args
def change_list(
    unicode_safe: Any,
    ignore_empty: Any,
    ignore: Any,
    default: Any,
    natural_number_validator: Any,
    limit_to_configured_maximum: Any,
) -> dict[str, Any]:
    """`hljshare_level_change_list`."""
    return {
        "dataset": [ignore_empty, unicode_safe],
        "limit": [
            default(50),
            natural_number_validator,
            limit_to_configured_maximum("", 100),
        ],
        "offset": [default(0), natural_number_validator],
        "__extras": [ignore],
    }
