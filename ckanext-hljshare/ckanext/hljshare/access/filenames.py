"""File names as every system takes them (pure)."""

from __future__ import annotations

import re

NAME_LENGTH = 120
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


def safe_name(text: str) -> str:
    """Return text as a file name that every system takes; Chinese stays as it is."""
    return _FORBIDDEN.sub("_", text).strip(" ._")[:NAME_LENGTH] or "data"
