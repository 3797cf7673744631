"""What a request must say before it is submitted (clause 6.1 e). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from ckanext.hljshare.catalog import uscc
from ckanext.hljshare.safety import identity_numbers

# What is written as it was given; everything else of the row follows from something.
TEXTS = (
    "data_name",
    "demand_type",
    "description",
    "theme",
    "format",
    "purpose",
    "other",
    "applicant_kind",
    "applicant_name",
    "contact",
    "security_measures",
    "business_basis",
    "fields",
    "share_mode",
)
# Clause 6.1 e names them in this order; then who applies, and how to be reached.
REQUIRED: tuple[str, ...] = (
    "data_name",
    "demand_type",
    "description",
    "theme",
    "format",
    "purpose",
    "applicant_kind",
    "applicant_name",
    "contact",
)
# Between agencies (5.2): the duty it is for, the fields wanted, and how.
REQUIRED_SHARE: tuple[str, ...] = (
    "data_name",
    "demand_type",
    "description",
    "theme",
    "format",
    "purpose",
    "contact",
    "business_basis",
)


def missing(kind: str, values: Mapping[str, object]) -> list[str]:
    """The fields that are still empty, in the order of the form."""
    required = REQUIRED_SHARE if kind == "share" else REQUIRED
    return [name for name in required if not values.get(name)]


def identity_fits(applicant_kind: str, number: str) -> bool:
    """Whether a number is one of the kind of applicant: an identity number (GB 11643) of a person,
    a unified social credit code (GB 32100) of a legal person; of other organizations anything, for
    not all of them have a code."""
    if applicant_kind == "person":
        return identity_numbers.problem(number) is None
    if applicant_kind == "legal_person":
        return uscc.is_valid(number)
    return applicant_kind == "organization"
