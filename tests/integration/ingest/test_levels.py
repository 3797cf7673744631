"""Levels of what is public, against sources that loosen, and people who closed it meanwhile."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.ingest import engine, sources
from ckanext.hljshare.ingest.dataset import Source
from ckanext.hljshare.ingest.record import PARTIAL, CatalogRecord, ResourceRecord

BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
SHUT = {
    "open_condition": "说明用途",
    "open_basis": BASIS,
    "share_type": "none",
    "share_condition": "不共享",
    "share_basis": "《暂行办法》第十条",
}


def record(**fields: Any) -> CatalogRecord:
    values = {
        "notes": "全市公交线路。",
        "open_type": "open",
        "share_type": "unconditional",
        "update_cycle": "monthly",
        "items": [{"name": "线路名称"}],
        **fields,
    }
    file = ResourceRecord("1", "表", "https://in.example/secret.csv", "HTML")
    return CatalogRecord("1", "公交线路信息", "交通运输局", values, (), (file,))


class Listed:
    total = None

    def __init__(self, *records: CatalogRecord) -> None:
        self._records, self.midway = records, lambda: None

    def records(self) -> Any:
        yield from self._records
        self.midway()


@pytest.fixture
def source(clean_db, clean_index) -> Source:
    """Return a source of Harbin."""
    city = factories.Organization(
        name="harbin",
        title="哈尔滨市",
        level="city",
        region_code="230100",
        contact_phone="12345678",
    )
    row = sources.create("here", "catalog_sheet", "file:///nowhere.csv", city["id"], None)
    return Source(row.id, "here", "这里", "catalog_sheet", "file:///nowhere.csv", city["id"])


@pytest.fixture
def admin(source) -> dict[str, Any]:
    return {"user": factories.Sysadmin()["name"], "ignore_auth": True}


def run(source: Source, *records: CatalogRecord) -> dict[str, Any]:
    found = engine.run(source, Listed(*records))
    return {name: value for name, value in found.items() if value and name != "seen"}


def shown() -> dict[str, Any]:
    found = call_action("package_search", {"ignore_auth": True}, include_private=True)
    return call_action("package_show", id=found["results"][0]["id"])


def test_who_closes_a_dataset_while_its_source_is_read_has_the_last_word(source, admin):
    run(source, record())
    adapter = Listed(record(notes="新的说明。"))

    def close() -> None:
        call_action("package_patch", admin, id=shown()["id"], open_type="closed", **SHUT)

    adapter.midway = close
    assert engine.run(source, adapter)["held"] == 1
    found = shown()
    assert (found["open_type"], found["share_type"]) == ("closed", "none")
    assert found["notes"] == "新的说明。"
    assert "secret" not in json.dumps(found)


def test_sharing_is_not_loosened_by_a_source_either(source, admin):
    run(source, record(open_type="closed", **SHUT))
    wider = {**SHUT, "share_type": "unconditional"}
    assert run(source, record(open_type="closed", **wider)) == {"held": 1}
    assert shown()["share_type"] == "none"
    waiting = call_action("hljshare_level_change_list", {**admin, "ignore_auth": False})
    assert waiting["results"][0]["values"]["share_type"] == "unconditional"


def test_what_its_source_cannot_vouch_for_any_more_stays_as_it_was(source):
    run(source, record())
    doubtful = replace(record(notes="新的说明。"), held="personal-data-columns: 身份证号")
    assert run(source, doubtful) == {"held": 1}
    assert shown()["notes"] == "全市公交线路。"
    assert run(source, record()) == {"unchanged": 1}


def test_a_record_in_part_may_close_and_does_nothing_else(source):
    run(source, record())
    part = replace(record(open_type="closed", **SHUT), resources=(), warnings=(PARTIAL,))
    assert run(source, part) == {"updated": 1}
    found = shown()
    assert found["open_type"] == "closed"
    assert len(found["resources"]) == 1
    assert "secret" not in json.dumps(found)


def test_who_closes_without_a_basis_hides(source):
    run(source, record())
    assert run(source, record(open_type="closed", share_type="conditional")) == {"held": 1}
    assert shown()["private"]


def test_what_people_added_or_wrote_outlives_the_source(source, admin):
    run(source, record())
    name = shown()["name"]
    call_action("package_patch", admin, id=name, secrecy_review="保密办 2026-11-20")
    call_action(
        "resource_create", admin, package_id=name, name="人工补充", url="https://b.example/x.html"
    )
    run(source, record(notes="新的说明。"))
    assert shown()["secrecy_review"] == "保密办 2026-11-20"
    engine.run(source, Listed(replace(record(), native_id="2", title="另一个")))
    run(source, record(notes="又一次。"), replace(record(), native_id="2", title="另一个"))
    found = call_action("package_show", id=name)
    assert {item["name"] for item in found["resources"]} == {"表", "人工补充"}
