"""The calendar in the database, its import, and the public explanation of a deadline."""

from __future__ import annotations

import io
import json
import threading
from datetime import datetime, timezone

import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.logic import NotAuthorized, ValidationError
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.deadlines import calendars, outbox
from ckanext.hljshare.deadlines.model import CalendarDay, CalendarVersion, Notice, OutboxItem

NAMES = {
    "01-01": "元旦",
    "02-05": "春节",
    "02-06": "春节",
    "02-07": "春节",
    "02-08": "春节",
    "04-05": "清明节",
    "05-01": "劳动节",
    "05-02": "劳动节",
    "06-09": "端午节",
    "09-15": "中秋节",
    "10-01": "国庆节",
    "10-02": "国庆节",
    "10-03": "国庆节",
}


def notice(**more):
    """A notice of 2027 as CSV; more days as ``d0102="班"``."""
    days = {**dict.fromkeys(NAMES, "休"), **{f"{k[1:3]}-{k[3:]}": v for k, v in more.items()}}
    rows = [f"2027-{day},{NAMES.get(day, '元旦')},{flag}" for day, flag in sorted(days.items())]
    return "\n".join(["日期,名称,类型", *rows])


@pytest.fixture(autouse=True)
def _empty():
    for table in (CalendarDay, CalendarVersion, Notice, OutboxItem):
        model.Session.query(table).delete()
    model.Session.commit()


@pytest.fixture
def admin():
    return {"user": factories.Sysadmin()["name"], "ignore_auth": False}


def explain(kind="open", accepted_at="2026-12-22", **more):
    return call_action(
        "hljshare_deadline_explain",
        {"user": "", "ignore_auth": False},
        kind=kind,
        accepted_at=accepted_at,
        **more,
    )


def test_an_empty_calendar_is_filled_with_the_shipped_years():
    found = call_action("hljshare_calendar_list", {"user": "", "ignore_auth": False}, year=2026)
    assert found["years"] == list(range(2020, 2027))
    assert len(found["versions"]) == 7
    assert {"date": "2026-02-14", "name": "春节", "is_off": False} in found["days"]
    assert found["versions"][0]["rest_days"] + found["versions"][0]["worked_days"] == 39


def test_two_who_ask_first_fill_it_once():
    start = threading.Barrier(2)

    def ask():
        start.wait()
        try:
            calendars.current()
        finally:
            model.Session.remove()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.Session.query(CalendarVersion).count() == 7


def test_visitors_see_how_days_are_counted():
    found = explain(accepted_at="2026-11-24T09:00:00+08:00")
    assert (found["nominal"], found["due"]) == ("2026-12-04", "2026-12-04")
    assert found["due_at"] == "2026-12-05T00:00:00+08:00"
    assert (found["provisional"], found["warning"]) == (False, "")
    assert "6.1" in found["basis"]
    assert found["days"][0]["counted"] is False
    assert sum(day["counted"] for day in found["days"]) == 10
    assert explain("share", "2026-11-24")["due"] == "2026-12-08"
    assert explain("acceptance", "2026-11-24")["due"] == "2026-12-01"


@pytest.mark.parametrize(
    ("accepted_at", "due"),
    [
        ("2026-02-05T00:30:00+08:00", "2026-02-24"),
        ("2026-02-04T16:30:00", "2026-02-24"),  # without a zone it is UTC
        ("2026-02-04T16:30:00Z", "2026-02-24"),
        ("2026-02-05", "2026-02-24"),
    ],
)
def test_the_day_is_chinas(accepted_at, due):
    assert explain(accepted_at=accepted_at)["due"] == due


def test_suspensions_are_taken_out():
    pair = ["2026-09-18T10:00:00+08:00", "2026-09-28"]
    found = explain(accepted_at="2026-09-14", suspensions=[pair])
    assert (found["nominal"], found["due"]) == ("2026-10-04", "2026-10-08")
    as_text = explain(accepted_at="2026-09-14", suspensions=json.dumps([pair]))
    assert as_text == found
    paused = explain(accepted_at="2026-09-14", suspensions=[["2026-09-18", None]])
    assert (paused["due"], paused["due_at"]) == (None, None)
    assert "2026-09-18" in paused["warning"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "never"},
        {"kind": ""},
        {"accepted_at": "yesterday"},
        {"accepted_at": "9999-12-31"},
        {"accepted_at": "0001-01-01T00:00:00Z"},
        {"suspensions": "x"},
        {"suspensions": [["2026-12-23"]]},
        {"suspensions": [["2026-12-23", "2026-12-22"]]},
        {"suspensions": [["2027-03-01", "2027-03-02"]]},
        {"suspensions": [["2026-12-23", "2090-01-01"]]},
        {"suspensions": [["2026-12-23", "2026-12-24"]] * 51},
        {"suspensions": {"a": 1}},
    ],
)
def test_wrong_questions_are_told_so(wrong):
    with pytest.raises(ValidationError):
        explain(**wrong)


def test_an_import_settles_provisional_dates(admin):
    before = explain()
    assert before["provisional"]
    assert before["warning"]
    answer = call_action("hljshare_calendar_import", admin, content=notice(d0102="班"))
    [change] = answer["changes"]
    assert (change["year"], len(change["added"])) == (2027, len(NAMES) + 1)
    after = explain()
    assert (after["due"], after["provisional"]) == ("2027-01-02", False)
    assert after["calendar_version"] == str(change["version"]) != before["calendar_version"]
    # As it was: any count can be made again.
    old = calendars.current(int(before["calendar_version"]))
    assert 2027 not in old.years


def test_the_same_notice_again_makes_no_version(admin):
    first = call_action("hljshare_calendar_import", admin, content=notice())
    again = call_action("hljshare_calendar_import", admin, content=notice())
    assert again["version"] == first["version"]
    assert again["changes"][0]["version"] is None


