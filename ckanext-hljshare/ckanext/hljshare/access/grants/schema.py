"""Input of the actions on grants and their log."""

from __future__ import annotations

from typing import Any

from ckan.logic.schema import validator_args


@validator_args
def grant_create(
    not_empty: Any,
    unicode_safe: Any,
    ignore_missing: Any,
    ignore: Any,
    default: Any,
    one_of: Any,
    ignore_empty: Any,
    hljshare_trim: Any,
    hljshare_max_length: Any,
    hljshare_aware_time: Any,
    hljshare_columns: Any,
    hljshare_rows: Any,
    hljshare_count: Any,
) -> dict[str, Any]:
    """`hljshare_grant_create`."""
    return {
        "user": [not_empty, unicode_safe],
        "organization": [ignore_empty, unicode_safe],
        "dataset": [not_empty, unicode_safe],
        "resource": [ignore_empty, unicode_safe],
        "axis": [default("open"), one_of(["open", "share"])],
        "columns": [ignore_missing, hljshare_columns],
        "rows": [ignore_missing, hljshare_rows],
        "purpose": [not_empty, unicode_safe, hljshare_trim, not_empty, hljshare_max_length(2000)],
        "conditions": [default(""), unicode_safe, hljshare_max_length(2000)],
        "not_before": [ignore_empty, hljshare_aware_time],
        "not_after": [not_empty, hljshare_aware_time],
        "max_downloads": [ignore_missing, hljshare_count],
        "request_id": [ignore_missing, unicode_safe],
        "__extras": [ignore],
    }


@validator_args
def by_id(not_empty: Any, unicode_safe: Any, ignore: Any) -> dict[str, Any]:
    """Actions that need an id only."""
    return {"id": [not_empty, unicode_safe], "__extras": [ignore]}


@validator_args
def grant_revoke(
    not_empty: Any, unicode_safe: Any, ignore: Any, hljshare_trim: Any, hljshare_max_length: Any
) -> dict[str, Any]:
    """`hljshare_grant_revoke`."""
    return {
        "id": [not_empty, unicode_safe],
        "reason": [not_empty, unicode_safe, hljshare_trim, not_empty, hljshare_max_length(500)],
        "__extras": [ignore],
    }


@validator_args
def grant_list(
    unicode_safe: Any,
    ignore_empty: Any,
    ignore: Any,
    default: Any,
    boolean_validator: Any,
    natural_number_validator: Any,
    limit_to_configured_maximum: Any,
) -> dict[str, Any]:
    """`hljshare_grant_list`."""
    return {
        "dataset": [ignore_empty, unicode_safe],
        "organization": [ignore_empty, unicode_safe],
        "request": [ignore_empty, unicode_safe],
        "live": [default(False), boolean_validator],
        "limit": [
            default(50),
            natural_number_validator,
            limit_to_configured_maximum("hljshare.access.rows_max", 1000),
        ],
        "offset": [default(0), natural_number_validator],
        "__extras": [ignore],
    }


@validator_args
def log_list(
    unicode_safe: Any,
    ignore_empty: Any,
    ignore: Any,
    default: Any,
    one_of: Any,
    natural_number_validator: Any,
    limit_to_configured_maximum: Any,
    hljshare_aware_time: Any,
) -> dict[str, Any]:
    """`hljshare_access_log_list`."""
    return {
        "dataset": [ignore_empty, unicode_safe],
        "organization": [ignore_empty, unicode_safe],
        "grant": [ignore_empty, unicode_safe],
        "user": [ignore_empty, unicode_safe],
        "outcome": [ignore_empty, one_of(["started", "complete", "cut", "refused"])],
        "since": [ignore_empty, hljshare_aware_time],
        "until": [ignore_empty, hljshare_aware_time],
        "limit": [
            default(50),
            natural_number_validator,
            limit_to_configured_maximum("hljshare.access.rows_max", 1000),
        ],
        "offset": [default(0), natural_number_validator],
        "__extras": [ignore],
    }


@validator_args
def state_purpose(
    not_empty: Any, unicode_safe: Any, ignore: Any, hljshare_trim: Any, hljshare_max_length: Any
) -> dict[str, Any]:
    """`hljshare_access_state_purpose`."""
    return {
        "resource_id": [not_empty, unicode_safe],
        "purpose": [not_empty, unicode_safe, hljshare_trim, not_empty, hljshare_max_length(500)],
        "__extras": [ignore],
    }


@validator_args
def download_ticket(
    not_empty: Any, unicode_safe: Any, ignore: Any, default: Any, one_of: Any
) -> dict[str, Any]:
    """`hljshare_download_ticket`."""
    return {
        "resource_id": [not_empty, unicode_safe],
        "format": [default("file"), one_of(["file", "csv", "xlsx", "json", "xml"])],
        "__extras": [ignore],
    }
