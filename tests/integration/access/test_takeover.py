"""Tricks with ids, types of values and levels that must not open what is shut."""

from __future__ import annotations

import io

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action, logic
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access import vault

SECRET = "https://internal.example.gov.cn/canary-7d1f/rows.csv"


def site():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


@pytest.fixture
def thief(agency):
    """An editor of another agency, with a context as a request's."""
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    user = factories.UserWithToken()
    call_action(
        "organization_member_create", site(), id=other["id"], username=user["name"], role="editor"
    )
    return {"org": other["id"], "token": user["token"], "user": user["name"]}


def context_of(thief):
    return {"user": thief["user"], "ignore_auth": False}


def uploaded(dataset, name="人员名单.csv", text="姓名\ncanary\n"):
    return call_action(
        "resource_create",
        site(),
        package_id=dataset["id"],
        name="表",
        format="CSV",
        upload=FileStorage(io.BytesIO(text.encode()), filename=name),
    )


@pytest.mark.parametrize("end", ["living", "resource_delete", "package_delete", "dataset_purge"])
@pytest.mark.parametrize("kind", ["linked", "uploaded"])
def test_an_id_of_another_file_cannot_be_taken(app, make_dataset, thief, end, kind):
    """Not while the file lives, nor when it or its dataset is deleted or purged: an open dataset
    with that file's id would give its address, its bytes or its table to everybody."""
    dataset = make_dataset(open_type="on_request", resources=[])
    if kind == "uploaded":
        file = uploaded(dataset)
        trick = {"url": "file.csv", "url_type": "upload"}
    else:
        file = call_action(
            "resource_create", site(), package_id=dataset["id"], name="明细", url=SECRET
        )
        trick = {"url": vault.gate_url(file["id"])}
    if end == "resource_delete":
        call_action("resource_delete", site(), id=file["id"])
    elif end != "living":
        call_action(end, site(), id=dataset["id"])
    own = make_dataset(owner_org=thief["org"], resources=[])
    arguments = {"package_id": own["id"], "id": file["id"], "name": "x", **trick}
    if (kind, end) == ("linked", "dataset_purge"):  # nothing is left that the id could give
        assert "canary" not in str(call_action("resource_create", context_of(thief), **arguments))
        return
    with pytest.raises((logic.ValidationError, logic.NotAuthorized)) as refused:
        call_action("resource_create", context_of(thief), **arguments)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("end", ["resource_delete", "package_delete", "dataset_purge"])
def test_what_is_deleted_leaves_no_address(make_dataset, end):
    """The vault keeps nothing of what is gone."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    file = dataset["resources"][0]["id"]
    call_action(end, site(), id=file if end == "resource_delete" else dataset["id"])
    model.Session.expire_all()
    assert vault.address(file) is None


def test_a_files_name_is_shut_with_it_and_comes_back(make_dataset):
    """The name may tell as much as the content."""
    dataset = make_dataset(resources=[])
    file = uploaded(dataset)
    assert file["filename"] == "人员名单.csv"
    shut = {
        "open_type": "on_request",
        "open_condition": "说明用途",
        "open_basis": [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
        "share_type": "conditional",
        "share_condition": "业务协同",
    }
    shown = call_action("package_patch", site(), id=dataset["id"], **shut)
    assert "人员名单" not in str(shown)
    shown = call_action("package_patch", site(), id=dataset["id"], notes="全市人员名单的修订说明。")
    assert "人员名单.csv" not in str(shown["resources"])
    opened = call_action("package_patch", site(), id=dataset["id"], open_type="open")
    assert opened["resources"][0]["filename"] == "人员名单.csv"
    assert opened["resources"][0]["url"].endswith(".csv")


def test_a_shut_upload_tells_no_name_from_its_first_day(make_dataset):
    """Also where it was never open."""
    file = uploaded(make_dataset(open_type="closed", resources=[]))
    assert "人员名单" not in str(call_action("resource_show", site(), id=file["id"]))
    assert vault.address(file["id"]) == "人员名单.csv"


@pytest.mark.parametrize(
    "trick",
    [
        {"open_type": "open"},
        {"open_type": ["open"]},
        {"open_type": "open", "derivative": ["masked"]},
        {"open_type": "open", "derivative": {"masked": "masked"}},
        {"open_type": "open", "derivative": "other"},
        {"locator": [SECRET]},
        {"locator": {"url": SECRET}},
        {"url_type": "upload"},
        {"url_type": "open", "__extras": {"open_type": "open"}},
    ],
)
def test_no_shape_of_a_value_opens_a_file(make_dataset, trick):
    """It is refused, or the address is in the vault all the same."""
    dataset = make_dataset(open_type="on_request", resources=[])
    answer = ""
    try:
        call_action(
            "resource_create",
            site(),
            package_id=dataset["id"],
            name="明细",
            **{"url": SECRET, **trick},
        )
    except logic.ValidationError as refused:
        answer = str(refused.error_dict)
    assert "canary" not in answer
    assert "canary" not in str(call_action("package_show", site(), id=dataset["id"]))


@pytest.mark.parametrize("action", ["package_patch", "package_revise", "package_update"])
def test_another_agencys_editor_changes_no_level(make_dataset, thief, action):
    """Whatever action is used."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    arguments = {"id": dataset["id"], "open_type": "open"}
    if action == "package_revise":
        arguments = {"match": {"id": dataset["id"]}, "update": {"open_type": "open"}}
    with pytest.raises((logic.NotAuthorized, logic.ValidationError)):
        call_action(action, context_of(thief), **arguments)
    assert vault.address(dataset["resources"][0]["id"]) == SECRET


def test_answers_to_a_known_person_are_not_kept_by_caches(app, make_dataset, thief):
    """CKAN calls API answers to a token public."""
    dataset = make_dataset()
    for path in (f"/api/3/action/package_show?id={dataset['id']}", f"/dataset/{dataset['name']}"):
        response = app.get(path, headers={"Authorization": thief["token"]})
        assert "no-store" in response.headers["Cache-Control"]
        assert "public" not in response.headers["Cache-Control"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    anonymous = app.get(f"/api/3/action/package_show?id={dataset['id']}")
    assert "no-store" not in anonymous.headers["Cache-Control"]


def test_a_refusal_is_never_a_fault(app, make_dataset):
    """Where CKAN's views forget to catch it, the answer is 403, 404 or 400, not 500."""
    dataset = make_dataset(open_type="on_request", resources=[{"name": "明细", "url": SECRET}])
    assert app.get("/api/util/user/autocomplete?q=a").status_code == 403
    assert app.get("/feeds/agency/nobody.atom").status_code == 404
    assert (
        app.get(f"/harvest/{dataset['name']}/resource/{dataset['resources'][0]['id']}").status_code
        == 404
    )
    assert app.post("/api/3/action/send_mail", json={}).status_code == 403


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-9"}, {"If-None-Match": "*"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_method_or_condition_passes_the_gate(app, make_dataset, headers, method):
    """HEAD, Range and conditional requests are asked like others."""
    file = uploaded(make_dataset(name="shut", open_type="on_request", resources=[]))
    for path in (f"/share/{file['id']}", f"/dataset/shut/resource/{file['id']}/download"):
        response = app.flask_app.test_client().open(path, method=method, headers=headers)
        assert response.status_code == 403
        assert "ETag" not in response.headers
        assert "canary" not in response.get_data(as_text=True)