def test_a_corrected_notice_replaces_the_year(admin):
    call_action("hljshare_calendar_import", admin, content=notice(d0102="休"))
    answer = call_action("hljshare_calendar_import", admin, content=notice(d0103="休"))
    [change] = answer["changes"]
    assert (change["added"], change["removed"]) == (["2027-01-03"], ["2027-01-02"])
    found = call_action("hljshare_calendar_list", {}, year=2027)
    assert "2027-01-02" not in [day["date"] for day in found["days"]]
    assert len([item for item in found["versions"] if item["year"] == 2027]) == 2


def test_a_bad_file_changes_nothing(admin):
    before = call_action("hljshare_calendar_list")
    bad = notice().replace("2027-02-06,春节,休\n", "")
    with pytest.raises(ValidationError) as refused:
        call_action("hljshare_calendar_import", admin, content=bad)
    assert "2027-02-06" in refused.value.error_dict["upload"][0]
    assert call_action("hljshare_calendar_list") == before
    with pytest.raises(ValidationError):
        call_action("hljshare_calendar_import", admin)


def test_who_follows_the_calendar_is_told_after_the_commit(admin, monkeypatch):
    told = []
    monkeypatch.setattr(calendars, "_followers", [told.append])
    answer = call_action("hljshare_calendar_import", admin, content=notice())
    assert told == []
    assert outbox.run().done == 1
    assert told == [int(answer["version"])]


def test_only_system_administrators_import():
    with pytest.raises(NotAuthorized):
        call_action(
            "hljshare_calendar_import",
            {"user": factories.User()["name"], "ignore_auth": False},
            content=notice(),
        )


def test_an_upload_over_http(app):
    token = factories.SysadminWithToken()["token"]
    response = app.post(
        "/api/action/hljshare_calendar_import",
        data={"upload": (io.BytesIO(notice().encode()), "2027.csv")},
        headers={"Authorization": token},
        content_type="multipart/form-data",
    )
    assert response.json["result"]["changes"][0]["year"] == 2027
    assert model.Session.query(CalendarVersion).filter_by(year=2027).one().file_name == "2027.csv"


def test_the_command_imports_a_file_or_says_what_is_wrong(cli, tmp_path):
    good, bad = tmp_path / "2027.csv", tmp_path / "bad.csv"
    good.write_text(notice(), "utf-8")
    bad.write_text("date,name\n", "utf-8")
    found = cli.invoke(ckan, ["hljshare", "calendar", "import", str(good)])
    assert json.loads(found.output.splitlines()[-1])["changes"][0]["year"] == 2027
    refused = cli.invoke(ckan, ["hljshare", "calendar", "import", str(bad)])
    assert refused.exit_code == 1
    assert "Traceback" not in refused.output


class TestReminder:
    def at(self, month, day):
        return datetime(2026, month, day, 4, tzinfo=timezone.utc)

    def notices(self, user):
        return model.Session.query(Notice).filter_by(user_id=user["id"]).count()

    def test_comes_once_a_month_to_system_administrators(self):
        admin, user = factories.Sysadmin(), factories.User()
        assert calendars.remind(self.at(9, 30)) == 0
        calendars.remind(self.at(10, 1))
        calendars.remind(self.at(10, 2))
        assert self.notices(admin) == 1
        calendars.remind(self.at(11, 1))
        assert self.notices(admin) == 2
        assert self.notices(user) == 0

    def test_ends_with_the_import(self, admin):
        call_action("hljshare_calendar_import", admin, content=notice())
        assert calendars.remind(self.at(12, 1)) == 0

    def test_the_command_runs(self, cli):
        factories.Sysadmin()
        arguments = ["hljshare", "calendar", "remind", "--now", "2026-10-05T08:00:00+08:00"]
        found = cli.invoke(ckan, arguments)
        assert json.loads(found.output.splitlines()[-1])["notices"] >= 1


class TestPage:
    def post(self, app, content, **headers):
        return app.post(
            "/calendar/import",
            data={"upload": (io.BytesIO(content.encode()), "2027.csv")},
            headers=headers,
            content_type="multipart/form-data",
            follow_redirects=False,
        )

    def test_visitors_check_a_date(self, app):
        page = app.get("/calendar?kind=open&accepted=2026-02-05&year=2025").body
        assert "2026-02-24" in page
        assert "2025-01-28 – 02-04" in page
        assert 'type="file"' not in page

    @pytest.mark.parametrize(
        "query", ["accepted=<script>", "kind=x&accepted=2026-02-05", "year=x", "year=99999999999"]
    )
    def test_nonsense_is_answered_with_a_page(self, app, query):
        response = app.get(f"/calendar?{query}")
        assert response.status_code == 200
        assert "<script>" not in response.body.split("<main")[1].split("</main")[0]

    def test_only_system_administrators_import(self, app):
        assert self.post(app, notice()).status_code == 403
        token = factories.UserWithToken()["token"]
        assert self.post(app, notice(), Authorization=token).status_code == 403
        assert 2027 not in calendars.current().years

    def test_a_good_file_comes_in_and_a_bad_one_is_told_why(self, app):
        token = factories.SysadminWithToken()["token"]
        refused = self.post(app, notice().replace("2027-02-06,春节,休\n", ""), Authorization=token)
        assert refused.status_code == 400
        assert 'id="upload-error"' in refused.body
        assert "2027-02-06" in refused.body
        taken = self.post(app, notice(), Authorization=token)
        assert taken.headers["location"].endswith("/calendar?year=2027")
        assert "2027-02-05 – 02-08" in app.get("/calendar?year=2027").body
