"""What stock CKAN tells of people, hidden datasets and stored files, and the portal does not."""

from __future__ import annotations

import csv
import io
import json

import pytest
from ckan import model
from ckan.lib.api_token import encode as token_of
from ckan.tests import factories
from ckan.tests.helpers import call_action, logic
from ckanext.datastore import blueprint as datastore

FORMULA = '=HYPERLINK("http://evil.example","点我")'


@pytest.fixture
def people(agency) -> dict[str, dict]:
    """An applicant, an editor of another agency, a member and an administrator of the agency."""
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    found = {
        name: factories.UserWithToken(name=name, fullname=f"{name}真名")
        for name in ("applicant", "editor", "member", "admin")
    }
    for name, org in (("editor", other), ("member", agency), ("admin", agency)):
        call_action(
            "organization_member_create", id=org["id"], username=found[name]["name"], role=name
        )
    return found


def may(user, action, **arguments):
    """Whether the API answers a person (None: nobody)."""
    context = {"user": user["name"] if user else "", "ignore_auth": False}
    try:
        return call_action(action, context, **arguments) is not None
    except logic.NotAuthorized:
        return False


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("user_list", {}),
        ("user_autocomplete", {"q": "mem"}),
        ("user_show", {"id": "member"}),
        ("organization_list_for_user", {"id": "member"}),
    ],
)
def test_an_applicant_learns_no_other_persons_name(people, action, arguments):
    """Agencies' editors do: they name people as members."""
    assert not may(None, action, **arguments)
    assert not may(people["applicant"], action, **arguments)
    assert may(people["editor"], action, **arguments)


def test_everybody_sees_the_own_account(app, people):
    """By name, id, and without either."""
    me = people["applicant"]
    for arguments in ({"id": me["name"]}, {"id": me["id"]}, {}):
        assert may(me, "user_show", **arguments)
    assert may(me, "organization_list_for_user", id=me["id"])
    headers = {"Authorization": me["token"]}
    assert "applicant真名" in app.get("/user/applicant", headers=headers).body
    other = app.get("/user/member", headers=headers)
    assert (other.status_code, "member真名" in other.body) == (403, False)


@pytest.mark.parametrize("kind", ["user", "package", None])
def test_members_are_shown_within_the_agency(app, people, agency, kind):
    """Not to the public, nor to another agency; ids of hidden datasets are in that list too."""
    arguments = {"id": agency["id"], **({"object_type": kind} if kind else {})}
    assert not may(None, "member_list", **arguments)
    for name in ("applicant", "editor"):
        assert not may(people[name], "member_list", **arguments)
    for name in ("member", "admin"):
        assert may(people[name], "member_list", **arguments)
    page = app.get(f"/organization/members/{agency['name']}", expect_errors=True)
    assert (page.status_code, "真名" in page.body) == (403, False)


def test_formats_and_names_of_hidden_datasets_are_not_offered(make_dataset, agency):
    """A format is free text; a harvest source has a name."""
    make_dataset(
        private=True, resources=[{"name": "甲", "url": "http://x.cn/a", "format": "ZQHID"}]
    )
    make_dataset(resources=[{"name": "乙", "url": "http://x.cn/b", "format": "ZQPUB"}])
    call_action(
        "harvest_source_create",
        name="source-of-many",
        title="来源",
        url="https://x.example.gov.cn/",
        source_type="odweb",
        owner_org=agency["id"],
    )
    anonymous = {"user": "", "ignore_auth": False}
    assert call_action("format_autocomplete", dict(anonymous), q="zq") == ["zqpub"]
    assert call_action("package_list", dict(anonymous)) == ["dataset-2"]


def test_the_title_of_a_preview_follows_the_content(app, make_dataset):
    """Views can only be left over from another portal: none can be made here."""
    for level in ("open", "on_request"):
        dataset = make_dataset(
            open_type=level, resources=[{"name": "甲", "url": "http://x.cn/a", "format": "CSV"}]
        )
        view = model.ResourceView(
            resource_id=dataset["resources"][0]["id"],
            title="标题",
            view_type="text_view",
            order=0,
            config={},
        )
        view.save()
        assert may(None, "resource_view_show", id=view.id) is (level == "open")


