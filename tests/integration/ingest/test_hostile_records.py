"""Records that no portal should send and some do: each is cut or refused alone, has a line in the
report, and the run goes on. Through the command's own `run_source`, over HTTP.
"""

from __future__ import annotations

import io
import json
import random
import re
from contextlib import ExitStack
from typing import Any

import ckan.plugins.toolkit as tk
import openpyxl
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.ingest import cli, engine, sources
from tests.sources import ckan_api, entries, pinyin
from tests.sources.server import serve

from .test_json_sources import MAPPINGS

COUNTS = ("created", "updated", "unchanged", "held", "withdrawn", "rejected", "stopped")
MAPPING = str(MAPPINGS / "pinyin.yaml")
CHANCE = random.Random(6)
LETTERS = "".join(map(chr, range(0x4E00, 0x9FA5)))


def noise(length: int) -> str:
    """Text that no database makes shorter."""
    return "".join(CHANCE.choices(LETTERS, k=length))


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, monkeypatch):
    """Give each test an empty portal that may read from this machine."""
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "127.0.0.0/8")
    for name, title in (("harbin", "哈尔滨市"), ("heihe", "黑河市")):
        factories.Organization(
            name=name, title=title, level="city", region_code="230100", contact_phone="0451-12345"
        )
    factories.Organization(
        name="harbin-jtysj", title="哈尔滨市交通运输局", level="agency", parent="harbin"
    )
    factories.Organization(
        name="heihe-jtysj", title="黑河市交通运输局", level="agency", parent="heihe"
    )


@pytest.fixture
def run():
    """Return a function that runs entries as a source's; each source has one address."""
    answers: dict[str, Any] = {}
    with ExitStack() as stack:
        sites: dict[str, Any] = {}

        def answer(name: str, request: Any) -> Any:
            told = answers[name](request)
            # With escapes: halves of surrogate pairs can be written in no other way.
            return json.dumps(told).encode() if isinstance(told, dict) else told

        def run(listed: list[entries.Entry], name: str = "demo", owner: str = "harbin") -> Any:
            answers[name] = pinyin.portal(listed)
            if name not in sites:
                sites[name] = stack.enter_context(serve(lambda request: answer(name, request)))
            with cli._harvest_paths_allowed():
                url = sites[name].url + pinyin.BASE
                told = cli.run_source(name, "json_api", url, owner, MAPPING, False, engine.silent)
            return outcome(told)

        yield run


def outcome(told: dict[str, Any]) -> dict[str, Any]:
    """What became of the records; each of them is counted once."""
    counted = sum(told[each] for each in COUNTS if each not in ("withdrawn", "stopped"))
    assert told["stopped"] or counted == told["seen"], told
    return {each: told[each] for each in COUNTS if told[each]}


def good(count: int = 3) -> list[entries.Entry]:
    made = entries.entries(count, "307/")
    for entry in made:
        entry.open = "open"
    return made


def report(name: str = "demo") -> dict[str, Any]:
    """Lines of the latest run by title."""
    latest = call_action("hljshare_ingest_run_list", source_id=sources.find(name).id)
    return call_action("hljshare_ingest_run_show", id=latest["results"][0]["id"], limit=200)


def shown() -> dict[str, dict[str, Any]]:
    found = call_action("package_search", q="*:*", rows=100)["results"]
    return {item["source_id"]: call_action("package_show", id=item["id"]) for item in found}


EVERYWHERE = {
    "mlmc": "公交{}线路",
    "xxzytgf": "交通{}局",
    "zyzy": "各线路{}的起点、终点",
    "mlbqmcList": ["公交{}", "{}"],
    "zygs": "xls{}",
    "sjhm": "0451{}-1",
    "fbrq": "2023{}0601",
    "gxzq": "03{}",
    "unknown{}": {"deep{}": ["{}"]},
}


def laced(value: Any, odd: str) -> Any:
    return json.loads(json.dumps(value).replace("{}", json.dumps(odd)[1:-1]))


@pytest.mark.parametrize(
    "odd", ["\x00", "\ud800", "\udfff\ud800", "\x1b", "\u202e", "\ufffe", "\x85"]
)
def test_characters_that_no_text_has_are_taken_out_wherever_they_stand(run, odd):
    listed = good(3)
    # Half a pair cannot be written into an address: such an id is asked about in vain.
    listed[1].id = "307/x" if odd[0] in "\ud800\udfff" else f"307/{odd}x{odd}"
    listed[1].more = laced(EVERYWHERE, odd)
    listed[1].items = ((f"线路{odd}名称", "C"), (odd, "N"))
    listed[1].files = (f"线路{odd}.csv", "站点.csv")
    told = run(listed)
    assert told == {"created": 3}
    stands = shown()
    assert set(stands) == {"307/000000", "307/x", "307/000002"}
    assert stands["307/x"]["title"] == "公交线路"
    names = [item["name"] for item in stands["307/x"]["resources"]]
    assert names == ["线路.csv", "站点.csv"]
    assert odd not in json.dumps(stands, ensure_ascii=False)
    assert run(listed) == {"unchanged": 3}


