"""A grant opens what it names, to whom it names, while it lasts; every use stands in the log."""

from __future__ import annotations

import io
import threading
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action, logic
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access import delivery, stored, tickets
from ckanext.hljshare.access.grants import store
from ckanext.hljshare.access.grants.model import GrantRow
from ckanext.hljshare.deadlines import outbox

CONTENT = ("姓名,区,身份证号\n张三,道里区,230102\n李四,呼兰区,230111\n" * 400).encode()
ROWS = [
    {"姓名": "张三", "区": "道里区", "身份证号": "230102"},
    {"姓名": "李四", "区": "呼兰区", "身份证号": "230111"},
]


def site():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def as_user(user):
    return {"user": user["name"], "ignore_auth": False}


def soon(**delta):
    return (datetime.now(timezone.utc) + timedelta(**delta)).isoformat()


def member(user, org, role):
    call_action(
        "organization_member_create", site(), id=org["id"], username=user["name"], role=role
    )


@pytest.fixture
def people(agency):
    """The agency's administrator and editor, an applicant, a stranger, another agency's editor."""
    found = {
        name: factories.UserWithToken()
        for name in ("admin", "editor", "applicant", "stranger", "other")
    }
    found["sysadmin"] = factories.SysadminWithToken()
    member(found["admin"], agency, "admin")
    member(found["editor"], agency, "editor")
    other = factories.Organization(name="daqing-sthjj", title="大庆市生态环境局", level="agency")
    member(found["other"], other, "editor")
    found["other org"] = other
    return found


@pytest.fixture
def shut(make_dataset):
    """A dataset on request with one uploaded file and its table."""
    dataset = make_dataset(name="shut", open_type="on_request", resources=[])
    file = call_action(
        "resource_create",
        site(),
        package_id=dataset["id"],
        name="名册",
        format="CSV",
        upload=FileStorage(io.BytesIO(CONTENT), filename="名册.csv"),
    )
    call_action(
        "datastore_create",
        site(),
        resource_id=file["id"],
        fields=[{"id": name, "type": "text"} for name in ROWS[0]],
        records=ROWS,
        aliases=[f"alias_{file['id'][:8]}"],
        force=True,
    )
    return {"id": dataset["id"], "name": "shut", "file": file["id"]}


def grant(people, shut, **values):
    values = {
        "user": people["applicant"]["name"],
        "dataset": shut["name"],
        "purpose": "研究公交客流",
        "not_after": soon(days=30),
        **values,
    }
    return call_action("hljshare_grant_create", as_user(people["admin"]), **values)


def get(app, path, user=None, **options):
    headers = dict(options.pop("headers", {}))
    if user:
        headers["Authorization"] = user["token"]
    return app.get(path, headers=headers, follow_redirects=False, **options)


def ticketed(app, path, user):
    """The address with a ticket to which the portal sends a grant's holder."""
    answer = get(app, path, user)
    assert answer.status_code == 303
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def log(people, shut, **filters):
    return call_action(
        "hljshare_access_log_list", as_user(people["admin"]), dataset=shut["id"], **filters
    )["results"]


def share(shut):
    return f"/share/{shut['file']}"


def test_a_grant_gives_its_holder_the_file_and_nobody_else(app, people, shut):
    """6.1 h: what was approved is delivered; each use is in the owner's log."""
    given = grant(people, shut, max_downloads=2, organization="")
    assert given["state"] == "live"
    assert given["columns"] is None
    address = ticketed(app, share(shut), people["applicant"])
    answer = get(app, address, people["applicant"])
    assert answer.status_code == 200
    assert answer.data == CONTENT
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    for who in (None, people["stranger"], people["other"], people["sysadmin"]):
        assert get(app, share(shut), who).status_code == 403
        assert get(app, address, who).status_code == 403, "a forwarded link"
    lines = log(people, shut)
    assert [line["outcome"] for line in lines].count("refused") >= 3
    done = next(line for line in lines if line["outcome"] == "complete")
    assert done["user"] == people["applicant"]["name"]
    assert done["sent"] == len(CONTENT)
    assert done["purpose"] == "研究公交客流"
    assert call_action("hljshare_grant_show", site(), id=given["id"])["used"] == 1


