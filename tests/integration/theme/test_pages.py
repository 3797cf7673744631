"""What visitors and administrators see on the portal's own pages."""

from __future__ import annotations

import pytest
from ckan import model
from ckan.lib.i18n import build_js_translations
from ckan.tests import factories
from ckan.tests.helpers import call_action
from sqlalchemy.exc import OperationalError

from ckanext.hljshare.catalog import organizations
from ckanext.hljshare.ingest.model import LedgerEntry, Run, RunEntry, now
from ckanext.hljshare.theme import preview

ADDRESS = "http://10.20.30.40/odweb"


@pytest.fixture
def source(agency):
    """A source of the agency with one run: one record came in, one is held."""
    made = call_action(
        "harvest_source_create",
        {"user": call_action("get_site_user")["name"], "ignore_auth": True},
        name="harbin",
        title="哈尔滨市公共数据开放平台",
        url=ADDRESS,
        source_type="odweb",
        owner_org=agency["id"],
    )
    run = Run(source_id=made["id"], trigger="command", seen=2, created=1, held=1)
    run.finished = now()
    model.Session.add(run)
    model.Session.commit()
    return {**made, "run": run}


@pytest.fixture
def held(source, make_dataset):
    """A dataset that its source sent without saying whether it is open."""
    dataset = make_dataset(title="城管部件普查", private=True, held_reason="opening-missing")
    run = source["run"]
    entry = {"native_id": "000042", "package_id": dataset["id"], "outcome": "held"}
    entry["reasons"] = ["opening-missing"]
    model.Session.add(LedgerEntry(source_id=source["id"], **entry))
    model.Session.add(RunEntry(run_id=run.id, title=dataset["title"], **entry))
    model.Session.commit()
    return dataset


@pytest.fixture
def as_admin(agency):
    """Headers of the agency's administrator."""
    user = factories.UserWithToken()
    call_action("organization_member_create", id=agency["id"], username=user["name"], role="admin")
    return {"Authorization": user["token"]}


class TestCities:
    def test_visitors_see_places_and_nothing_of_the_sources(self, app, held):
        page = app.get("/city").body
        assert "地市接入" in page
        assert ADDRESS not in page
        assert "哈尔滨市公共数据开放平台" not in page

    def test_administrators_read_what_happened_to_each_record(self, app, held, source, as_admin):
        overview = app.get("/city", headers=as_admin).body
        assert "哈尔滨市公共数据开放平台" in overview
        address = f"/city/run/{source['run'].id}"
        assert address in overview
        report = app.get(address, headers=as_admin).body
        assert "城管部件普查" in report
        assert "opening-missing" not in report
        assert "000042" in app.get(f"{address}?outcome=held", headers=as_admin).body
        assert "000042" not in app.get(f"{address}?outcome=created", headers=as_admin).body

    def test_others_are_kept_out_of_a_report(self, app, held, source):
        address = f"/city/run/{source['run'].id}"
        assert app.get(address, follow_redirects=False).status_code == 302
        stranger = {"Authorization": factories.UserWithToken()["token"]}
        assert app.get(address, headers=stranger).status_code == 403


class TestHeld:
    def test_the_list_names_the_reason_and_leads_to_the_form(self, app, held, as_admin):
        page = app.get("/dashboard/held", headers=as_admin).body
        assert "待核定数据" in page
        assert "城管部件普查" in page
        assert f"/dataset/edit/{held['name']}" in page
        assert "opening-missing" not in page

    def test_the_dataset_itself_says_why_in_words(self, app, held, as_admin):
        page = app.get(f"/dataset/{held['name']}", headers=as_admin).body
        assert "暂缓发布" in page
        assert "opening-missing" not in page

    def test_visitors_do_not_learn_that_it_exists(self, app, held):
        assert app.get("/dashboard/held", follow_redirects=False).status_code == 302
        assert app.get(f"/dataset/{held['name']}").status_code == 404

    def test_a_withdrawn_dataset_stays_with_its_date(self, app, make_dataset):
        gone = make_dataset(withdrawn_on="2026-10-01")
        assert "2026-10-01" in app.get(f"/dataset/{gone['name']}").body


class TestAgencies:
    def test_names_and_initials_find_agencies_without_scripts(self, app, agency):
        assert agency["title"] in app.get("/organization/?q=jtysj").body
        assert agency["title"] not in app.get("/organization/?q=水利").body

    def test_a_new_title_is_seen_at_once(self, app, agency):
        assert "交通运输局" in app.get("/organization/").body
        call_action("organization_patch", id=agency["id"], title="哈尔滨市交通局")
        assert "哈尔滨市交通局" in app.get("/organization/").body
        assert organizations.kept() is organizations.kept()

    @pytest.mark.parametrize("query", ["page=abc", "page=-3", "no_such_field=1"])
    def test_what_cannot_be_read_is_refused_in_words(self, app, agency, query):
        assert app.get(f"/organization/{agency['name']}?{query}").status_code == 400

    def test_quotes_do_not_leave_their_filter(self, app, agency, make_dataset):
        make_dataset()
        page = app.get(f'/organization/{agency["name"]}?hljshare_theme=x" OR "1').body
        assert "/dataset/dataset-1" not in page


class TestScripts:
    def test_their_chinese_is_found_at_the_address_that_they_ask(self, app, agency):
        build_js_translations()  # `./portal up` does it for the site
        assert app.get("/api/i18n/zh_Hans-CN").json[""]["lang"] == "zh_Hans_CN"


class TestPreview:
    @pytest.fixture
    def file(self, make_dataset):
        dataset = make_dataset()
        made = call_action(
            "datastore_create",
            resource={"package_id": dataset["id"], "name": "线路"},
            fields=[{"id": "名称", "type": "text"}, {"id": "票价", "type": "int"}],
            records=[{"名称": f"{number}路", "票价": 2} for number in range(1, 31)],
        )
        return f"/dataset/{dataset['name']}/resource/{made['resource_id']}"

    def test_words_are_found_within_cells_and_controls_are_ignored(self, app, file):
        assert "21路" in app.get(f"{file}?page=2").body
        found = app.get(f"{file}?q=3%00路").body
        assert "13路" in found
        assert "12路" not in found

    def test_a_search_that_takes_too_long_is_a_message(self, app, file, monkeypatch):
        def slow(*_args):
            raise OperationalError("SELECT", {}, Exception("statement timeout"))

        monkeypatch.setattr(preview, "_holding", slow)
        assert "未能及时完成筛选" in app.get(f"{file}?q=路").body
