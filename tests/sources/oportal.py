"""An oPortal as Harbin's: list and details in HTML, files in JSON, labels with full-width colons.

``Portal`` answers what the product answers; attributes change single traits of it.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any

from tests.sources.server import Reply, Request, as_json

LOGIN = (
    "<html><head><title>登录</title></head><body><form><input type=password></form></body></html>"
)
LIST = """<!DOCTYPE html><html><head><title>数据目录-哈尔滨市公共数据开放平台</title></head><body>
<header>联系电话：0451-00000000</header>
<div class="top-title">共有<span>{total}</span>个数据目录</div>
<ul>{rows}</ul><footer>主办单位：哈尔滨市人民政府</footer></body></html>"""
ROW = """<li><div class="cata-title"><a href="/oportal/catalog/{id}" title="{title}">{title}…</a>
</div><p>浏览 7</p></li>"""
DETAIL = """<!DOCTYPE html><html><head><title>{title}</title></head><body>
<header>联系电话：0451-00000000</header>
<input type="hidden" id="rootPath" value="/oportal"><input type="hidden" id="cata_id" value="{id}">
<input type="hidden" id="cata_name" value="{title}">
<ul class="d-title pull-left"><h4>{title}</h4></ul>
<ul class="list-inline">
 <li>来源部门：<span class="text-primary">{org}</span></li>
 <li>重点领域：<span class="text-primary">道路交通</span></li>
 <li>发布时间：<span class="text-primary">2018-03-01</span></li>
 <li>更新时间：<span class="text-primary">2024-06-30 10:11:12</span></li>
 <li>开放条件：<span class="text-primary">{level}</span></li>
</ul>
<ul><li name="basicinfo"><table>
 <tr><td>所属行业</td><td>金融业</td><td>更新频率</td><td>每年</td></tr>
 <tr><td>部门电话</td><td>0451-84601234</td><td>标签</td><td>公交,线路</td></tr>
 <tr><td>描述</td><td colspan="3">{notes}</td></tr></table></li>
<li name="datainfo"><table><thead><tr><th>序号</th><th>信息项名称</th><th>数据类型</th>
<th>数据长度</th></tr></thead><tbody>{items}</tbody></table></li>{files}</ul>
<footer>联系电话：0451-11111111</footer></body></html>"""


@dataclass
class Portal:
    """The traits of one portal; ``broken`` names datasets whose page is a login page."""

    ids: list[str]
    total: str | None = None
    size: int = 10
    repeats: bool = True
    encoding: str = "utf-8"
    level: str = "无条件开放"
    notes: str = "<p>公交线路</p>"
    org: str = "交通运输局"
    broken: set[str] = field(default_factory=set)
    lists_fail_after: int | None = None
    files_status: int = 200
    files: int = 1
    files_on_page: bool = False

    def __call__(self, request: Request) -> Any:
        if request.path == "/oportal/catalog/index":
            return self._page(self._list(int(request.query["page"])))
        if request.path == "/oportal/catalog/getResourceWithFormat":
            return self._files(request.query)
        if request.path.startswith("/oportal/catalog/"):
            native = request.path.removeprefix("/oportal/catalog/")
            return self._page(LOGIN if native in self.broken else self._detail(native))
        return None

    def _page(self, words: str) -> Reply:
        return Reply(words.encode(self.encoding), headers={"Content-Type": "text/html"})

    def _list(self, number: int) -> str:
        if self.lists_fail_after is not None and number > self.lists_fail_after:
            return LOGIN
        pages = max(1, -(-len(self.ids) // self.size))
        if self.repeats:
            number = min(number, pages)
        chosen = self.ids[(number - 1) * self.size : number * self.size]
        rows = "".join(ROW.format(id=name, title=f"松北市公交线路{name}") for name in chosen)
        total = f"{len(self.ids):,}" if self.total is None else self.total
        return LIST.format(total=total, rows=rows)

    def _detail(self, native: str) -> str:
        item = "<tr><td>1</td><td>线路名称</td><td>字符型C</td><td>50</td></tr>"
        table = (
            '<li name="file-download"><table><tbody><tr fileFormat="csv"><td><input type="checkbox"'
            ' file-id="p1" file-name="站点"></td></tr></tbody></table></li>'
        )
        return DETAIL.format(
            id=html.escape(native),
            title=f"松北市公交线路{native}",
            org=self.org,
            level=self.level,
            notes=self.notes,
            items=item,
            files=table if self.files_on_page else "",
        )

    def _files(self, query: dict[str, str]) -> Any:
        if self.files_status != 200:
            return as_json({"code": 500}, self.files_status)
        page, size = int(query["pageNum"]), int(query["pageSize"])
        rows = [
            {"idInRc": f"{query['cataId']}-{number}", "fileName": f"公交{number}",
             "fileFormat": "csv", "fileSize": "2048"}
            for number in range(self.files)
        ]  # fmt: skip
        chosen = rows[(page - 1) * size : page * size]
        return {"code": 0, "object": {"total": self.files, "records": chosen}}
