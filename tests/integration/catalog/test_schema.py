"""What the dataset schema lets through; the same validators stand behind form and harvest."""

from __future__ import annotations

import datetime
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

ITEMS = [
    {
        "name": "线路名称",
        "field": "line",
        "data_type": "C",
        "length": "20",
        "description": "线路全称",
    },
    {"name": "票价", "data_type": "N", "length": "10,2", "sensitivity": "none"},
]


def errors_of(call: Any, **fields: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as raised:
        call(**fields)
    return raised.value.error_dict


def test_a_complete_open_dataset_is_public_and_gets_a_code_a_licence_and_a_region(make_dataset):
    made = make_dataset()
    assert made["private"] is False
    assert made["resource_code"] == "3070230000001/000001"
    assert made["license_id"] == "hlj-open"
    assert made["region_code"] == "230000"
    assert made["catalog_class"] == "307"


@pytest.mark.parametrize("field", ["notes", "open_type", "update_cycle", "secrecy_review"])
def test_without_a_needed_field_nothing_becomes_public(make_dataset, field):
    assert list(errors_of(make_dataset, **{field: ""})) == [field]


def test_the_error_names_the_field_in_chinese(make_dataset):
    message = errors_of(make_dataset, secrecy_review="")["secrecy_review"][0]
    assert message.startswith("保密审查")


def test_a_private_dataset_may_lack_everything_but_what_is_there_must_be_valid(make_dataset):
    held = make_dataset(
        private=True,
        open_type="",
        update_cycle="",
        secrecy_review="",
        notes="",
        held_reason="开放状态未知",
    )
    assert "resource_code" not in held
    assert held["held_reason"] == "开放状态未知"
    assert list(errors_of(make_dataset, private=True, update_cycle="每三天")) == ["update_cycle"]


def test_publishing_a_held_dataset_needs_what_was_missing_and_gives_its_code(make_dataset):
    held = make_dataset(private=True, open_type="")
    with pytest.raises(tk.ValidationError):
        call_action("package_patch", id=held["id"], private=False)
    shown = call_action("package_patch", id=held["id"], private=False, open_type="open")
    assert shown["resource_code"].endswith("/000001")


@pytest.mark.parametrize("level", ["on_request", "closed"])
def test_data_that_is_not_open_states_its_basis(make_dataset, level):
    assert "open_basis" in errors_of(make_dataset, open_type=level, open_basis=[])
    made = make_dataset(open_type=level)
    assert made["open_basis"] == [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


def test_data_on_request_states_its_conditions(make_dataset):
    assert list(errors_of(make_dataset, open_type="on_request", open_condition="")) == [
        "open_condition"
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"share_type": "conditional", "share_condition": ""}, "share_condition"),
        (
            {
                "share_type": "none",
                "open_type": "closed",
                "share_basis": "",
                "share_condition": "涉及个人信息",
            },
            "share_basis",
        ),
        ({"share_type": "none", "share_condition": "内部", "share_basis": "档案法"}, "open_type"),
        ({"format_class": "2", "format_type": "PDF", "items": ITEMS}, "format_type"),
        ({"format_class": "3", "format_type": "MySQL"}, "items"),
        ({"format_class": "6", "format_type": "SelfDescribing"}, "format_note"),
        ({"contains_personal_information": "yes"}, "desensitize_note"),
    ],
)
def test_obligations_across_fields(make_dataset, fields, field):
    assert list(errors_of(make_dataset, **fields)) == [field]


def test_rows_of_items_come_back_as_they_were_sent(make_dataset):
    made = make_dataset(format_class="2", format_type="CSV", items=ITEMS)
    assert call_action("package_show", id=made["id"])["items"] == ITEMS


def test_items_may_be_sent_as_json_text_but_not_as_something_else(make_dataset):
    made = make_dataset(items='[{"name": "站点", "data_type": "C"}]')
    assert made["items"] == [{"name": "站点", "data_type": "C"}]
    assert list(errors_of(make_dataset, items="站点、票价")) == ["items"]


