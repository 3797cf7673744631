"""Which data series a dataset belongs to, told from its title (pure).

Agencies publish the same table anew each year, quarter or month, as datasets whose titles differ
only in the period. What stays when the period is taken out names the series. A span of years
(2005—2024年) is what the data cover, not an instalment; a season over the turn of a year
(2025—2026年度) is one.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass

_YEAR = r"(?<![\d:：.\-—–~～/])(?:19|20)\d{2}(?![\d.:：])"
_TO = r"\s*[-—–~～至到/]+\s*"
_SPAN = re.compile(
    rf"(?<![\d:：.])((?:19|20)\d{{2}})年?{_TO}((?:19|20)\d{{2}})(?!\d)\s*(?:学?年度?)?"
)
_NUMERAL = r"[〇零一二三四五六七八九十百\d]{1,5}"
_PERIODS = re.compile(
    rf"{_YEAR}\s*(?:学?年度|学年|年?版|年)?"
    r"|[上下]半年"
    r"|第?[一二三四1-4]季度|(?<![A-Za-z])[Qq][1-4](?![A-Za-z\d])"
    rf"|(?<!\d)(?:\d{{1,2}}{_TO})?\d{{1,2}}月份?(?!\d*[日号])"
    r"|(?<![一二三四五六七八九十每])(?:十[一二]?|[一二三四五六七八九])月份?(?!\d*[日号])"
    rf"|第\s*{_NUMERAL}\s*[届期]"
)
_EMPTY = re.compile(r"[（(\[【〔]\s*[,，、;；\-—–]*\s*[）)\]】〕]")
_LEADING = re.compile(r"([（(\[【〔])\s*[,，、;；\-—–]+\s*")
_TRAILING = re.compile(r"\s*[,，、;；\-—–]+\s*([）)\]】〕])")
_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")
LEAST = 4  # characters; what is shorter names no series


@dataclass(frozen=True)
class Series:
    """``title``: the title without its period; ``digest``: 16 hex digits, the same for all titles
    that differ only in the period (and in width of characters or blanks).
    """

    title: str
    digest: str


def of_title(title: str) -> Series | None:
    """The series that a title names, None where it has no period or is nothing but one."""
    title = title.translate(_DIGITS)
    spans = [found for found in _SPAN.finditer(title) if int(found[2]) - int(found[1]) != 1]
    if spans:
        return None
    plain, seasons = _SPAN.subn("", title)
    plain, periods = _PERIODS.subn("", plain)
    if not seasons + periods:
        return None
    while (tidied := _tidy(plain)) != plain:
        plain = tidied
    key = re.sub(r"\s+", "", unicodedata.normalize("NFKC", plain)).casefold()
    if len(key) < LEAST:
        return None
    return Series(plain, hashlib.blake2b(key.encode(), digest_size=8).hexdigest())


def _tidy(words: str) -> str:
    words = _TRAILING.sub(r"\1", _LEADING.sub(r"\1", _EMPTY.sub("", words)))
    return re.sub(r"\s{2,}", " ", words).strip(" ,，、;；-—–_")
