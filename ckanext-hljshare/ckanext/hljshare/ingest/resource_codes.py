"""Whether a dataset may keep the 信息资源代码 that its source gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.hljshare.catalog import allocation, codes

from .record import CatalogRecord

Claimed = dict[tuple[str, int], str]  # class code and number → the dataset that comes with it


def settle(
    record: CatalogRecord | None,
    data: dict[str, Any],
    existing: Mapping[str, Any] | None,
    claimed: Claimed,
) -> str | None:
    """Leave a code that cannot be this dataset's out of ``data``, and say why; it refuses nothing:
    another one has it (collisions across cities), or the dataset has one, which never changes.

    :param claimed: the codes that datasets of this group come with, and whose they are
    :returns: a reason, None where the code stands or none is given
    """
    code = record.fields.get("resource_code") if record else None
    if not code:
        return None
    own = (existing or {}).get("resource_code") if not (existing or {}).get("private") else None
    why = _problem(str(code), own, data["id"], claimed)
    if why is None:
        data["resource_code"] = own or code
        return None
    data["resource_code"] = own or ""
    return f"{why}: {str(code)[:60]}"


def _problem(code: str, own: str | None, dataset_id: str, claimed: Claimed) -> str | None:
    parsed, mine = codes.parse(code), codes.parse(own or "")
    if parsed is None:
        return "code-malformed"
    number = (parsed.class_code, parsed.sequence)
    if mine and number == (mine.class_code, mine.sequence):
        return None
    if claimed.setdefault(number, dataset_id) != dataset_id:
        return "code-taken"
    if allocation.holder(code) not in (None, dataset_id):
        return "code-taken"
    return "code-kept" if own else None
