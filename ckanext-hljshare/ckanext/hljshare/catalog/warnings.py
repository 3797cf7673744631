"""What is doubtful in a catalog record but does not stop it. Pure.

Shown to those who edit the record; counted by nobody here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ckanext.hljshare.catalog import codelists, uscc
from ckanext.hljshare.catalog.rules import N_


@dataclasses.dataclass(frozen=True)
class Warning:  # noqa: A001  (the domain's own word)
    """``code`` is stable, for machines; ``message`` an English msgid with ``params`` to fill in."""

    code: str
    field: str
    message: str
    params: dict[str, str] = dataclasses.field(default_factory=dict)


NOTES_MINIMUM, NOTES_MAXIMUM = 10, 1000  # characters, after the guide of 发改高技〔2017〕1272号


def warnings(
    dataset: Mapping[str, Any],
    recommended: Iterable[str] = (),
    code_exists: Callable[[str], bool] | None = None,
    provider_uscc: str | None = None,
) -> list[Warning]:
    """The doubts about one record.

    ``recommended``: fields of the core metadata that should be filled. ``code_exists`` answers for
    related resource codes; without it they are not looked up. ``provider_uscc``: the provider's
    unified social credit code.
    """
    found: list[Warning] = []
    if dataset.get("share_type") == "conditional" and dataset.get("open_type") == "open":
        found.append(
            Warning(
                "conditional_but_open",
                "share_type",
                N_(
                    "Open to everybody, but shared between agencies only under "
                    "conditions: is that meant?"
                ),
            )
        )
    if provider_uscc and not uscc.is_valid(provider_uscc):
        found.append(
            Warning(
                "uscc",
                "owner_org",
                N_(
                    "The unified social credit code %(code)s of the provider "
                    "does not pass its check"
                ),
                {"code": provider_uscc},
            )
        )
    if code_exists:
        found += [
            Warning(
                "related_code_unknown",
                "related_codes",
                N_("No dataset here has the resource code %(code)s"),
                {"code": code},
            )
            for code in dataset.get("related_codes") or ()
            if not code_exists(code)
        ]
    length = len((dataset.get("notes") or "").strip())
    if length and not NOTES_MINIMUM <= length <= NOTES_MAXIMUM:
        found.append(
            Warning("notes_length", "notes", N_("The summary should have 10 to 1000 characters"))
        )
    mode = codelists.item("share_mode", dataset.get("share_mode"))
    if mode and dataset.get("format_class") and dataset["format_class"] not in mode["formats"]:
        found.append(
            Warning(
                "mode_and_format",
                "share_mode",
                N_("This way of sharing does not suit the format class"),
            )
        )
    kind = codelists.item("content_kind", dataset.get("content_kind"))
    expected = kind.get("share_type") if kind else None
    if expected and dataset.get("share_type") and dataset["share_type"] != expected:
        found.append(
            Warning(
                "kind_and_share_type",
                "share_type",
                N_("Clause 5.2 expects another sharing type for this kind of content"),
            )
        )
    found += [
        Warning(
            "recommended", name, N_("%(field)s should be filled: it belongs to the core metadata")
        )
        for name in recommended
        if not dataset.get(name)
    ]
    return found