@pytest.fixture
def stored(make_dataset):
    """A file of CKAN's own file table that belongs to a dataset everybody sees."""
    dataset = make_dataset()
    file = model.File(name="秘密.csv", location="x.csv", storage="resources", size=1, hash="0")
    model.Session.add(file)
    model.Session.flush()
    model.Session.add(
        model.FileOwner(file_id=file.id, owner_id=dataset["id"], owner_type="package")
    )
    model.Session.commit()
    return {"file": file.id, "dataset": dataset["id"]}


def test_a_stored_file_is_not_read_because_its_dataset_is_seen(app, people, stored):
    """CKAN would let it go down from the dataset to its files."""
    for user in (None, people["applicant"], people["admin"]):
        assert not may(user, "file_show", id=stored["file"])
        assert not may(user, "file_owner_scan", owner_type="package", owner_id=stored["dataset"])
        headers = {"Authorization": user["token"]} if user else {}
        assert app.get(f"/file/download/{stored['file']}", headers=headers).status_code == 404


def test_no_token_passes_the_file_route(app, stored):
    """Not even one that is signed with the portal's own key."""
    token = token_of({"sub": stored["file"], "aud": "trusted_download"})
    assert app.get(f"/file/trusted-download/{token}").status_code == 404
    assert app.get("/file/public-download/resources/x.csv").status_code == 404


@pytest.mark.parametrize(("fmt", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_the_dump_holds_no_formula_and_all_else_as_before(
    app, make_dataset, monkeypatch, fmt, delimiter
):
    """Over several pages, with and without the byte order mark and chosen columns."""
    monkeypatch.setattr(datastore, "PAGINATE_BY", 2)
    dataset = make_dataset(resources=[{"name": "甲", "url": "http://x.cn/a", "format": "CSV"}])
    file = dataset["resources"][0]["id"]
    names = ["公交", FORMULA, "-5", "=1+1", '引"号,=2']
    call_action(
        "datastore_create",
        resource_id=file,
        fields=[{"id": "=name", "type": "text"}, {"id": "n", "type": "numeric"}],
        records=[{"=name": name, "n": -n} for n, name in enumerate(names)],
        force=True,
    )
    expected = ["公交", f"'{FORMULA}", "-5", "'=1+1", '引"号,=2']

    def rows(query: str) -> list[list[str]]:
        answer = app.get(f"/datastore/dump/{file}?format={fmt}{query}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/")
        return list(csv.reader(io.StringIO(answer.body, newline=""), delimiter=delimiter))

    whole = rows("")
    assert whole[0] == ["_id", "'=name", "n"]
    assert [row[1] for row in whole[1:]] == expected
    assert [row[2] for row in whole[1:]] == ["0", "-1", "-2", "-3", "-4"]
    assert rows("&bom=true&fields==name&limit=1") == [["\ufeff'=name"], ["公交"]]
    told = json.loads(app.get(f"/datastore/dump/{file}?format=json").body)
    assert [row[1] for row in told["records"]] == names


def test_the_list_of_members_for_a_spreadsheet_holds_no_formula(app, people, agency):
    """A person chooses the own full name; an administrator opens the list."""
    call_action("user_patch", {"user": "member"}, id="member", fullname="=1+1")
    answer = app.get(
        f"/organization/member_dump/{agency['id']}",
        headers={"Authorization": people["admin"]["token"]},
    )
    found = {row[0]: row[2] for row in csv.reader(io.StringIO(answer.body))}
    assert found["member"] == "'=1+1"


def test_jobs_of_all_sources_are_for_system_administrators(app, clean_db):
    for answer in (
        app.get("/api/action/harvest_job_list", status=403),
        app.get("/api/action/harvest_job_list?source_id=", status=403),
    ):
        assert answer.json["error"]["__type"] == "Authorization Error"
