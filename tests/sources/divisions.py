"""Shape D: camel-case JSON with a region (贵州): openAttribute is a number and 1 is 有条件;
frequency 0 is 年 and null nothing; HTML in descriptions; epoch milliseconds; pages from 1 or 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.sources.entries import Entry
from tests.sources.server import Request

OPEN = {"open": 0, "on_request": 1, "closed": 2}
FREQUENCY = {"annual": 0, "quarterly": 1, "monthly": 2, "weekly": 3, "daily": 4, "realtime": 5}


def row(entry: Entry) -> dict[str, Any]:
    """An entry of the list."""
    return {
        "id": entry.id,
        "name": entry.title,
        "description": f"<p>{entry.notes}</p><script>alert(1)</script>",
        "topicName": entry.theme,
        "orgName": entry.agency,
        "industryName": None,
        "openAttribute": OPEN[entry.open],
        "frequency": FREQUENCY.get(entry.cycle),
        "createTime": 1686873600000,
        "updateTime": 1686873600000,
        "resourceFormats": list(entry.formats),
        **entry.more,
    }


def portal(listed: Sequence[Entry], first: int = 1) -> Callable[[Request], Any]:
    """Answers for these entries of division 520100; every other has none."""

    def answer(request: Request) -> Any:
        if request.path != "/api/search/data/getDataDirectoryListByParams":
            return None
        asked = request.json
        mine = listed if asked["divisionId"] == "520100" else []
        start = (asked["pageIndex"] - first) * asked["pageSize"]
        rows = [row(entry) for entry in mine[start : start + asked["pageSize"]]]
        return {"total": len(mine), "data": rows}

    return answer
