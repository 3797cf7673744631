"""What the room's actions take."""

from __future__ import annotations

import json
from typing import Any

from ckan.logic.schema import validator_args
from ckan.types import Schema, Validator, ValidatorFactory

MOST = 200


def _at_most(value: int) -> int:
    return min(value, MOST)


@validator_args
def window(
    default: ValidatorFactory,
    natural_number_validator: Validator,
    boolean_validator: Validator,
    ignore: Validator,
) -> Schema:
    """``limit`` (20, at most 200), ``offset`` and ``unread``."""
    return {
        "unread": [default(False), boolean_validator],
        "limit": [default(20), natural_number_validator, _at_most],
        "offset": [default(0), natural_number_validator],
        "__extras": [ignore],
    }


@validator_args
def notice_read(
    default: ValidatorFactory,
    ignore_missing: Validator,
    unicode_safe: Validator,
    boolean_validator: Validator,
    ignore: Validator,
) -> Schema:
    """``id`` of a notice, or ``all``."""
    return {
        "id": [ignore_missing, unicode_safe],
        "all": [default(False), boolean_validator],
        "__extras": [ignore],
    }


@validator_args
def calendar_list(ignore_missing: Validator, int_validator: Validator, ignore: Validator) -> Schema:
    """``year`` whose days are wanted too."""
    return {"year": [ignore_missing, int_validator], "__extras": [ignore]}


@validator_args
def calendar_import(
    ignore_missing: Validator,
    int_validator: Validator,
    unicode_safe: Validator,
    one_of: ValidatorFactory,
    ignore: Validator,
) -> Schema:
    """``upload`` (a file) or ``content`` (its text); ``format``, ``year``, ``file_name``."""
    return {
        "upload": [ignore_missing],
        "content": [ignore_missing],
        "format": [ignore_missing, one_of(["json", "csv", "ical"])],
        "year": [ignore_missing, int_validator],
        "file_name": [ignore_missing, unicode_safe],
        "__extras": [ignore],
    }


def _json_list(value: Any) -> Any:
    """Lists come as JSON text in a GET request."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value


@validator_args
def deadline_explain(
    not_empty: Validator, default: ValidatorFactory, unicode_safe: Validator, ignore: Validator
) -> Schema:
    """``kind``, ``accepted_at``, ``suspensions``."""
    return {
        "kind": [not_empty, unicode_safe],
        "accepted_at": [not_empty, unicode_safe],
        "suspensions": [default("[]"), _json_list],
        "__extras": [ignore],
    }
