"""Input of the actions on collection tasks; what is not named is not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ckan.logic.schema import validator_args

from ckanext.hljshare.requests import rules as request_rules
from ckanext.hljshare.requests.collection import rules

TITLE, TEXT = 200, 4000
MOST, LAST = 100, 1_000_000  # rows at once; where a page may begin


def _at_most(most: int) -> Callable[[Any], Any]:
    # What is no number has its error already; CKAN asks the next validator all the same.
    return lambda value: min(value, most) if isinstance(value, int) else value


def _blank_is(usual: int) -> Callable[[Any], Any]:
    # CKAN's check of numbers fails on a text of blanks.
    return lambda value: usual if isinstance(value, str) and not value.strip() else value


@validator_args
def create(
    not_empty: Any,
    ignore_empty: Any,
    ignore_missing: Any,
    ignore: Any,
    default: Any,
    one_of: Any,
    hljshare_ref: Any,
    boolean_validator: Any,
    hljshare_request_text: Any,
    hljshare_day: Any,
    hljshare_ids: Any,
) -> dict[str, Any]:
    """`hljshare_collection_create`."""
    text = [not_empty, hljshare_request_text(TEXT), not_empty]
    return {
        "asker": [ignore_empty, hljshare_ref],
        "subject": [not_empty, one_of([*rules.SUBJECTS])],
        "title": [not_empty, hljshare_request_text(TITLE), not_empty],
        "purpose": text,
        "basis": text,
        "fields": text,
        "processing": text,
        "format": [not_empty, one_of([*request_rules.load().formats])],
        "period_from": [not_empty, hljshare_day],
        "period_to": [not_empty, hljshare_day],
        "due": [not_empty, hljshare_day],
        "agencies": [ignore_missing, hljshare_ids],
        "all": [default(False), boolean_validator],
        "repeats": [default("none"), one_of([*rules.MONTHS])],
        "client_key": [ignore_empty, hljshare_request_text(64)],
        "__extras": [ignore],
    }


@validator_args
def by_id(
    not_empty: Any, hljshare_ref: Any, ignore: Any, ignore_missing: Any, hljshare_version: Any
) -> dict[str, Any]:
    """Actions that need an agency's task and, if wanted, the version that was looked at."""
    return {
        "id": [not_empty, hljshare_ref],
        "version": [ignore_missing, hljshare_version],
        "__extras": [ignore],
    }


@validator_args
def submit(not_empty: Any, ignore_missing: Any, hljshare_request_text: Any) -> dict[str, Any]:
    """`hljshare_collection_submit`: the file, and how its data were processed (clause 5.2 b)."""
    return {
        **by_id(),
        "upload": [ignore_missing],
        "note": [not_empty, hljshare_request_text(TEXT), not_empty],
    }


@validator_args
def send_back(
    not_empty: Any, ignore_empty: Any, hljshare_request_text: Any, hljshare_day: Any
) -> Any:
    """`hljshare_collection_return`."""
    return {
        **by_id(),
        "reason": [not_empty, hljshare_request_text(TEXT), not_empty],
        "due": [ignore_empty, hljshare_day],
    }


@validator_args
def withdraw(
    not_empty: Any,
    hljshare_ref: Any,
    ignore_empty: Any,
    default: Any,
    boolean_validator: Any,
    hljshare_request_text: Any,
) -> dict[str, Any]:
    """`hljshare_collection_withdraw`."""
    return {
        **by_id(),
        "reason": [not_empty, hljshare_request_text(TEXT), not_empty],
        "agency": [ignore_empty, hljshare_ref],
        "repeats_only": [default(False), boolean_validator],
    }


@validator_args
def show(ignore_missing: Any, hljshare_ref: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_collection_show`."""
    return {
        "id": [ignore_missing, hljshare_ref],
        "number": [ignore_missing, hljshare_ref],
        "__extras": [ignore],
    }


@validator_args
def listing(
    default: Any,
    one_of: Any,
    ignore: Any,
    boolean_validator: Any,
    natural_number_validator: Any,
) -> dict[str, Any]:
    """`hljshare_collection_list`."""
    return {
        "show": [default("owed"), one_of(["owed", "asked"])],
        "ended": [default(False), boolean_validator],
        "limit": [default(20), _blank_is(20), natural_number_validator, _at_most(MOST)],
        "offset": [default(0), _blank_is(0), natural_number_validator, _at_most(LAST)],
        "__extras": [ignore],
    }
