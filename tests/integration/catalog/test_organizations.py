"""The tree of organizations: loading, counting, moving, and who administers whom."""

from __future__ import annotations

import time

import ckan.model as model
import ckan.plugins.toolkit as tk
import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.catalog import organizations, orgdata, orgload


@pytest.fixture
def tree(clean_db, clean_index):
    """Province > two cities > an agency each."""
    listed = [
        {
            "name": "hlj",
            "title": "黑龙江省",
            "level": "province",
            "region_code": "230000",
            "parent": None,
        },
        {
            "name": "harbin",
            "title": "哈尔滨市",
            "level": "city",
            "region_code": "230100",
            "parent": "hlj",
        },
        {
            "name": "heihe",
            "title": "黑河市",
            "level": "city",
            "region_code": "231100",
            "parent": "hlj",
        },
        {
            "name": "harbin-tjj",
            "title": "哈尔滨市统计局",
            "level": "agency",
            "region_code": "230100",
            "parent": "harbin",
        },
        {
            "name": "heihe-tjj",
            "title": "黑河市统计局",
            "level": "agency",
            "region_code": "231100",
            "parent": "heihe",
        },
    ]
    orgload.load(listed)
    return {name: model.Group.get(name).id for name in (item["name"] for item in listed)}


@pytest.fixture
def city_admin(tree):
    user = factories.User()
    call_action("organization_member_create", id="harbin", username=user["name"], role="admin")
    return user["name"]


def record(owner_org, **fields):
    return {
        "title": "粮食产量",
        "notes": "各县粮食产量，按年统计。",
        "owner_org": owner_org,
        "open_type": "open",
        "update_cycle": "annual",
        "secrecy_review": "办公室 2026-01-05",
        **fields,
    }


def as_user(name):
    return {"user": name, "ignore_auth": False}


def totals(nodes):
    found = {}
    for node in nodes:
        found[node["name"]] = (node["count"], node["total"])
        found.update(totals(node["children"]))
    return found


@pytest.mark.usefixtures("clean_db")
def test_the_whole_province_loads_quickly_and_only_once():
    listed = orgdata.read()
    started = time.monotonic()
    first = orgload.load(listed)
    assert time.monotonic() - started < 15
    assert first == {"created": len(listed), "attached": 0, "existing": 0}
    assert orgload.load(listed) == {
        "created": 0,
        "attached": 0,
        "existing": len(listed),
    }
    tops = call_action("hljshare_organization_tree")
    assert [node["name"] for node in tops] == ["hlj"]
    cities = [node for node in tops[0]["children"] if node["level"] == "city"]
    assert len(cities) == 13
    assert cities[-1]["title"] == "大兴安岭地区"


def test_loading_again_keeps_what_people_changed(tree):
    call_action("organization_patch", id="harbin-tjj", title="哈尔滨市统计与调查局")
    orgload.load(orgdata.read())
    assert model.Group.get("harbin-tjj").title == "哈尔滨市统计与调查局"


def test_loading_hangs_up_only_what_never_had_a_parent(tree):
    call_action("hljshare_organization_move", id="harbin-tjj")
    factories.Organization(name="heihe-fgw", title="黑河市发展和改革委员会")
    assert orgload.load(orgdata.read())["attached"] == 1
    assert [step["name"] for step in organizations.path("harbin-tjj")] == ["harbin-tjj"]
    assert [step["name"] for step in organizations.path("heihe-fgw")] == [
        "hlj",
        "heihe",
        "heihe-fgw",
    ]


def test_a_list_with_an_unknown_parent_writes_nothing(tree):
    with pytest.raises(ValueError, match="nowhere"):
        orgload.load(
            [
                {"name": "new", "title": "新机构", "parent": "hlj"},
                {"name": "lost", "title": "迷路机构", "parent": "nowhere"},
            ]
        )
    assert model.Group.get("new") is None


def test_counts_include_descendants_and_only_what_the_caller_may_see(tree):
    call_action("package_create", **record(tree["harbin-tjj"]))
    call_action("package_create", **record(tree["harbin-tjj"], title="暂存", private=True))
    call_action("package_create", **record(tree["heihe-tjj"]))
    found = totals(call_action("hljshare_organization_tree", {"user": "", "ignore_auth": False}))
    assert found == {
        "hlj": (0, 2),
        "harbin": (0, 1),
        "harbin-tjj": (1, 1),
        "heihe": (0, 1),
        "heihe-tjj": (1, 1),
    }
    assert [n["name"] for n in call_action("hljshare_organization_tree", id="heihe")] == ["heihe"]


