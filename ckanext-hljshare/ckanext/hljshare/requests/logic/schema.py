"""Input of the actions on requests. What is not named here is not taken: neither a state, nor a
date, nor whom a grant is for."""

from __future__ import annotations

from typing import Any

from ckan.logic.schema import validator_args

from ckanext.hljshare.requests import rules

SHORT, TITLE, TEXT = 200, 200, 2000
MOST = 100


def _at_most(value: int) -> int:
    # What is no number has its error already; CKAN asks the next validator all the same.
    return min(value, MOST) if isinstance(value, int) else value


@validator_args
def content(
    ignore_missing: Any,
    ignore_empty: Any,
    ignore: Any,
    hljshare_ref: Any,
    one_of: Any,
    boolean_validator: Any,
    hljshare_request_text: Any,
    hljshare_day: Any,
    hljshare_ids: Any,
    hljshare_version: Any,
) -> dict[str, Any]:
    """The fields of clause 6.1 e, in its order, and what else an applicant says."""
    text = [ignore_missing, hljshare_request_text(TEXT)]
    short = [ignore_missing, hljshare_request_text(SHORT)]
    loaded = rules.load()
    return {
        "dataset": [ignore_empty, hljshare_ref],
        "agency": [ignore_empty, hljshare_ref],
        "unit": [ignore_empty, hljshare_ref],
        "data_name": [ignore_missing, hljshare_request_text(TITLE)],
        "demand_type": [ignore_empty, one_of([*loaded.demand_types])],
        "description": text,
        "theme": short,
        "format": short,
        "purpose": text,
        "other": text,
        "applicant_kind": [ignore_empty, one_of([*loaded.applicant_kinds])],
        "applicant_name": short,
        "contact": short,
        "identity": [ignore_missing, hljshare_request_text(40)],
        "security_measures": text,
        "use_until": [ignore_empty, hljshare_day],
        "resources": [ignore_missing, hljshare_ids],
        "business_basis": text,
        "fields": text,
        "share_mode": [ignore_empty, one_of(["file", "api", "table"])],
        "agreement": [ignore_missing, boolean_validator],
        "version": [ignore_missing, hljshare_version],
        "__extras": [ignore],
    }


@validator_args
def create(
    default: Any, one_of: Any, ignore_missing: Any, hljshare_request_text: Any
) -> dict[str, Any]:
    """`hljshare_request_create`."""
    return {
        **content(),
        "kind": [default("open"), one_of(["open", "share"])],
        "client_key": [ignore_missing, hljshare_request_text(64)],
    }


@validator_args
def update(not_empty: Any, hljshare_ref: Any) -> dict[str, Any]:
    """`hljshare_request_update`."""
    return {**content(), "id": [not_empty, hljshare_ref]}


@validator_args
def by_id(
    not_empty: Any, hljshare_ref: Any, ignore: Any, ignore_missing: Any, hljshare_version: Any
) -> dict[str, Any]:
    """Actions that need the request and, if wanted, the version that was looked at."""
    return {
        "id": [not_empty, hljshare_ref],
        "version": [ignore_missing, hljshare_version],
        "__extras": [ignore],
    }


@validator_args
def with_message(not_empty: Any, hljshare_request_text: Any) -> dict[str, Any]:
    """Actions that need a text for the other side."""
    return {**by_id(), "message": [not_empty, hljshare_request_text(TEXT), not_empty]}


@validator_args
def with_optional_message(ignore_missing: Any, hljshare_request_text: Any) -> dict[str, Any]:
    """Actions that may say why."""
    return {**by_id(), "message": [ignore_missing, hljshare_request_text(TEXT)]}


@validator_args
def decline(not_empty: Any, hljshare_request_text: Any, hljshare_basis: Any) -> dict[str, Any]:
    """`hljshare_request_decline`: reason and basis, two fields (clause 6.1 f)."""
    return {
        **by_id(),
        "reason": [not_empty, hljshare_request_text(TEXT), not_empty],
        "basis": [not_empty, hljshare_basis],
    }


@validator_args
def transfer(not_empty: Any, hljshare_ref: Any, hljshare_request_text: Any) -> dict[str, Any]:
    """`hljshare_request_transfer`."""
    return {
        **by_id(),
        "agency": [not_empty, hljshare_ref],
        "message": [not_empty, hljshare_request_text(TEXT), not_empty],
    }


@validator_args
def assign(
    not_empty: Any, ignore: Any, hljshare_ids: Any, ignore_empty: Any, hljshare_ref: Any
) -> dict[str, Any]:
    """`hljshare_request_assign`: one or several; without a handler nobody has it."""
    return {
        "ids": [not_empty, hljshare_ids],
        "handler": [ignore_empty, hljshare_ref],
        "__extras": [ignore],
    }


