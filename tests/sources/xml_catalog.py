"""A catalog service in XML as Changzhou's: GB18030, one envelope, ``isOpen`` 1 有条件, 0 无条件."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from tests.sources.server import Reply, Request

ROW = """<content><resId>{id}</resId><resourceName>{title}</resourceName>
<organName>{org}</organName><isOpen>{level}</isOpen><createTime>2024/6/1</createTime><updateTime/>
<updateCycle>5</updateCycle><remark>各公交线路的名称和站点数</remark><tags>公交</tags><tags>线路</tags>
<items><item name="线路名称" type="C"/><item name="站点数" type="N"/></items>
<files><file id="f1" url="/f/{id}.csv" format="csv"><name>{title}.csv</name></file>
<file id="f2" url="javascript:alert(1)" format="html"><name>x</name></file></files></content>"""
MAPPING = """
title: 某市数据服务
site: 某市数据服务
codes:
  open: {"0": open, "1": on_request}
  cycle: {"5": annual}
xml:
  rows: BusinessMessage/data/content/content
  total: BusinessMessage/data/total
  code: BusinessMessage/code
  id: resId
  fields: {title: resourceName, provider: organName, open: isOpen, released: createTime,
           updated: updateTime, cycle: updateCycle, tags: tags, notes: remark}
  items: {rows: items/item, fields: {item_name: "@name", item_type: "@type"}}
  files: {rows: files/file, fields: {id: "@id", url: "@url", format: "@format", name: name}}
  paging: {page: pageNo, size: pageSize}
paging: {size: 10}
"""


@dataclass
class Service:
    """The traits of one service."""

    ids: list[str]
    total: str | None = None
    code: str = "200"
    level: str = "0"
    declared: str = "GB18030"
    encoding: str = "gb18030"
    repeats: bool = False
    flat_single: bool = False

    def __call__(self, request: Request) -> Any:
        page, size = int(request.query.get("pageNo", 1)), int(request.query.get("pageSize", 1000))
        pages = max(1, -(-len(self.ids) // size))
        page = min(page, pages) if self.repeats else page
        return Reply(self.answer(self.ids[(page - 1) * size : page * size]).encode(self.encoding))

    def answer(self, ids: list[str]) -> str:
        """One page."""
        same = {"org": "交通运输局", "level": self.level}
        names = [escape(name) for name in ids]
        rows = [ROW.format(id=name, title=f"公交线路{name}", **same) for name in names]
        if self.flat_single and len(rows) == 1:
            rows = [rows[0].removeprefix("<content>").removesuffix("</content>")]
        total = len(self.ids) if self.total is None else self.total
        return (
            f'<?xml version="1.0" encoding="{self.declared}"?>\n<BusinessMessage><code>{self.code}'
            f"</code><data><total>{total}</total><content>{''.join(rows)}</content></data>"
            "</BusinessMessage>"
        )
