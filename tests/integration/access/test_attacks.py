"""Holes found from outside: each of these opened restricted content once."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from ckan.tests import factories
from ckan.tests.helpers import call_action, logic
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access.grants import store

SECRET = "https://internal.example.gov.cn/canary-7d1f/rows.csv"
REFUSED = (logic.NotAuthorized, logic.ValidationError)
FIELDS = [{"id": name, "type": "text"} for name in ("a", "b", "secret")]
ROWS = [{"a": "1", "b": "x", "secret": "CANARY1"}, {"a": "2", "b": "y", "secret": "CANARY2"}]


def site():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def as_user(user):
    return {"user": user["name"], "ignore_auth": False}


def table(dataset, records, **values):
    file = call_action(
        "resource_create",
        site(),
        package_id=dataset["id"],
        name="表",
        format="CSV",
        upload=FileStorage(io.BytesIO(b"a,b,secret\n1,x,CANARY\n" * 50), filename="名单.csv"),
    )
    call_action(
        "datastore_create",
        site(),
        resource_id=file["id"],
        fields=FIELDS,
        records=records,
        force=True,
        **values,
    )
    return file["id"]


def grant(user, dataset, file, **values):
    return call_action(
        "hljshare_grant_create",
        site(),
        user=user["name"],
        dataset=dataset["name"],
        resource=file,
        purpose="研究",
        axis="open",
        not_after=(datetime.now(timezone.utc) + timedelta(days=1)).isoformat(),
        **values,
    )


@pytest.fixture
def shut(make_dataset):
    return make_dataset(name="shut", open_type="on_request", resources=[])


@pytest.fixture
def applicant(agency):
    return factories.UserWithToken()


@pytest.fixture
def sysadmin(agency):
    return factories.SysadminWithToken()


@pytest.mark.parametrize("decoy", ["open", "nothing"])
def test_two_names_of_a_table_pass_no_limit(app, make_dataset, shut, applicant, decoy):
    """CKAN lets `id` win over `resource_id`: the limits must be those of the table that is read."""
    file = table(shut, ROWS)
    other = table(make_dataset(name="decoy", resources=[]), []) if decoy == "open" else "nothing"
    grant(applicant, shut, file, columns=["a"], rows={"b": ["x"]})
    for action in ("datastore_search", "datastore_info"):
        answer = app.post(
            f"/api/3/action/{action}",
            json={"resource_id": other, "id": file},
            headers={"Authorization": applicant["token"]},
        )
        assert "CANARY" not in answer.get_data(as_text=True)
        assert '"secret"' not in answer.get_data(as_text=True)


def test_two_names_of_a_table_do_not_pass_the_log(agency, shut):
    """Reading that is not open is written down, however the table is named."""
    file = table(shut, ROWS)
    editor = factories.UserWithToken()
    call_action(
        "organization_member_create",
        site(),
        id=agency["id"],
        username=editor["name"],
        role="editor",
    )
    before = call_action("hljshare_access_log_list", site(), dataset=shut["id"])["count"]
    try:
        call_action("datastore_search", as_user(editor), resource_id="nothing", id=file)
    except (*REFUSED, logic.NotFound):
        return
    after = call_action("hljshare_access_log_list", site(), dataset=shut["id"])["count"]
    assert after == before + 1


def test_a_word_in_a_granted_column_is_not_looked_for_in_others(shut, applicant):
    """CKAN asks `_full_text` too for `q` of one column: with `!` the answer tells what stands in
    columns that are not granted."""
    file = table(shut, ROWS)
    grant(applicant, shut, file, columns=["a"])

    def count(word):
        try:
            return call_action(
                "datastore_search",
                as_user(applicant),
                resource_id=file,
                plain=False,
                q={"a": f"1 & !{word}"},
            )["total"]
        except REFUSED:
            return None

    assert count("CANARY1") == count("CANARY2")


@pytest.mark.parametrize("first", [False, True], ids=["published", "never published"])
def test_no_administrator_opens_a_private_dataset_to_see_an_address(make_dataset, sysadmin, first):
    """Levels are free while it is private; the address stays with the agency all the same."""
    dataset = make_dataset(
        name="held",
        open_type="on_request",
        private=first,
        resources=[{"name": "明细", "url": SECRET}],
    )
    with suppress(*REFUSED):
        call_action(
            "package_patch",
            as_user(sysadmin),
            id=dataset["id"],
            private=True,
            open_type="open",
            share_type="unconditional",
        )
    assert "canary" not in str(call_action("package_show", as_user(sysadmin), id=dataset["id"]))


@pytest.mark.parametrize("action", ["organization_patch", "organization_update"])
def test_nobody_makes_himself_a_member_by_the_list_of_users(agency, sysadmin, action):
    """`users` of an organization is a way past `member_create`."""
    shown = call_action("organization_show", site(), id=agency["id"])
    base = {"id": agency["id"]} if action == "organization_patch" else shown
    with suppress(*REFUSED):
        call_action(
            action,
            as_user(sysadmin),
            **{**base, "users": [{"name": sysadmin["name"], "capacity": "admin"}]},
        )
    assert agency["id"] not in store.units(sysadmin["id"])


@pytest.mark.parametrize("action", ["package_patch", "package_owner_org_update"])
def test_no_dataset_is_moved_to_read_it(shut, sysadmin, action):
    """What moves to another agency is read by that agency's members: who makes an agency of his
    own, or administers the city, must not get content so."""
    file = table(shut, ROWS)
    mine = call_action(
        "organization_create", as_user(sysadmin), name="mine", title="机构", level="agency"
    )
    name = "owner_org" if action == "package_patch" else "organization_id"
    with suppress(*REFUSED):
        call_action(action, as_user(sysadmin), id=shut["id"], **{name: mine["id"]})
    with pytest.raises(logic.NotAuthorized):
        call_action("datastore_search", as_user(sysadmin), resource_id=file)


def test_writing_does_not_answer_with_rows(shut, sysadmin):
    """`include_records` gives whole rows, also columns that were not sent."""
    file = table(shut, ROWS, primary_key=["a"])
    try:
        answer = call_action(
            "datastore_upsert",
            as_user(sysadmin),
            resource_id=file,
            force=True,
            method="update",
            include_records=True,
            records=[{"a": "1"}],
        )
    except REFUSED:
        return
    assert "CANARY" not in str(answer)


def test_nobody_sets_another_persons_password(agency, sysadmin):
    """Nor acts as that person by it."""
    editor = factories.User()
    with pytest.raises(logic.NotAuthorized):
        call_action("user_patch", as_user(sysadmin), id=editor["id"], password="a-new-password-1")


def test_nobody_makes_a_token_for_somebody_else(agency, sysadmin):
    """With an editor's token a system administrator would read what needs a purpose."""
    editor = factories.User()
    with pytest.raises(logic.NotAuthorized):
        call_action("api_token_create", as_user(sysadmin), user=editor["name"], name="x")


