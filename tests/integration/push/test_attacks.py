"""A city's token in wrong hands, and a city that wants more than it may."""

import json

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.access import vault
from ckanext.hljshare.ingest import approval, naming
from ckanext.hljshare.push import source
from tests.integration.push.conftest import (
    content_digest,
    delete,
    outcomes,
    package,
    parsed,
    problem,
    upsert,
)

SECRET = "http://10.20.30.40/inner/roster-2026.xlsx"


def token_of(name):
    answer = call_action("api_token_create", {"ignore_auth": True}, user=name, name="t")
    return answer["token"]


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "Bearer ", "x" * 5000, "令牌"])
def test_without_a_token_nothing(harbin, token):
    """Whatever stands in its place."""
    harbin.token = token.encode("utf-8").decode("latin-1")
    answer = harbin.put([upsert("1")])
    assert problem(answer)[0] == 401
    assert "WWW-Authenticate" in answer.headers
    for path in ("state", "state/digest", "batches/abcdefgh"):
        assert harbin.app.get(f"/push/v1/{path}").status_code == 401


def test_a_cookie_opens_nothing(harbin, app):
    """Also that of an administrator of the city, who may edit all of it."""
    user = factories.User(password="correct horse battery")
    call_action("organization_member_create", id="harbin", username=user["name"], role="admin")
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = user["id"]
        session["_fresh"] = True
    headers = {"Content-Type": "application/x-ndjson", "Content-Digest": content_digest(b"")}
    assert client.put("/push/v1/batches/abcdefgh", data=b"", headers=headers).status_code == 401
    assert client.get("/push/v1/state").status_code == 401


def test_a_bearer_token_is_a_token(harbin):
    """As other programs write it."""
    harbin.token = f"Bearer {harbin.token}"
    assert outcomes(harbin.put([upsert("1")])) == ["created"]


def test_a_revoked_token_and_a_deleted_account(harbin):
    """At once."""
    tokens = call_action("api_token_list", {"ignore_auth": True}, user_id=harbin.source)
    call_action("api_token_revoke", {"ignore_auth": True}, jti=tokens[0]["id"])
    assert problem(harbin.put([upsert("1")])) == (401, "token-invalid")
    harbin.token = token_of(harbin.source)
    assert outcomes(harbin.put([upsert("1")])) == ["created"]
    call_action("user_delete", {"ignore_auth": True}, id=harbin.source)
    assert problem(harbin.put([upsert("1")])) == (401, "token-invalid")


def test_who_is_no_editor_of_the_owner(harbin, province):
    """A member, an agency's editor, nobody, and the system administrator's all-powerful token."""
    member, agency, nobody = (factories.User() for _ in range(3))
    call_action("organization_member_create", id="harbin", username=member["name"], role="member")
    call_action(
        "organization_member_create", id="harbin-jtysj", username=agency["name"], role="editor"
    )
    for user in (member, agency, nobody, factories.Sysadmin()):
        harbin.token = token_of(user["name"])
        assert problem(harbin.put([upsert("1")])) == (403, "no-source")


def test_a_city_sees_and_changes_its_own_only(harbin, qiqihar):
    """The same ids and keys in two cities have nothing to do with each other."""
    harbin.put([upsert("1")], key="same-key-1")
    theirs = [upsert("1", title="齐齐哈尔市道路信息", provider="齐齐哈尔市交通运输局")]
    assert outcomes(qiqihar.put(theirs, key="same-key-1")) == ["created"]
    assert package("1", harbin).id != package("1", qiqihar).id
    assert outcomes(qiqihar.put([delete("1")])) == ["withdrawn"]
    assert not package("1", harbin).extras.get("withdrawn_on")
    assert [e["id"] for e in json.loads(harbin.get("state").body)["entries"]] == ["1"]
    answer = qiqihar.put([upsert("1")], query="?source=harbin-push")
    assert problem(answer) == (403, "source-forbidden")
    assert problem(qiqihar.get("batches/only-harbin?source=harbin-push")) == (
        403,
        "source-forbidden",
    )


def test_records_are_filed_in_the_own_tree_whatever_they_claim(harbin, qiqihar):
    """Another city's agency is not found below this one; another dataset's ids are not taken."""
    other = package("1", harbin)
    assert other is None
    qiqihar.put([upsert("1", provider="齐齐哈尔市交通运输局")])
    victim = package("1", qiqihar)
    results, _receipt = parsed(
        harbin.put(
            [
                upsert("a", provider="齐齐哈尔市交通运输局"),
                upsert(victim.id),
                upsert("b", owner_org=victim.owner_org),
                upsert("c", source_name="qiqihar-push", source_id="1"),
                upsert("d", id=victim.id),
            ]
        )
    )
    assert [r["outcome"] for r in results] == ["created", "created"] + ["rejected"] * 3
    assert results[0]["reasons"] == ["provider-unknown: 齐齐哈尔市交通运输局"]
    assert model.Group.get(package("a", harbin).owner_org).name == "harbin"
    model.Session.expire_all()
    assert model.Group.get(package("1", qiqihar).owner_org).name == "qiqihar-jtysj"


def test_a_file_with_another_files_id(harbin, qiqihar):
    """Ids of files are made here, from the source's."""
    file = {"native_id": "f", "name": "a", "url": "http://a.example/x.html", "format": "HTML"}
    qiqihar.put([upsert("1", provider="齐齐哈尔市交通运输局", resources=[file])])
    owner = model.Package.get("qiqihar-push").id
    taken = naming.resource_id(owner, "1", "f")
    answer = harbin.put([upsert("1", resources=[{**file, "native_id": taken}])])
    assert outcomes(answer) == ["created"]
    assert model.Resource.get(taken).package_id == package("1", qiqihar).id


