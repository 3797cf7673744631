"""Identity numbers of natural persons: shape, check character, and how they are shown (pure).

GB 11643—1999: six digits of a region, the date of birth, three digits, and a check character by
ISO 7064 MOD 11-2. The residence permits of people from Hong Kong, Macao and Taiwan follow it too
(81, 82, 83), and so do the permanent residence cards of foreigners, which begin with 9.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"
OLDEST = 1880
HEAD, TAIL = 3, 2  # what is shown of a number of 18 characters

Problem = Literal["shape", "region", "birth", "check"]

_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]\Z")
_OTHER = re.compile(r"[A-Z0-9()-]{5,30}\Z")
# Provinces (GB/T 2260), the permits of Hong Kong, Macao and Taiwan, and of foreigners.
_REGIONS = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-9]")


def normalize(number: str) -> str:
    """Upper case, full-width characters made plain, without blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", number)).upper()


def check_character(first_17: str) -> str:
    """The 18th character for the first seventeen.

    :raises ValueError: not seventeen digits
    """
    if not re.fullmatch(r"[0-9]{17}", first_17):
        raise ValueError("17 digits expected")
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return CHECKS[total % 11]


def problem(number: str, today: date | None = None) -> Problem | None:
    """What is wrong with a resident identity number (normalized), None where nothing is.

    A number that is right in itself may still be nobody's: only the police can tell.
    """
    if not _SHAPE.match(number):
        return "shape"
    if not _REGIONS.match(number):
        return "region"
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return "birth"
    if born.year < OLDEST or born > (today or datetime.now(ZoneInfo("Asia/Shanghai")).date()):
        return "birth"
    if check_character(number[:17]) != number[17]:
        return "check"
    return None


def is_document_number(number: str) -> bool:
    """Whether this may be the number of another document (passport, permit, social credit code):
    5 to 30 letters, digits, hyphens and brackets."""
    return bool(_OTHER.match(number))


def mask(number: str) -> str:
    """What is shown of a number: enough for its owner to know it, not enough to be used.

    Three characters, asterisks, two characters; shorter numbers show less. The date of birth is
    never among what is shown.
    """
    if len(number) >= 15:
        head, tail = HEAD, TAIL
    else:
        head, tail = (1, 2) if len(number) >= 8 else (0, 1 if len(number) > 1 else 0)
    hidden = max(0, len(number) - head - tail)
    return number[:head] + "*" * hidden + (number[-tail:] if tail > 0 else "")
