"""Pages of grants: what a person has, what an agency has given, and who took what."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import ckan.plugins.toolkit as tk
import openpyxl
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.access.grants import views
from ckanext.hljshare.access.grants.model import GrantRow
from ckanext.hljshare.access.model import now

CONTENT = "姓名,区\n张三,道里区\n".encode()
PURPOSE = "研究公交客流 <i>"
MISTAKES = [
    ("user", "nobody-of-this-name"),
    ("not_after", ""),
    ("not_after", "2020-01-01"),
    ("not_after", "<b>soon</b>"),
    ("purpose", " "),
    ("max_downloads", "-1"),
    ("organization", "harbin"),
]


def site():
    return {"user": call_action("get_site_user")["name"], "ignore_auth": True}


def day(**delta):
    return (datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(**delta)).date().isoformat()


@pytest.fixture
def people(agency):
    """An administrator and an editor of the agency, the city's administrator, two others."""
    found = {
        name: factories.UserWithToken()
        for name in ("admin", "editor", "city", "applicant", "stranger")
    }
    city = factories.Organization(name="harbin", title="哈尔滨市", level="city")
    call_action("organization_patch", site(), id=agency["id"], groups=[{"name": city["name"]}])
    for name, org, role in (
        ("admin", agency, "admin"),
        ("editor", agency, "editor"),
        ("city", city, "admin"),
    ):
        call_action(
            "organization_member_create",
            site(),
            id=org["id"],
            username=found[name]["name"],
            role=role,
        )
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
        fields=[{"id": "姓名", "type": "text"}, {"id": "区", "type": "text"}],
        records=[{"姓名": "张三", "区": "道里区"}],
        force=True,
    )
    return {"id": dataset["id"], "file": file["id"]}


@pytest.fixture
def sign_in(app, people):
    """Return a function that signs a person in by a session, as a browser does."""

    def enter(name):
        app.client = app.test_client()
        with app.client.session_transaction(base_url=tk.config["ckan.site_url"]) as session:
            session["_user_id"] = people[name]["id"]
            session["_fresh"] = True

    return enter


def granted(people, **values):
    return call_action(
        "hljshare_grant_create",
        {"user": people["admin"]["name"], "ignore_auth": False},
        **{
            "user": people["applicant"]["name"],
            "dataset": "shut",
            "purpose": PURPOSE,
            "not_after": day(days=30),
            **values,
        },
    )


def form(people, **values):
    return {
        "user": people["applicant"]["name"],
        "axis": "open",
        "purpose": PURPOSE,
        "not_after": day(days=30),
        **values,
    }


def live():
    return call_action("hljshare_grant_list", site(), dataset="shut")["results"]


class TestMine:
    def test_visitors_are_sent_to_sign_in_and_back(self, app, shut):
        answer = app.get("/my", follow_redirects=False)
        assert answer.status_code == 302
        assert "came_from=/my" in answer.headers["Location"].replace("%2F", "/")

    def test_without_grants_it_says_how_to_apply(self, app, people, shut, sign_in):
        sign_in("stranger")
        page = app.get("/my").body
        assert "您还没有授权" in page
        assert "/request/new" in page

    def test_a_grant_shows_its_terms_and_its_button_downloads(self, app, people, shut, sign_in):
        granted(people, max_downloads=2, not_after=f"{day(days=30)}")
        sign_in("applicant")
        page = app.get("/my").body
        assert "研究公交客流 &lt;i&gt;" in page
        assert day(days=29) in page  # an end at 0:00 is the end of the day before
        assert "剩余 2 次，共 2 次" in page
        address = f"/dataset/shut/resource/{shut['file']}/download"
        assert address in page
        assert app.get(address).data == CONTENT
        assert "剩余 1 次，共 2 次" in app.get("/my").body

    def test_what_opens_nothing_says_why_and_has_no_button(self, app, people, shut, sign_in):
        ended = granted(people)
        call_action("hljshare_grant_revoke", site(), id=ended["id"], reason="用途不符 <b>")
        granted(people, not_before=day(days=2))
        row = model.Session.get(GrantRow, granted(people)["id"])
        row.not_before = now() - timedelta(days=2)
        row.not_after = now() - timedelta(days=1)
        row = model.Session.get(GrantRow, granted(people, max_downloads=1)["id"])
        row.used = 1
        model.Session.commit()
        sign_in("applicant")
        page = app.get("/my").body.split("<main")[1]
        for text in ("用途不符 &lt;b&gt;", "未生效", "已到期", "次数已用完"):
            assert text in page
        assert "/download" not in page

    def test_nobody_reads_another_persons_grants(self, app, people, shut, sign_in):
        granted(people)
        sign_in("stranger")
        assert "研究公交客流" not in app.get("/my").body