def test_downloads_are_counted_once_each_and_broken_ones_taken_up(app, people, shut):
    """A ticket is one download; Range continues it; the next ticket is the next download."""
    given = grant(people, shut, max_downloads=1)
    address = ticketed(app, share(shut), people["applicant"])
    assert get(app, address, people["applicant"]).status_code == 200
    rest = get(app, address, people["applicant"], headers={"Range": "bytes=10-"})
    assert (rest.status_code, rest.data) == (206, CONTENT[10:])
    assert get(app, address, people["applicant"]).status_code == 403, "more than twice over"
    assert get(app, share(shut), people["applicant"]).status_code == 403
    shown = call_action("hljshare_grant_show", as_user(people["applicant"]), id=given["id"])
    assert (shown["used"], shown["state"]) == (1, "used_up")


def test_two_downloads_at_once_do_not_share_the_last_one(app, people, shut):
    """Counting locks the grant: of ten tries one gets through."""
    given = grant(people, shut, max_downloads=1)
    applicant = model.User.get(people["applicant"]["name"]).id
    values = {
        "user_id": applicant,
        "dataset_id": shut["id"],
        "resource_id": shut["file"],
        "what": "file",
        "reason": "grant",
    }
    begun = []
    model.Session.commit()

    def take(number):
        begun.append(store.begin(f"ticket-{number}", 10, grant_id=given["id"], **values))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(log_id is not None for log_id in begun) == 1
    assert call_action("hljshare_grant_show", site(), id=given["id"])["used"] == 1


def test_head_and_conditional_requests_count_nothing(app, people, shut):
    """Asking how big a file is takes nothing."""
    given = grant(people, shut, max_downloads=1)
    address = ticketed(app, share(shut), people["applicant"])
    headers = {"Authorization": people["applicant"]["token"]}
    client = app.flask_app.test_client()
    head = client.head(address, headers=headers)
    assert (head.status_code, head.content_length) == (200, len(CONTENT))
    etag = head.headers["ETag"]
    assert client.get(address, headers={**headers, "If-None-Match": etag}).status_code == 304
    assert call_action("hljshare_grant_show", site(), id=given["id"])["used"] == 0


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({"not_after": -1}, "expired"),
        ({"not_before": 1, "not_after": 2}, "not_yet"),
    ],
)
def test_a_grant_has_a_beginning_and_an_end(app, people, shut, change, state):
    """To the second, whatever ticket is still in somebody's hands."""
    given = grant(people, shut)
    address = ticketed(app, share(shut), people["applicant"])
    row = model.Session.get(GrantRow, given["id"])
    now = datetime.now(timezone.utc)
    row.not_before = now - timedelta(days=9)
    for field, days in change.items():
        setattr(row, field, now + timedelta(days=days))
    model.Session.commit()
    for path in (share(shut), address, f"/dataset/shut/resource/{shut['file']}/data.csv"):
        assert get(app, path, people["applicant"]).status_code == 403
    with pytest.raises(logic.NotAuthorized):
        call_action("datastore_search", as_user(people["applicant"]), resource_id=shut["file"])
    shown = call_action("hljshare_grant_show", site(), id=given["id"])
    assert shown["state"] == state


def test_revoking_ends_a_download_that_is_under_way(app, people, shut, monkeypatch):
    """ASVS 8.3.2: at once; the connection is cut, the log says so."""
    monkeypatch.setattr(delivery, "CHUNK", 1000)
    monkeypatch.setattr(delivery, "CHECK_SECONDS", -1)
    given = grant(people, shut)
    address = ticketed(app, share(shut), people["applicant"])
    client = app.flask_app.test_client()
    headers = {"Authorization": people["applicant"]["token"]}
    answer = client.get(address, headers=headers, buffered=False)
    pieces = answer.iter_encoded()
    next(pieces)
    call_action("hljshare_grant_revoke", as_user(people["admin"]), id=given["id"], reason="误批")
    with pytest.raises(delivery.DownloadEndedError):
        b"".join(pieces)
    line = log(people, shut, outcome="cut")[0]
    assert line["detail"] == "grant-ended"
    assert 0 < line["sent"] < len(CONTENT)
    assert get(app, address, people["applicant"]).status_code == 403


@pytest.mark.parametrize("level", ["closed", "private", "deleted", "withdrawn"])
def test_what_happens_to_the_data_ends_the_grant(app, people, shut, level):
    """Closed, taken back, deleted or withdrawn: the grant opens nothing any more."""
    grant(people, shut)
    address = ticketed(app, share(shut), people["applicant"])
    if level == "deleted":
        call_action("package_delete", site(), id=shut["id"])
    else:
        changes = {
            "closed": {"open_type": "closed"},
            "private": {"private": True},
            "withdrawn": {"withdrawn_on": "2026-01-05"},
        }[level]
        call_action("package_patch", site(), id=shut["id"], **changes)
    assert get(app, share(shut), people["applicant"]).status_code in (403, 404)
    assert get(app, address, people["applicant"]).status_code in (403, 404)
    with pytest.raises((logic.NotAuthorized, logic.NotFound)):
        call_action("datastore_search", as_user(people["applicant"]), resource_id=shut["file"])


