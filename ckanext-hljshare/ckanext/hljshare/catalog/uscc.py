"""Unified social credit code (统一社会信用代码), GB 32100—2015: 18 characters, the last one a check
character.

Real codes that fail the check exist, so the portal warns and never blocks. Pure.
"""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z
WEIGHTS = tuple(pow(3, place, 31) for place in range(17))

_SHAPE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}\Z")
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714, organization code


def check_character(first_17: str) -> str:
    """The 18th character for the first seventeen.

    :raises ValueError: a character outside the alphabet, or not seventeen of them
    """
    if len(first_17) != 17:
        raise ValueError("17 characters expected")
    total = sum(
        ALPHABET.index(char) * weight for char, weight in zip(first_17, WEIGHTS, strict=True)
    )
    return ALPHABET[(31 - total % 31) % 31]


def normalize(code: str) -> str:
    """Upper case, without blanks."""
    return re.sub(r"\s+", "", code).upper()


def is_well_formed(code: str) -> bool:
    """18 characters of the alphabet with a six-digit region; says nothing about the check
    character.
    """
    return bool(_SHAPE.match(code))


def is_valid(code: str) -> bool:
    """Well formed, with the right check character."""
    return is_well_formed(code) and check_character(code[:17]) == code[17]


def synthetic(region_code: str, number: int) -> str:
    """A code that passes the check but belongs to nobody in particular, for demonstration data.

    ``region_code`` has six digits; ``number`` (0–99 999 999) tells the organizations of a region
    apart. The organization code inside carries its own GB 11714 check character.
    """
    body = f"{number:08d}"
    rest = (
        11
        - sum(int(digit) * weight for digit, weight in zip(body, _BODY_WEIGHTS, strict=True)) % 11
    )
    first_17 = f"11{region_code}{body}{'0X'[rest == 10] if rest >= 10 else rest}"
    return first_17 + check_character(first_17)
