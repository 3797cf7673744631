"""The list is imported again: into an empty portal, by the harvester of catalog sheets, with the
mapping that holds for every source. Nothing that it says is lost, nothing public is held."""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import pytest
from ckan.lib.search import clear_all
from ckan.tests import factories
from ckan.tests.helpers import call_action, reset_db

from ckanext.hljshare.ingest import engine, sources
from ckanext.hljshare.ingest.fetch import Fetcher
from harvesters import mapping
from harvesters.catalog_sheet import CatalogSheet, CatalogSheetHarvester

FIELDS = (
    "title",
    "notes",
    "resource_code",
    "catalog_class",
    "provider_inner",
    "format_class",
    "format_type",
    "format_note",
    "items",
    "share_type",
    "share_condition",
    "share_basis",
    "share_mode",
    "open_type",
    "open_condition",
    "open_basis",
    "use_condition",
    "use_scope",
    "update_cycle",
    "released",
    "data_updated",
    "review_date",
    "related_codes",
    "theme",
    "industry",
    "region_code",
    "contact_name",
    "contact_phone",
    "private",
)
ITEMS = [
    {"name": "线路（首末站、编号）", "data_type": "C"},
    {"name": "注册号/统一社会信用代码", "data_type": "C"},
    {"name": "票价", "data_type": "N"},
    {"name": "备注"},
]
DATASETS = [
    {
        "title": "公交线路信息",
        "notes": "全市公交线路的起点、终点。\n票价和运营时间见信息项。",
        "format_class": "2",
        "format_type": "CSV",
        "items": ITEMS,
        "share_mode": "platform_api",
        "update_cycle": "hourly",
        "released": "2024-01-24",
        "data_updated": "2026-10-20",
        "related_codes": ["307023/1", "307023/2"],
        "theme": "transport",
        "industry": "G",
        "region_code": "230102",
        "contact_name": "信息中心",
        "contact_phone": "0451-12345",
        "provider_inner": "信息中心",
        "use_condition": "注明来源",
        "use_scope": "不限",
    },
    {
        "title": "公交线路客流",
        "open_type": "on_request",
        "open_condition": "限科研院校",
        "open_basis": [
            {
                "law": "中华人民共和国个人信息保护法",
                "article": "第五十五条",
                "url": "https://law.example.cn/a",
            },
            {"law": "黑龙江省促进大数据发展应用条例"},
        ],
        "share_type": "conditional",
        "share_condition": "用于城市交通规划",
        "format_class": "6",
        "format_type": "JSON",
        "items": [{"name": "客流量(人次/日)", "data_type": "I"}],
        "format_note": "JSON（RFC 8259）文本",
        "update_cycle": "dekad",
        "released": "2025-03-01",
        "review_date": "2027-06-30",
        "catalog_class": "201",
    },
    {
        "title": "=1+1 线路规划底图",
        "open_type": "closed",
        "open_basis": [{"law": "中华人民共和国测绘法", "article": "第四十七条"}],
        "share_type": "none",
        "share_condition": "内部管理信息",
        "share_basis": "《中华人民共和国测绘法》第四十七条",
        "format_class": "3",
        "format_type": "Oracle",
        "items": [{"name": "坐标", "data_type": "B"}],
        "share_mode": "medium",
        "update_cycle": "irregular",
        "released": "2024-02-29",
    },
    {
        "title": "'-线路实时位置",
        "share_type": "conditional",
        "share_condition": "业务协同使用",
        "format_class": "7",
        "format_type": "REST",
        "update_cycle": "realtime",
        "items": [{"name": "车号", "data_type": "C"}],
        "released": "2026-01-01",
    },
]


def city():
    factories.Organization(name="harbin", title="哈尔滨市", level="city", region_code="230100")
    factories.Organization(
        name="harbin-gjjt",
        title="哈尔滨市公共交通局",
        level="agency",
        parent="harbin",
        uscc="11230100000000002X",
    )


def site():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def catalog():
    """All datasets by title: the fields that the list tells of, empty ones left out."""
    found = call_action("package_search", site(), q="*:*", rows=100, include_private=True)
    return {
        dataset["title"]: {
            **{name: dataset[name] for name in FIELDS if dataset.get(name)},
            "agency": dataset["organization"]["title"],
            "tags": sorted(tag["name"] for tag in dataset["tags"]),
        }
        for dataset in found["results"]
    }


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_what_was_exported_comes_back_field_for_field(
    ending, app, clean_db, clean_index, tmp_path, monkeypatch
):
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "127.0.0.0/8")
    city()
    for number, fields in enumerate(DATASETS):
        call_action(
            "package_create",
            site(),
            name=f"dataset-{number}",
            owner_org="harbin-gjjt",
            secrecy_review="办公室 2026-01-05",
            tags=[{"name": "公交"}, {"name": "线路"}],
            **{
                "notes": "全市公交线路的起点、终点、票价和运营时间。",
                "open_type": "open",
                "share_type": "unconditional",
                **fields,
            },
        )
    before = catalog()
    assert set(before) == {each["title"] for each in DATASETS}
    path = tmp_path / f"list.{ending}"
    path.write_bytes(app.get(f"/catalog-list.{ending}").data)

    reset_db()
    clear_all()
    city()
    adapter = CatalogSheet(str(path), mapping.load(), Fetcher(local_files=True))
    row = sources.create(
        "again", "catalog_sheet", "http://source.example.cn/", sources.organization("harbin"), None
    )
    told = engine.run(CatalogSheetHarvester().source(row, mapping.load()), adapter)
    assert {name: told[name] for name in ("created", "held", "rejected")} == {
        "created": len(DATASETS),
        "held": 0,
        "rejected": 0,
    }
    after = catalog()
    assert set(after) == set(before)
    for title, fields in before.items():
        # Lists mean their release where they name no later update.
        assert after[title] == {"data_updated": fields["released"], **fields}, title
