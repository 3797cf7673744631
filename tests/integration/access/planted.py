"""A small portal full of planted words: each stands in one kind of place and nowhere else.

`zq7` begins every word, so that a search for the beginning asks for all of them, and an answer that
repeats what was asked for is told apart from one that knows the word.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import openpyxl
from ckan import model
from ckan.lib.search import rebuild
from ckan.tests import factories
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

START = "zq7"
WORD = re.compile(r"zq7[a-z]{3,}")
SHUT = {
    "open_type": "on_request",
    "open_condition": "说明用途",
    "open_basis": [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
    "share_type": "conditional",
    "share_condition": "业务协同",
}
# What everybody may read before the changes of `change`, and what the holder of a grant may.
OPEN_BEFORE = {"zq7tightened", "zq7oldname", "zq7oldrows", "zq7oldcolumn", "zq7erased"} | {
    "zq7erasedfile",
    "zq7removed",
    "zq7removedaddress",
}
GRANTED = {"zq7grantedcolumn", "zq7grantedrows"}
OPEN_AFTER = {"zq7loosened"}


def site() -> dict[str, Any]:
    """The portal itself, as a command or a job acts."""
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def address(word: str) -> str:
    """A file's address that holds a word."""
    return f"https://{START}{word}.example.gov.cn/odweb/rows.csv"


def member(user: dict[str, Any], org: dict[str, Any], role: str) -> None:
    """Give a person a role."""
    call_action(
        "organization_member_create", site(), id=org["id"], username=user["name"], role=role
    )


def upload(dataset: dict[str, Any], name: str, rows: str, **fields: Any) -> dict[str, Any]:
    """Add a file to a dataset."""
    return call_action(
        "resource_create",
        site(),
        package_id=dataset["id"],
        name="表",
        format="CSV",
        upload=FileStorage(io.BytesIO(f"a\n{rows}\n".encode()), filename=name),
        **fields,
    )


def table(file_id: str, column: str, value: str, **fields: Any) -> None:
    """Give a file a table of one row."""
    call_action(
        "datastore_create",
        site(),
        resource_id=file_id,
        fields=[{"id": column, "type": "text"}],
        records=[{column: value}],
        force=True,
        **fields,
    )


def _by_form(app: Any, agency: dict[str, Any], token: str) -> str:
    """Make a dataset and its file as an editor does, page after page; return its id."""
    headers = {"Authorization": token}
    values = {
        "title": "表单录入的信息",
        "notes": "由编辑人员在页面上录入的数据集。",
        "owner_org": agency["id"],
        "private": "False",
        "open_type": "on_request",
        "open_condition": "说明用途",
        "open_basis-1-law": "中华人民共和国数据安全法",
        "open_basis-1-article": "第三十八条",
        "share_type": "conditional",
        "share_condition": "业务协同",
        "update_cycle": "monthly",
        "secrecy_review": "办公室 2026-01-05",
        "_ckan_phase": "1",
        "save": "",
    }
    made = app.post("/dataset/new", data=values, headers=headers, follow_redirects=False)
    found = re.search(r"/dataset/([^/]+)/resource/new", made.headers.get("Location", ""))
    assert found, made.body[:2000]
    file = {"name": "明细", "url": address("form"), "id": "", "save": "go-metadata"}
    app.post(f"/dataset/{found[1]}/resource/new", data=file, headers=headers)
    dataset = call_action("package_show", site(), id=found[1])
    assert dataset["state"] == "active"
    assert dataset["resources"]
    return dataset["id"]


def _by_harvest(folder: Path) -> str:
    """Let a source bring a dataset; return its id."""
    from ckanext.hljshare.ingest import cli, engine

    book = openpyxl.Workbook()
    row = {
        "信息资源名称": "采集来的信息",
        "来源部门": "交通运输局",
        "开放类型": "依申请开放",
        "开放条件": "说明用途后提供",
        "开放依据": "《数据安全法》第三十八条",
        "共享类型": "",
        "更新频率": "每年",
        "所属主题": "道路交通",
        "资源格式": "CSV",
        "摘要": "各线路的起点、终点和运营时间说明",
        "信息项名称": "线路名称",
        "下载地址": address("harvested"),
        "发布日期": "2024-01-02",
    }
    book.active.append(list(row))
    book.active.append(list(row.values()))
    path = folder / "list.xlsx"
    book.save(path)
    done = cli.run_source("sheet", "catalog_sheet", str(path), "harbin", None, False, engine.silent)
    assert done["created"] == 1, done
    return call_action("package_search", site(), q="采集来的信息")["results"][0]["id"]


