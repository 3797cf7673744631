"""Lists that come in pages, and what a dataset's second calls may fail to tell. Standard library
and the record only; no CKAN import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ckanext.hljshare.ingest import text
from ckanext.hljshare.ingest.fetch import SourceError
from ckanext.hljshare.ingest.record import PARTIAL, CatalogRecord

Answer = TypeVar("Answer")
MAX_PAGES = 20_000
EMPTY_PAGES = 3  # pages without a single new id: the end, whatever the total says
# What reading values of a wrong kind raises; nothing of ours is looked for in these.
UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    RecursionError,
)
NO_SUCH_PAGE = frozenset(f"unreachable: HTTP {status}" for status in (404, 405, 410))


def whole_number(value: object, otherwise: int | None = None) -> int | None:
    """A count as portals write it (``1,234``, ``"138"``), ``otherwise`` for anything else."""
    words = text.line(value).replace(",", "").replace("，", "")
    return int(words) if words.isdecimal() and len(words) <= 12 else otherwise


def answer_object(answer: Any) -> dict[str, Any]:
    """The answer if it is an object that does not report an error: portals send errors with
    status 200. Raises SourceError.
    """
    if not isinstance(answer, dict):
        raise SourceError("not-a-catalog: no object")
    code = text.line(answer.get("code"))
    if code and code not in ("0", "200", "00000", "success"):
        raise SourceError(f"source-error: code {code[:20]}")
    return answer


@dataclass
class Turning:
    """Tells new entries from repeated ones, and when a list has ended.

    Real portals begin again past their last page (810 rows that were 138 datasets), count what
    they do not show, or show more than they count: a list ends at its total, at an empty page, or
    where pages bring nothing new.
    """

    seen: set[str] = field(default_factory=set)
    _fresh: int = 0
    _stale: int = 0

    def is_new(self, native_id: str) -> bool:
        """True for an id that was not there before; False for none at all."""
        if not native_id or native_id in self.seen:
            return False
        self.seen.add(native_id)
        self._fresh += 1
        return True

    def ended(self, rows: int, total: int | None) -> bool:
        """After a page: whether it was the last one."""
        self._stale = 0 if self._fresh else self._stale + 1
        self._fresh = 0
        reached = total is not None and len(self.seen) >= total
        return not rows or reached or self._stale >= EMPTY_PAGES


def readable(native_id: str, title: object, make: Callable[[], CatalogRecord]) -> CatalogRecord:
    """The record that is made of a dataset.

    One that cannot be read at all gives a record that the metadata rules refuse (or that leaves a
    standing dataset alone): a line in the report, and the others go on.
    """
    try:
        return make()
    except UNREADABLE:
        return CatalogRecord(native_id, text.line(title)[:200], warnings=(PARTIAL,))


def once(record: CatalogRecord, codes: set[str]) -> CatalogRecord:
    """The record, without its 信息资源代码 where another one of ``codes`` has it already: forms
    filled in by dragging down repeat them, and a dataset is not refused for it.
    """
    code = record.fields.get("resource_code")
    if not code or code not in codes:
        codes.add(str(code or ""))
        return record
    fields = {name: value for name, value in record.fields.items() if name != "resource_code"}
    return replace(record, fields=fields, warnings=(*record.warnings, f"code-repeated: {code}"))


class SecondCalls:
    """The calls that tell more of a dataset than the list does.

    Not every installation has them: where the first answer is that there is no such page, the
    list alone is what the portal gives. Any other failure is one dataset's, or passes by: it
    stops no other, and undoes nothing that stood.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._absent: set[str] = set()

    def ask(
        self, call: str, function: Callable[[str], Answer], native_id: str
    ) -> tuple[Answer | None, bool]:
        """What the call tells of a dataset, and whether it should have told and did not."""
        if call in self._absent:
            return None, False
        try:
            answer = function(native_id)
        except SourceError as error:
            if call not in self._answered and error.reason in NO_SUCH_PAGE:
                self._absent.add(call)
                return None, False
            return None, True
        except UNREADABLE:
            return None, True
        self._answered.add(call)
        return answer, False