def test_renaming_and_moving_the_dataset_keeps_the_grant_and_the_gate(app, people, shut):
    """Grants hang on ids; the new agency owns what it now holds."""
    grant(people, shut)
    call_action(
        "package_patch",
        site(),
        id=shut["id"],
        name="renamed",
        owner_org=people["other org"]["id"],
    )
    assert get(app, share(shut), people["applicant"]).status_code == 303
    assert get(app, share(shut), people["stranger"]).status_code == 403
    assert get(app, share(shut), people["editor"]).status_code == 403, "the former agency"
    assert get(app, share(shut), people["other"]).status_code == 200


def test_a_grant_to_a_person_within_a_unit_ends_when_they_leave(app, people, shut):
    """Person and unit: the same person elsewhere has nothing."""
    call_action("package_patch", site(), id=shut["id"], open_type="closed")
    unit = people["other org"]["id"]
    given = grant(people, shut, user=people["other"]["name"], axis="share", organization=unit)
    assert get(app, share(shut), people["other"]).status_code == 303
    call_action("organization_member_delete", site(), id=unit, username=people["other"]["name"])
    assert get(app, share(shut), people["other"]).status_code == 403
    assert call_action("hljshare_grant_show", site(), id=given["id"])["state"] == "left_unit"


def test_a_name_given_to_somebody_else_inherits_nothing(app, people, shut):
    """People are kept by id: a deleted person's name opens nothing to the next one."""
    grant(people, shut)
    user = model.User.get(people["applicant"]["name"])
    user.name, user.state = "gone", "deleted"
    model.Session.commit()
    heir = factories.UserWithToken(name=people["applicant"]["name"])
    assert get(app, share(shut), heir).status_code == 403
    assert get(app, share(shut), people["applicant"]).status_code == 403


def test_granted_columns_and_rows_are_all_that_leaves(app, people, shut):
    """Not by the file, the exports, the query, its sorting, its search or an alias."""
    grant(people, shut, resource=shut["file"], columns=["姓名", "区"], rows={"区": ["道里区"]})
    who = people["applicant"]
    base = f"/dataset/shut/resource/{shut['file']}"
    for path in (share(shut), f"{base}/download", f"{base}/data.csv", f"{base}/data.json"):
        body = get(app, ticketed(app, path, who), who).get_data(as_text=True)
        assert "张三" in body
        assert "李四" not in body
        assert "230102" not in body
        assert "身份证号" not in body
    alias = f"alias_{shut['file'][:8]}"
    for table in (shut["file"], alias):
        found = call_action("datastore_search", as_user(who), resource_id=table)
        assert found["records"] == [{"姓名": "张三", "区": "道里区"}]
        assert found["total"] == 1
    for trick in (
        {"fields": ["身份证号"]},
        {"sort": "身份证号"},
        {"q": "230102"},
        {"q": '{"身份证号": "230102"}'},
        {"filters": '{"身份证号": "230102"}'},
        {"filters": {"区": "呼兰区"}},
    ):
        with pytest.raises(logic.NotAuthorized):
            call_action("datastore_search", as_user(who), resource_id=shut["file"], **trick)
    info = call_action("datastore_info", as_user(who), id=shut["file"])
    assert [field["id"] for field in info["fields"]] == ["姓名", "区"]
    dump = get(app, f"/datastore/dump/{shut['file']}", who)
    assert "230102" not in dump.get_data(as_text=True)
    page = get(app, f"{base}?q=2301", who).get_data(as_text=True)
    assert "230102" not in page


def test_a_counted_grant_opens_no_query(app, people, shut):
    """Pages of rows are downloads that nobody counts; exports are counted."""
    given = grant(people, shut, max_downloads=1)
    who = people["applicant"]
    with pytest.raises(logic.NotAuthorized):
        call_action("datastore_search", as_user(who), resource_id=shut["file"])
    path = f"/dataset/shut/resource/{shut['file']}/data.csv"
    assert "张三" in get(app, ticketed(app, path, who), who).get_data(as_text=True)
    assert call_action("hljshare_grant_show", site(), id=given["id"])["used"] == 1


