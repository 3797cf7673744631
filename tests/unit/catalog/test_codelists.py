"""Code lists: complete, consistent, readable in both languages."""

from __future__ import annotations

import json

import pytest
import yaml

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.paths import SCHEMING

FORMAT_CLASSES = set("1234567")


@pytest.mark.parametrize("list_id", codelists.ids())
def test_every_list_says_where_it_comes_from_and_labels_each_code_once(list_id):
    loaded = codelists.load(list_id)
    assert loaded["id"] == list_id
    assert loaded["version"]
    assert loaded["source"]
    codes = codelists.codes(list_id)
    assert len(codes) == len(set(codes))
    for item in loaded["items"]:
        assert isinstance(item["code"], str)
        assert set(item["label"]) == {"zh_Hans_CN", "en"}
        assert all(isinstance(text, str) and text for text in item["label"].values())


def test_the_lists_the_design_names_have_their_codes_in_order():
    assert codelists.codes("share_type") == ["unconditional", "conditional", "none"]
    assert codelists.codes("open_type") == ["open", "on_request", "closed"]
    assert codelists.codes("update_cycle") == [
        "realtime",
        "hourly",
        "daily",
        "weekly",
        "dekad",
        "monthly",
        "quarterly",
        "semiannual",
        "annual",
        "biennial",
        "irregular",
        "never",
    ]
    assert codelists.codes("data_type") == list("CNYDTLMGBIF")
    assert codelists.codes("industry") == list("ABCDEFGHIJKLMNOPQRST")
    assert len(codelists.codes("theme")) == 14
    assert set(codelists.codes("format_class")) == FORMAT_CLASSES


def test_the_province_has_13_units_and_every_county_hangs_below_one():
    items = codelists.items("region")
    cities = {item["code"] for item in items if item["level"] == "city"}
    assert len(cities) == 13
    assert "232700" in cities
    assert "231300" not in cities
    counties = [item for item in items if item["level"] == "county"]
    assert len(counties) == 126
    assert all(
        item["parent"] in cities and item["code"][:4] == item["parent"][:4] for item in counties
    )
    slugs = [(item.get("parent"), item["slug"]) for item in items]
    assert len(slugs) == len(set(slugs))


def test_two_counties_of_one_name_are_told_apart_by_code_only():
    assert codelists.label("region", "230402") == codelists.label("region", "230803") == "向阳区"
    assert codelists.find("region", "向阳区") is None
    assert codelists.find("region", "230803") == "230803"


def test_a_retired_region_is_read_but_not_offered():
    assert codelists.label("region", "230182") == "双城市"
    assert not codelists.is_valid("region", "230182")
    assert all(
        codelists.is_valid("region", item["successor"])
        for item in codelists.load("region")["retired"]
    )


def test_statistical_codes_are_marked():
    marked = {item["code"] for item in codelists.items("region") if item.get("statistical")}
    assert marked == {"230671", "232761", "232762", "232763", "232764"}


def test_every_format_belongs_to_a_class_of_the_list():
    for item in codelists.items("format_type"):
        assert {item["class"], *item.get("classes", [])} <= FORMAT_CLASSES


@pytest.mark.parametrize(
    ("list_id", "text", "code"),
    [
        ("open_type", "无条件开放", "open"),
        ("open_type", "open", "open"),
        ("update_cycle", " 每季度 ", "quarterly"),
        ("format_type", "sysbase", "Sybase"),
        ("format_type", "csv", "CSV"),
        ("region", "哈尔滨", "230100"),
        ("region", "Harbin City", "230100"),
        ("open_type", "有条件开放", None),
        ("open_type", "1", None),
        ("open_type", "", None),
    ],
)
def test_a_text_finds_its_code_or_nothing(list_id, text, code):
    assert codelists.find(list_id, text) == code


def test_an_unknown_code_is_shown_as_it_is_and_no_code_as_nothing():
    assert codelists.label("theme", "moon") == "moon"
    assert codelists.label("theme", None) == ""


def test_the_way_up_from_a_county():
    assert codelists.ancestors("region", "230102") == ["230000", "230100", "230102"]


def test_a_list_that_does_not_exist_is_an_error_even_as_a_path():
    for name in ("moon", "../organization", "/etc/passwd"):
        with pytest.raises(codelists.UnknownCodeListError):
            codelists.load(name)


def fields_of(schema, key="dataset_fields"):
    for field in yaml.safe_load((SCHEMING / schema).read_text(encoding="utf-8"))[key]:
        yield field
        yield from field.get("repeating_subfields", [])


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        ("dataset.yaml", "dataset_fields"),
        ("dataset.yaml", "resource_fields"),
        ("organization.yaml", "fields"),
    ],
)
def test_every_field_is_labelled_in_both_languages_and_its_code_list_exists(schema, key):
    for field in fields_of(schema, key):
        assert set(field["label"]) == {"zh_Hans_CN", "en"}
        assert set(field.get("help_text", field["label"])) == {"zh_Hans_CN", "en"}
        if "codelist" in field:
            assert field["codelist"] in codelists.ids()


def test_the_schema_holds_every_field_of_the_design():
    names = {field["field_name"] for field in fields_of("dataset.yaml")}
    wanted = """
    title notes owner_org license_id tag_string resource_code catalog_class provider_inner
    format_class format_type items share_type share_condition share_mode share_basis
    open_type open_condition open_basis use_condition use_scope update_cycle released
    data_updated related_codes theme industry content_kind region_code contact_name
    contact_phone data_manager contains_personal_information desensitize_note supply_channel
    source_site review_date held_reason withdrawn_on secrecy_review source_name source_id
    source_url"""
    assert names >= set(wanted.split())


def test_licences_are_of_the_form_that_ckan_reads():
    licences = json.loads((SCHEMING / "licenses.json").read_text(encoding="utf-8"))
    assert licences[0]["id"] == "hlj-open"
    assert {"CC-BY-4.0", "notspecified"} <= {licence["id"] for licence in licences}
    assert all(licence["title"] and licence["title_en"] for licence in licences)
