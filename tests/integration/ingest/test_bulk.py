"""A dataset written in bulk equals, key for key, one that CKAN's own actions have written."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.lib.search.common import make_connection
from ckan.tests.helpers import call_action
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ckanext.hljshare.ingest import bulk, indexing
from ckanext.hljshare.ingest.dataset import readable_errors

TABLES = {
    "package": "SELECT to_jsonb(p) AS row FROM package p WHERE id = :id",
    "resource": (
        "SELECT to_jsonb(r) AS row FROM resource r WHERE package_id = :id AND state = 'active'"
        " ORDER BY position"
    ),
    "gone": (
        "SELECT to_jsonb(r) AS row FROM resource r WHERE package_id = :id AND state <> 'active'"
        " ORDER BY id"
    ),
    "tag": (
        "SELECT jsonb_build_object('name', t.name, 'state', p.state) AS row FROM package_tag p"
        " JOIN tag t ON t.id = p.tag_id WHERE p.package_id = :id ORDER BY t.name"
    ),
    "member": (
        "SELECT to_jsonb(m) - 'id' AS row FROM member m WHERE table_id = :id"
        " ORDER BY group_id, state"
    ),
    "vault": (
        "SELECT to_jsonb(v) AS row FROM hljshare_vault v JOIN resource r ON r.id = v.resource_id"
        " WHERE r.package_id = :id ORDER BY r.position"
    ),
    "levels": ("SELECT to_jsonb(l) AS row FROM hljshare_level_state l WHERE dataset_id = :id"),
    "code": "SELECT to_jsonb(c) AS row FROM hljshare_resource_code c WHERE package_id = :id",
}
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?")
CODE = re.compile(r"\d{13}/\d{6}")
BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co")), max_size=30
)
WORD = st.text(st.sampled_from("公交线路空气质量数据abcXYZ 0123（）·"), min_size=1, max_size=12)


@st.composite
def datasets(draw: Any) -> dict[str, Any]:
    """A dataset as an adapter proposes it, without owner, id and name."""
    level = draw(st.sampled_from(["open", "on_request", "closed"]))
    found: dict[str, Any] = {
        "type": "dataset",
        "title": draw(WORD).strip() or "题",
        "notes": draw(TEXT) or "摘要",
        "open_type": level,
        "share_type": draw(
            st.sampled_from(["unconditional", "conditional"] + ["none"] * (level == "closed"))
        ),
        "update_cycle": draw(st.sampled_from(["monthly", "annual", "irregular"])),
        "secrecy_review": "办公室 2026-01-05",
        "source_name": "somewhere",
        "source_id": draw(TEXT),
        "private": draw(st.booleans()),
        "held_reason": draw(st.sampled_from(["", "opening-missing"])),
        "tags": [
            {"name": name}
            for name in draw(st.sets(st.sampled_from(["交通", "教育", "环境", "企业"])))
        ],
        "items": draw(
            st.lists(
                st.fixed_dictionaries(
                    {"name": WORD.map(str.strip).filter(bool), "data_type": st.sampled_from("CND")}
                ),
                max_size=3,
            )
        ),
        "resources": draw(
            st.lists(
                st.fixed_dictionaries(
                    {
                        "name": WORD,
                        "url": st.sampled_from(
                            [
                                "https://a.example/数据.csv",
                                "http://b.example/x?a=1",
                                "ftp://c.example/y",
                            ]
                        ),
                        "format": st.sampled_from(["CSV", "XLSX", "HTML", ""]),
                    },
                    optional={
                        "size": st.integers(0, 2**40),
                        "description": TEXT,
                        "open_type": st.just("closed"),
                    },
                ),
                max_size=3,
            )
        ),
    }
    for name, values in (
        ("theme", ["transport", "education"]),
        ("industry", ["A", "G"]),
        ("region_code", ["230100"]),
        ("contact_phone", ["0451-12345678", "12345"]),
        ("data_updated", ["2026-05-01", "2026-13-01"]),
        ("content_kind", ["x"]),
    ):
        if draw(st.booleans()):
            found[name] = draw(st.sampled_from(values))
    if draw(st.booleans()) or level != "open":
        found["open_condition"] = "说明用途后提供"
        found["open_basis"] = BASIS if draw(st.integers(0, 5)) else []
        found["share_condition"] = "业务协同使用"
        found["share_basis"] = "《暂行办法》第十条"
    return found


def named(dataset: dict[str, Any], owner: str) -> dict[str, Any]:
    """The dataset with ids of its own."""
    own = str(uuid.uuid4())
    files = [{**item, "id": str(uuid.uuid4())} for item in dataset["resources"]]
    return {**dataset, "id": own, "name": f"s-{own}", "owner_org": owner, "resources": files}


def context() -> dict[str, Any]:
    user = call_action("get_site_user")["name"]
    return {"user": user, "ignore_auth": True}


def by_action(action: str, dataset: dict[str, Any]) -> dict[str, Any]:
    """The errors of CKAN's own action, empty where it has stored the dataset."""
    try:
        call_action(action, context(), **json.loads(json.dumps(dataset)))
    except tk.ValidationError as error:
        return dict(error.error_dict)
    return {}