SIZES = {
    "a native id of 5,000 characters": lambda entry: {"mlbh": "307/" + noise(5000)},
    "a title of 100,000 characters": lambda entry: {"mlmc": noise(100_000)},
    "a summary of 5 MB": lambda entry: {"zyzy": noise(1_700_000)},
    "an agency of 100,000 characters": lambda entry: {"xxzytgf": noise(100_000)},
    "5,000 tags": lambda entry: {"mlbqmcList": [f"标签{n}" for n in range(5000)]},
    "tags of 100,000 characters": lambda entry: {"mlbqmcList": [noise(100_000), "公交"]},
    "a date of 100,000 digits": lambda entry: {"fbrq": "2" * 100_000},
    "a code of 100,000 characters": lambda entry: {"kflx": noise(100_000)},
    "formats without end": lambda entry: {"zygs": "\\".join(noise(5) for _ in range(5000))},
    "a phone of 100,000 digits": lambda entry: {"sjhm": "0451" * 25_000},
    "a theme of 100,000 characters": lambda entry: {"ssztlmmc": noise(100_000)},
}


@pytest.mark.parametrize("what", SIZES)
def test_what_is_too_large_is_one_records_matter(run, what):
    listed = good(3)
    listed[1].more = SIZES[what](listed[1])
    told = run(listed)
    assert told.get("created", 0) >= 2, told
    assert set(told) <= {"created", "rejected", "held"}
    assert {"307/000000", "307/000002"} <= set(shown())
    lines = report()["entries"]
    assert len(lines) == 3
    assert max(len(json.dumps(line, ensure_ascii=False)) for line in lines) < 10_000
    again = run(listed)
    assert set(again) <= {"unchanged", "rejected", "held"}, again


def test_ten_thousand_files_in_one_record_are_five_hundred_and_a_line_says_so(run):
    listed = good(3)
    listed[1].files = tuple(f"线路{number}.html" for number in range(10_000))
    assert run(listed) == {"created": 3}
    assert len(shown()["307/000001"]["resources"]) == 500
    why = {line["native_id"]: line["reasons"] for line in report()["entries"]}
    assert "resources-capped: 500" in why["307/000001"]


def test_ten_thousand_items_and_one_endless_name_of_a_file(run):
    listed = good(3)
    listed[1].items = tuple((f"列{number}", "C") for number in range(10_000))
    listed[2].files = (noise(50_000) + ".csv",)
    told = run(listed)
    assert told.get("created", 0) + told.get("held", 0) + told.get("rejected", 0) == 3
    assert "307/000000" in shown()


def test_html_and_scripts_are_shown_as_harmless_text(run, app):
    attack = "<script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>"
    listed = good(2)
    listed[0].more = {
        "mlmc": f"公交{attack}线路{{{{7*7}}}}",
        "zyzy": f"<p>说明{attack}</p>[点](javascript:alert(4)) <a href='javascript:alert(5)'>x</a>",
        "mlbqmcList": [attack, "公交"],
        "xxzytgf": f"交通{attack}局",
        "sjhm": attack,
    }
    listed[0].items = ((f"列{attack}", "C"),)
    listed[0].files = (f"线路{attack}.html",)
    listed[1].more = {"mlmc": '=HYPERLINK("http://evil.example/","点")', "kflx": attack}
    told = run(listed)
    assert told.get("created", 0) + told.get("held", 0) + told.get("rejected", 0) == 2
    admin = {"Authorization": factories.SysadminWithToken()["token"]}
    latest = call_action("hljshare_ingest_run_list", source_id=sources.find("demo").id)
    pages = [f"/city/run/{latest['results'][0]['id']}", "/dataset/", "/city", "/catalog-list.json"]
    for package in model.Session.query(model.Package).filter_by(type="dataset"):
        pages.append(f"/dataset/{package.name}")
        pages += [
            f"/dataset/{package.name}/resource/{item.id}" for item in package.resources if item.id
        ]
    for page in pages:
        body = app.get(page, headers=admin).body
        for live in ("<script>alert", "<img src=x", "<svg/onload", 'href="javascript:', ">49<"):
            assert live not in body, (page, live)
        assert not re.search(r"<[^>]*\son(error|load)\s*=\s*alert", body), page
    answer = app.get(f"/city/run/{latest['results'][0]['id']}/report.xlsx", headers=admin)
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert any(str(cell.value).startswith("=HYPERLINK") for cell in cells)
    assert all(cell.data_type != "f" and cell.hyperlink is None for cell in cells)


