"""Another CKAN: `package_search`, `package_list` and `package_show` over datasets in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.sources.server import Request, as_json


def stock(number: int, **more: Any) -> dict[str, Any]:
    """A dataset of a stock CKAN, as `package_show` gives it."""
    return {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "name": f"road-{number}",
        "title": f"道路信息{number}",
        "notes": "**道路**名称、长度",
        "type": "dataset",
        "state": "active",
        "private": False,
        "isopen": True,
        "license_id": "cc-by",
        "metadata_created": "2023-05-01T02:03:04.000000",
        "metadata_modified": "2024-06-30T02:03:04.000000",
        "maintainer": "数据科",
        "organization": {"name": "jtj", "title": "交通运输局"},
        "groups": [{"name": "jt", "title": "道路交通"}],
        "tags": [{"name": "道路", "display_name": "道路"}, {"name": "长度"}],
        "extras": [{"key": "update_frequency", "value": "monthly"}],
        "resources": [
            {"id": f"r{number}", "name": "道路.csv", "format": "CSV", "size": 2048,
             "url": f"https://data.example.cn/{number}.csv", "state": "active",
             "last_modified": "2024-06-30T10:00:00"}
        ],
        **more,
    }  # fmt: skip


def own(number: int, **more: Any) -> dict[str, Any]:
    """A dataset of a portal of our own kind."""
    fields: dict[str, Any] = {
        "open_type": "on_request",
        "open_condition": "说明用途后提供",
        "open_basis": [
            {"law": "数据安全法", "article": "第三十八条", "url": "https://www.gov.cn/x"}
        ],
        "share_type": "conditional",
        "share_condition": "用于履职",
        "share_mode": "platform_api",
        "update_cycle": "dekad",
        "theme": "transport",
        "industry": "G",
        "format_class": "2",
        "format_type": "CSV",
        "region_code": "230100",
        "resource_code": "3070230100012/000001",
        "contact_name": "政务数据科",
        "contact_phone": "0451-12345",
        "contains_personal_information": "no",
        "desensitize_note": "",
        "secrecy_review": "科技处 2024-03-01",
        "released": "2024-03-01",
        "data_updated": "2024-06-30",
        "items": [
            {"name": "道路名称", "field": "dlmc", "data_type": "C", "length": "50",
             "sensitivity": "none", "description": "规范名称"}
        ],
    }  # fmt: skip
    return stock(number, **{**fields, **more})


@dataclass
class Portal:
    """The traits of one portal. ``rows_max`` caps a page; ``no_search`` is the status of a portal
    without `package_search`; ``on_search`` is called before each page.
    """

    datasets: list[dict[str, Any]]
    rows_max: int = 1000
    no_search: int | None = None
    count: int | None = None
    broken: dict[str, int] = field(default_factory=dict)
    on_search: Callable[[int], None] | None = None

    def __call__(self, request: Request) -> Any:
        action = request.path.removeprefix("/api/3/action/")
        if action == "package_search":
            if self.no_search:
                return as_json({"success": False, "error": {}}, self.no_search)
            return self._search(request.query)
        if action == "package_list":
            return {"success": True, "result": [row["name"] for row in self.datasets]}
        if action == "package_show":
            name = request.query["id"]
            found = [row for row in self.datasets if name in (row["id"], row["name"])]
            if name in self.broken or not found:
                return as_json({"success": False}, self.broken.get(name, 404))
            return {"success": True, "result": found[0]}
        return None

    def _search(self, query: dict[str, str]) -> Any:
        start, rows = int(query["start"]), min(int(query["rows"]), self.rows_max)
        if self.on_search:
            self.on_search(start)
        ordered = sorted(self.datasets, key=lambda row: row["id"])
        assert query["sort"] == "id asc"
        count = len(ordered) if self.count is None else self.count
        chosen = ordered[start : start + rows]
        return {"success": True, "result": {"count": count, "results": chosen}}