def test_an_item_needs_a_name_and_a_known_type(make_dataset):
    found = errors_of(make_dataset, items=[{"name": "站点"}, {"field": "x", "data_type": "Q"}])
    assert set(found["items"][1]) == {"name", "data_type"}


def test_dates_are_days_and_not_in_the_future(make_dataset):
    made = make_dataset(released="2018-03-01 17:55:02", data_updated="2018年3月1日")
    assert (made["released"], made["data_updated"]) == ("2018-03-01", "2018-03-01")
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
    assert list(errors_of(make_dataset, released=tomorrow.date().isoformat())) == ["released"]
    assert list(errors_of(make_dataset, data_updated="去年")) == ["data_updated"]


def test_a_provider_does_not_list_one_title_twice(make_dataset):
    make_dataset(title="公交线路（2019）")
    assert list(errors_of(make_dataset, title=" 公交线路(2019)　")) == ["title"]
    other = factories.Organization(name="harbin-tjj", title="哈尔滨市统计局")
    assert (
        make_dataset(title="公交线路（2019）", owner_org=other["id"])["title"] == "公交线路（2019）"
    )


def test_saving_a_dataset_again_under_its_own_title_is_no_duplicate(make_dataset):
    made = make_dataset()
    assert (
        call_action("package_update", **{**made, "notes": "另一段足够长的摘要文字"})["title"]
        == made["title"]
    )


def test_tags_survive_chinese_separators_and_signs(make_dataset):
    made = make_dataset(tag_string="公交，线路、站点（牌）;票价 X", tags=[{"name": "交通/运输"}])
    assert {tag["name"] for tag in made["tags"]} == {"公交", "线路", "站点-牌", "票价", "交通-运输"}


def test_a_name_is_made_by_rule_not_from_a_munged_title(make_dataset):
    made = make_dataset(name="")
    assert made["name"].startswith("harbin-jtysj-")
    assert len(made["name"]) == len("harbin-jtysj-") + 12


def test_a_file_may_be_stricter_and_only_masked_or_sampled_looser(make_dataset):
    file = {"url": "https://data.example.gov.cn/a.csv", "format": "CSV"}
    strict = make_dataset(resources=[{**file, "open_type": "closed"}])
    assert strict["resources"][0]["open_type"] == "closed"
    assert "resources" in errors_of(
        make_dataset, open_type="closed", resources=[{**file, "open_type": "open"}]
    )
    masked = make_dataset(
        open_type="closed", resources=[{**file, "open_type": "open", "derivative": "masked"}]
    )
    assert masked["resources"][0]["derivative"] == "masked"


def test_a_stricter_dataset_is_checked_against_files_that_did_not_change(make_dataset):
    made = make_dataset(
        open_type="on_request",
        resources=[{"url": "https://data.example.gov.cn/a.csv", "open_type": "on_request"}],
    )
    with pytest.raises(tk.ValidationError) as raised:
        call_action("package_patch", id=made["id"], open_type="closed")
    assert "resources" in raised.value.error_dict


def test_related_codes_are_a_list(make_dataset):
    made = make_dataset(related_codes="3070230100012/000001\n3070230100012/000002")
    assert made["related_codes"] == ["3070230100012/000001", "3070230100012/000002"]
    assert list(errors_of(make_dataset, related_codes=["307/1"])) == ["related_codes"]


def test_warnings_name_what_is_doubtful(make_dataset):
    made = make_dataset(
        share_type="conditional", share_condition="业务协同", related_codes=["3070230100012/000009"]
    )
    found = {w["code"] for w in call_action("hljshare_dataset_warnings", id=made["id"])}
    assert {"conditional_but_open", "related_code_unknown", "recommended"} <= found


def test_code_lists_are_served_in_both_languages():
    shown = call_action("hljshare_codelist_show", id="open_type")
    assert [item["code"] for item in shown["items"]] == ["open", "on_request", "closed"]
    assert {item["id"] for item in call_action("hljshare_codelist_list")} >= {"region", "theme"}
    with pytest.raises(tk.ObjectNotFound):
        call_action("hljshare_codelist_show", id="../secrets")
