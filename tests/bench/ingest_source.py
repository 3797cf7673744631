"""A CKAN that has nothing behind it: synthetic datasets, spoken in CKAN's API on loopback.

Record number n is the same text in every run. `POST /change?every=100` gives one record in a
hundred another version, dated now; asked again, another one. The same records serve both sides:
stock CKAN drops the fields of our schema, ours reads them. Their files are pages and interfaces,
which nobody fetches.
"""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

RENDERED = 128  # answers that are kept
PAGE = 1000  # rows of one answer at most, as CKAN has it
BEGAN = datetime(2024, 3, 1, tzinfo=timezone.utc)
# fmt: off
AGENCIES = (
    "交通运输局", "教育局", "财政局", "民政局", "水务局", "统计局", "农业农村局", "商务局",
    "生态环境局", "市场监督管理局", "应急管理局", "卫生健康委员会",
)
AREAS = (
    "道里区", "道外区", "南岗区", "香坊区", "平房区", "松北区", "呼兰区", "阿城区", "双城区",
    "依兰县", "方正县", "宾县", "巴彦县", "木兰县", "通河县", "延寿县", "尚志市", "五常市",
)
SUBJECTS = (
    "公交线路", "幼儿园名录", "部门预算", "养老机构", "水质监测", "人口统计", "粮食产量",
    "农贸市场", "空气质量", "食品经营许可", "避难场所", "预约接种点", "道路运输企业", "公共厕所",
    "停车场", "行政处罚决定", "燃气经营企业", "公园绿地", "学校名录", "招标公告",
)
KINDS = (
    "基本信息", "分布情况", "年度统计", "运行数据", "公示信息", "目录清单",
)
TAGS = (
    "交通", "民生", "统计", "监测", "许可", "名录", "公示", "预算", "教育", "养老", "环境", "农业",
    "市场", "应急", "卫生", "水务",
)
THEMES = (
    "public_safety", "livelihood", "economy", "education_science", "health", "agriculture",
    "environment",
)
CYCLES = (
    "daily", "weekly", "monthly", "quarterly", "annual", "irregular",
)
# Three in ten are restricted, as in the other benches.
LEVELS = (
    "open", "open", "on_request", "open", "open", "closed", "open", "on_request", "open", "open",
)
# fmt: on
COLUMNS = (
    ("名称", "mc", "C", "100", "规范全称"),
    ("统一社会信用代码", "tyshxydm", "C", "18", ""),
    ("地址", "dz", "C", "200", "详细到门牌号"),
    ("联系电话", "lxdh", "C", "20", "办公电话"),
    ("数量", "sl", "I", "12", "计量单位：个"),
    ("更新日期", "gxrq", "D", "", ""),
    ("经度", "jd", "N", "12", "CGCS2000"),
    ("纬度", "wd", "N", "12", "CGCS2000"),
)


