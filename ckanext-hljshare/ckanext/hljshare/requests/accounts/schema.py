"""Input of the actions on applicants' accounts."""

from __future__ import annotations

from typing import Any

from ckan.logic.schema import validator_args


@validator_args
def block(
    not_empty: Any,
    unicode_safe: Any,
    ignore: Any,
    ignore_empty: Any,
    hljshare_request_text: Any,
    hljshare_day: Any,
) -> dict[str, Any]:
    """`hljshare_applicant_block`."""
    return {
        "user": [not_empty, unicode_safe],
        "reason": [not_empty, hljshare_request_text(500), not_empty],
        "until": [ignore_empty, hljshare_day],
        "__extras": [ignore],
    }


@validator_args
def unblock(not_empty: Any, unicode_safe: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_applicant_unblock`."""
    return {"user": [not_empty, unicode_safe], "__extras": [ignore]}


@validator_args
def block_list(
    ignore: Any,
    default: Any,
    boolean_validator: Any,
    natural_number_validator: Any,
    limit_to_configured_maximum: Any,
) -> dict[str, Any]:
    """`hljshare_applicant_block_list`."""
    return {
        "past": [default(False), boolean_validator],
        "limit": [
            default(50),
            natural_number_validator,
            limit_to_configured_maximum("hljshare.access.rows_max", 1000),
        ],
        "offset": [default(0), natural_number_validator],
        "__extras": [ignore],
    }
