"""/catalog: everybody reads what is not open and why (6.1 a); nothing else stands there."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.access import restricted_views

STATISTICS = [
    {"law": "中华人民共和国统计法", "article": "第二十五条", "url": "https://example.gov.cn/tjf"}
]
ADDRESS = "https://example.gov.cn/canary.csv"


@pytest.fixture
def shelf(agency, make_dataset):
    """One dataset of each kind."""
    other = factories.Organization(
        name="daqing-tjj", title="大庆市统计局", level="agency", region_code="230600"
    )
    make_dataset(name="taxi", title="出租汽车轨迹", open_type="on_request", region_code="230100")
    make_dataset(
        name="census",
        title="=1+1 普查原始记录",
        open_type="closed",
        open_basis=STATISTICS,
        owner_org=other["id"],
        region_code="230600",
        review_date="2027-06-30",
        resources=[{"name": "记录", "url": ADDRESS, "format": "CSV"}],
    )
    make_dataset(name="bus", title="公交线路")
    make_dataset(name="hidden", title="未公开的目录", open_type="closed", private=True)
    return other


def names(app, query="", **options):
    page = app.get(f"/catalog{query}", **options)
    assert page.status_code == 200
    main = page.body.split("<main")[1]
    return {name for name in ("taxi", "census", "bus", "hidden") if f"/dataset/{name}" in main}


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_all_that_is_not_open_stands_there_with_law_article_and_link(app, shelf):
    assert names(app) == {"taxi", "census"}
    page = app.get("/catalog").body
    for text in ("中华人民共和国统计法", "第二十五条", "https://example.gov.cn/tjf", "2027-06-30"):
        assert text in page
    assert "说明用途后提供" in page
    assert ADDRESS not in page


FILTERS = [
    ("?level=on_request", {"taxi"}),
    ("?level=closed", {"census"}),
    ("?level=open", {"taxi", "census"}),
    ("?city=230600", {"census"}),
    ("?agency=harbin-jtysj", {"taxi"}),
    ("?law=统计法", {"census"}),
    ("?law=《数据安全法》", {"taxi"}),
    ("?law=没有的法", set()),
    ("?q=轨迹", {"taxi"}),
    ("?q=轨迹&level=closed", set()),
    ('?city=x" OR dataset_type:"dataset', set()),
    ("?page=abc", {"taxi", "census"}),
]


def test_filters(app, shelf):
    assert [(query, names(app, query)) for query, _found in FILTERS] == FILTERS


def test_the_levels_are_counted_whichever_is_chosen(app, shelf):
    page = " ".join(app.get("/catalog?level=closed").body.split())
    assert '依申请开放 <span class="num">1</span>' in page
    assert '不予开放 <span class="num">1</span>' in page


def test_who_is_signed_in_reads_the_same_list(app, shelf):
    """A member sees hidden entries elsewhere; a public list does not change with its reader."""
    admin = factories.SysadminWithToken()
    assert names(app, headers={"Authorization": admin["token"]}) == {"taxi", "census"}


def test_the_download_has_all_entries_by_the_same_filters(app, shelf, monkeypatch):
    monkeypatch.setattr(restricted_views, "BATCH", 1)
    monkeypatch.setattr(restricted_views, "ROWS", 1)
    found = rows_of(app.get("/catalog/restricted.csv"))
    assert {row["信息资源名称"] for row in found} == {"出租汽车轨迹", "'=1+1 普查原始记录"}
    [census] = rows_of(app.get("/catalog/restricted.csv?law=统计法"))
    assert census["限制开放依据"] == "中华人民共和国统计法 第二十五条"
    assert census["下次评估日期"] == "2027-06-30"
    assert census["目录页面"].endswith("/dataset/census")
    assert ADDRESS not in str(found)


def test_the_workbook_runs_no_formula(app, shelf):
    answer = app.get("/catalog/restricted.xlsx?level=closed")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet.max_row == 2
    title = sheet.cell(2, 2)
    assert title.value.startswith("=1+1")
    assert title.data_type == "s"
    assert app.get("/catalog/restricted.exe").status_code == 404


def test_a_withdrawn_or_deleted_entry_and_a_changed_level_follow(app, shelf):
    call_action("package_patch", id="taxi", open_type="open", share_type="unconditional")
    assert names(app) == {"census"}
    call_action("package_delete", id="census")
    assert names(app) == set()


def test_the_restricted_dataset_and_every_page_lead_there(app, shelf):
    page = app.get("/dataset/census").body
    assert "/catalog?level=closed&amp;agency=daqing-tjj" in page
    assert 'href="/catalog"' in app.get("/about").body


class TestDatasetPage:
    def test_both_levels_are_explained_in_words(self, app, shelf):
        page = app.get("/dataset/taxi").body
        assert "面向社会：依申请开放" in page
        assert "机关之间：有条件共享" in page
        assert "此项只涉及机关，与公众无关" in page

    def test_a_sample_comes_first_and_is_named(self, app, make_dataset):
        make_dataset(
            name="masked",
            open_type="on_request",
            resources=[
                {"name": "全部记录", "url": "https://example.gov.cn/all.csv"},
                {
                    "name": "一百条",
                    "url": "https://example.gov.cn/100.csv",
                    "open_type": "open",
                    "derivative": "sample",
                },
            ],
        )
        page = app.get("/dataset/masked").body.split('id="files"')[1]
        assert page.index("一百条") < page.index("全部记录")
        assert "任何人都可下载，无需申请" in page[: page.index("一百条")]
        assert "任何人都可下载，无需申请" not in page[page.index("全部记录") :]

    def test_agencies_are_told_their_own_way_and_the_public_is_not(self, app, shelf):
        user = factories.UserWithToken()
        call_action(
            "organization_member_create", id=shelf["id"], username=user["name"], role="member"
        )
        headers = {"Authorization": user["token"]}
        way = "由您所在单位写明用途、依据和期限提出申请"
        assert way in app.get("/dataset/taxi", headers=headers).body
        assert way not in app.get("/dataset/taxi").body

    def test_unconditional_sharing_says_that_an_agency_may_download(self, app, make_dataset):
        make_dataset(
            name="shared",
            open_type="on_request",
            share_type="unconditional",
            resources=[{"name": "全部记录", "url": ADDRESS}],
        )
        other = factories.Organization(name="hegang-x", title="鹤岗市某局", level="agency")
        user = factories.UserWithToken()
        call_action(
            "organization_member_create", id=other["id"], username=user["name"], role="member"
        )
        page = app.get("/dataset/shared", headers={"Authorization": user["token"]}).body
        assert "您所在单位可以直接下载" in page
        assert "您所在单位可以直接下载" not in app.get("/dataset/shared").body
