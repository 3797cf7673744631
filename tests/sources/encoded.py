"""Shape E: JSON within JSON and JSONP, five cities' ways: 福州 (a list within a text), 晋城 (all of
it within a text, pages counted), 芜湖 (the whole body a quoted string), 滁州 (files within a text),
贵州 2018 (JSONP with single quotes).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.sources.entries import Entry
from tests.sources.server import Reply, Request


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "resId": entry.id,
        "resName": entry.title,
        "orgName": entry.agency,
        "openType": {"open": "1", "on_request": "0"}.get(entry.open, entry.open),
        "resAbstract": entry.notes,
        "updateCycle": "每月",
        "createTime": "20230601",
        "updateTime": "20230615101010",
        **entry.more,
    }


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _page(request: Request, listed: Sequence[Entry]) -> list[dict[str, Any]]:
    asked = request.form or request.query
    if "postData" in asked:
        asked = json.loads(asked["postData"])
    number, size = int(asked["currentPage"]), int(asked["pageSize"])
    return [_row(entry) for entry in listed[(number - 1) * size : number * size]]


def _pages(request: Request, listed: Sequence[Entry]) -> int:
    asked = request.form or request.query
    if "postData" in asked:
        asked = json.loads(asked["postData"])
    return -(-len(listed) // int(asked["pageSize"]))


def fuzhou(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """A list within a text; the parameters are JSON in a form field."""
    return lambda request: {
        "success": True,
        "dataList": _text({"list": _page(request, listed), "count": len(listed)}),
    }


def jincheng(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """Everything within a text; only pages are counted."""
    return lambda request: {
        "jsonStr": _text(
            {"obj": {"totalPages": _pages(request, listed), "pagingList": _page(request, listed)}}
        )
    }


def wuhu(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """The whole body is a quoted string."""

    def answer(request: Request) -> Reply:
        inner = _text({"total": str(len(listed)), "rows": _page(request, listed)})
        return Reply(_text(inner).encode())

    return answer


def chuzhou(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """Files within a text, some with an address and some without."""

    def answer(request: Request) -> Any:
        if request.path.startswith("/files/"):
            return Reply(b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})
        rows = _page(request, listed)
        for row in rows:
            row["url"] = _text(
                [
                    {"name": "线路.xlsx", "path": f"/files/{row['resId']}.xlsx"},
                    {"name": "说明.docx"},
                ]
            )
        return {"total": len(listed), "data": rows}

    return answer


def guizhou(listed: Sequence[Entry]) -> Callable[[Request], Any]:
    """JSONP with single quotes."""

    def answer(request: Request) -> Reply:
        rows = _page(request, listed)
        for row in rows:
            row["resName"] += "（含\"引号\"与'撇号'）"
        words = _quoted({"data": {"total": len(listed), "list": rows}})
        call = request.query["callback"]
        return Reply(f"/**/{call}({words});".encode(), headers={"Content-Type": "text/javascript"})

    return answer


def _quoted(value: Any) -> str:
    """As JavaScript with single quotes."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(k)}:{_quoted(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_quoted, value)) + "]"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return json.dumps(value)