class TestGiving:
    def test_others_neither_see_nor_give_nor_revoke(self, app, people, shut, sign_in):
        """Not even the holder of a grant."""
        given = granted(people)
        sign_in("applicant")
        for path in ("grants", "grants/new", "access-log", "access-log.csv", "access-log.xlsx"):
            answer = app.get(f"/dataset/shut/{path}")
            assert answer.status_code == 403
            assert "研究公交客流" not in answer.body
        assert app.post("/dataset/shut/grants/new", data=form(people)).status_code == 403
        path = f"/dataset/shut/grants/{given['id']}/revoke"
        assert app.post(path, data={"reason": "x"}).status_code == 403
        assert [grant["state"] for grant in live()] == ["live"]

    def test_visitors_are_asked_to_sign_in(self, app, people, shut):
        for path in ("grants", "grants/new", "access-log", "access-log.csv"):
            assert app.get(f"/dataset/shut/{path}", follow_redirects=False).status_code == 302
        app.post("/dataset/shut/grants/new", data=form(people), follow_redirects=False)
        assert live() == []

    def test_an_editor_reads_but_does_not_give(self, app, people, shut, sign_in):
        granted(people)
        sign_in("editor")
        page = app.get("/dataset/shut/grants").body
        assert "研究公交客流" in page
        assert "/grants/new" not in page
        assert "/revoke" not in page
        assert app.post("/dataset/shut/grants/new", data=form(people)).status_code == 403

    def test_the_form_gives_certain_columns_for_whole_days(self, app, people, shut, sign_in):
        sign_in("admin")
        page = app.get(f"/dataset/shut/grants/new?resource={shut['file']}").body
        assert 'name="columns" value="区"' in page
        app.post(
            "/dataset/shut/grants/new",
            data=form(
                people,
                resource=shut["file"],
                columns=["区"],
                max_downloads="3",
                not_after=day(days=1),
            ),
        )
        [given] = live()
        assert (given["columns"], given["max_downloads"]) == (["区"], 3)
        end = datetime.fromisoformat(given["not_after"]).astimezone(ZoneInfo("Asia/Shanghai"))
        assert end.isoformat()[:16] == f"{day(days=2)}T00:00"

    def test_a_mistake_stands_at_its_field_and_keeps_what_was_entered(
        self, app, people, shut, sign_in
    ):
        sign_in("admin")
        for field, value in MISTAKES:
            data = form(people, **{"conditions": "注明来源", field: value})
            answer = app.post("/dataset/shut/grants/new", data=data)
            assert answer.status_code == 400, (field, value)
            assert f'id="e-{field}"' in answer.body, (field, value)
            assert "注明来源</textarea>" in answer.body
            assert "<b>soon" not in answer.body
        assert live() == []

    def test_the_administrator_of_the_city_does_not_learn_the_columns(
        self, app, people, shut, sign_in
    ):
        """Names of columns follow the rows: without a stated purpose they are not shown."""
        sign_in("city")
        page = app.get(f"/dataset/shut/grants/new?resource={shut['file']}").body
        assert 'name="columns"' not in page

    def test_revoking_needs_a_reason_and_works_at_once(self, app, people, shut, sign_in):
        given = granted(people)
        sign_in("admin")
        path = f"/dataset/shut/grants/{given['id']}/revoke"
        assert "请填写撤销理由" in app.post(path, data={"reason": " "}).body
        assert [grant["state"] for grant in live()] == ["live"]
        page = app.post(path, data={"reason": "用途不符"}).body
        assert "已撤销" in page
        assert "用途不符" in page
        sign_in("applicant")
        assert app.get(f"/dataset/shut/resource/{shut['file']}/download").status_code == 403

    def test_a_grant_is_not_revoked_through_another_dataset(
        self, app, people, shut, sign_in, make_dataset
    ):
        given = granted(people)
        make_dataset(name="other", open_type="on_request")
        sign_in("admin")
        answer = app.post(f"/dataset/other/grants/{given['id']}/revoke", data={"reason": "x"})
        assert answer.status_code == 404
        assert [grant["state"] for grant in live()] == ["live"]

    def test_reading_the_address_changes_nothing(self, app, people, shut, sign_in):
        given = granted(people)
        sign_in("admin")
        assert app.get(f"/dataset/shut/grants/{given['id']}/revoke").status_code in (404, 405)