def test_odd_ids_stay_apart_and_one_id_in_two_cities_is_two_datasets(run):
    ids = [
        "a/b",
        "a%2Fb",
        "a%252Fb",
        "A/B",
        "../../etc/passwd",
        "?x=1&y",
        "a b",
        "编号 1",
        "'--",
        "0",
    ]
    listed = good(len(ids))
    for entry, native in zip(listed, ids, strict=True):
        entry.id = native
    assert run(listed) == {"created": len(ids)}
    assert set(shown()) == set(ids)
    assert run(listed) == {"unchanged": len(ids)}
    assert run(listed, "heihe-demo", "heihe") == {"created": len(ids)}
    found = call_action("package_search", q="*:*", rows=100)["results"]
    assert len({item["name"] for item in found}) == 2 * len(ids)


def test_numeric_ids_are_one_id_as_number_and_as_text(run):
    listed = good(2)
    listed[0].more, listed[1].more = {"mlbh": 12}, {"mlbh": 13.0}
    assert run(listed) == {"created": 2}
    assert set(shown()) == {"12", "13"}
    listed[0].more, listed[1].more = {"mlbh": "12"}, {"mlbh": "13"}
    assert run(listed) == {"unchanged": 2}


def test_a_source_cannot_file_under_another_citys_agency(run):
    """A provider is looked for below the source's owner only."""
    listed = good(2)
    assert run(listed) == {"created": 2}
    listed[0].agency, listed[1].agency = "黑河市交通运输局", "heihe-jtysj"
    listed[1].more = {"owner_org": "heihe-jtysj", "owner": "heihe", "id": "x", "private": False}
    assert run(listed) == {"updated": 2}
    owners = {item["organization"]["name"] for item in shown().values()}
    assert owners == {"harbin"}
    why = [line["reasons"] for line in report()["entries"]]
    assert all(any(each.startswith("provider-unknown") for each in reasons) for reasons in why)


@pytest.fixture
def a_ckan():
    """Return a function that runs the datasets of a CKAN; each source has one address."""
    standing: dict[str, Any] = {}
    with ExitStack() as stack:

        def a_ckan(rows: list[dict[str, Any]], name: str, owner: str, dry: bool = False) -> Any:
            if name not in standing:
                portal = ckan_api.Portal(rows)
                standing[name] = portal, stack.enter_context(serve(portal))
            portal, site = standing[name]
            portal.datasets = rows
            return cli.run_source(name, "ckan_portal", site.url, owner, None, dry, engine.silent)

        yield a_ckan


def a_dataset(number: int, code: str, **more: Any) -> dict[str, Any]:
    return ckan_api.own(number, resource_code=code, title=f"道路信息{number}", **more)


def test_a_code_that_another_dataset_has_is_left_out_and_said(a_ckan):
    code = "3070230100012/000001"
    assert outcome(a_ckan([a_dataset(1, code), a_dataset(2, "")], "one", "harbin")) == {
        "created": 2
    }
    theirs = [a_dataset(1, code), a_dataset(2, "3070230100012/1"), a_dataset(3, "编码")]
    tried = a_ckan(theirs, "two", "heihe", True)
    assert tried["problems"]["code-taken"] == 2
    assert outcome(a_ckan(theirs, "two", "heihe")) == {"created": 3}
    lines = [line["reasons"] for line in report("two")["entries"]]
    told = [why for reasons in lines for why in reasons if why.startswith("code-")]
    assert sorted(told) == [
        "code-malformed: 编码",
        f"code-taken: {code}",
        "code-taken: 3070230100012/1",
    ]
    codes = [item["resource_code"] for item in _all()]
    assert len(codes) == len(set(codes)) == 5
    assert outcome(a_ckan(theirs, "two", "heihe")) == {"unchanged": 3}
    theirs[0]["notes"] = "改了说明"
    assert outcome(a_ckan(theirs, "two", "heihe")) == {"updated": 1, "unchanged": 2}
    assert sorted(item["resource_code"] for item in _all()) == sorted(codes)


def test_a_code_never_changes_and_a_change_of_it_holds_nothing_up(a_ckan):
    rows = [a_dataset(1, "3070230100012/000001"), a_dataset(2, "3070230100012/000002")]
    assert outcome(a_ckan(rows, "one", "harbin")) == {"created": 2}
    rows[0] |= {"resource_code": "3070230100012/000009", "notes": "改了说明"}
    rows[1] |= {"resource_code": "3070230100012/2", "notes": "改了说明"}
    assert outcome(a_ckan(rows, "one", "harbin")) == {"updated": 2}
    stands = {item["resource_code"]: item["notes"] for item in _all()}
    assert stands == dict.fromkeys(("3070230100012/000001", "3070230100012/000002"), "改了说明")
    told = [why for line in report("one")["entries"] for why in line["reasons"]]
    assert "code-kept: 3070230100012/000009" in told


def _all() -> list[dict[str, Any]]:
    found = call_action("package_search", q="*:*", rows=100)["results"]
    return [call_action("package_show", id=item["id"]) for item in found]