def test_opening_further_needs_a_person(harbin):
    """The level stays, the record is told to be held; tightening works at once."""
    harbin.put([upsert("1", open_type="closed"), upsert("2")])
    results, _receipt = parsed(harbin.put([upsert("1"), upsert("2", open_type="closed")]))
    assert results[0]["outcome"] == "held"
    assert results[0]["reasons"][0].startswith("loosening")
    assert package("1", harbin).extras["open_type"] == "closed"
    assert package("2", harbin).extras["open_type"] == "closed"
    results, _receipt = parsed(harbin.put([delete("1"), upsert("1")]))
    assert package("1", harbin).extras["open_type"] == "closed"  # nor by way of a deletion


def test_a_files_own_level_is_not_loosened_either(harbin):
    """A file that its city had closed within an open dataset stays closed."""
    file = {"native_id": "f", "name": "a", "url": SECRET, "format": "XLSX", "open_type": "closed"}
    harbin.put([upsert("1", resources=[file])])
    for later in ({**file, "open_type": "open"}, {**file, "open_type": None}):
        harbin.put([upsert("1", resources=[later])])
        assert "roster-2026" not in package("1", harbin).resources[0].url


def test_addresses_of_what_is_not_open_are_told_to_nobody(harbin, app):
    """Not by receipt, state, dataset, search, run report, or the harvest pages."""
    file = {"native_id": "f", "name": "名册", "url": SECRET, "format": "XLSX"}
    lines = [
        upsert("1", open_type="closed", resources=[file]),
        upsert("2", open_type="??", resources=[file]),
        upsert("3", resources=[{**file, "open_type": "on_request"}]),
        upsert("4", resources=[{**file, "url": "javascript:" + SECRET}]),
        b'{"broken": "' + SECRET.encode() + b'"',
    ]
    told = harbin.put(lines, key="addresses-1").body
    for path in ("batches/addresses-1", "state", "state/digest", "state/digest?prefix=00"):
        told += harbin.get(path).body
    headers = {"Authorization": harbin.token}
    for native_id in "123":
        made = package(native_id, harbin)
        for resource in made.resources:
            told += json.dumps(resource.as_dict(), ensure_ascii=False, default=str)
            assert vault.address(resource.id) == SECRET
        shown = app.get(f"/api/action/package_show?id={made.id}", headers=headers)
        told += shown.body
    told += app.get("/api/action/package_search?q=*:*&include_private=true", headers=headers).body
    for run in model.Session.execute(model.meta.metadata.tables["hljshare_ingest_entry"].select()):
        told += str(run)
    assert "roster-2026" not in told


@pytest.mark.parametrize(
    "key",
    ["..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2f", "abcdefgh%0d%0aX-Evil:%201", "abc%00defgh",
     "short", "a" * 200, "%E9%94%AE%E9%94%AE%E9%94%AE%E9%94%AE", "abcdefgh%20i"],
)  # fmt: skip
def test_keys_are_names_and_nothing_else(harbin, key):
    """No path, no header."""
    answer = harbin.put([upsert("1")], key=key)
    assert answer.status_code in (400, 404, 405)
    assert "X-Evil" not in answer.headers
    assert package("1", harbin) is None


def test_markup_in_a_record_is_text(harbin, app):
    """On the page of the dataset as well."""
    title = "公交<script>alert(document.cookie)</script><img src=x onerror=alert(1)>线路"
    harbin.put([upsert("1", title=title, notes="说明<script>alert(1)</script>，内容完整无缺。")])
    made = package("1", harbin)
    page = app.get(f"/dataset/{made.name}").body
    assert made.title == "公交线路"
    assert "alert(document.cookie)" not in page
    assert "onerror=alert" not in page


def test_a_source_that_nobody_has_approved(harbin):
    """Somebody has changed it since: nothing is taken until a person has looked."""
    package_id = model.Package.get("harbin-push").id
    settings = approval.settings_of(package_id)
    settings.approved_digest = "0" * 40
    model.Session.commit()
    assert problem(harbin.put([upsert("1")])) == (403, "not-approved")


def test_several_sources_of_one_account(harbin, province):
    """It says which one."""
    source.make("qiqihar")
    call_action("organization_member_create", id="qiqihar", username=harbin.source, role="editor")
    assert problem(harbin.put([upsert("1")])) == (400, "source-needed")
    assert outcomes(harbin.put([upsert("1")], query="?source=harbin-push")) == ["created"]


def test_other_addresses_and_methods(harbin):
    """Problems, not pages."""
    client = harbin.app.test_client()
    headers = {"Authorization": harbin.token}
    assert problem(client.get("/push/v1/nothing", headers=headers)) == (404, "not-found")
    answer = client.delete("/push/v1/batches/abcdefgh", headers=headers)
    assert problem(answer) == (405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, PUT"
    assert problem(client.post("/push/v1/state", headers=headers))[0] == 405
    for odd in ("a%0Ab", "%0A", "//a", "tables/a%0Ab/t", "tables//a//t", "..;/x", "tables/a/"):
        answer = client.put(f"/push/v1/{odd}", headers=headers, data=b"")
        assert answer.headers["Content-Type"] == "application/problem+json", odd


def test_the_action_asks_for_the_same(harbin, app):
    """No way around by CKAN's API."""
    for headers in ({}, {"Authorization": token_of(factories.Sysadmin()["name"])}):
        body = {"key": "abcdefgh", "lines": [upsert("1")]}
        answer = app.post("/api/action/hljshare_push_batch", json=body, headers=headers)
        assert answer.status_code == 403
        assert app.get("/api/action/hljshare_push_state", headers=headers).status_code == 403