def _source(agency: dict[str, Any], dataset_id: str) -> dict[str, str]:
    """Make a harvest source with all that it remembers; return ids."""
    from ckanext.harvest import model as harvest

    source = call_action(
        "harvest_source_create",
        site(),
        name="source",
        title="来源",
        url="https://zq7source.example.gov.cn/",
        source_type="odweb",
        owner_org=agency["id"],
    )
    stored = harvest.HarvestSource.get(source["id"])
    # The form takes no free words; an older or another harvester's configuration may hold some.
    stored.config = json.dumps({"note": "zq7config"})
    model.Package.get(source["id"]).extras["config"] = stored.config
    job = harvest.HarvestJob(source=stored, status="Finished")
    record = harvest.HarvestObject(
        guid="1",
        content="zq7raw",
        job=job,
        source=job.source,
        package_id=dataset_id,
        current=True,
        extras=[harvest.HarvestObjectExtra(key="address", value="zq7extra")],
    )
    job.save()
    record.save()
    harvest.HarvestGatherError(message="zq7gather", job=job).save()
    harvest.HarvestObjectError(message="zq7failure", object=record, stage="Import").save()
    model.Session.commit()
    rebuild(package_id=source["id"])
    return {"source": source["id"], "job": job.id, "record": record.id}


def _hidden(make_dataset: Any, agency: dict[str, Any]) -> dict[str, str]:
    """Make what is not public at all: held, in draft, deleted."""
    held = make_dataset(
        name="held",
        title="暂缓zq7held",
        private=True,
        open_type="",
        share_type="",
        tag_string="zq7tag",
        held_reason="opening-missing zq7reason",
        resources=[{"name": "明细zq7heldfile", "url": address("held"), "format": "zq7format"}],
    )
    make_dataset(name="draft", title="草稿zq7draft", state="draft")
    gone = make_dataset(
        name="gone", title="已删zq7gone", resources=[{"name": "甲", "url": address("deleted")}]
    )
    call_action("package_delete", site(), id=gone["id"])
    return {
        "held": held["id"],
        "held_file": held["resources"][0]["id"],
        "gone": gone["id"],
        "gone_file": gone["resources"][0]["id"],
        "tag": "zq7tag",
    }


def _changing(make_dataset: Any, person: dict[str, Any]) -> dict[str, str]:
    """Make what `change` changes."""
    ids = {}
    made = {
        "tightened": make_dataset(
            name="tightened", resources=[{"name": "链接", "url": address("tightened")}]
        ),
        "loosened": make_dataset(
            name="loosened",
            open_type="on_request",
            resources=[
                {"name": "甲", "url": address("loosened")},
                {"name": "乙", "url": address("stays"), "open_type": "closed"},
            ],
        ),
        "granted": make_dataset(
            name="granted",
            open_type="on_request",
            resources=[{"name": "丙", "url": address("granted"), "format": "CSV"}],
        ),
        "thinned": make_dataset(name="thinned", resources=[]),
        "removed": make_dataset(
            name="removed",
            title="撤下zq7removed",
            resources=[{"name": "丁", "url": address("removedaddress")}],
        ),
        "renamed": make_dataset(
            name="renamed",
            open_type="on_request",
            resources=[{"name": "戊", "url": address("renamed")}],
        ),
        "moved": make_dataset(
            name="moved", open_type="closed", resources=[{"name": "己", "url": address("moved")}]
        ),
    }
    for name, dataset in made.items():
        ids[name] = dataset["id"]
        if dataset["resources"]:
            ids[f"{name}_file"] = dataset["resources"][0]["id"]
    ids["stays_file"] = made["loosened"]["resources"][1]["id"]
    ids["old_upload"] = upload(made["tightened"], "zq7oldname.csv", "zq7oldrows")["id"]
    table(ids["old_upload"], "zq7oldcolumn", "zq7oldrows")
    ids["thinned_file"] = upload(made["thinned"], "zq7erasedfile.csv", "zq7erased")["id"]
    table(ids["granted_file"], "zq7grantedcolumn", "zq7grantedrows")
    grant = call_action(
        "hljshare_grant_create",
        site(),
        user=person["name"],
        dataset="granted",
        purpose="zq7purpose",
        conditions="zq7conditions",
        not_after=(datetime.now(timezone.utc) + timedelta(days=1)).isoformat(),
    )
    return {**ids, "grant": grant["id"]}


