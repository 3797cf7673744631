"""Whatever stands in an answer, an adapter gives records or says why not; nothing else is raised.

Each kind's own loopback portal answers, and single values of its answers are replaced, renamed,
cut or garbled. The seeds are fixed: what is found stays found.
"""

from __future__ import annotations

import copy
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import urllib3

from ckanext.hljshare.ingest.fetch import Answer, Fetcher, SourceError
from ckanext.hljshare.ingest.record import made
from ckanext.hljshare.ingest.sound import sound
from harvesters import mapping
from harvesters.catalog_sheet import CatalogSheet
from harvesters.ckan_portal import CkanPortal
from harvesters.dcat_feed import DcatFeed
from harvesters.json_api import JsonApi
from harvesters.odweb import Odweb
from harvesters.oportal import Oportal
from harvesters.xml_feed import XmlFeed
from tests.sources import (
    ckan_api,
    dcat,
    divisions,
    encoded,
    entries,
    graphql,
    oportal,
    pinyin,
    share_tables,
    static_list,
    xml_catalog,
)
from tests.sources.server import Reply, Request, as_json

MAPPINGS = Path(__file__).parents[2] / "sources" / "mappings"
TIMES = 60
ODD: list[Any] = [
    *(None, [], {}, "", "\ud800", "\x00", float("nan"), float("inf"), 10**400, -1, 0, True, 1.5),
    *([[[]]], {"a": {"b": [1]}}, ["x", None, {}], {"name": None}, [{"name": {}}], "x" * 5000),
    *("0000-00-00", "1e999", "<b>", "http://[::1", "//x", "javascript:1", "%zz", "\\", "[", "{}"),
    *('{"a":1}', "９９", "٣", "²", "1" * 30, "None", "2023-13-45", "\u2028", "${id}"),
]
PARTS = (b"", b"\x00", b"&#0;", b"&#1;", b"&#xD800;", b"&bogus;", b'"', b"<!--", b"http://[::1")
PARTS += (b"0000-00-00", b"\\uD800", b"\\u0000", b"9" * 40, "²".encode(), b"%zz", b"x" * 9000)


