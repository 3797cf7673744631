"""Shape B: pinyin initials (exchangeopengateway; 徐州 德阳 遂宁 甘孜): POST of JSON, 01 is 有条件
and 02 无条件, epoch milliseconds as text and as number, formats joined by a backslash, "/" in ids,
details and files by further calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.sources.entries import Entry
from tests.sources.server import Reply, Request

BASE = "/exchangeopengateway/v1.0/mh/sjml/"
KFLX = {"open": "02", "on_request": "01", "closed": "03"}
GXZQ = {"daily": "01", "weekly": "02", "monthly": "03", "quarterly": "04", "annual": "05"}
_LOCAL = timezone(timedelta(hours=8))


def _epoch(words: str) -> int:
    moment = datetime.strptime(words, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_LOCAL)
    return int(moment.timestamp() * 1000)


def row(entry: Entry) -> dict[str, Any]:
    """An entry of the list."""
    return {
        "mlbh": entry.id,
        "mlmc": entry.title,
        "xxzytgf": entry.agency,
        "zyzy": entry.notes,
        "kflx": KFLX.get(entry.open, entry.open),
        "gxzq": GXZQ[entry.cycle],
        "fbrq": str(_epoch(entry.released)),
        "gxrq": _epoch(entry.updated),
        "zygs": "\\".join(entry.formats),
        "sjl": "64,978",
        "sjhm": "0451-84601234",
        "ssztlmmc": entry.theme,
        "ssqtlmmc": "卫生和社会工作",
        "mlbqmcList": ["公交", "线路"],
        **entry.more,
    }


def portal(listed: Sequence[Entry], total: object = None) -> Callable[[Request], Any]:
    """Answers for these entries."""
    by_id = {entry.id: entry for entry in listed}

    def answer(request: Request) -> Any:
        call = request.path.removeprefix(BASE)
        if call == "getMlxxList" and request.method == "POST":
            asked = request.json
            start = (int(asked["pageNo"]) - 1) * int(asked["pageSize"])
            rows = [row(entry) for entry in listed[start : start + int(asked["pageSize"])]]
            said = f"{len(listed):,}" if total is None else total
            return {"code": "200", "data": {"total": said, "rows": rows}}
        if call == "getMlxx":
            entry = by_id.get(request.query.get("mlbh", ""))
            if entry is None:
                return {"code": "500", "message": "查询失败"}
            return {
                "code": "200",
                "data": {
                    "xxxList": [
                        {"xxxmc": name, "sjlx": kind, "sjcd": "50"} for name, kind in entry.items
                    ],
                    "fjList": [
                        {"fjid": f"f-{name}", "fjmc": name, "wjdx": "1024"} for name in entry.files
                    ],
                },
            }
        if call == "download":
            return Reply("线路名称,站点数\n1路,20\n".encode(), headers={"Content-Type": "text/csv"})
        return None

    return answer
