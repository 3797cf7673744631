"""Opening and sharing levels from a source's own codes. Unknown is held from the public, never
guessed.

Pure. Vendors contradict each other (``1`` is 无条件 in one product and 有条件 in the next), so
digits mean nothing until
the source's mapping says so; only words that say it in Chinese or English are understood by
themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import text

OPEN_WORDS: dict[str, str] = {
    **dict.fromkeys(
        ("无条件开放", "普遍开放", "完全开放", "主动开放", "open", "unconditional"), "open"
    ),
    **dict.fromkeys(
        (
            "有条件开放",
            "依申请开放",
            "依申请",
            "受限开放",
            "条件开放",
            "申请后开放",
            "on_request",
            "conditional",
        ),
        "on_request",
    ),
    **dict.fromkeys(
        ("不予开放", "禁止开放", "暂不开放", "不开放", "closed", "disallowed"), "closed"
    ),
}
SHARE_WORDS: dict[str, str] = {
    **dict.fromkeys(("无条件共享", "普遍共享", "unconditional"), "unconditional"),
    **dict.fromkeys(("有条件共享", "条件共享", "授权共享", "conditional"), "conditional"),
    **dict.fromkeys(("不予共享", "非共享", "暂不共享", "none"), "none"),
}
_STRICTNESS = {
    "open": 0,
    "on_request": 1,
    "closed": 2,
    "unconditional": 0,
    "conditional": 1,
    "none": 2,
}
_YES, _NO = {"是", "1", "yes", "true"}, {"否", "0", "no", "false"}
_NO_CONDITION = {"", "无", "无条件", "无条件开放", "-"}


@dataclass(frozen=True)
class Levels:
    """The levels of a record; ``held`` says why it must wait for a person."""

    open_type: str | None
    share_type: str | None
    held: str | None = None


def read(
    open_raw: object,
    share_raw: object = None,
    open_map: Mapping[str, str] | None = None,
    share_map: Mapping[str, str] | None = None,
) -> Levels:
    """Levels of one record: the source's map first, then plain words.

    A missing or unknown opening code is held; so is an unknown sharing code, and 不予共享 that
    claims to be open. A sharing
    code that is not given at all (open-data lists have no such column) stays None.
    """
    opened = _look_up(open_raw, open_map, OPEN_WORDS)
    shared = _look_up(share_raw, share_map, SHARE_WORDS)
    if text.is_empty(open_raw):
        return Levels(None, shared, "opening-missing")
    if opened is None:
        return Levels(None, shared, f"opening-unknown: {text.line(open_raw)[:40]}")
    if shared is None and not text.is_empty(share_raw):
        return Levels(opened, None, f"sharing-unknown: {text.line(share_raw)[:40]}")
    if shared == "none" and opened == "open":
        return Levels(opened, shared, "sharing-contradicts-opening")
    return Levels(opened, shared)


def from_is_open(is_open: object, condition: object) -> str | None:
    """The opening word for 是否向社会开放 with 开放条件 (发改高技〔2017〕1272号, element 10);
    None where it says
    neither.

    是 without a condition is 无条件开放, 是 with one is 依申请开放, 否 is 不予开放.
    """
    answer = text.key(is_open)
    if answer in _NO:
        return "不予开放"
    if answer in _YES:
        return "无条件开放" if text.key(condition) in _NO_CONDITION else "依申请开放"
    return None


def is_looser(new: str | None, old: str | None) -> bool:
    """True if ``new`` lets more people in than ``old``, two levels of opening or two of sharing.
    Unknown levels are never looser.
    """
    if new is None or old is None:
        return False
    return _STRICTNESS.get(new, 2) < _STRICTNESS.get(old, 2)


def _look_up(raw: object, own: Mapping[str, str] | None, words: Mapping[str, str]) -> str | None:
    if text.is_empty(raw):
        return None
    found = (own or {}).get(text.code(raw))
    return found if found is not None else words.get(text.key(raw))
