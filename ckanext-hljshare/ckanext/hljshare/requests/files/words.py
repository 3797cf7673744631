"""What is said about files of requests, and about why an upload is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk
from ckan.lib import formatters


def size(count: int) -> str:
    """A number of bytes as people read it."""
    return str(formatters.localised_filesize(count))


def purposes() -> dict[str, str]:
    """What each purpose of a file is called."""
    return {
        "proof": tk._("Proof of identity"),
        "attachment": tk._("Attachment"),
        "delivery": tk._("Delivered data"),
        "report": tk._("Report of use"),
    }


def refusals() -> dict[str, str]:
    """Why an upload is refused, by the code of `safety/uploads.py`."""
    broken = tk._("The archive is damaged, or made in an unusual way: pack it again")
    too_much = tk._("The archive unpacks to too much: send its files by themselves")
    return {
        "empty": tk._("The file is empty"),
        "too-large": tk._("The file is larger than {max}"),
        "extension": tk._("Files of this kind are not taken: {extension}"),
        "content": tk._("The content is not what the name says: {extension}"),
        "encoding": tk._("The text is neither UTF-8 nor GB18030"),
        "active": tk._("The file holds a web page or a program"),
        "polyglot": tk._("Another file is hidden in this one"),
        "macro": tk._("The document holds macros: save it without them"),
        "encrypted": tk._("The file is protected by a password: remove it first"),
        "xml-entities": tk._("XML with a document type or entities is not taken"),
        "archive-broken": broken,
        "archive-method": broken,
        "archive-name": tk._("A name in the archive leads out of it: {entry}"),
        "archive-entries": tk._("There are too many files in the archive"),
        "archive-size": too_much,
        "archive-ratio": too_much,
        "archive-nested": tk._("There are too many archives in one another"),
        "entry-extension": tk._("Files of this kind are not taken: {entry}"),
    }


def refusal(code: str, params: Mapping[str, Any]) -> str:
    """Why an upload is refused, in words; of an archive, which of its files."""
    values = {"extension": "", "entry": "", **params}
    values["max"] = size(int(params.get("max_bytes", 0)))
    values["extension"] = values["extension"] or tk._("without extension")
    text = refusals()[code].format(**values)
    entry = params.get("entry")
    return f"{text} ({entry})" if entry and str(entry) not in text else text
