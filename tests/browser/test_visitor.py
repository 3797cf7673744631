"""The journeys of an anonymous visitor."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import PHONE, api, dataset


def test_from_the_home_page_to_the_file(visit, tmp_path):
    """Search, filter, open, look at the table, download: without an account."""
    page = visit("/")
    page.get_by_role("combobox").fill("公交")
    page.get_by_role("button", name="检索", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("公交")
    assert page.locator("mark").first.inner_text()

    page.locator(".facet").get_by_role("link", name=re.compile("^无条件开放")).click()
    expect(page.get_by_label("已选条件")).to_contain_text("无条件开放")
    badges = page.locator("#search-results .row-item .badges")
    assert badges.count()
    assert all("无条件开放" in text for text in badges.all_inner_texts())

    found = api("package_search", q="公交", fq="hljshare_open_type:open", rows=50)["results"]
    with_table = next(d for d in found if any(r.get("datastore_active") for r in d["resources"]))
    page.goto(f"/dataset/{with_table['name']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(with_table["title"])
    page.get_by_role("link", name=re.compile("^预览")).first.click()
    rows = page.locator(".preview tbody tr")
    assert rows.count() > 1

    with page.expect_download() as started:
        page.get_by_role("link", name="下载为 CSV").click()
    file = tmp_path / "file.csv"
    started.value.save_as(file)
    heading = file.read_text(encoding="utf-8-sig").splitlines()[0]
    assert page.locator(".preview thead th").first.inner_text() in heading


def test_rows_are_filtered_and_paged_on_the_server(visit, pages):
    page = visit(pages["file"])
    value = page.locator(".preview tbody td").first.inner_text()
    page.get_by_label("含有这个词的行").fill(value)
    page.get_by_role("button", name="筛选", exact=True).click()
    expect(page.locator("#preview")).to_contain_text(value)
    page.get_by_label("含有这个词的行").fill("没有任何一行含有这句话")
    page.get_by_role("button", name="筛选", exact=True).click()
    expect(page.locator("#preview")).to_contain_text("没有含这个词的行")


@pytest.mark.parametrize(
    ("level", "badge", "way"),
    [
        ("open", "无条件开放", "查看文件"),
        ("on_request", "依申请开放", "申请"),
        ("closed", "不予开放", "怎样提出异议"),
    ],
)
def test_each_level_says_what_it_is_and_what_to_do(visit, level, badge, way):
    page = visit(f"/dataset/{dataset(level)['name']}")
    expect(page.locator(".title-block .badges")).to_contain_text(badge)
    expect(page.locator(".how")).to_contain_text(way)
    basis = page.get_by_role("heading", name="限制开放依据")
    expect(basis).to_have_count(0 if level == "open" else 1)


@pytest.mark.parametrize("level", ["on_request", "closed"])
def test_what_is_not_open_offers_no_download(visit, level):
    page = visit(f"/dataset/{dataset(level)['name']}")
    assert page.locator("a[href*='/download'], a[href*='/data.']").count() == 0
    for file in dataset(level)["resources"]:
        answer = page.goto(f"/dataset/{dataset(level)['name']}/resource/{file['id']}/download")
        assert answer.status == 403
        expect(page.locator(".how")).to_be_visible()


def test_the_language_changes_and_the_page_stays(visit, pages):
    page = visit(pages["open"] + "?from=test")
    title = page.get_by_role("heading", level=1).inner_text()
    page.locator("header").get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("heading", name="How to get it")).to_be_visible()
    assert "from=test" in page.url
    page.locator("header").get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", name="怎样得到它")).to_be_visible()


def test_only_chinese_and_english_are_offered(visit):
    page = visit("/")
    assert page.locator("header [hreflang]").all_inner_texts() == ["English"]


def test_a_city_on_the_map_leads_to_its_data(visit):
    page = visit("/")
    tile = page.locator(".tiles a", has_text="哈尔滨")
    count = tile.locator("b").inner_text()
    tile.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("哈尔滨市")
    expect(page.locator("#search-results")).to_contain_text(count)


def test_an_agency_is_found_in_the_tree(visit):
    page = visit("/organization/")
    hidden = page.get_by_role("link", name="哈尔滨市交通运输局")
    assert not hidden.is_visible()
    page.get_by_label("查找机构").fill("哈尔滨市交通")
    expect(hidden).to_be_visible()


def test_a_search_without_result_helps(visit):
    page = visit("/dataset/?q=公交宇宙飞船")
    expect(page.locator(".zero")).to_contain_text("没有找到")
    expect(page.locator(".zero")).to_contain_text("少用一个词")


def test_the_page_that_is_not_there_says_what_to_do(visit):
    page = visit("/there-is-no-such-page")
    expect(page.get_by_role("heading", level=1)).to_have_text("没有找到这个页面")
    expect(page.get_by_role("search")).to_be_visible()


def test_search_preview_and_download_work_without_scripts(visit, pages):
    page = visit("/", java_script_enabled=False)
    page.get_by_label("检索数据").fill("公交")
    page.get_by_role("button", name="检索", exact=True).click()
    assert page.locator("#search-results .row-item").count()
    page.goto(pages["file"])
    assert page.locator(".preview tbody tr").count()


def test_on_a_phone_the_filters_wait_behind_a_button(visit):
    page = visit("/dataset/?q=公交", viewport=PHONE)
    filters = page.locator(".facet-body")
    expect(filters).to_be_hidden()
    page.locator(".facet-toggle > summary").click()
    expect(filters).to_be_visible()
