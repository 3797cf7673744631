"""What a catalog record must hold: the obligations that depend on more than one field.

``problems`` is asked by the validators (form, API and harvest alike). A private record may be
unfinished: what is there must be consistent, what is missing may be missing. To be public it must
be complete. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.hljshare.catalog import codelists


@dataclass(frozen=True)
class Problem:
    """``field``: the field to mark; ``message``: an English msgid in which ``%(field)s`` stands for
    its label.
    """

    field: str
    message: str


def N_(text: str) -> str:  # noqa: N802  (the name that extractors know)
    """Marks a text for extraction; the caller translates."""
    return text


MISSING = N_("%(field)s is needed before the dataset can be public")

# field, condition on the record, message, clause. Each must be met before the record is public.
_NEEDED_TO_PUBLISH: tuple[tuple[str, Any, str], ...] = (
    # 6.1 a: entries that are not open are listed together with the basis of the restriction.
    (
        "open_basis",
        lambda d: d.get("open_type") in ("on_request", "closed"),
        N_(
            "%(field)s: data that is not open is listed with at least one law or "
            "document (clause 6.1 a)"
        ),
    ),
    # 6.1 a: data on request says how to apply.
    (
        "open_condition",
        lambda d: d.get("open_type") == "on_request",
        N_("%(field)s: data open on request states its conditions (clause 6.1 a)"),
    ),
    # 1272号: 共享条件 is filled for types 2 and 3.
    (
        "share_condition",
        lambda d: d.get("share_type") in ("conditional", "none"),
        N_(
            "%(field)s: conditions or reasons are stated where sharing is not "
            "unconditional (clause 5.2)"
        ),
    ),
    # 5.1 a: not sharing rests on a law, regulation or central policy.
    (
        "share_basis",
        lambda d: d.get("share_type") == "none",
        N_("%(field)s: not sharing needs a law, regulation or central policy (clause 5.1 a)"),
    ),
    # 1272号: structured resources list their items.
    (
        "items",
        lambda d: bool(
            (codelists.item("format_class", d.get("format_class")) or {}).get("structured")
        ),
        N_("%(field)s: a spreadsheet or database lists at least one item"),
    ),
    # 1272号: a self-describing format needs its description.
    (
        "format_note",
        lambda d: bool(
            (codelists.item("format_class", d.get("format_class")) or {}).get("explained")
        ),
        N_("%(field)s: a self-describing format says how it is read"),
    ),
    # 6.1 b: sensitive data is opened after masking only.
    (
        "desensitize_note",
        lambda d: d.get("contains_personal_information") == "yes" and d.get("open_type") == "open",
        N_(
            "%(field)s: open data with personal information states how it was masked (clause 6.1 b)"
        ),
    ),
)

NONE_BUT_OPEN = N_("Data that is not shared between agencies cannot be open to the public")
TYPE_NOT_IN_CLASS = N_("%(field)s: this format does not belong to the format class chosen")


def type_belongs(format_class: str, format_type: str) -> bool:
    """Whether a format may stand under a format class (1272号 table)."""
    found = codelists.item("format_type", format_type)
    return found is not None and format_class in found.get("classes", [found["class"]])


def problems(
    dataset: Mapping[str, Any], required: Iterable[str] = (), publish: bool = True
) -> list[Problem]:
    """What keeps a record from being stored (``publish=False``) or from being public
    (``publish=True``).

    ``required`` names the fields that a public record must hold whatever its other values are.
    """
    found: list[Problem] = []
    if dataset.get("share_type") == "none" and dataset.get("open_type") == "open":
        found.append(Problem("open_type", NONE_BUT_OPEN))
    format_class, format_type = dataset.get("format_class"), dataset.get("format_type")
    if format_class and format_type and not type_belongs(format_class, format_type):
        found.append(Problem("format_type", TYPE_NOT_IN_CLASS))
    if publish:
        found += [Problem(name, MISSING) for name in required if not dataset.get(name)]
        found += [
            Problem(name, message)
            for name, needed, message in _NEEDED_TO_PUBLISH
            if needed(dataset) and not dataset.get(name)
        ]
    return found


# How far each level lets the public in; a greater number lets fewer in.
STRICTNESS = {"open": 0, "on_request": 1, "closed": 2}


def file_level_allowed(dataset_level: str | None, file_level: str, derivative: str | None) -> bool:
    """Whether a file may have a level of its own: stricter always, looser only for a masked
    derivative or a sample.
    """
    if not dataset_level:
        return True
    if STRICTNESS[file_level] >= STRICTNESS[dataset_level]:
        return True
    return derivative in ("masked", "sample")


_TELEPHONE = re.compile(r"[\d+\-() ,/、，；;（）]*\d{3}[\d+\-() ,/、，；;（）转ext.]*\Z")


def is_telephone(value: str) -> bool:
    """Whether a text is a telephone number with area code, extension, or several of them."""
    return len(value) <= 60 and bool(_TELEPHONE.match(unicodedata.normalize("NFKC", value)))