def in_bulk(*datasets: dict[str, Any]) -> list[dict[str, Any]]:
    """The errors of each dataset; those without have been stored."""
    batch = bulk.Batch(context())
    batch.load([each["id"] for each in datasets])
    batch.look_up(datasets)
    judged = [batch.validate(each) for each in datasets]
    valid = [each for each, errors in judged if not errors]
    batch.save(valid)
    documents = batch.documents([each for each in valid if each.changed])
    model.Session.commit()
    indexing.post(documents)
    return [errors for _each, errors in judged]


def snapshot(dataset: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """All that the portal keeps of a dataset, with its own ids, codes and times made alike.

    ``before``: the dataset that this one has replaced; its files leave traces.
    """
    model.Session.expire_all()
    make_connection().commit()
    found: dict[str, Any] = {
        table: [row.row for row in model.Session.execute(sa.text(query), {"id": dataset["id"]})]
        for table, query in TABLES.items()
    }
    found["document"] = list(make_connection().search(f'id:"{dataset["id"]}"', fl="*").docs)
    for document in found["document"]:
        for name in ("_version_", "index_id"):
            document.pop(name, None)
        for name in ("data_dict", "validated_data_dict"):
            document[name] = json.loads(document[name])
            # The order of a set of keys: as written, or as PostgreSQL gives it back.
            document[name].get("extras", []).sort(key=lambda extra: extra["key"])
    found["shown"] = call_action("package_show", {"ignore_auth": True}, id=dataset["id"])
    text = json.dumps(found, ensure_ascii=False, default=str, sort_keys=True)
    text = text.replace(dataset["name"], "NAME").replace(dataset["id"], "ID")
    for number, item in enumerate(dataset["resources"]):
        text = text.replace(item["id"], f"R{number}")
    for number, item in enumerate((before or dataset)["resources"]):
        text = text.replace(item["id"], f"B{number}")
    text = CODE.sub("CODE", TIME.sub("TIME", text))
    text = re.sub(r'"sequence": \d+', '"sequence": 0', text)
    loaded: dict[str, Any] = json.loads(text)
    loaded["gone"].sort(key=lambda row: row["id"])
    for row in loaded["gone"]:
        del row["position"]  # CKAN leaves it to chance
    return loaded


@pytest.mark.ckan_config("ckan.search.solr_commit", False)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[
        Phase.explicit,
        Phase.generate,
    ],  # an example costs a second: no search for smaller ones
)
@given(first=datasets(), second=datasets())
def test_creating_and_updating_leave_the_same(agency, first, second):
    one, other = named(first, agency["id"]), named(first, agency["id"])
    errors = by_action("package_create", one)
    assert readable_errors(in_bulk(other)[0]) == readable_errors(errors)
    if errors:
        return
    assert snapshot(other) == snapshot(one)
    # The update keeps the first file, where both have one, and replaces the others.
    for dataset, old in ((new := dict(second), one), (changed := dict(second), other)):
        files = named(second, agency["id"])["resources"]
        if files and old["resources"]:
            files[0]["id"] = old["resources"][0]["id"]
        dataset.update(id=old["id"], name=old["name"], owner_org=agency["id"], resources=files)
    if not second["resources"]:
        return  # CKAN's action takes none for "as they are"; see below
    errors = by_action("package_update", new)
    assert readable_errors(in_bulk(changed)[0]) == readable_errors(errors)
    if not errors:
        assert snapshot(changed, other) == snapshot(new, one)


