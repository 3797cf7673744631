"""Input of the actions on sources and mappings."""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk
from ckan.logic.schema import validator_args

from ckanext.hljshare.ingest import schedule

MISSED_MOST = 8760  # hours, a year


def _between(least: int, most: int) -> Any:
    def check(value: Any) -> int | None:
        if value in (None, "", tk.missing):
            return None
        try:
            number = int(value)
        except (TypeError, ValueError):
            raise tk.Invalid(tk._("Must be a whole number")) from None
        if not least <= number <= most:
            raise tk.Invalid(
                tk._("Must lie between {least} and {most}").format(least=least, most=most)
            )
        return number

    return check


@validator_args
def source_settings(
    not_empty: Any,
    unicode_safe: Any,
    ignore_missing: Any,
    ignore: Any,
    hljshare_trim: Any,
    hljshare_max_length: Any,
) -> dict[str, Any]:
    """`hljshare_source_settings_update`."""
    words = [ignore_missing, unicode_safe, hljshare_trim]

    def number(least: int, most: int) -> list[Any]:
        return [_if_given, _between(least, most)]

    return {
        "id": [not_empty, unicode_safe],
        "every": number(schedule.SHORTEST, schedule.LONGEST),
        "missed_after": number(1, MISSED_MOST),
        "supplier_name": [*words, hljshare_max_length(200)],
        "supplier_contact": [*words, hljshare_max_length(500)],
        "note": [*words, hljshare_max_length(2000)],
        "__extras": [ignore],
    }


def _if_given(key: Any, data: Any, errors: Any, context: Any) -> None:
    """Leave out what is not given; what is given as nothing stays, as nothing."""
    if data.get(key) is tk.missing:
        data.pop(key, None)
        raise tk.StopOnError


@validator_args
def let_pass(
    not_empty: Any, not_missing: Any, unicode_safe: Any, natural_number_validator: Any, ignore: Any
) -> dict[str, Any]:
    """`hljshare_source_let_pass`."""
    return {
        "id": [not_empty, unicode_safe],
        "run": [not_empty, unicode_safe],
        "missing": [not_missing, natural_number_validator],
        "seen": [not_missing, natural_number_validator],
        "__extras": [ignore],
    }


@validator_args
def mapping(not_empty: Any, not_missing: Any, unicode_safe: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_mapping_save` and `hljshare_mapping_check`."""
    return {
        "name": [not_empty, unicode_safe],
        "body": [not_missing, unicode_safe],
        "before": [tk.get_validator("ignore_missing"), unicode_safe],
        "source": [tk.get_validator("ignore_missing"), unicode_safe],
        "__extras": [ignore],
    }
