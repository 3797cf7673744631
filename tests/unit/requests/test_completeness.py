"""What a request must say (clause 6.1 e)."""

from __future__ import annotations

import pytest

from ckanext.hljshare.requests.completeness import (
    REQUIRED,
    REQUIRED_SHARE,
    identity_fits,
    missing,
)


@pytest.mark.parametrize(("kind", "required"), [("open", REQUIRED), ("share", REQUIRED_SHARE)])
def test_each_missing_field_is_named_and_nothing_else(kind, required):
    """In the order of the form."""
    full = dict.fromkeys(required, "x")
    assert missing(kind, full) == []
    assert missing(kind, {}) == list(required)
    for name in required:
        assert missing(kind, {**full, name: ""}) == [name]


def test_the_six_of_the_clause_come_first_in_its_order():
    """数据名称、需求类型、描述、所属领域、格式、用途."""
    assert (
        REQUIRED[:6]
        == REQUIRED_SHARE[:6]
        == (
            "data_name",
            "demand_type",
            "description",
            "theme",
            "format",
            "purpose",
        )
    )
    assert "business_basis" in REQUIRED_SHARE
    assert "business_basis" not in REQUIRED


@pytest.mark.parametrize(
    ("kind", "number", "fits"),
    [
        ("person", "11010519491231002X", True),
        ("person", "110105194912310021", False),
        ("person", "91350100M000100Y43", False),
        ("legal_person", "91350100M000100Y43", True),
        ("legal_person", "91350100M000100Y42", False),
        ("legal_person", "11010519491231002X", False),
        ("organization", "民非 2026-1", True),
        ("", "11010519491231002X", False),
        ("robot", "11010519491231002X", False),
    ],
)
def test_the_number_belongs_to_the_kind(kind, number, fits):
    """A person's number is none of a company, and without a kind nothing fits."""
    assert identity_fits(kind, number) is fits
