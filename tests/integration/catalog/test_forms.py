"""The web forms: the same rules, errors beside the fields, rows in their order."""

from __future__ import annotations

import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action


@pytest.fixture
def editor(agency):
    user = factories.UserWithToken()
    call_action("organization_member_create", id=agency["id"], username=user["name"], role="admin")
    return {"Authorization": user["token"]}


def form(agency, **fields):
    values = {
        "title": "公交线路",
        "notes": "全市公交线路的起点、终点和票价。",
        "owner_org": agency["id"],
        "private": "False",
        "open_type": "open",
        "update_cycle": "monthly",
        "secrecy_review": "办公室 2026-01-05",
        "tag_string": "公交，线路",
        "_ckan_phase": "1",
        "save": "",
    }
    return {**values, **fields}


def test_the_form_stands_in_sections_and_names_its_fields_in_chinese(app, agency, editor):
    page = app.get("/dataset/new", headers=editor).body
    for words in ("<legend>开放属性</legend>", "限制开放依据", "依申请开放", "信息资源提供方"):
        assert words in page


def test_a_dataset_made_by_the_form_has_its_rows_in_order(app, agency, editor):
    rows = {f"items-{n}-name": f"第{n}项" for n in range(12)}
    rows |= {"open_basis-3-law": "统计法", "open_basis-3-article": "第九条", "open_basis-5-law": ""}
    app.post(
        "/dataset/new",
        data=form(agency, format_class="2", format_type="CSV", **rows),
        headers=editor,
        follow_redirects=False,
    )
    shown = call_action("package_search", q="公交线路", include_drafts=True)
    drafts = [call_action("package_show", id=name) for name in call_action("package_list")]
    made = (shown["results"] or drafts)[0]
    assert [row["name"] for row in made["items"]] == [f"第{n}项" for n in range(12)]
    assert made["open_basis"] == [{"law": "统计法", "article": "第九条"}]
    assert {tag["name"] for tag in made["tags"]} == {"公交", "线路"}


def test_errors_of_whole_lists_are_shown_and_what_was_typed_stays(app, agency, editor):
    page = app.post(
        "/dataset/new",
        data=form(agency, open_type="closed", format_class="3", title="低保名单"),
        headers=editor,
    ).body
    for field in ("open_basis", "items"):
        assert f'<li data-field-label="{field}">' in page
    assert 'value="低保名单"' in page


def test_errors_of_single_rows_are_shown(app, agency, editor):
    page = app.post(
        "/dataset/new", data=form(agency, **{"items-0-field": "line"}), headers=editor
    ).body
    assert 'value="line"' in page
    assert "error-block" in page


def test_the_edit_form_shows_what_is_stored(app, make_dataset, editor):
    made = make_dataset(
        open_type="on_request",
        items=[{"name": "站点", "data_type": "C"}],
        related_codes=["3070230100012/000001"],
    )
    page = app.get(f"/dataset/edit/{made['name']}", headers=editor).body
    for words in (
        "中华人民共和国数据安全法",
        "站点",
        "3070230100012/000001",
        made["resource_code"],
    ):
        assert words in page


def test_the_organization_form_offers_parents_but_not_itself(app, agency, editor):
    factories.Organization(name="harbin", title="哈尔滨市")
    page = app.get(f"/organization/edit/{agency['name']}", headers=editor).body
    assert '<option value="harbin">' in page
    assert f'<option value="{agency["name"]}">' not in page


def test_pages_of_each_opening_level_show_their_basis(app, make_dataset):
    for level in ("open", "on_request", "closed"):
        made = make_dataset(open_type=level)
        page = app.get(f"/dataset/{made['name']}").body
        assert ("中华人民共和国数据安全法" in page) is (level != "open")
