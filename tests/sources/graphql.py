"""Shape F: GraphQL (重庆): one call for everything, enumerations in capitals, errors with 200."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.sources.entries import Entry
from tests.sources.server import Request

OPEN = {"open": "UNCONDITIONAL", "on_request": "CONDITIONAL"}
CYCLE = {"monthly": "EVERY_MONTH", "annual": "EVERY_YEAR", "realtime": "REAL_TIME"}


def portal(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """Answers for these entries."""

    def answer(request: Request) -> Any:
        asked = request.json
        if "requestCatalogs" not in asked["query"]:
            return {"errors": [{"message": "Cannot query field"}], "data": None}
        rows = [
            {
                "id": number,
                "resourceName": entry.title,
                "provider": {"name": entry.agency},
                "description": entry.notes,
                "shareType": OPEN.get(entry.open, entry.open),
                "updateCycle": CYCLE.get(entry.cycle, "OTHER"),
                "releaseTime": "2023-06-01T08:00:00",
                "updateTime": "2023-06-14T18:00:00",
            }
            for number, entry in enumerate(listed, start=1)
        ]
        limit = asked["variables"]["limit"]
        return {"data": {"requestCatalogs": {"total": len(listed), "list": rows[:limit]}}}

    return answer
