"""Names made by rule. CKAN's own munging turns Chinese into ``__`` or nothing, so nothing here is
derived from a title.

Pure. Everything is a function of the source and its ids: the same record gets the same name on
every run and machine.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

_SPACE = uuid.UUID("5b0f8d0e-6d43-5b7e-9c1a-230000230100")
MAX_COLUMN_BYTES = 63  # PostgreSQL's NAMEDATALEN - 1; a Chinese character takes three


def dataset_name(source_name: str, native_id: str) -> str:
    """``<source>-<12 hex digits>``, at most 100 characters as CKAN allows."""
    digest = hashlib.blake2b(native_id.encode("utf-8"), digest_size=6).hexdigest()
    return f"{source_name[:87]}-{digest}"


def dataset_id(source_id: str, native_id: str) -> str:
    """The dataset's UUID."""
    return str(uuid.uuid5(_SPACE, f"{source_id}\n{native_id}"))


def resource_id(source_id: str, native_id: str, resource: str) -> str:
    """The UUID of a file or interface of a dataset."""
    return str(uuid.uuid5(_SPACE, f"{source_id}\n{native_id}\n{resource}"))


def stored_name(resource_uuid: str, file_format: str) -> str:
    """The ASCII name a mirrored file is stored under; its Chinese name is the resource's
    ``name``.
    """
    ending = re.sub(r"[^a-z0-9]", "", file_format.casefold())
    return f"{resource_uuid[:8]}.{ending}" if ending else resource_uuid[:8]


def file_format(declared: str, url: str) -> str:
    """The format in capitals: as declared, else by the ending of the address."""
    declared = declared.strip().lstrip(".").upper()
    if declared:
        return {"EXCEL": "XLSX", "文本": "TXT", "接口": "API"}.get(declared, declared)
    try:
        ending = PurePosixPath(unquote(urlsplit(url).path)).suffix.lstrip(".")
    except ValueError:  # no address at all
        return ""
    return ending.upper() if re.fullmatch(r"[A-Za-z0-9]{2,5}", ending) else ""


def column_ids(headers: Iterable[str]) -> list[str]:
    """Column names for the DataStore: the headers themselves, made unique and short enough for
    PostgreSQL.

    CKAN refuses a leading underscore and double quotes; an empty header becomes ``列N``.
    """
    taken: set[str] = set()
    names = []
    for number, header in enumerate(headers, start=1):
        base = re.sub(r'[\x00-\x1f"]+', " ", header).strip().lstrip("_").strip().replace("%", "％")
        base = base or f"列{number}"
        name, count = _cut(base, MAX_COLUMN_BYTES), 1
        while name.casefold() in taken:
            count += 1
            name = _cut(base, MAX_COLUMN_BYTES - len(f"_{count}")) + f"_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _cut(value: str, size: int) -> str:
    return value.encode("utf-8")[:size].decode("utf-8", errors="ignore").strip()
