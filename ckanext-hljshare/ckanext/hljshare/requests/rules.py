"""What the portal asks of a request besides its deadline: limits, lengths, reasons. Pure.

The rules are data in ``config/requests/rules.yaml``, with a version that a request keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.paths import CONFIG

PATH = CONFIG / "requests" / "rules.yaml"

Texts = Mapping[str, str]


class RulesError(ValueError):
    """The file of rules cannot be used; the text says which entry is wrong."""


@dataclass(frozen=True)
class RequestRules:
    """The rules of requests. Lengths of texts in characters, of files in bytes, times in days.

    The codes of `suspension_reasons` are kinds of deadline: they limit the suspension.
    """

    version: str
    demand_types: tuple[str, ...]
    formats: tuple[str, ...]
    applicant_kinds: Mapping[str, Texts]
    max_per_day: int
    max_open: int
    max_drafts: int
    title_max: int
    text_max: int
    short_max: int
    attachments_max: int
    attachment_bytes: int
    attachments_bytes: int
    grant_days: int
    report_days: int
    suspension_reasons: Mapping[str, Texts]


@cache
def load(path: Path = PATH) -> RequestRules:
    """The rules as they stand in their file. Raises RulesError for a file that is not right."""
    loaded = yaml.safe_load(path.read_text("utf-8"))
    try:
        return _rules(loaded)
    except (KeyError, TypeError, AttributeError) as error:
        raise RulesError(f"{path.name}: {type(error).__name__} {error}") from error


def _rules(loaded: Mapping[str, Any]) -> RequestRules:
    limits, texts, files = loaded["limits"], loaded["texts"], loaded["attachments"]
    return RequestRules(
        version=str(loaded["version"]),
        demand_types=_codes("demand_type", loaded["demand_types"]),
        formats=_codes("format_type", loaded["formats"]),
        applicant_kinds={code: _texts(label) for code, label in loaded["applicant_kinds"].items()},
        max_per_day=_positive("submissions_per_day", limits["submissions_per_day"]),
        max_open=_positive("open_at_once", limits["open_at_once"]),
        max_drafts=_positive("drafts", limits["drafts"]),
        title_max=_positive("title_max", texts["title_max"]),
        text_max=_positive("text_max", texts["text_max"]),
        short_max=_positive("short_max", texts["short_max"]),
        attachments_max=_positive("count", files["count"]),
        attachment_bytes=_positive("file_mb", files["file_mb"]) * 1024 * 1024,
        attachments_bytes=_positive("total_mb", files["total_mb"]) * 1024 * 1024,
        grant_days=_positive("grant_days", loaded["grant_days"]),
        report_days=_positive("report_days", loaded["report_days"]),
        suspension_reasons={
            code: _texts(label) for code, label in loaded["suspension_reasons"].items()
        },
    )


def _positive(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise RulesError(f"{name}: a whole number from 1 is expected, not {value!r}")
    return value


def _texts(given: Mapping[str, str]) -> Texts:
    if not given.get(codelists.DEFAULT_LANGUAGE):
        raise RulesError(f"no Chinese text in {dict(given)!r}")
    return dict(given)


def _codes(list_id: str, given: list[str]) -> tuple[str, ...]:
    unknown = [code for code in given if not codelists.is_valid(list_id, code)]
    if unknown or not given or len(set(given)) != len(given):
        raise RulesError(f"codes of {list_id}: {unknown or given!r}")
    return tuple(given)