def test_the_administrator_of_a_city_writes_for_its_agencies_only(tree, city_admin):
    made = call_action("package_create", as_user(city_admin), **record(tree["harbin-tjj"]))
    assert made["resource_code"] == "3070230100001/000001"
    assert made["region_code"] == "230100"
    call_action("organization_patch", as_user(city_admin), id="harbin-tjj", address="松北区")
    with pytest.raises((tk.NotAuthorized, tk.ValidationError)):
        call_action("package_create", as_user(city_admin), **record(tree["heihe-tjj"]))


def test_the_administrator_of_a_city_sees_the_private_datasets_of_its_agencies(tree, city_admin):
    call_action("package_create", **record(tree["harbin-tjj"], private=True))
    call_action("package_create", **record(tree["heihe-tjj"], private=True))
    found = call_action("package_search", as_user(city_admin), include_private=True)
    assert [item["organization"]["name"] for item in found["results"]] == ["harbin-tjj"]


def test_moving_an_agency_keeps_its_datasets_and_their_codes_and_moves_the_counts(tree):
    made = call_action("package_create", **record(tree["harbin-tjj"]))
    moved = call_action("hljshare_organization_move", id="harbin-tjj", parent="heihe")
    assert moved["path"] == ["hlj", "heihe", "harbin-tjj"]
    shown = call_action("package_show", id=made["id"])
    assert (shown["owner_org"], shown["resource_code"]) == (
        tree["harbin-tjj"],
        made["resource_code"],
    )
    assert totals(call_action("hljshare_organization_tree"))["heihe"] == (0, 1)
    below = call_action("package_search", fq="hljshare_org_path:heihe")
    assert [item["id"] for item in below["results"]] == [made["id"]]


def test_an_organization_never_stands_below_itself(tree):
    for parent in ("hlj", "harbin", "harbin-tjj"):
        with pytest.raises(tk.ValidationError) as raised:
            call_action("hljshare_organization_move", id="hlj", parent=parent)
        assert list(raised.value.error_dict) == ["parent"]
    with pytest.raises(tk.ValidationError):
        call_action("organization_patch", id="harbin", parent="harbin-tjj")


def test_only_who_administers_both_ends_moves_an_agency(tree, city_admin):
    with pytest.raises(tk.NotAuthorized):
        call_action(
            "hljshare_organization_move", as_user(city_admin), id="harbin-tjj", parent="heihe"
        )
    with pytest.raises(tk.ValidationError):
        call_action("organization_patch", as_user(city_admin), id="harbin-tjj", parent="heihe")
    assert [step["name"] for step in organizations.path("harbin-tjj")] == [
        "hlj",
        "harbin",
        "harbin-tjj",
    ]


def test_the_parent_is_set_kept_and_taken_away_by_the_form_field(tree):
    sysadmin = as_user(factories.Sysadmin()["name"])
    call_action(
        "organization_create",
        sysadmin,
        name="harbin-new",
        title="哈尔滨市新局",
        parent="harbin",
        level="agency",
    )
    assert [step["name"] for step in organizations.path("harbin-new")] == [
        "hlj",
        "harbin",
        "harbin-new",
    ]
    call_action("organization_patch", sysadmin, id="harbin-new", address="某路1号")
    assert len(organizations.path("harbin-new")) == 3
    call_action("organization_patch", sysadmin, id="harbin-new", parent="")
    assert len(organizations.path("harbin-new")) == 1


def test_fields_of_an_organization_are_checked(tree):
    for fields in (
        {"uscc": "123"},
        {"region_code": "999999"},
        {"level": "village"},
        {"contact_phone": "张三"},
    ):
        with pytest.raises(tk.ValidationError) as raised:
            call_action("organization_patch", id="harbin-tjj", **fields)
        assert list(raised.value.error_dict) == list(fields)
    # The check character is only warned about: real codes fail it.
    call_action("organization_patch", id="harbin-tjj", uscc="91350211m0000xuf46")
    made = call_action("package_create", **record(tree["harbin-tjj"]))
    found = call_action("hljshare_dataset_warnings", id=made["id"])
    assert "uscc" in {warning["code"] for warning in found}