def record(number: int, version: int = 0, changed: datetime | None = None) -> dict[str, Any]:
    """Dataset ``number`` as `package_show` gives it; each ``version`` has a title of its own."""
    area, subject = AREAS[number % len(AREAS)], SUBJECTS[number * 7 % len(SUBJECTS)]
    kind, agency = KINDS[number % len(KINDS)], AGENCIES[number * 5 % len(AGENCIES)]
    edition = f"，第{version}次修订" if version else ""
    title = f"哈尔滨市{area}{subject}{kind}（第{number}号{edition}）"
    level = LEVELS[number % len(LEVELS)]
    native = f"{number:08x}-0000-4000-8000-{number * 2654435761 % (1 << 48):012x}"
    when = changed or began(number)
    stamp = when.replace(tzinfo=None).isoformat(timespec="microseconds")
    items = [COLUMNS[(number + step) % len(COLUMNS)] for step in range(6)]
    found: dict[str, Any] = {
        "id": native,
        "name": f"harbin-{number:06d}",
        "title": title,
        "notes": f"提供哈尔滨市{area}{subject}的{kind}，由{agency}采集、核对并发布，"
        f"{edition[1:]}包括{'、'.join(row[0] for row in items)}等信息，供公众查询和再利用。",
        "type": "dataset",
        "state": "active",
        "private": False,
        "isopen": True,
        "metadata_created": BEGAN.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "metadata_modified": stamp,
        "author": agency,
        "maintainer": agency,
        "license_id": "notspecified",
        "tags": [_tag(TAGS[(number * 3 + step * 5) % len(TAGS)]) for step in range(5)],
        "groups": [],
        "extras": [],
        "num_tags": 5,
        "num_resources": 2,
        "organization": organization(number * 5 % len(AGENCIES)),
        "owner_org": organization(number * 5 % len(AGENCIES))["id"],
        "resources": [
            _resource(native, "网页", "HTML", number, 0),
            _resource(native, "查询接口", "API", number, 1),
        ],
        "open_type": level,
        "share_type": "conditional",
        "share_condition": "用于履行部门职责，不得用于其他用途",
        "share_mode": "platform_api",
        "update_cycle": CYCLES[number % len(CYCLES)],
        "theme": THEMES[number % len(THEMES)],
        "industry": "ACEGIKMOQS"[number % 10],
        "format_class": "2",
        "format_type": "CSV",
        "region_code": "230100",
        "provider_inner": "信息中心",
        "contact_name": "政务数据科",
        "contact_phone": "0451-12345",
        "contains_personal_information": "no",
        "supply_channel": "harvest",
        "secrecy_review": "政务数据科 2024-03-01",
        "released": "2024-03-01",
        "data_updated": "2024-06-30",
        "items": [
            {"name": name, "field": field, "data_type": code, "length": length, "description": note}
            for name, field, code, length, note in items
        ],
    }
    if level != "open":
        found["open_condition"] = "说明用途并签订使用协议后提供"
        found["open_basis"] = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
    return found


def began(number: int) -> datetime:
    """When a dataset was last modified before any change. Never at a full second: there CKAN leaves
    the fraction out, and stock's comparison of texts would call every dataset newer.
    """
    return BEGAN + timedelta(minutes=number, microseconds=1 + number * 7919 % 999_999)


def organization(number: int) -> dict[str, Any]:
    """Agency ``number`` as the datasets name it."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"bench-agency-{number}")),
        "name": f"agency-{number}",
        "title": AGENCIES[number],
        "type": "organization",
        "description": "",
        "image_url": "",
        "is_organization": True,
        "approval_status": "approved",
        "state": "active",
    }


def _tag(name: str) -> dict[str, Any]:
    return {"name": name, "display_name": name, "state": "active", "vocabulary_id": None}


def _resource(native: str, name: str, kind: str, number: int, position: int) -> dict[str, Any]:
    return {
        "id": f"{native[:9]}{position + 1:04d}{native[13:]}",
        "package_id": native,
        "name": name,
        "description": f"{name}，按页浏览或按条件查询",
        "url": f"https://data.harbin.example/{kind.lower()}/{number}",
        "format": kind,
        "position": position,
        "state": "active",
        "created": BEGAN.replace(tzinfo=None).isoformat(timespec="microseconds"),
    }


class Portal:
    """What the server answers: ``count`` datasets, some of them changed since it began."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.changes: list[tuple[int, datetime]] = []  # every how many, and when

    def show(self, number: int) -> dict[str, Any]:
        """One dataset in the version that it has now."""
        own = [when for every, when in self.changes if number % every == 0]
        return record(number, len(own), own[-1] if own else None)

    def numbers(self, since: datetime | None) -> Iterator[int]:
        """The numbers of all datasets, or of those modified since then, by id."""
        for number in range(self.count):
            if since is None or self._modified(number) >= since:
                yield number

    def _modified(self, number: int) -> datetime:
        for every, when in reversed(self.changes):
            if number % every == 0:
                return when
        return began(number)

    def answer(self, action: str, query: dict[str, str]) -> Any:
        """The result of an action of CKAN's API. Raises KeyError for what is not there."""
        if action in ("package_search", "current_package_list_with_resources"):
            return self._search(query)
        if action == "package_list":
            return [f"harbin-{number:06d}" for number in range(self.count)]
        if action == "package_show":
            asked = query["id"]
            number = int(asked[7:]) if asked.startswith("harbin-") else int(asked[:8], 16)
            return self.show(number)
        if action == "organization_list":
            whole = query.get("all_fields", "").casefold() == "true"
            listed = [organization(number) for number in range(len(AGENCIES))]
            return listed if whole else [item["name"] for item in listed]
        if action == "organization_show":
            listed = [organization(number) for number in range(len(AGENCIES))]
            return next(item for item in listed if query["id"] in (item["id"], item["name"]))
        if action in ("status_show", "site_read"):
            return {"ckan_version": "2.12.0", "extensions": [], "site_title": "测速源"}
        if action in ("group_list", "tag_list", "license_list"):
            return []
        raise KeyError(action)

    def _search(self, query: dict[str, str]) -> dict[str, Any]:
        given = re.search(r"metadata_modified:\[(\S+?)Z? TO \*\]", query.get("fq", ""))
        since = None
        if given:
            since = datetime.fromisoformat(given[1]).replace(tzinfo=timezone.utc)
        start, rows = int(query.get("start", 0)), min(int(query.get("rows", 10)), PAGE)
        if since is None:
            count, page = self.count, list(range(start, min(start + rows, self.count)))
        else:
            found = list(self.numbers(since))
            count, page = len(found), found[start : start + rows]
        results = [self.show(number) for number in page]
        return {"count": count, "sort": "id asc", "results": results, "search_facets": {}}