def places(value: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value within a value."""
    found: list[tuple[Any, ...]] = []
    if not isinstance(value, (dict, list)):
        return found
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        found += [(*above, key), *places(inner, (*above, key))]
    return found


def odd_value(chance: random.Random, value: Any) -> Any:
    """The value with one of its parts replaced, taken away or renamed."""
    value = copy.deepcopy(value)
    found = places(value)
    if not found:
        return value
    *above, last = chance.choice(found)
    parent = value
    for key in above:
        parent = parent[key]
    how = chance.random()
    if how < 0.1 and isinstance(parent, dict):
        del parent[last]
    elif how < 0.2 and isinstance(parent, dict):
        parent[chance.choice(["\x00", "\ud800", "", "title", "id"])] = parent.pop(last)
    else:
        parent[last] = copy.deepcopy(chance.choice(ODD))
    return value


def odd_bytes(chance: random.Random, words: bytes) -> bytes:
    """Bytes with a text between tags or quotes replaced, some garbled, or the end cut off."""
    how = chance.random()
    parts = re.split(rb'(>[^<]*<|"[^"]*")', words)
    if how < 0.5 and len(parts) > 2:
        place = chance.randrange(1, len(parts), 2)
        parts[place] = parts[place][:1] + chance.choice(PARTS) + parts[place][-1:]
        return b"".join(parts)
    if how < 0.8:
        garbled = bytearray(words)
        for _ in range(chance.randint(1, 6)):
            garbled[chance.randrange(len(garbled))] = chance.randrange(256)
        return bytes(garbled)
    return words[: chance.randrange(len(words))]


class Mangling(Fetcher):
    """A fetcher that asks a portal without a network and mangles every other answer."""

    def __init__(self, portal: Callable[[Request], Any], chance: random.Random) -> None:
        super().__init__()
        self.portal, self.chance = portal, chance

    def ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Any = None,
        limit: int | None = None,
    ) -> Answer:
        parsed = urllib3.util.parse_url(url)
        asked = Request(method, parsed.request_uri, {"Host": parsed.netloc or ""}, body or b"")
        told = self.portal(asked)
        if told is None:
            raise SourceError("unreachable: HTTP 404")
        reply = told if isinstance(told, Reply) else as_json(told)
        words = reply.body
        if words and self.chance.random() < 0.5:
            try:
                value = json.loads(words)
            except ValueError:
                words = odd_bytes(self.chance, words)
            else:
                for _ in range(self.chance.randint(1, 4)):
                    value = odd_value(self.chance, value)
                words = json.dumps(value).encode()
        return Answer(reply.status, urllib3.HTTPHeaderDict(reply.headers), words)


def listed() -> list[entries.Entry]:
    found = entries.entries(9, "307/")
    for entry in found:
        entry.files = ("a.csv", "b.csv")
    return found


def odweb(request: Request) -> Any:
    rows = [
        {"cata_id": entry.id, "cata_title": entry.title, "org_name": entry.agency,
         "open_type": "无条件开放", "group_name": "zt-1:12:道路交通,hy-2:10:金融业",
         "update_time": "2018-03-01", "use_type": "1,2,", "cata_tags": "公交,线路"}
        for entry in listed()
    ]  # fmt: skip
    if "GetCatalogDetail" in request.target:
        return {"data": {"items": [{"column_name": "名称", "column_length": "5"}]}}
    if "GetDownLoadInfo" in request.target:
        return {"data": [{"fileId": "1", "fileName": "a.csv", "fileSize": "12"}]}
    start = int(request.form["start"])
    return {"recordsTotal": len(rows), "data": rows[start : start + 5]}


def sheet(_request: Request) -> Reply:
    chance = random.Random(3)
    book = openpyxl.Workbook()
    header = (
        "信息资源名称",
        "提供方",
        "开放类型",
        "信息项名称",
        "信息资源代码",
        "下载地址",
        "发布日期",
    )
    book.active.append(header)
    for number in range(12):
        row: list[Any] = [f"线路{number}", "局", "无条件开放", "列", "3070230100012/1", "", ""]
        odd = (1.5, True, "=1+1", "0000-00-00", "http://[::1/x", "x" * 32_000, "#REF!", -5)
        row[chance.randrange(7)] = chance.choice(odd)
        book.active.append([*row[:5], "http://[::1/x http://a.example/x.csv", row[6]])
    target = io.BytesIO()
    book.save(target)
    return Reply(target.getvalue())


def tables() -> Callable[[Request], Any]:
    catalogs = [share_tables.catalog(entry.id, entry.title) for entry in listed()]
    items = [share_tables.item(entry.id, entry.id + "-1", "名称") for entry in listed()]
    return share_tables.portal(catalogs, items)


def json_shape(name: str, path: str, portal: Callable[[Request], Any]) -> tuple[Any, ...]:
    return JsonApi, path, mapping.load_file(MAPPINGS / f"{name}.yaml"), portal


def kinds(tmp_path: Path) -> dict[str, tuple[Any, ...]]:
    (tmp_path / "xml.yaml").write_text(xml_catalog.MAPPING, encoding="utf-8")
    by_xml = mapping.load_file(tmp_path / "xml.yaml")
    plain = mapping.load()
    ids = [str(number) for number in range(12)]
    cities = ("fuzhou", "jincheng", "wuhu", "chuzhou", "guizhou")
    rows = {"own": ckan_api.own, "stock": ckan_api.stock}
    types = {"turtle": "text/turtle", "xml": "application/rdf+xml", "json-ld": "application/json"}
    return {
        "odweb": (Odweb, "/odweb", mapping.load("harbin"), odweb),
        "oportal": (Oportal, "/oportal", plain, oportal.Portal(ids, files=2)),
        "oportal page": (Oportal, "/oportal", plain, oportal.Portal(ids, files_on_page=True)),
        "pinyin": json_shape("pinyin", pinyin.BASE, pinyin.portal(listed())),
        "share tables": json_shape("share_tables", "/share/down/", tables()),
        "divisions": json_shape("divisions", "/", divisions.portal(listed())),
        **{each: json_shape(each, "/", getattr(encoded, each)(listed())) for each in cities},
        "graphql": json_shape("graphql", "/", graphql.portal(listed())),
        "static": json_shape("static_list", "/xxgk/sjml.json", static_list.portal(listed())),
        "xml": (XmlFeed, "/s", by_xml, xml_catalog.Service(ids[:4])),
        "sheet": (CatalogSheet, "/list.xlsx", plain, sheet),
        **{
            f"ckan {name}": (CkanPortal, "", plain, ckan_api.Portal([of(n) for n in range(1, 5)]))
            for name, of in rows.items()
        },
        **{
            f"dcat {name}": (
                DcatFeed,
                "/catalog",
                plain,
                dcat.Feed(ids[:3], size=2, syntax=name, content_type=kind),
            )
            for name, kind in types.items()
        },
    }


KINDS = (
    *("odweb", "oportal", "oportal page", "pinyin", "share tables", "divisions", "fuzhou"),
    *("jincheng", "wuhu", "chuzhou", "guizhou", "graphql", "static", "xml", "sheet"),
    *("ckan own", "ckan stock", "dcat turtle", "dcat xml", "dcat json-ld"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_no_answer_ends_in_anything_but_records_or_a_reason(kind, tmp_path):
    adapter, path, mapped, portal = kinds(tmp_path)[kind]
    read, reasons = 0, []
    for seed in range(TIMES):
        fetcher = Mangling(portal, random.Random(f"{kind} {seed}"))
        try:
            for item in adapter(f"http://127.0.0.1:9{path}", mapped, fetcher).records():
                record = sound(made(item))
                json.dumps(record.to_dict(), ensure_ascii=False, allow_nan=False).encode()
            read += 1
        except SourceError as error:
            reasons.append(error.reason)
    assert all(re.match(r"[a-z-]+(: .+)?\Z", reason) for reason in reasons), reasons
    assert read >= 3, reasons  # else nothing was tried