def test_a_ticket_is_for_its_person_grant_and_file(app, people, shut, make_dataset):
    """Forged, expired or for another file: refused before anything is read."""
    given = grant(people, shut)
    who = people["applicant"]
    user = model.User.get(who["name"]).id
    secret = app.flask_app.config["SECRET_KEY"]
    address = ticketed(app, share(shut), who)
    good = parse_qs(urlsplit(address).query)["ticket"][0]
    for bad in (
        tickets.issue("x" * 40, user, given["id"], shut["file"]),
        tickets.issue(secret, user, given["id"], "another file"),
        tickets.issue(secret, user, "another grant", shut["file"]),
        tickets.issue(secret, "another user", given["id"], shut["file"]),
        good[:-2],
        "x",
    ):
        assert get(app, f"{share(shut)}?ticket={bad}", who).status_code == 403
    assert get(app, address, who).status_code == 200


def test_programs_get_an_address_of_one_download(app, people, shut):
    """`hljshare_download_ticket`: token and address together."""
    grant(people, shut)
    who = people["applicant"]
    for fmt in ("file", "csv"):
        answer = call_action(
            "hljshare_download_ticket", as_user(who), resource_id=shut["file"], format=fmt
        )
        parts = urlsplit(answer["url"])
        assert get(app, f"{parts.path}?{parts.query}", who).status_code == 200
        assert get(app, f"{parts.path}?{parts.query}").status_code == 403
    with pytest.raises(logic.NotAuthorized):
        call_action(
            "hljshare_download_ticket", as_user(people["stranger"]), resource_id=shut["file"]
        )


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"user": "nobody-there"}, "user"),
        ({"not_after": "2020-01-01"}, "not_after"),
        ({"not_after": ""}, "not_after"),
        ({"not_after": "someday"}, "not_after"),
        ({"purpose": "  "}, "purpose"),
        ({"columns": ["不存在"]}, "columns"),
        ({"columns": []}, "columns"),
        ({"rows": {}}, "rows"),
        ({"max_downloads": 0}, "max_downloads"),
        ({"axis": "share"}, "user"),
        ({"resource": "00000000-0000-0000-0000-000000000000"}, "resource"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(people, shut, values, field):
    """With the field that is wrong; nothing is stored."""
    if "columns" in values:
        values = {**values, "resource": shut["file"]}
    with pytest.raises(logic.ValidationError) as refused:
        grant(people, shut, **values)
    assert field in refused.value.error_dict
    found = call_action("hljshare_grant_list", as_user(people["admin"]), dataset="shut")
    assert found["count"] == 0


def test_nobody_grants_to_oneself_or_what_is_open_or_closed(people, shut, make_dataset):
    """And only the agency's administrators grant at all."""
    with pytest.raises(logic.ValidationError):
        grant(people, shut, user=people["admin"]["name"])
    make_dataset(name="free", resources=[{"name": "a", "url": "https://data.example.cn/a.csv"}])
    with pytest.raises(logic.ValidationError):
        grant(people, shut, dataset="free")
    call_action("package_patch", site(), id=shut["id"], open_type="closed")
    with pytest.raises(logic.ValidationError):
        grant(people, shut)
    for who in ("editor", "applicant", "stranger", "other"):
        with pytest.raises(logic.NotAuthorized):
            call_action(
                "hljshare_grant_create",
                as_user(people[who]),
                user=people["stranger"]["name"],
                dataset="shut",
                purpose="x",
                not_after=soon(days=1),
            )


def test_grants_and_log_are_seen_by_holder_and_owner_only(people, shut):
    """IDOR: an id does not open them."""
    given = grant(people, shut)
    for who in ("admin", "editor", "applicant"):
        shown = call_action("hljshare_grant_show", as_user(people[who]), id=given["id"])
        assert shown["purpose"] == "研究公交客流"
    mine = call_action("hljshare_grant_list", as_user(people["applicant"]))
    assert [item["id"] for item in mine["results"]] == [given["id"]]
    assert call_action("hljshare_grant_list", as_user(people["stranger"]))["count"] == 0
    for who in ("stranger", "other"):
        for action, arguments in (
            ("hljshare_grant_show", {"id": given["id"]}),
            ("hljshare_grant_list", {"dataset": "shut"}),
            ("hljshare_access_log_list", {"dataset": "shut"}),
            ("hljshare_access_log_list", {"grant": given["id"]}),
            ("hljshare_grant_revoke", {"id": given["id"], "reason": "x"}),
        ):
            with pytest.raises(logic.NotAuthorized):
                call_action(action, as_user(people[who]), **arguments)
    with pytest.raises(logic.NotAuthorized):
        call_action("hljshare_access_log_list", as_user(people["applicant"]), dataset="shut")


def test_a_grant_is_revoked_once_and_with_a_reason(people, shut):
    """The second time says so."""
    given = grant(people, shut)
    with pytest.raises(logic.ValidationError):
        call_action("hljshare_grant_revoke", as_user(people["admin"]), id=given["id"])
    done = call_action(
        "hljshare_grant_revoke", as_user(people["admin"]), id=given["id"], reason="用途不符"
    )
    assert (done["state"], done["revoked_reason"]) == ("revoked", "用途不符")
    told = call_action("hljshare_notice_list", as_user(people["applicant"]))["results"]
    assert len(told) == 2, "given, revoked"
    assert "用途不符" in str(told)
    with pytest.raises(logic.ValidationError):
        call_action(
            "hljshare_grant_revoke", as_user(people["admin"]), id=given["id"], reason="again"
        )


def test_an_administrator_above_states_a_purpose_first(app, people, shut):
    """A system administrator reads an agency's restricted file only after saying why, in person;
    the agency reads that in its log."""
    sysadmin = people["sysadmin"]
    assert get(app, share(shut), sysadmin).status_code == 403
    with pytest.raises(logic.NotAuthorized):
        call_action("datastore_search", as_user(sysadmin), resource_id=shut["file"])
    for who in ("applicant", "other", "editor"):
        with pytest.raises(logic.NotAuthorized):
            call_action(
                "hljshare_access_state_purpose",
                as_user(people[who]),
                resource_id=shut["file"],
                purpose="x",
            )
    with pytest.raises(logic.ValidationError):
        call_action(
            "hljshare_access_state_purpose",
            as_user(sysadmin),
            resource_id=shut["file"],
            purpose=" ",
        )
    call_action(
        "hljshare_access_state_purpose",
        as_user(sysadmin),
        resource_id=shut["file"],
        purpose="核查投诉 2026-18",
    )
    found = call_action("datastore_search", as_user(sysadmin), resource_id=shut["file"])
    assert found["total"] == 2
    assert get(app, share(shut), sysadmin).status_code == 403, "not by a token"
    lines = log(people, shut, user=sysadmin["name"])
    assert {line["what"] for line in lines} >= {"statement", "query", "file"}
    assert next(x for x in lines if x["what"] == "statement")["detail"] == "核查投诉 2026-18"
    row = next(
        row
        for row in store.of_person(model.User.get(sysadmin["name"]).id, shut["id"])
        if row.kind == "statement"
    )
    row.not_before -= timedelta(hours=1)
    row.not_after -= timedelta(hours=1)
    model.Session.commit()
    with pytest.raises(logic.NotAuthorized):
        call_action("datastore_search", as_user(sysadmin), resource_id=shut["file"])


def test_nobody_becomes_a_member_of_an_agency_by_oneself(app, people, shut, agency):
    """It would read what needs a stated purpose; the form and the API say so."""
    sysadmin = people["sysadmin"]
    for values in ({"username": sysadmin["name"]}, {"username": sysadmin["id"]}):
        with pytest.raises(logic.NotAuthorized):
            call_action(
                "organization_member_create",
                as_user(sysadmin),
                id=agency["id"],
                role="member",
                **values,
            )
    call_action(
        "organization_member_create",
        as_user(sysadmin),
        id=agency["id"],
        username=people["stranger"]["name"],
        role="member",
    )
    assert get(app, share(shut), sysadmin).status_code == 403


def test_files_lie_where_their_level_wants_them(make_dataset, shut):
    """Private from the first byte; opened, closed and deleted again, the file follows."""
    file = shut["file"]
    assert stored.find(file) == stored.place(file, private=True)
    call_action("package_patch", site(), id=shut["id"], open_type="open")
    outbox.run()
    assert stored.find(file) == stored.place(file, private=False)
    call_action("package_patch", site(), id=shut["id"], open_type="on_request")
    outbox.run()
    assert stored.find(file) == stored.place(file, private=True)
    assert not stored.place(file, private=False).exists()
    call_action("resource_delete", site(), id=file)
    outbox.run()
    assert stored.find(file) is None


@pytest.mark.parametrize("end", ["package_delete", "dataset_purge"])
def test_a_purged_datasets_bytes_are_gone(shut, end):
    """Deleting keeps them shut away; purging erases file and table."""
    from ckanext.datastore.backend import DatastoreBackend

    file = shut["file"]
    call_action(end, site(), id=shut["id"])
    outbox.run()
    exists = DatastoreBackend.get_active_backend().resource_exists(file)
    if end == "dataset_purge":
        assert stored.find(file) is None
        assert not exists
    else:
        assert stored.find(file) == stored.place(file, private=True)