@validator_args
def suspend(
    not_empty: Any, hljshare_request_text: Any, one_of: Any, default: Any
) -> dict[str, Any]:
    """`hljshare_request_suspend`."""
    return {
        **by_id(),
        "cause": [default("third_party"), one_of([*rules.load().suspension_reasons])],
        "reason": [not_empty, hljshare_request_text(TEXT), not_empty],
    }


@validator_args
def propose(
    not_empty: Any,
    one_of: Any,
    hljshare_ref: Any,
    ignore_missing: Any,
    ignore_empty: Any,
    hljshare_request_text: Any,
    hljshare_basis: Any,
    hljshare_ids: Any,
    hljshare_columns_of: Any,
    hljshare_rows_of: Any,
    hljshare_aware_time: Any,
    hljshare_count: Any,
) -> dict[str, Any]:
    """`hljshare_request_propose`."""
    text = hljshare_request_text(TEXT)
    return {
        **by_id(),
        "decision": [not_empty, one_of(["approve", "refuse"])],
        "dataset": [ignore_empty, hljshare_ref],
        "resources": [ignore_missing, hljshare_ids],
        "columns": [ignore_missing, hljshare_columns_of],
        "rows": [ignore_missing, hljshare_rows_of],
        "conditions": [ignore_missing, text],
        "not_before": [ignore_empty, hljshare_aware_time],
        "not_after": [ignore_empty, hljshare_aware_time],
        "max_downloads": [ignore_missing, hljshare_count],
        "reason": [ignore_missing, text],
        "basis": [ignore_empty, hljshare_basis],
    }


@validator_args
def decide(
    not_missing: Any, boolean_validator: Any, ignore_missing: Any, hljshare_request_text: Any
) -> dict[str, Any]:
    """`hljshare_request_decide`."""
    return {
        **by_id(),
        "sign": [not_missing, boolean_validator],
        "message": [ignore_missing, hljshare_request_text(TEXT)],
    }


@validator_args
def supervise(
    not_empty: Any, ignore_empty: Any, hljshare_request_text: Any, hljshare_day: Any
) -> dict[str, Any]:
    """`hljshare_request_supervise`: the order, and until when it is to be answered."""
    return {
        **by_id(),
        "message": [not_empty, hljshare_request_text(TEXT), not_empty],
        "answer_due": [ignore_empty, hljshare_day],
    }


@validator_args
def answer(not_empty: Any, hljshare_ref: Any, hljshare_request_text: Any) -> dict[str, Any]:
    """`hljshare_request_answer`."""
    return {**with_message(), "order": [not_empty, hljshare_ref]}


@validator_args
def show(ignore_missing: Any, hljshare_ref: Any, ignore: Any) -> dict[str, Any]:
    """`hljshare_request_show`."""
    return {
        "id": [ignore_missing, hljshare_ref],
        "number": [ignore_missing, hljshare_ref],
        "__extras": [ignore],
    }


@validator_args
def listing(
    ignore_empty: Any,
    ignore: Any,
    default: Any,
    hljshare_ref: Any,
    boolean_validator: Any,
    natural_number_validator: Any,
    one_of: Any,
    hljshare_request_text: Any,
) -> dict[str, Any]:
    """`hljshare_request_list`."""
    return {
        "state": [ignore_empty, hljshare_ref],
        "kind": [ignore_empty, one_of(["open", "share"])],
        "overdue": [ignore_empty, boolean_validator],
        "signature": [ignore_empty, boolean_validator],
        "ended": [ignore_empty, boolean_validator],
        "agency": [ignore_empty, hljshare_ref],
        "dataset": [ignore_empty, hljshare_ref],
        "handler": [ignore_empty, hljshare_ref],
        "mine": [default(False), boolean_validator],
        "q": [ignore_empty, hljshare_request_text(100)],
        "after": [ignore_empty, hljshare_ref],
        "limit": [default(20), natural_number_validator, _at_most],
        "__extras": [ignore],
    }


@validator_args
def register_list(
    ignore_empty: Any,
    ignore: Any,
    default: Any,
    hljshare_ref: Any,
    natural_number_validator: Any,
    one_of: Any,
    hljshare_day: Any,
    hljshare_request_text: Any,
) -> dict[str, Any]:
    """`hljshare_request_register`."""
    return {
        "number": [ignore_empty, hljshare_ref],
        "q": [ignore_empty, hljshare_request_text(100)],
        "agency": [ignore_empty, hljshare_ref],
        "result": [
            ignore_empty,
            one_of(["open", "overdue", "delivered", "refused", "declined", "withdrawn", "lapsed"]),
        ],
        "since": [ignore_empty, hljshare_day],
        "until": [ignore_empty, hljshare_day],
        "after": [ignore_empty, hljshare_ref],
        "limit": [default(20), natural_number_validator, _at_most],
        "__extras": [ignore],
    }
