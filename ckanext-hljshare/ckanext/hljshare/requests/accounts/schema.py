"""Input of the actions on applicants' accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.logic.schema import validator_args

LAST = 1_000_000  # where a page may begin


def _at_most(most: int) -> Callable[[Any], Any]:
    # What is no number has its error already; CKAN asks the next validator all the same.
    return lambda value: min(value, most) if isinstance(value, int) else value


def _blank_is(usual: int) -> Callable[[Any], Any]:
    # CKAN's check of numbers fails on a text of blanks.
    return lambda value: usual if isinstance(value, str) and not value.strip() else value


@validator_args
def block(
    not_empty: Any,
    hljshare_ref: Any,
    ignore: Any,
    ignore_empty: Any,
    hljshare_request_text: Any,
    hljshare_day: Any,
) -> dict[str, Any]:
    """`hljshare_applicant_block`."""
    return {
        "user": [not_empty, hljshare_ref],
        "reason": [not_empty, hljshare_request_text(500), not_empty],
        "until": [ignore_empty, hljshare_day],
        "__extras": [ignore],
    }


@validator_args
def unblock(not_empty: Any, hljshare_ref: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_applicant_unblock`."""
    return {"user": [not_empty, hljshare_ref], "__extras": [ignore]}


@validator_args
def block_list(
    ignore: Any,
    default: Any,
    boolean_validator: Any,
    natural_number_validator: Any,
) -> dict[str, Any]:
    """`hljshare_applicant_block_list`."""
    most = int(tk.config["hljshare.access.rows_max"])
    return {
        "past": [default(False), boolean_validator],
        "limit": [default(50), _blank_is(50), natural_number_validator, _at_most(most)],
        "offset": [default(0), _blank_is(0), natural_number_validator, _at_most(LAST)],
        "__extras": [ignore],
    }
