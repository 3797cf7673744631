"""Obligations across fields, doubts, file levels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.catalog import codelists, rules
from ckanext.hljshare.catalog.warnings import warnings

REQUIRED = ["title", "notes", "owner_org", "open_type", "update_cycle", "secrecy_review"]
FULL = {
    **dict.fromkeys(REQUIRED, "x"),
    "open_type": "closed",
    "share_type": "none",
    "open_basis": True,
    "open_condition": "x",
    "share_condition": "x",
    "share_basis": "x",
    "items": True,
    "format_note": "x",
    "desensitize_note": "x",
}
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["", "公交"]),
        "secrecy_review": st.sampled_from(["", "x"]),
        "open_type": st.sampled_from(codelists.codes("open_type")),
        "share_type": st.sampled_from(codelists.codes("share_type")),
        "format_class": st.sampled_from(codelists.codes("format_class")),
        "format_type": st.sampled_from(codelists.codes("format_type")),
        "contains_personal_information": st.sampled_from(["yes", "no"]),
        "open_basis": st.booleans(),
        "items": st.booleans(),
        "open_condition": st.sampled_from(["", "x"]),
    },
)


def fields(record, publish=True):
    return [problem.field for problem in rules.problems(record, REQUIRED, publish)]


def test_a_full_record_has_no_problem():
    assert fields(FULL) == []


@given(RECORDS)
def test_to_be_public_asks_for_everything_that_being_private_asks_for(record):
    assert set(fields(record, publish=False)) <= set(fields(record))


@given(RECORDS)
def test_what_is_not_open_is_never_public_without_a_basis(record):
    listed = fields(record)
    if record.get("open_type") in ("on_request", "closed") and not record.get("open_basis"):
        assert "open_basis" in listed
    else:
        assert "open_basis" not in listed


@given(RECORDS)
def test_filling_in_what_is_asked_for_leads_to_publication(record):
    """Nobody is sent round in circles: the missing fields named are all that is missing."""
    named = set(fields(record)) - {"open_type", "format_type"}
    filled = {**record, **dict.fromkeys(named, "x")}
    assert not set(fields(filled)) - {"open_type", "format_type"}


def test_an_empty_private_record_is_fine():
    assert fields({}, publish=False) == []


def test_not_shared_but_open_fails_even_in_private():
    assert fields({"share_type": "none", "open_type": "open"}, publish=False) == ["open_type"]


@pytest.mark.parametrize(
    ("format_class", "format_type", "belongs"),
    [
        ("2", "CSV", True),
        ("2", "XLSX", True),
        ("6", "JSON", True),
        ("2", "PDF", False),
        ("1", "moon", False),
    ],
)
def test_which_format_belongs_to_which_class(format_class, format_type, belongs):
    assert rules.type_belongs(format_class, format_type) is belongs


@pytest.mark.parametrize(
    ("dataset", "file", "derivative", "allowed"),
    [
        ("open", "closed", None, True),
        ("on_request", "on_request", None, True),
        ("closed", "open", None, False),
        ("closed", "open", "masked", True),
        ("on_request", "open", "sample", True),
        (None, "open", None, True),
    ],
)
def test_a_file_is_stricter_or_masked_or_a_sample(dataset, file, derivative, allowed):
    assert rules.file_level_allowed(dataset, file, derivative) is allowed


def doubts(record, **more):
    return {found.code for found in warnings(record, **more)}


def test_doubts_do_not_stop_a_record():
    assert doubts({"share_type": "conditional", "open_type": "open"}) == {"conditional_but_open"}
    assert doubts({}, provider_uscc="91350211M0000XUF46") == {"uscc"}
    assert doubts({}, provider_uscc="91110000101623741K") == set()
    assert doubts({"related_codes": ["a", "b"]}, code_exists=lambda code: code == "a") == {
        "related_code_unknown"
    }
    assert doubts({"notes": "短"}) == {"notes_length"}
    assert doubts({"share_mode": "platform_database", "format_class": "1"}) == {"mode_and_format"}
    assert doubts({"content_kind": "internal", "share_type": "unconditional"}) == {
        "kind_and_share_type"
    }
    assert doubts({}, recommended=["theme"]) == {"recommended"}
    assert doubts({"theme": "health"}, recommended=["theme"]) == set()
