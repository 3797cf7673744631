"""What the public register shows of a request, and how it is found. Pure.

Nobody is named, and what people typed is cleared of numbers, mail addresses and links before it is
shown: an applicant may have written a telephone number into the name of the data.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from ckanext.hljshare.deadlines.count import ZONE

LONGEST = 120
MASK = "***"
# Mail addresses, links, and numbers of seven digits and more, also with blanks or hyphens between
# them: telephones, identity numbers, accounts. Years and days are part of many a name, and stay.
_YEAR = r"(?:19|20)\d\d"
_MONTH, _DAY = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = rf"{_YEAR}(?:[-－–—]{_YEAR}|[-－]{_MONTH}[-－]{_DAY}|(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]))"
_PRIVATE = re.compile(
    r"(?:https?|ftp)[:：]//\S+|www[.．]\S+"
    r"|[\w.+-]+[@＠][\w-]+(?:[.．][\w-]+)+"
    rf"|(?<!\d)(?!{_DATE}(?![\d]|[ \-－–—]\d))\d(?:[ \-－–—.·]?\d){{6,}}[xX]?(?!\d)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[0-9A-Za-z]+|[^\W\d_a-zA-Z]", re.UNICODE)
MOST_WORDS = 400


def public_name(name: str) -> str:
    """A name of data as the register shows it: one line, without what may be somebody's."""
    line = " ".join(name.split())
    cleared = _PRIVATE.sub(MASK, line)
    return cleared if len(cleared) <= LONGEST else cleared[: LONGEST - 1] + "…"


def words(text: str) -> list[str]:
    """What a text is found by: its words in Latin letters, its characters and pairs of them."""
    found: dict[str, None] = {}
    before, end = "", -1
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        token = match.group()
        found[token] = None
        if len(token) == 1 and len(before) == 1 and match.start() == end:
            found[before + token] = None  # only what stands together: two words are two words
        before, end = token, match.end()
    return list(found)[:MOST_WORDS]


def query(text: str) -> list[str]:
    """What a question looks for: pairs where there are any, so that fewer rows are looked at."""
    found = words(text[:60])
    pairs = {token for token in found if len(token) == 2 and not token.isascii()}
    covered = {character for pair in pairs for character in pair}
    return [token for token in found if token in pairs or token not in covered]


def year_of(moment: datetime) -> str:
    """The year in China at a moment."""
    return f"{moment.astimezone(ZONE):%Y}"


def rate(on_time: int, late: int, overdue_open: int) -> float | None:
    """The share of requests in time, of all that have come to their end or are overdue now: 0 to
    1, None where there is none. What is late and still open counts as late."""
    total = on_time + late + overdue_open
    return on_time / total if total else None