def build(
    app: Any, make_dataset: Any, agency: dict[str, Any], folder: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Fill the portal; return what a request needs to name things, and people's tokens."""
    city = factories.Organization(
        name="harbin",
        title="哈尔滨市",
        level="city",
        region_code="230100",
        contact_phone="0451-12345",
    )
    call_action(
        "organization_patch", site(), id=agency["id"], parent="harbin", region_code="230100"
    )
    owner = factories.UserWithToken(name="owner", email="zq7mail@example.org")
    member(owner, agency, "admin")
    member(owner, city, "admin")
    person, editor, holder = (factories.UserWithToken() for _ in range(3))
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    third = factories.Organization(name="hegang-gaj", title="鹤岗市公安局", level="agency")
    member(editor, other, "admin")
    linked = make_dataset(
        name="linked", open_type="on_request", resources=[{"name": "明细", "url": address("api")}]
    )
    call_action(
        "resource_patch",
        {"user": "owner"},
        id=linked["resources"][0]["id"],
        locator=address("locator"),
    )
    shut = make_dataset(
        name="shut", open_type="closed", resources=[{"name": "明细", "url": address("closed")}]
    )
    alias = f"alias_{uuid.uuid4().hex[:12]}"  # the tables outlive the tests
    tabled = make_dataset(name="table", open_type="on_request", resources=[])
    file = upload(tabled, "zq7file.csv", "zq7content")
    table(file["id"], "zq7column", "zq7row", aliases=[alias])
    view = model.ResourceView(
        resource_id=file["id"], title="zq7view", view_type="text_view", order=0, config={}
    )
    view.save()
    call_action(
        "task_status_update",
        site(),
        entity_id=file["id"],
        entity_type="resource",
        task_type="load",
        key="load",
        value="x",
        error="zq7task",
    )
    opened = make_dataset(
        name="open", resources=[{"name": "线路", "url": "https://data.example.cn/a.csv"}]
    )
    known = {
        "linked": linked["id"],
        "link": linked["resources"][0]["id"],
        "shut": shut["id"],
        "shut_file": shut["resources"][0]["id"],
        "table": tabled["id"],
        "file": file["id"],
        "alias": alias,
        "view": view.id,
        "open": opened["id"],
        "agency": agency["id"],
        "owner": owner["id"],
        "third": third["id"],
        **_hidden(make_dataset, agency),
        **_source(agency, linked["id"]),
        **_changing(make_dataset, holder),
    }
    known["form"] = _by_form(app, agency, owner["token"])
    known["harvested"] = _by_harvest(folder)
    for name in ("form", "harvested"):
        shown = call_action("package_show", site(), id=known[name])
        known[f"{name}_file"] = shown["resources"][0]["id"]
    for user in (person, editor):
        for dataset in (linked, tabled):
            call_action("follow_dataset", {"user": user["name"]}, id=dataset["id"])
    people = {
        "registered": person,
        "other agency": editor,
        "holder": holder,
        "owner": owner,
    }
    tokens = {name: user["token"] for name, user in people.items()}
    known |= {f"{name} name": user["name"] for name, user in people.items()}
    return known, tokens


def change(known: dict[str, str]) -> None:
    """Do each kind of change once. What is due outside the database is not done yet."""
    call_action("package_patch", site(), id=known["tightened"], **SHUT)
    call_action("package_patch", site(), id=known["loosened"], open_type="open")
    call_action("hljshare_grant_revoke", site(), id=known["grant"], reason="用途不符")
    call_action("resource_delete", site(), id=known["thinned_file"])
    call_action("package_delete", site(), id=known["removed"])
    call_action("package_patch", site(), id=known["renamed"], name="renamed-since")
    call_action(
        "package_owner_org_update", site(), id=known["moved"], organization_id=known["third"]
    )
    call_action("organization_patch", site(), id=known["agency"], name="harbin-jtj", title="交通局")
