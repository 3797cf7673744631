"""File names as every system takes them, and as people can trust them (pure)."""

from __future__ import annotations

import re
import unicodedata

NAME_LENGTH = 120  # characters
NAME_BYTES = 240  # in UTF-8; file systems take 255
SUFFIX = 12

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
# What hides or turns a part of a name: "report\u202ecod.exe" reads as "reportexe.doc".
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\Z)", re.IGNORECASE)


def safe_name(text: str) -> str:
    """Return text as a file name that every system takes; Chinese stays as it is.

    No path, no control or invisible characters, no name of a device; a name that is too long loses
    its middle, never its suffix. Text without anything usable becomes ``data``.
    """
    name = _INVISIBLE.sub("", unicodedata.normalize("NFC", text))
    name = _FORBIDDEN.sub("_", name).strip(" ._")
    if _DEVICES.match(name):
        name = f"_{name}"
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > SUFFIX:
        stem, suffix = name, ""
    tail = f".{suffix}" if suffix else ""
    stem = stem[: NAME_LENGTH - len(tail)]
    while len((stem + tail).encode()) > NAME_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(" .") + tail) or "data"


def base_name(text: str) -> str:
    """Return the last part of a path, with whichever separator: browsers and programs send both."""
    return re.split(r"[/\\]", text)[-1]


def extension(name: str) -> str:
    """Return a name's extension in lower case, without the dot; empty where there is none."""
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if dot and stem else ""
