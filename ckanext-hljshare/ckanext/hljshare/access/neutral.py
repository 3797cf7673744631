"""Tables that CKAN sends as CSV or TSV, with cells that no spreadsheet runs as formulas.

Only cells that would be run are touched; the rest goes through byte for byte, so that quoting, and
with it the difference between nothing and an empty text, stays as it is (RFC 4180).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ckanext.hljshare.access.export import harmless

BOM = "\ufeff"
DELIMITERS = {"csv": ",", "tsv": "\t"}
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
}
# Something that could be run begins a cell; numbers do not count. Most pages have none.
_SUSPECT = re.compile(r'(?:^|[,\t\r\n"])(?:[=+@\t\r]|-(?![0-9.]+(?:[,\t\r\n"]|$)))')
_CELLS = {
    delimiter: re.compile(rf'"(?:[^"]|"")*"|[^{re.escape(delimiter)}\r\n"]+')
    for delimiter in DELIMITERS.values()
}


def _cell(found: re.Match[str]) -> str:
    written = found[0]
    if not written.startswith('"'):
        return str(harmless(written))
    value = written[1:-1].replace('""', '"')
    return f"\"'{written[1:]}" if harmless(value) != value else written


def text(page: str, delimiter: str) -> str:
    """Return whole lines of CSV (or TSV) with an apostrophe before each cell that would be run."""
    if not _SUSPECT.search(page.removeprefix(BOM)):
        return page
    start = BOM if page.startswith(BOM) else ""
    return start + _CELLS[delimiter].sub(_cell, page[len(start) :])


def stream(pages: Iterable[bytes | str], delimiter: str) -> Iterator[bytes]:
    """Neutralise pages of whole lines, as CKAN's dump yields them, one after another."""
    for page in pages:
        whole = page if isinstance(page, str) else page.decode("utf-8")
        yield text(whole, delimiter).encode("utf-8")