def test_many_at_once_leave_the_same_as_one_by_one(agency):
    base = {
        "type": "dataset",
        "notes": "全市公交线路。",
        "open_type": "open",
        "share_type": "unconditional",
        "update_cycle": "monthly",
        "secrecy_review": "办公室 2026-01-05",
        "source_name": "somewhere",
        "tags": [{"name": "交通"}, {"name": "公交"}],
        "items": [{"name": "线路", "data_type": "C"}],
        "resources": [{"name": "a", "url": "https://a.example/a.html", "format": "HTML"}],
    }
    many = [
        named({**base, "title": f"公交线路{n}", "source_id": str(n)}, agency["id"])
        for n in range(30)
    ]
    single = [
        named({**base, "title": f"公交线路{n}", "source_id": str(n)}, agency["id"])
        for n in range(3)
    ]
    for dataset in single:
        assert not by_action("package_create", dataset)
    assert not any(in_bulk(*many))
    for number, dataset in enumerate(single):
        assert snapshot(many[number]) == snapshot(dataset)
    codes = model.Session.execute(
        sa.text("SELECT code FROM hljshare_resource_code ORDER BY sequence")
    ).scalars()
    assert len(set(codes)) == 33


def test_an_empty_list_takes_the_files_away(agency):
    dataset = named(
        {
            "type": "dataset",
            "title": "将撤下",
            "notes": "说明",
            "open_type": "on_request",
            "open_condition": "说明用途",
            "open_basis": BASIS,
            "share_type": "conditional",
            "share_condition": "业务协同使用",
            "update_cycle": "monthly",
            "secrecy_review": "办公室 2026-01-05",
            "source_name": "somewhere",
            "tags": [],
            "items": [],
            "resources": [{"name": "a", "url": "https://a.example/secret.csv", "format": "CSV"}],
        },
        agency["id"],
    )
    assert not any(in_bulk(dataset))
    assert [row["address"] for row in snapshot(dataset)["vault"]] == [
        "https://a.example/secret.csv"
    ]
    assert not any(in_bulk({**dataset, "resources": [], "withdrawn_on": "2026-11-01"}))
    left = snapshot(dataset)
    assert left["resource"] == []
    assert left["vault"] == []
    assert left["shown"]["resources"] == []
    assert "secret" not in json.dumps(left["document"])


def test_a_name_held_by_a_deleted_dataset_is_free(agency):
    values = {
        "type": "dataset",
        "title": "重来",
        "notes": "说明",
        "open_type": "open",
        "share_type": "unconditional",
        "update_cycle": "monthly",
        "secrecy_review": "办公室 2026-01-05",
        "source_name": "somewhere",
        "tags": [],
        "items": [{"name": "线路"}],
        "resources": [],
    }
    old = named(values, agency["id"])
    assert not any(in_bulk(old))
    call_action("package_delete", context(), id=old["id"])
    new = {**named(values, agency["id"]), "name": old["name"]}
    assert not any(in_bulk(new))
    assert call_action("package_show", {"ignore_auth": True}, id=old["name"])["id"] == new["id"]
