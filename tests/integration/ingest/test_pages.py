"""The cities' pages: what everybody sees, what administrators do, what a supplier is told."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import openpyxl
import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.harvest.model import HarvestJob, HarvestSource

from ckanext.hljshare.ingest import approval, runs
from ckanext.hljshare.ingest.model import LedgerEntry, Preview, Run, RunEntry, now

ADDRESS = "http://10.20.30.40/odweb"
CONTACT = "0451-88886666"
TITLE = "哈尔滨市公共数据开放平台（市营商环境建设监督局大数据中心）"


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index):
    """Give each test an empty portal."""


@pytest.fixture
def as_():
    """Return a function that gives the headers of an administrator of an organization."""

    def headers(organization=None, name=None):
        user = factories.UserWithToken(**({"name": name} if name else {}))
        if organization == "root":
            model.User.get(user["name"]).sysadmin = True
            model.Session.commit()
        elif organization:
            call_action(
                "organization_member_create",
                id=organization,
                username=user["name"],
                role="admin",
            )
        return {"Authorization": user["token"]}

    return headers


@pytest.fixture
def source():
    """Return the source of Harbin, with a run that held one record and rejected one."""
    factories.Organization(name="hlj", title="黑龙江省", level="province", region_code="230000")
    city = factories.Organization(
        name="harbin", title="哈尔滨市", level="city", parent="hlj", region_code="230100"
    )
    made = call_action(
        "harvest_source_create",
        {"user": call_action("get_site_user")["name"], "ignore_auth": True},
        name="harbin-portal",
        title=TITLE,
        url=ADDRESS,
        source_type="odweb",
        owner_org=city["id"],
    )
    row = HarvestSource.get(made["id"])
    settings = approval.settings_of(row.id)
    settings.supplier_name, settings.supplier_contact = "市大数据中心", CONTACT
    approval.by_operator(row)
    run_id = runs.start(row.id, "harvest", None).id
    runs.advance(run_id, seen=3, total=3, held=1, rejected=1, created=1)
    for native_id, title, outcome, reasons in (
        ("1", '=HYPERLINK("http://evil")', "held", ["opening-unknown: 待定"]),
        ("2", "低保对象名单", "rejected", ["invalid: notes Missing value", "cycle-unknown: 偶尔"]),
    ):
        entry = {"native_id": native_id, "outcome": outcome, "reasons": reasons}
        model.Session.add(LedgerEntry(source_id=row.id, **entry))
        model.Session.add(RunEntry(run_id=run_id, title=title, **entry))
    model.Session.commit()
    runs.finish(run_id)
    return {"row": row, "run": run_id, "name": "harbin-portal"}


class TestOverview:
    def test_everybody_sees_all_13_and_nothing_of_the_sources(self, app, source):
        page = app.get("/city").body
        for name in ("哈尔滨市", "齐齐哈尔市", "大兴安岭地区", "牡丹江市"):
            assert name in page
        assert page.count("尚未接入") >= 12
        assert "省级采集" in page
        for secret in (ADDRESS, CONTACT, TITLE, "市大数据中心", "/city/run/", "/city/source/"):
            assert secret not in page

    def test_the_action_tells_the_public_no_more_than_the_page(self, app, source):
        found = app.get("/api/3/action/hljshare_city_list").json["result"]
        assert (found["count"], len({city["code"] for city in found["results"]})) == (13, 13)
        harbin = found["results"][0]
        assert (harbin["held"], harbin["rejected"], harbin["state"]) == (1, 1, "fresh")
        assert (harbin["ways"], found["sources"]) == (["pull"], [])
        told = json.dumps(found, ensure_ascii=False)
        for secret in (ADDRESS, CONTACT, TITLE, source["run"], source["row"].id, "opening-unknown"):
            assert secret not in told

    def test_the_citys_administrator_sees_contact_report_and_reasons(self, app, source, as_):
        page = app.get("/city", headers=as_("harbin")).body
        for text in (TITLE, CONTACT, f"/city/run/{source['run']}", "/city/source/harbin-portal"):
            assert text in page
        assert "无法识别的开放类型" in page
        assert ADDRESS not in page
        factories.Organization(name="daqing", title="大庆市", level="city", region_code="230600")
        other = app.get("/city", headers=as_("daqing")).body
        assert CONTACT not in other

    def test_silence_is_an_alarm(self, app, source):
        settings = approval.settings_of(source["row"].id)
        settings.missed_after = 24
        run = model.Session.get(Run, source["run"])
        run.finished = now() - timedelta(hours=30)
        model.Session.commit()
        found = app.get("/api/3/action/hljshare_city_list").json["result"]["results"][0]
        assert (found["silent"], found["state"], found["days"]) == (True, "late", 1)
        assert "逾时未到" in app.get("/city").body


class TestSource:
    path = "/city/source/harbin-portal"

    def test_it_is_for_its_administrators(self, app, source, as_):
        assert app.get(self.path, follow_redirects=False).status_code == 302
        assert app.get(self.path, headers=as_()).status_code == 403
        for way in ("settings", "preview", "approve", "run", "abort", "let-pass"):
            assert app.post(f"{self.path}/{way}", headers=as_()).status_code == 403
        assert app.get(f"{self.path}/progress", headers=as_()).status_code == 403
        assert app.get("/city/source/nothing", headers=as_("root")).status_code == 404

    def test_the_schedule_and_the_supplier_are_kept(self, app, source, as_):
        data = {"every": "1440", "missed_after": "48", "supplier_name": "<b>局</b>"}
        page = app.post(f"{self.path}/settings", headers=as_("harbin"), data=data)
        assert page.status_code == 200
        assert "<b>局</b>" not in page.body
        model.Session.expire_all()
        settings = approval.settings_of(source["row"].id)
        assert (settings.every, settings.missed_after) == (1440, 48)
        assert settings.next_run is not None

    def test_a_schedule_that_cannot_be_is_refused_with_the_form_as_it_was(self, app, source, as_):
        data = {"every": "1", "supplier_name": "新的名称"}
        page = app.post(f"{self.path}/settings", headers=as_("harbin"), data=data, status=400)
        assert "新的名称" in page.body
        assert approval.settings_of(source["row"].id).every is None

    def test_a_new_source_shows_what_is_to_be_done_and_who_may(self, app, source, as_):
        settings = approval.settings_of(source["row"].id)
        settings.approved = settings.approved_digest = settings.approved_by = None
        preview = Preview(
            source_id=source["row"].id,
            digest=approval.digest_of(source["row"]),
            requested_by="x",
            state="done",
            finished=now(),
            result={
                "seen": 1,
                **dict.fromkeys(("updated", "unchanged", "held", "withdrawn", "rejected"), 0),
                "created": 1,
                "stopped": None,
                "cut": False,
                "problems": {"cycle-missing": 1},
                "first": [
                    {
                        "native_id": "7",
                        "title": "<script>alert(1)</script>公交",
                        "provider": "交通运输局",
                        "outcome": "created",
                        "reasons": ["cycle-missing"],
                        "fields": {"open_type": "open", "update_cycle": "annual", "items": []},
                        "resources": [{"name": "线路表", "format": "CSV"}],
                    }
                ],
            },
        )
        model.Session.add(preview)
        model.Session.commit()
        own = app.get(self.path, headers=as_("harbin")).body
        assert "公交" in own
        assert "线路表" in own
        assert "<script>alert(1)" not in own
        assert f"{self.path}/approve" not in own
        province = as_("hlj")
        assert f"{self.path}/approve" in app.get(self.path, headers=province).body
        app.post(f"{self.path}/run", headers=province)
        assert model.Session.query(HarvestJob).count() == 0
        app.post(f"{self.path}/approve", headers=province, data={"preview": preview.id})
        model.Session.expire_all()
        assert approval.may_run(HarvestSource.get(source["row"].id)) is None
        app.post(f"{self.path}/run", headers=province)
        assert model.Session.query(HarvestJob).count() == 1
        shown = app.get(f"{self.path}/progress", headers=province).json
        assert shown["job"] == "Running"
        app.post(f"{self.path}/abort", headers=province)
        model.Session.expire_all()
        assert model.Session.query(HarvestJob).one().status == "Finished"

    def test_a_stop_shows_its_figures_and_passes_with_a_tick_only(self, app, source, as_):
        run_id = runs.start(source["row"].id, "harvest", None).id
        runs.advance(run_id, seen=60, missing=40)
        runs.finish(run_id, "shrink: 40 / 100")
        headers = as_("harbin")
        page = app.get(self.path, headers=headers).body
        assert "超过五分之一的数据集将消失" in page or "40" in page
        data = {"run": run_id, "missing": "40", "seen": "60"}
        app.post(f"{self.path}/let-pass", headers=headers, data=data)
        model.Session.expire_all()
        assert approval.settings_of(source["row"].id).let_pass is None
        app.post(f"{self.path}/let-pass", headers=headers, data={**data, "sure": "yes"})
        model.Session.expire_all()
        assert approval.settings_of(source["row"].id).let_pass["missing"] == 40
        assert model.Session.query(HarvestJob).count() == 1


class TestReport:
    def test_the_page_says_why_and_what_to_do_for_the_whole_run(self, app, source, as_):
        page = app.get(f"/city/run/{source['run']}", headers=as_("harbin")).body
        assert "请改用平台认得的取值" in page
        assert "低保对象名单" in page
        for code in ("opening-unknown", "cycle-unknown"):
            assert code not in page

    def test_progress_is_small_and_not_kept(self, app, source, as_):
        path = f"/city/run/{source['run']}/progress"
        answer = app.get(path, headers=as_("harbin"))
        assert (answer.json["seen"], answer.json["stage"]) == (3, "done")
        assert "no-store" in answer.headers["Cache-Control"]
        assert app.get(path, headers=as_()).status_code == 403

    def test_the_workbook_is_in_plain_words_and_runs_nothing(self, app, source, as_):
        path = f"/city/run/{source['run']}/report.xlsx"
        assert app.get(path, headers=as_()).status_code == 403
        answer = app.get(path, headers=as_("harbin"))
        book = openpyxl.load_workbook(io.BytesIO(answer.data))
        summary, records = book.worksheets
        assert records.title == "记录"
        rows = list(records.iter_rows(values_only=True))
        assert rows[1][:3] == ("1", '=HYPERLINK("http://evil")', "暂缓")
        assert records.cell(2, 2).data_type == "s"
        assert "无法识别的开放类型" in rows[1][3]
        assert rows[1][4].startswith("请改用")
        assert len(rows) == 3
        told = "\n".join(str(cell) for line in summary.iter_rows(values_only=True) for cell in line)
        assert TITLE in told
        assert "请改正这里指出的字段" in told
        for page in (told, str(rows)):
            assert ADDRESS not in page
            assert "opening-unknown" not in page

    @pytest.mark.parametrize(
        ("stopped", "stays"),
        [("interrupted", True), ("aborted", True), ("unreachable: HTTP 500", False)],
    )
    def test_the_workbook_says_whether_what_was_written_stays(
        self, app, source, as_, stopped, stays
    ):
        runs.finish(source["run"], stopped)
        headers = as_("harbin")
        answer = app.get(f"/city/run/{source['run']}/report.xlsx", headers=headers)
        summary = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
        told = "\n".join(str(cell) for line in summary.iter_rows(values_only=True) for cell in line)
        page = app.get(f"/city/run/{source['run']}", headers=headers).body
        for text in (told, page):
            assert ("已写入的保留" in text) is stays
            assert ("未作任何更改" in text) is not stays


class TestMappings:
    def test_they_are_for_the_province(self, app, source, as_):
        for path in ("/city/mapping", "/city/mapping/harbin"):
            assert app.get(path, follow_redirects=False).status_code == 302
            assert app.get(path, headers=as_("harbin")).status_code == 403
            assert app.get(path, headers=as_("hlj")).status_code == 200

    def test_mistakes_stand_with_their_lines_and_the_text_stays(self, app, source, as_):
        body = "title: 甲\ncodes:\n  open: {'1': public}\n</textarea><script>x()</script>"
        page = app.post(
            "/city/mapping/harbin",
            headers=as_("hlj"),
            data={"do": "save", "body": body},
            status=400,
        ).body
        assert "第 4 行" in page
        assert "<script>x()" not in page
        body = "title: 甲\ncodes:\n  open: {'1': public}\n"
        data = {"do": "check", "body": body}
        page = app.post("/city/mapping/harbin", headers=as_("hlj"), data=data).body
        assert "第 3 行" in page

    def test_a_saved_text_is_in_force_and_the_old_one_can_be_read(self, app, source, as_):
        headers = as_("hlj")
        for number in (1, 2):
            data = {"do": "save", "body": f"title: 第 {number} 版\n"}
            app.post("/city/mapping/new-one", headers=headers, data=data)
        page = app.get("/city/mapping/new-one", headers=headers).body
        assert "第 2 版" in page
        assert page.count("?version=") == 2
        old = page.rsplit("?version=", 1)[1].split('"')[0]
        assert "第 1 版" in app.get(f"/city/mapping/new-one?version={old}", headers=headers).body
        assert app.get("/city/mapping?new=../x", headers=headers).status_code == 400
