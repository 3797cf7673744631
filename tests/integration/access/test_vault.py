"""Addresses of what is not open never stand in a resource; they come back when it is opened."""

from __future__ import annotations

import json

import pytest
from ckan import model
from ckan.tests import factories, helpers
from ckan.tests.helpers import call_action

from ckanext.hljshare.access import vault

SECRET = "https://internal.example.gov.cn/canary-7d1f/rows.csv"
RESTRICTED = ["on_request", "closed"]


def as_site_user():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def everywhere(dataset):
    """Return all that CKAN keeps or shows of a dataset, as one text."""
    shown = call_action("package_show", as_site_user(), id=dataset["id"])
    found = call_action("package_search", as_site_user(), fq=f"id:{dataset['id']}", fl="*")
    rows = [
        str(dict(row._mapping))
        for table in ("resource", "package")
        for row in model.Session.execute(
            __import__("sqlalchemy").text(f"select * from {table}")
        ).fetchall()
    ]
    return json.dumps([shown, found], ensure_ascii=False, default=str) + "".join(rows)


@pytest.mark.parametrize("level", RESTRICTED)
def test_a_restricted_address_goes_to_the_vault(make_dataset, level):
    """It stands nowhere in CKAN's tables, answers or index, and the vault has it."""
    dataset = make_dataset(open_type=level, resources=[{"name": "明细", "url": SECRET}])
    resource = dataset["resources"][0]
    assert resource["url"].endswith(f"/share/{resource['id']}")
    assert "canary-7d1f" not in everywhere(dataset)
    assert vault.address(resource["id"]) == SECRET


def test_an_open_address_stays(make_dataset):
    """Open data is obtained directly (6.1 d)."""
    dataset = make_dataset(resources=[{"name": "线路", "url": "https://data.example.cn/a.csv"}])
    assert dataset["resources"][0]["url"] == "https://data.example.cn/a.csv"


def test_a_stricter_file_of_an_open_dataset_is_protected(make_dataset):
    """A file may be stricter than its dataset."""
    dataset = make_dataset(
        resources=[
            {"name": "汇总", "url": "https://data.example.cn/a.csv"},
            {"name": "明细", "url": SECRET, "open_type": "on_request"},
        ]
    )
    assert dataset["resources"][0]["url"] == "https://data.example.cn/a.csv"
    assert "canary-7d1f" not in everywhere(dataset)


def test_a_dataset_without_a_level_is_protected(make_dataset):
    """A held dataset (unknown opening status) keeps its addresses in the vault."""
    dataset = make_dataset(
        private=True, open_type="", share_type="", resources=[{"name": "明细", "url": SECRET}]
    )
    assert "canary-7d1f" not in everywhere(dataset)
    assert vault.address(dataset["resources"][0]["id"]) == SECRET


def test_changing_the_level_moves_the_address_both_ways(make_dataset):
    """Stricter: into the vault. Open again: back, and the vault forgets it."""
    dataset = make_dataset(resources=[{"name": "线路", "url": SECRET}])
    stricter = call_action(
        "package_patch",
        as_site_user(),
        id=dataset["id"],
        open_type="on_request",
        open_condition="说明用途",
        open_basis=[{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
        share_type="conditional",
        share_condition="业务协同",
    )
    assert "canary-7d1f" not in everywhere(stricter)
    opened = call_action("package_patch", as_site_user(), id=dataset["id"], open_type="open")
    assert opened["resources"][0]["url"] == SECRET
    assert vault.address(opened["resources"][0]["id"]) is None


def test_saving_what_was_shown_loses_nothing(make_dataset):
    """A form round trip with the gated address keeps the real one."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    shown = call_action("package_show", as_site_user(), id=dataset["id"])
    shown["notes"] = "全市公交线路的起点、终点、票价和运营时间（修订）。"
    shown["resources"][0]["description"] = "新的说明"
    call_action("package_update", as_site_user(), **shown)
    assert vault.address(dataset["resources"][0]["id"]) == SECRET


def test_editors_replace_the_address_through_their_own_field(make_dataset):
    """`locator` sets the address and is itself never stored."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    resource = dataset["resources"][0]
    other = "https://internal.example.gov.cn/canary-9b/other.csv"
    call_action("resource_patch", as_site_user(), id=resource["id"], locator=other)
    assert vault.address(resource["id"]) == other
    assert "canary-9b" not in everywhere(dataset)


def test_a_failed_write_leaves_the_vault_alone(make_dataset):
    """The address is stored with the dataset or not at all."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    resource = dataset["resources"][0]
    with pytest.raises(helpers.logic.ValidationError):
        call_action(
            "package_patch",
            as_site_user(),
            id=dataset["id"],
            open_basis=[],
            resources=[{**resource, "locator": "https://internal.example.gov.cn/new"}],
        )
    assert vault.address(resource["id"]) == SECRET


def test_only_editors_see_the_address(make_dataset, agency):
    """The owning agency's editors may; an outsider and another agency's editor may not."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    resource_id = dataset["resources"][0]["id"]
    editor, outsider, stranger = factories.User(), factories.User(), factories.User()
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    for user, org in ((editor, agency), (stranger, other)):
        call_action(
            "organization_member_create",
            as_site_user(),
            id=org["id"],
            username=user["name"],
            role="editor",
        )
    context = {"user": editor["name"], "ignore_auth": False}
    assert call_action("hljshare_locator_show", context, id=resource_id)["url"] == SECRET
    for user in (outsider, stranger):
        with pytest.raises(helpers.logic.NotAuthorized):
            call_action(
                "hljshare_locator_show",
                {"user": user["name"], "ignore_auth": False},
                id=resource_id,
            )


def test_the_address_of_a_copy_is_not_kept_where_the_file_is_not_open(make_dataset):
    copy = "https://copy.example.gov.cn/a.csv"
    for level in ("on_request", "closed", "open"):
        file = {"name": "线路", "url": "https://data.example.gov.cn/a.csv", "cache_url": copy}
        shown = make_dataset(open_type=level, resources=[file])["resources"][0]
        assert shown["cache_url"] == (copy if level == "open" else None)


def test_what_is_withdrawn_shows_no_address_until_it_is_back(make_dataset):
    dataset = make_dataset(resources=[{"name": "线路", "url": "https://data.example.gov.cn/a.csv"}])

    def address(**fields):
        call_action("package_patch", {"ignore_auth": True}, id=dataset["id"], **fields)
        return call_action("package_show", id=dataset["id"])["resources"][0]["url"]

    assert "/share/" in address(withdrawn_on="2026-11-01")
    assert address(withdrawn_on="") == "https://data.example.gov.cn/a.csv"
