"""The demo's sources answer like the portals they stand for."""

from __future__ import annotations

import csv
import io
import json
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import catalog as demo
import openpyxl
import pytest
import serve

ODWEB = [n for n, s in demo.sources().items() if s["kind"] == "odweb"]
SHEETS = [n for n, s in demo.sources().items() if s["kind"] == "catalog_sheet"]


def fetch(
    url: str, form: dict[str, str] | None = None, method: str | None = None, **headers: str
) -> tuple[int, Any, bytes]:
    """Status, headers, body."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(
        url, data, {k.replace("_", "-"): v for k, v in headers.items()}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def listed(base: str, city: str, start: int, length: int = 50) -> dict[str, Any]:
    """A page of a city's list."""
    form = {
        "start": str(start),
        "length": str(length),
        "pageLength": str(length),
        "cata_type": "default",
        "region_code": "",
        "_order": "1:b",
    }
    return json.loads(fetch(f"{base}/{city}/odweb/catalog/catalog.do?method=GetCatalog", form)[2])


def test_half_the_places_are_odweb() -> None:
    assert len(ODWEB) == len(SHEETS) == 7
    assert {s["owner"] for s in demo.sources().values()} == set(demo.places())


@pytest.mark.parametrize("city", ODWEB)
def test_paging_gives_every_dataset_once(base: str, city: str) -> None:
    ids, start = [], 0
    while start < (page := listed(base, city, start))["recordsTotal"]:
        ids += [r["cata_id"] for r in page["data"]]
        start += 50
    assert len(ids) == len(set(ids)) == len(demo.catalog(city)) == page["recordsTotal"]


def test_pages_past_the_end_repeat(base: str) -> None:
    total = listed(base, "harbin", 0)["recordsTotal"]
    assert listed(base, "harbin", total, 10)["data"] == listed(base, "harbin", 0, 10)["data"]
    assert (
        listed(base, "harbin", total * 5 + 10, 10)["data"] == listed(base, "harbin", 10, 10)["data"]
    )


def test_rows_have_the_vendors_shape(base: str) -> None:
    row = listed(base, "harbin", 0, 1)["data"][0]
    assert row["use_type"].endswith(",")
    assert row["group_name"].startswith("zt-1:")
    assert ",hy-2:" in row["group_name"]
    assert all(isinstance(v, str) for v in row.values())
    assert row["open_type"] == "无条件开放" or row["open_type"] in (
        "依申请开放",
        "不予开放",
        "待定",
    )


@pytest.mark.parametrize(
    ("city", "word"),
    [
        ("qiqihar", "1"),
        ("jiamusi", "2"),
        ("heihe", "02"),
        ("qitaihe", "普遍开放"),
        ("daqing", "UNCONDITIONAL"),
    ],
)
def test_codes_differ_from_city_to_city(base: str, city: str, word: str) -> None:
    rows = listed(base, city, 0, 100)["data"]
    assert sum(1 for r in rows if r["open_type"] == word) == sum(
        1 for d in demo.catalog(city) if d.level == "open"
    )


def test_detail_and_files_of_a_restricted_dataset(base: str) -> None:
    dataset = next(d for d in demo.catalog("harbin") if d.level == "closed")
    detail = f"{base}/harbin/odweb/catalog/catalogDetail.do?cata_id={dataset.native_id}&method="
    data = json.loads(fetch(detail + "GetCatalogDetail")[2])["data"]
    assert data["open_basis"].startswith("《")
    assert len(data["items"]) == len(dataset.columns)
    listed_files = json.loads(fetch(detail + "GetDownLoadInfo", {"conf_type": "2"})[2])["data"]
    address = (
        f"{base}/harbin/odweb/catalog/CatalogDetailDownload.do?method=getFileDownloadAddr&fileId="
    )
    status, headers, body = fetch(address + listed_files[0]["fileId"])
    assert status == 200
    assert int(headers["Content-Length"]) == len(body) > 500
    assert fetch(address + "0" * 32)[0] == 404
    assert fetch(address.replace("/harbin/", "/daqing/") + listed_files[0]["fileId"])[0] == 404


def test_an_unknown_dataset_is_an_error_with_status_200(base: str) -> None:
    status, _headers, body = fetch(
        f"{base}/harbin/odweb/catalog/catalogDetail.do?method=GetCatalogDetail&cata_id=none"
    )
    assert status == 200
    assert json.loads(body)["code"] == "404"


def sheet(base: str, name: str) -> bytes:
    """A place's catalog list."""
    return fetch(base + urllib.parse.quote(demo.sources()[name]["path"]))[2]


@pytest.mark.parametrize("name", SHEETS)
def test_sheets_have_a_row_for_each_item(base: str, name: str) -> None:
    data, sets = sheet(base, name), demo.catalog(name)
    if data.startswith(b"PK"):
        table = [
            [str(v or "") for v in r]
            for r in openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(values_only=True)
        ]
    else:
        table = list(
            csv.reader(io.StringIO(data.decode("gb18030").removeprefix("\ufeff"), newline=""))
        )
    head = next(i for i, r in enumerate(table) if any(c.startswith("信息资源名称") for c in r))
    assert "（必填）" in "".join(table[head])
    titles = table[head].index("信息资源名称\n（必填）")
    body = [r for r in table[head + 1 :] if len(r) > titles and any(r[1:])]
    assert len(body) == sum(len(d.columns) for d in sets)
    assert {r[titles] for r in body} - {""} == {d.title for d in sets}
    assert any(r[0].startswith("注：") for r in table)


def test_addresses_in_a_sheet_lead_to_the_files(base: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(sheet(base, "mudanjiang"))).active
    headings = {str(c.value): c.column for c in book[3]}
    links = str(book.cell(4, headings["下载地址"]).value).split("\n")
    assert links[0].startswith(base)
    assert fetch(links[0])[0] == 200
    assert len(book.merged_cells.ranges) > 100


def test_head_and_conditional_get(base: str) -> None:
    dataset = next(d for d in demo.catalog("hegang") if d.level == "open")
    url = f"{base}/hegang/catalog/file/{dataset.files[0].file_id}.{dataset.files[0].format}"
    status, headers, body = fetch(url, method="HEAD")
    assert status == 200
    assert body == b""
    assert int(headers["Content-Length"]) > 100
    assert fetch(url, If_None_Match=headers["ETag"])[0] == 304
    assert fetch(url, If_None_Match='"other"')[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/harbin",
        "/harbin/odweb/catalog/none.do",
        "/hegang/catalog/file/../../etc/passwd",
        "/%00",
    ],
)
def test_unknown_paths_are_404_pages(base: str, path: str) -> None:
    status, headers, _body = fetch(base + path)
    assert status == 404
    assert headers["Content-Type"].startswith("text/html")


def test_only_loopback_listens() -> None:
    server = serve.make_server(0)
    try:
        assert server.socket.getsockname()[0] == "127.0.0.1"
        assert server.socket.family == socket.AF_INET
    finally:
        server.server_close()