class Handler(http.server.BaseHTTPRequestHandler):
    """CKAN's action API, read only, and `POST /change`."""

    protocol_version = "HTTP/1.1"
    portal: Portal
    # A page is made once: what the source takes is not what is measured, on neither side.
    rendered: ClassVar[dict[Any, bytes]] = {}

    def do_GET(self) -> None:
        """Answer one action."""
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self._act(parts.path, query)

    def do_POST(self) -> None:
        """Answer one action asked with JSON, or change the records."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/change":
            every = int(query["every"][-1])
            self.portal.changes.append((every, datetime.now(timezone.utc)))
            self._send(200, {"success": True})
            return
        asked = json.loads(body or b"{}")
        self._act(path, {key: str(value) for key, value in asked.items()})

    def _act(self, path: str, query: dict[str, str]) -> None:
        action = re.fullmatch(r"/api/(?:3/)?action/(\w+)/?", path)
        asked = (path, tuple(sorted(query.items())), len(self.portal.changes))
        try:
            if asked not in self.rendered:
                result = self.portal.answer(action[1] if action else path, query)
                body = json.dumps({"success": True, "result": result}, ensure_ascii=False).encode()
                if len(self.rendered) >= RENDERED:
                    self.rendered.clear()
                self.rendered[asked] = body
            self._write(200, self.rendered[asked])
        except (KeyError, ValueError, StopIteration):
            error = {"__type": "Not Found Error", "message": "Not found"}
            self._send(404, {"success": False, "error": error})

    def _send(self, status: int, answer: Any) -> None:
        self._write(status, json.dumps(answer, ensure_ascii=False).encode())

    def _write(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json;charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Remote:
    """The server in a process of its own, so that it takes no time from who reads it."""

    def __init__(self, count: int) -> None:
        """Start it on a free port and wait until it answers."""
        self.count = count
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(count)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            raise SystemExit("the source of the bench does not start")

    def change(self, every: int) -> int:
        """Give one record in so many another version; the number of these."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(f"{self.url}/change?every={every}", data=b"", timeout=30).read()
        return len(range(0, self.count, every))

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def main() -> None:
    """Serve as many datasets as the argument says; print the address."""
    Handler.portal = Portal(int(sys.argv[1]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