class TestLog:
    @pytest.fixture
    def used(self, app, people, shut, sign_in):
        """A download under a grant, and a refused one of somebody else."""
        granted(people)
        path = f"/dataset/shut/resource/{shut['file']}/download"
        sign_in("applicant")
        assert app.get(path).data == CONTENT  # read to its end, as a browser does
        sign_in("stranger")
        assert app.get(path).status_code == 403
        sign_in("editor")

    def test_it_says_who_took_what_on_which_ground_and_how_much(self, app, people, used):
        page = app.get("/dataset/shut/access-log").body
        assert people["applicant"]["name"] in page
        assert "研究公交客流 &lt;i&gt;" in page
        assert "凭授权" in page
        assert f"{len(CONTENT)} B" in page
        assert people["stranger"]["name"] in page
        assert "拒绝" in page

    def test_filters_by_person_result_and_day(self, app, people, used):
        def lines(query):
            main = app.get(f"/dataset/shut/access-log?{query}").body.split("<tbody>")
            return main[1].split("</tbody>")[0].count("<tr>") if len(main) > 1 else 0

        assert lines("") == 2
        assert lines("outcome=refused") == 1
        assert lines(f"user={people['applicant']['name']}") == 1
        assert lines("user=nobody-of-this-name") == 0
        assert lines(f"since={day()}&until={day()}") == 2
        assert lines(f"until={day(days=-1)}") == 0
        assert lines("since=rubbish&outcome=rubbish&page=rubbish") == 2

    def test_the_owner_exports_it(self, app, people, used, monkeypatch):
        monkeypatch.setattr(views, "BATCH", 1)
        answer = app.get("/dataset/shut/access-log.csv")
        assert "no-store" in answer.headers["Cache-Control"]
        rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
        assert [row["结果"] for row in rows] == ["拒绝", "完成"]
        assert rows[1]["人员"] == people["applicant"]["name"]
        assert rows[1]["已发送字节数"] == str(len(CONTENT))
        book = openpyxl.load_workbook(
            io.BytesIO(app.get("/dataset/shut/access-log.xlsx?outcome=refused").data)
        )
        assert book.active.max_row == 2

    def test_the_editors_find_the_way_and_others_do_not(self, app, people, used, sign_in):
        assert "/dataset/shut/access-log" in app.get("/dataset/shut").body
        sign_in("applicant")
        assert "/dataset/shut/access-log" not in app.get("/dataset/shut").body


class TestPurpose:
    def path(self, shut):
        return f"/dataset/shut/resource/{shut['file']}/purpose"

    def test_an_administrator_above_states_it_and_reads(self, app, people, shut, sign_in):
        """The refused page leads there; the agency sees the purpose in its log."""
        sign_in("city")
        download = f"/dataset/shut/resource/{shut['file']}/download"
        refused = app.get(download)
        assert refused.status_code == 403
        assert self.path(shut) in refused.body
        assert "登记用途" in app.get(self.path(shut)).body
        assert app.post(self.path(shut), data={"purpose": " "}).status_code == 400
        assert app.get(download).status_code == 403
        app.post(self.path(shut), data={"purpose": "核查投诉 2026-17"})
        assert app.get(download).data == CONTENT
        sign_in("editor")
        log = app.get("/dataset/shut/access-log").body
        assert "核查投诉 2026-17" in log
        assert "上级管理员（已登记用途）" in log

    def test_it_opens_nothing_to_others(self, app, people, shut, sign_in):
        sign_in("stranger")
        assert app.get(self.path(shut)).status_code == 403
        assert app.post(self.path(shut), data={"purpose": "x"}).status_code == 403
        download = f"/dataset/shut/resource/{shut['file']}/download"
        assert app.get(download).status_code == 403

    def test_a_visitor_is_asked_to_sign_in_first(self, app, people, shut):
        assert app.get(self.path(shut), follow_redirects=False).status_code == 302
        answer = app.post(self.path(shut), data={"purpose": "x"}, follow_redirects=False)
        assert answer.status_code == 302


class TestRefused:
    def test_each_reason_says_what_to_do(self, app, people, shut, sign_in, make_dataset):
        path = f"/dataset/shut/resource/{shut['file']}/download"
        assert "/request/new?dataset=shut" in app.get(path).body
        given = granted(people)
        call_action("hljshare_grant_revoke", site(), id=given["id"], reason="用途不符")
        sign_in("applicant")
        assert "您的授权已被撤销" in app.get(path).body
        call_action("package_patch", site(), id="shut", open_type="closed")
        assert "怎样提出异议" in app.get(path).body
        call_action("package_patch", site(), id="shut", withdrawn_on="2026-10-01")
        assert "已下架" in app.get(path).body