def test_no_alias_has_the_id_of_a_file(make_dataset, shut):
    """It would answer for that file's table, and keep the real one from being made."""
    victim = call_action("resource_create", site(), package_id=shut["id"], name="明细", url=SECRET)
    own = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    thief = factories.User()
    call_action(
        "organization_member_create", site(), id=own["id"], username=thief["name"], role="editor"
    )
    file = table(make_dataset(name="own", owner_org=own["id"], resources=[]), [])
    with pytest.raises(REFUSED):
        call_action(
            "datastore_create",
            as_user(thief),
            resource_id=file,
            force=True,
            fields=FIELDS,
            aliases=[victim["id"]],
        )


def test_a_ticket_is_one_download_of_one_kind(app, shut, applicant):
    """After the file, the same ticket gave the table hundreds of times: each counted as a byte."""
    file = table(shut, ROWS)
    grant(applicant, shut, file, max_downloads=1)
    headers = {"Authorization": applicant["token"]}
    url = call_action("hljshare_download_ticket", as_user(applicant), resource_id=file)["url"]
    ticket = url.split("ticket=")[1]
    assert app.get(f"/share/{file}?ticket={ticket}", headers=headers).status_code == 200
    given = 0
    for _ in range(5):
        answer = app.get(
            f"/dataset/shut/resource/{file}/data.csv?ticket={ticket}",
            headers=headers,
            expect_errors=True,
        )
        given += answer.status_code == 200
    assert given <= 1


def test_views_follow_the_file_that_is_listed(make_dataset, shut, applicant):
    """The policy is asked about `id`, not about a `resource_id` that the action does not read."""
    file = table(shut, ROWS)
    decoy = table(make_dataset(name="decoy", resources=[]), [])
    with pytest.raises(logic.NotAuthorized):
        call_action("resource_view_list", as_user(applicant), id=file, resource_id=decoy)


@pytest.mark.parametrize("filters", [["b"], "b", [{"b": "x"}, {"b": "y"}], 7])
def test_filters_of_a_wrong_shape_are_refused_and_no_fault(app, shut, applicant, filters):
    """The rows granted are kept, and the answer is never 500."""
    file = table(shut, ROWS)
    grant(applicant, shut, file, rows={"b": ["x"]})
    answer = app.post(
        "/api/3/action/datastore_search",
        json={"resource_id": file, "filters": filters},
        headers={"Authorization": applicant["token"]},
    )
    assert answer.status_code in (200, 400, 403, 409)
    assert "CANARY2" not in answer.get_data(as_text=True)
