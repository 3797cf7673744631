"""Shape I: one static JSON file without identifiers (咸宁 sjml.json), with ETag and date."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.sources.entries import Entry
from tests.sources.server import Reply, Request

MODIFIED = "Thu, 15 Jun 2023 02:10:10 GMT"


def row(entry: Entry, *, linked: bool = True) -> dict[str, Any]:
    """An entry of the list."""
    return {
        "title": entry.title,
        "link": f"./sjml/{entry.id}.html" if linked else "",
        "pubDate": "2023-06-01",
        "update": "每月",
        "department": entry.agency,
        "theme": entry.theme,
        "chnldesc": entry.notes,
        "kfsx": {"open": "无条件开放", "on_request": "依申请开放"}.get(entry.open, "不予开放"),
    }


def body(listed: Sequence[Entry], *, linked: bool = True) -> bytes:
    """The file."""
    rows = [row(entry, linked=linked) for entry in listed]
    return json.dumps(rows, ensure_ascii=False).encode()


def portal(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """Answers with the file of the entries as they are at the time, or 304."""

    def answer(request: Request) -> Any:
        if request.path != "/xxgk/sjml.json":
            return None
        data = body(listed)
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == etag:
            return Reply(status=304)
        return Reply(data, headers={"ETag": etag, "Last-Modified": MODIFIED})

    return answer
