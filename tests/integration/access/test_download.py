"""Bytes and rows leave by one door, and only when the policy says so."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree

import openpyxl
import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action, call_auth, logic

ROWS = [
    {"线路名称": "1路", "票价": 2, "说明": "首末站：哈西客运站"},
    {"线路名称": "101路", "票价": 2, "说明": '=HYPERLINK("http://evil.example")'},
]
FIELDS = [{"id": "线路名称", "type": "text"}, {"id": "票价", "type": "numeric"}, {"id": "说明"}]


def site_user():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


@pytest.fixture
def with_table(make_dataset):
    """Return a function that makes a dataset with one uploaded file and its table."""

    def make(level, **fields):
        dataset = make_dataset(open_type=level, resources=[], **fields)
        content = "线路名称,票价\n1路,2\n".encode()
        resource = call_action(
            "resource_create",
            site_user(),
            package_id=dataset["id"],
            name="公交线路",
            format="CSV",
            upload=_upload("哈尔滨市公交线路.csv", content),
        )
        call_action(
            "datastore_create",
            site_user(),
            resource_id=resource["id"],
            fields=FIELDS,
            records=ROWS,
            force=True,
        )
        return dataset, resource

    return make


def _upload(name, content):
    from werkzeug.datastructures import FileStorage

    return FileStorage(io.BytesIO(content), filename=name)


def paths(dataset, resource):
    base = f"/dataset/{dataset['name']}/resource/{resource['id']}"
    return [
        f"{base}/download",
        f"{base}/download/file.csv",
        f"/dataset/{dataset['id']}/resource/{resource['id']}/download/x.csv",
        f"/harvest/{dataset['name']}/resource/{resource['id']}/download",
        f"/harvest/{dataset['name']}/resource/{resource['id']}/download/x.csv",
        f"/share/{resource['id']}",
        *(f"{base}/data.{fmt}" for fmt in ("csv", "xlsx", "json", "xml")),
    ]


def test_open_files_need_no_account_and_keep_their_chinese_name(app, with_table):
    """6.1 d: obtained directly; the name a person gave survives CKAN's munging."""
    dataset, resource = with_table("open")
    response = app.get(paths(dataset, resource)[0])
    assert response.status_code == 200
    assert response.data.decode() == "线路名称,票价\n1路,2\n"
    disposition = response.headers["Content-Disposition"]
    assert "filename*=UTF-8''%E5%93%88%E5%B0%94%E6%BB%A8" in disposition


@pytest.mark.parametrize("level", ["on_request", "closed"])
def test_restricted_content_is_refused_at_every_address(app, with_table, level):
    """The public, and a registered person, get a page that explains, never a byte."""
    dataset, resource = with_table(level)
    stranger = factories.UserWithToken()
    for path in paths(dataset, resource):
        for headers in ({}, {"Authorization": stranger["token"]}):
            response = app.get(path, headers=headers, status=403)
            assert "1路" not in response.get_data(as_text=True)
    for action in ("datastore_search", "datastore_info"):
        with pytest.raises(logic.NotAuthorized):
            call_auth(action, {"user": ""}, resource_id=resource["id"], id=resource["id"])
    assert app.get(f"/datastore/dump/{resource['id']}").status_code == 404


def test_no_download_route_is_left_to_ckan(app):
    """Every route that gives a resource's file is ours or answered by ours."""
    rules = [rule for rule in app.flask_app.url_map.iter_rules() if "download" in rule.rule]
    stock = [rule for rule in rules if not rule.endpoint.startswith("hljshare_access.")]
    left = [
        rule.endpoint
        for rule in stock
        if not rule.endpoint.endswith("resource.download")  # answered by `close_stock_routes`
        and not rule.endpoint.startswith("file.")  # CKAN's file storages: not used here
    ]
    assert left == []


def test_the_owning_agency_and_unconditional_sharing_read_what_the_public_may_not(
    app, with_table, agency
):
    """5.2: another agency reads what is shared unconditionally; a citizen does not."""
    dataset, resource = with_table("on_request", share_type="unconditional")
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    owner, consumer = factories.UserWithToken(), factories.UserWithToken()
    for user, org in ((owner, agency), (consumer, other)):
        call_action(
            "organization_member_create",
            site_user(),
            id=org["id"],
            username=user["name"],
            role="member",
        )
    for user in (owner, consumer):
        response = app.get(
            paths(dataset, resource)[0], headers={"Authorization": user["token"]}, status=200
        )
        assert set(response.headers["Cache-Control"].split(", ")) == {"no-store", "private"}


def test_a_private_dataset_answers_as_if_it_were_not_there(app, with_table):
    """Held datasets are not known to the public."""
    dataset, resource = with_table("open", private=True)
    for path in paths(dataset, resource):
        assert app.get(path).status_code == 404


def test_the_table_comes_in_four_formats(app, with_table):
    """6.2 b: machine-readable; the same rows in each, and no formula that a spreadsheet runs."""
    dataset, resource = with_table("open")
    base = f"/dataset/{dataset['name']}/resource/{resource['id']}/data"
    csv_text = app.get(f"{base}.csv").data.decode("utf-8-sig")
    assert csv_text.splitlines()[:2] == ["线路名称,票价,说明", "1路,2,首末站：哈西客运站"]
    assert "'=HYPERLINK" in csv_text
    records = json.loads(app.get(f"{base}.json").data)
    assert [record["线路名称"] for record in records] == ["1路", "101路"]
    root = ElementTree.fromstring(app.get(f"{base}.xml").data)
    assert [cell.text for cell in root.iter("value") if cell.get("column") == "线路名称"] == [
        "1路",
        "101路",
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(app.get(f"{base}.xlsx").data)).active
    assert [cell.value for cell in sheet[1]] == ["线路名称", "票价", "说明"]
    assert sheet["C3"].data_type == "s"
    assert app.get(f"{base}.exe").status_code == 404


def test_a_file_is_not_reached_through_another_dataset(app, with_table, make_dataset):
    """The dataset in the address must be the file's own."""
    _dataset, resource = with_table("open")
    other = make_dataset()
    assert (
        app.get(f"/dataset/{other['name']}/resource/{resource['id']}/download").status_code == 404
    )


def test_anybody_may_ask_what_they_may_have(with_table):
    """`hljshare_access_check` answers with the reason and the way on."""
    _dataset, resource = with_table("on_request")
    answer = call_action(
        "hljshare_access_check", {"user": "", "ignore_auth": False}, resource_id=resource["id"]
    )
    assert answer == {"allowed": False, "reason": "on_request", "how": "apply", "grant": None}
