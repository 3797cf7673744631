"""Shape C: share→open rows (浪潮 下行表): changes (I, U, D) instead of datasets, items in a table
of their own, neither in order; 7 is 已发布, 8 已下架, -1 删除. Tables are read by offset.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from tests.sources.server import Request

_versions = itertools.count(1)


def catalog(
    cata_id: str, title: str, operate: str = "I", when: str = "2025-01-20 09:12:33", **more: Any
) -> dict[str, Any]:
    """A row of the table of catalogs."""
    return {
        "operate_type": operate,
        "operate_date": when,
        "cata_id": cata_id,
        "cata_code": f"307023/{cata_id}",
        "cata_title": title,
        "description": f"{title}的登记信息",
        "group_id": "g1",
        "register_org_name": "哈尔滨市统计局",
        "register_org_code": "11230100000000000X",
        "shared_type": "1",
        "shared_mode": "共享平台",
        "shared_condition": "",
        "open_type": "1",
        "open_condition": "",
        "use_demand": "",
        "update_cycle": "4",
        "cata_type": "0200",
        "cataStatus": 7,
        "regionCode": "230100",
        "isMasking": "0",
        "version": str(next(_versions)),
        **more,
    }


def item(
    cata_id: str,
    column_id: str,
    name: str,
    operate: str = "I",
    when: str = "2025-01-20 09:12:33",
    **more: Any,
) -> dict[str, Any]:
    """A row of the table of items."""
    return {
        "operate_type": operate,
        "operate_date": when,
        "cata_id": cata_id,
        "column_id": column_id,
        "column_name": name,
        "column_type": "C",
        "column_length": "200",
        "sensitive_level": "1",
        "open_attribute": "1",
        "share_type": "1",
        "not_share_reason": None,
        **more,
    }


def portal(
    catalogs: Sequence[dict[str, Any]], items: Sequence[dict[str, Any]]
) -> Callable[[Request], Any]:
    """Answers for two tables."""
    tables = {"/share/down/catalog": catalogs, "/share/down/column": items}

    def answer(request: Request) -> Any:
        rows = tables.get(request.path)
        if rows is None:
            return None
        start, count = int(request.query["offset"]), int(request.query["limit"])
        return {"code": 200, "count": len(rows), "records": list(rows[start : start + count])}

    return answer
