"""A new or changed source is looked at, then approved by somebody else, before it runs."""

from __future__ import annotations

import csv
import http.server
import io
import threading

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.plugins import PluginImplementations
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.harvest import queue
from ckanext.harvest.interfaces import IHarvester
from ckanext.harvest.model import HarvestJob, HarvestSource

from ckanext.hljshare.ingest import approval, cli, engine, mappings, previews
from ckanext.hljshare.ingest.model import Run

HEADER = [
    "信息资源名称",
    "来源部门",
    "开放类型",
    "开放依据",
    "更新频率",
    "资源格式",
    "摘要",
    "下载地址",
]
ADDRESS = "http://10.20.30.40/secret.csv"


def row(title, level="无条件开放"):
    basis = "" if level == "无条件开放" else "《数据安全法》第三十八条"
    notes = "各线路的起点、终点和运营时间说明"
    return [title, "交通运输局", level, basis, "每年", "CSV", notes, ADDRESS]


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, monkeypatch):
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "127.0.0.0/8")


@pytest.fixture
def listed():
    """Serve a catalog on loopback: its address, and the rows to change."""
    rows = [row("公交线路"), row("测绘成果", "不予开放"), row("停车场", "待定")]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            out = io.StringIO()
            csv.writer(out).writerows([HEADER, *rows])
            body = out.getvalue().encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/list.csv", rows
    server.shutdown()


@pytest.fixture
def people():
    """Return names of an administrator of the province (two), of the city (two), and a sysadmin."""
    factories.Organization(name="hlj", title="黑龙江省", level="province", region_code="230000")
    factories.Organization(
        name="harbin", title="哈尔滨市", level="city", parent="hlj", region_code="230100"
    )
    found = {}
    for name, organization in (
        ("province", "hlj"),
        ("province2", "hlj"),
        ("city", "harbin"),
        ("city2", "harbin"),
    ):
        found[name] = factories.User(name=name)["name"]
        call_action("organization_member_create", id=organization, username=name, role="admin")
    found["root"] = factories.Sysadmin(name="root")["name"]
    return found


def act(who, action, /, **data):
    return tk.get_action(action)({"user": who, "ignore_auth": False}, data)


def make(who, url, **more):
    values = {"name": "demo", "title": "哈尔滨开放平台", "source_type": "catalog_sheet"}
    values |= {"owner_org": model.Group.get("harbin").id, "config": '{"mapping": "harbin"}', **more}
    made = act(who, "harvest_source_create", url=url, **values)
    model.Session.expire_all()
    return HarvestSource.get(made["id"])


def looked_at(who, source="demo"):
    """Make a preview and carry it out; its id."""
    preview = act(who, "hljshare_source_preview", id=source)
    previews.job(preview["id"])
    model.Session.expire_all()
    return preview["id"]


def gather(source_row):
    """Run a job as the queue's consumer does, whoever has put it there."""
    job = HarvestJob(source_id=source_row.id, status="Running")
    job.save()
    harvester = next(
        item for item in PluginImplementations(IHarvester) if item.info()["name"] == source_row.type
    )
    queue.gather_stage(harvester, job)
    return job


def datasets():
    return model.Session.query(model.Package).filter_by(type="dataset").count()


def test_a_new_source_is_read_by_nobody_before_it_is_approved(people, listed):
    source = make(people["city"], listed[0])
    with pytest.raises(tk.ValidationError):
        act(people["city"], "harvest_job_create", source_id=source.id)
    assert model.Session.query(HarvestJob).count() == 0
    # Not by the scheduler's own context, nor by a job that is in the queue all the same.
    job = act(people["city"], "harvest_job_create", source_id=source.id, run=False)
    with pytest.raises(tk.ValidationError):
        tk.get_action("harvest_send_job_to_gather_queue")({"ignore_auth": True}, {"id": job["id"]})
    assert HarvestJob.get(job["id"]) is None
    refused = gather(source)
    assert refused.status == "Finished"
    assert [error.message for error in refused.gather_errors] == ["not-approved"]
    assert (datasets(), model.Session.query(Run).count()) == (0, 0)


def test_a_preview_shows_the_first_records_and_all_problems_and_changes_nothing(people, listed):
    source = make(people["city"], listed[0])
    shown = act(people["city"], "hljshare_source_preview_show", id=looked_at(people["city"]))
    assert (shown["state"], shown["result"]["seen"]) == ("done", 3)
    assert (shown["result"]["created"], shown["result"]["held"]) == (2, 1)
    assert {item["title"] for item in shown["result"]["first"]} == {
        "公交线路",
        "测绘成果",
        "停车场",
    }
    first = shown["result"]["first"][0]
    assert first["fields"]["open_type"] == "open"
    assert "opening-unknown" in {item["code"] for item in shown["result"]["problems"]}
    assert all(item["text"] and item["count"] for item in shown["result"]["problems"])
    assert "10.20.30.40" not in str(shown)
    assert datasets() == 0
    assert act(people["city"], "hljshare_source_show", id=source.id)["refused"] == "not-approved"


def test_somebody_above_approves_what_was_looked_at_and_then_it_runs(people, listed):
    source = make(people["city"], listed[0])
    preview = looked_at(people["city"])
    for who in ("city", "city2"):  # the owner's own administrators do not
        with pytest.raises(tk.NotAuthorized):
            act(people[who], "hljshare_source_approve", id=source.id, preview=preview)
    for nothing in ("", "no-such-preview"):
        with pytest.raises(tk.ValidationError):
            act(people["province"], "hljshare_source_approve", id=source.id, preview=nothing)
    shown = act(people["province"], "hljshare_source_approve", id=source.id, preview=preview)
    assert (shown["refused"], shown["by_operator"]) == (None, False)
    assert gather(source).gather_errors == []
    assert datasets() == 3


@pytest.mark.parametrize("change", ["url", "mapping", "owner"])
def test_a_change_takes_the_approval_back(people, listed, change):
    source = make(people["city"], listed[0])
    preview = looked_at(people["city"])
    act(people["province"], "hljshare_source_approve", id=source.id, preview=preview)
    package = call_action("package_show", id=source.id)
    if change == "url":
        package["url"] = listed[0] + "?other"
    elif change == "mapping":
        package["config"] = '{"mapping": "daqing"}'
    else:
        other = factories.Organization(name="other", title="其他", parent="hlj", level="city")
        package["owner_org"] = other["id"]
    package.pop("status", None)
    act(people["root"], "harvest_source_update", **package)
    model.Session.expire_all()
    refused = act(people["root"], "hljshare_source_show", id=source.id)
    assert refused["refused"] == "changed-since-approval"
    with pytest.raises(tk.ValidationError):  # the preview was of another source, so to speak
        act(people["root"], "hljshare_source_approve", id=source.id, preview=preview)
    gather(HarvestSource.get(source.id))
    assert datasets() == 0


def test_nobody_approves_what_they_made_or_changed_unless_they_run_the_portal(people, listed):
    source = make(people["province"], listed[0])
    preview = looked_at(people["province"])
    with pytest.raises(tk.NotAuthorized):
        act(people["province"], "hljshare_source_approve", id=source.id, preview=preview)
    with pytest.raises(tk.NotAuthorized):  # whatever the context allows
        tk.get_action("hljshare_source_approve")(
            {"user": people["province"], "ignore_auth": True},
            {"id": source.id, "preview": preview},
        )
    act(people["province2"], "hljshare_source_approve", id=source.id, preview=preview)
    package = call_action("package_show", id=source.id)
    package["url"] = listed[0] + "?2"
    package.pop("status", None)
    act(people["province2"], "harvest_source_update", **package)
    model.Session.expire_all()
    preview = looked_at(people["province2"])
    with pytest.raises(tk.NotAuthorized):
        act(people["province2"], "hljshare_source_approve", id=source.id, preview=preview)
    act(people["root"], "hljshare_source_approve", id=source.id, preview=preview)


def test_a_source_that_cannot_be_read_is_not_approved(people):
    source = make(people["city"], "http://127.0.0.1:9/list.csv")
    preview = looked_at(people["city"])
    shown = act(people["city"], "hljshare_source_preview_show", id=preview)
    assert shown["result"]["stopped"].startswith("unreachable")
    with pytest.raises(tk.ValidationError):
        act(people["province"], "hljshare_source_approve", id=source.id, preview=preview)


def test_the_servers_operator_runs_what_they_name_and_that_is_written_down(people, listed):
    cli.run_source("demo", "catalog_sheet", listed[0], "harbin", "harbin", False, engine.silent)
    shown = act(people["city"], "hljshare_source_show", id="demo")
    assert (shown["refused"], shown["by_operator"], shown["approved_by"]) == (None, True, None)
    assert datasets() == 3


def test_what_ran_before_there_were_approvals_goes_on_until_it_changes(people, listed):
    source = make(people["city"], listed[0])
    settings = approval.settings_of(source.id)
    settings.approved, settings.approved_by = settings.changed, approval.OPERATOR
    model.Session.commit()
    assert approval.may_run(source) is None
    model.Session.commit()
    package = call_action("package_show", id=source.id)
    package["url"] = listed[0] + "?other"
    package.pop("status", None)
    act(people["city"], "harvest_source_update", **package)
    model.Session.expire_all()
    assert approval.may_run(HarvestSource.get(source.id)) == "changed-since-approval"


def test_a_preview_is_for_the_sources_administrators(people, listed):
    make(people["city"], listed[0])
    preview = looked_at(people["city"])
    stranger = factories.User()["name"]
    for who in (stranger, ""):
        for action, data in (
            ("hljshare_source_show", {"id": "demo"}),
            ("hljshare_source_preview", {"id": "demo"}),
            ("hljshare_source_preview_show", {"id": preview}),
            ("hljshare_source_progress", {"id": "demo"}),
            ("hljshare_source_settings_update", {"id": "demo", "every": "60"}),
        ):
            with pytest.raises(tk.NotAuthorized):
                act(who, action, **data)


def changed(who, **values):
    """Save the source with other values."""
    package = {**call_action("package_show", id="demo"), **values}
    package.pop("status", None)
    act(who, "harvest_source_update", **package)
    model.Session.expire_all()


class TestSwap:
    """What a preview shows is the source it was asked for, or it shows nothing."""

    def state(self, preview):
        shown = act("root", "hljshare_source_preview_show", id=preview)
        return shown["state"], shown["problem"], shown["result"]

    def test_an_address_that_is_swapped_before_the_trial(self, people, listed):
        make(people["city"], listed[0] + "?bad")
        preview = act(people["city"], "hljshare_source_preview", id="demo")["id"]
        changed(people["city"], url=listed[0] + "?good")
        previews.job(preview)
        assert self.state(preview) == ("failed", "changed", None)
        changed(people["city"], url=listed[0] + "?bad")
        with pytest.raises(tk.ValidationError):
            act(people["province"], "hljshare_source_approve", id="demo", preview=preview)

    def test_one_that_is_swapped_while_it_is_tried(self, people, listed, monkeypatch):
        make(people["city"], listed[0] + "?1")
        preview = act(people["city"], "hljshare_source_preview", id="demo")["id"]
        trial = engine.trial

        def swapped(*given):
            found = trial(*given)
            changed(people["city"], url=listed[0] + "?2")
            return found

        monkeypatch.setattr(engine, "trial", swapped)
        previews.job(preview)
        assert self.state(preview) == ("failed", "changed", None)


def test_a_source_has_one_preview_at_a_time(people, listed):
    make(people["city"], listed[0])
    first = act(people["city"], "hljshare_source_preview", id="demo")["id"]
    assert act(people["province"], "hljshare_source_preview", id="demo")["id"] == first
    body = act(people["province"], "hljshare_mapping_show", name="harbin")["body"]
    tried = {"name": "harbin", "body": body + "# 改动\n", "source": "demo"}
    with pytest.raises(tk.ValidationError):  # nor a text: it would not be the one that is shown
        act(people["province"], "hljshare_mapping_try", **tried)
    previews.job(first)
    second = act(people["province"], "hljshare_mapping_try", **tried)["id"]
    assert act(people["city"], "hljshare_source_preview", id="demo")["id"] == second
    previews.job(second)
    assert act(people["city"], "hljshare_source_preview", id="demo")["id"] not in (first, second)


def test_an_approval_in_its_old_form_holds_and_is_renewed(people, listed):
    source = make(people["city"], listed[0], config="{}")
    settings = approval.settings_of(source.id)
    owner = model.Package.get(source.id).owner_org
    old = approval.digest(source.type, source.url, "{}", owner, mappings.body("default"))
    settings.approved, settings.approved_by = settings.changed, "somebody"
    settings.approved_digest = settings.digest = old
    model.Session.commit()
    assert approval.may_run(source) is None
    assert settings.approved_digest == approval.digest_of(source) != old
    by = settings.changed_by
    changed(people["city2"], title="另一个名称")
    kept = approval.settings_of(source.id)
    assert (kept.changed_by, kept.approved_by) == (by, "somebody")


class TestAlarm:
    """Nobody switches off the alarm about themselves."""

    def limit(self, who, value):
        act(who, "hljshare_source_settings_update", id="demo", missed_after=value)
        return act(who, "hljshare_source_show", id="demo")["missed_after"]

    @pytest.fixture(params=["catalog_sheet", "push"])
    def demo(self, request, people, listed):
        more = {"source_type": "push", "config": "{}"} if request.param == "push" else {}
        make(people["city"], listed[0], **more)
        return request.param

    def test_a_city_sets_it_up_to_the_portals_own_limit(self, people, demo):
        assert self.limit(people["city"], "24") == 24
        for longer in ("49", "8760"):
            with pytest.raises(tk.ValidationError) as error:
                self.limit(people["city"], longer)
            assert "48" in error.value.error_dict["missed_after"][0]
        assert self.limit(people["city"], "48") == 48
        if demo == "push":
            assert self.limit(people["city"], "") is None  # the portal's own
        else:
            with pytest.raises(tk.ValidationError):  # never
                self.limit(people["city"], "")

    def test_whoever_is_above_sets_more_and_the_form_may_send_it_back(self, people, demo):
        assert self.limit(people["province"], "200") == 200
        assert self.limit(people["city"], "200") == 200
        with pytest.raises(tk.ValidationError):
            self.limit(people["city"], "201")
        assert self.limit(people["city"], "100") == 100
        assert self.limit(people["province"], "") is None


class TestMappings:
    def save(self, who, **more):
        shown = act(who, "hljshare_mapping_show", name="harbin")
        body = shown["body"] + "# 改动\n"
        return act(who, "hljshare_mapping_save", **{"name": "harbin", "body": body, **more})

    def test_a_saved_mapping_holds_over_the_file_and_takes_approvals_back(self, people, listed):
        source = make(people["city"], listed[0])
        preview = looked_at(people["city"])
        act(people["province"], "hljshare_source_approve", id=source.id, preview=preview)
        body = act(people["province"], "hljshare_mapping_show", name="harbin")["body"]
        mended = body.replace("依申请开放: on_request", "依申请开放: on_request, 待定: closed")
        assert mended != body
        saved = act(people["province"], "hljshare_mapping_save", name="harbin", body=mended)
        assert len(saved["history"]) == 1
        shown = act(people["city"], "hljshare_source_show", id=source.id)
        assert shown["refused"] == "changed-since-approval"
        again = looked_at(people["city"])
        result = act(people["city"], "hljshare_source_preview_show", id=again)["result"]
        levels = {item["title"]: item["fields"].get("open_type") for item in result["first"]}
        assert levels["停车场"] == "closed"
        with pytest.raises(tk.NotAuthorized):  # who wrote it does not approve it
            act(people["province"], "hljshare_source_approve", id=source.id, preview=again)
        act(people["province2"], "hljshare_source_approve", id=source.id, preview=again)

    def test_a_text_is_tried_without_being_saved(self, people, listed):
        make(people["city"], listed[0])
        body = act(people["province"], "hljshare_mapping_show", name="harbin")["body"]
        mended = body.replace("依申请开放: on_request", "依申请开放: on_request, 待定: closed")
        tried = act(
            people["province"], "hljshare_mapping_try", name="harbin", body=mended, source="demo"
        )
        previews.job(tried["id"])
        model.Session.expire_all()
        result = act(people["province"], "hljshare_source_preview_show", id=tried["id"])["result"]
        levels = {item["title"]: item["fields"].get("open_type") for item in result["first"]}
        assert levels["停车场"] == "closed"
        assert act(people["province"], "hljshare_mapping_show", name="harbin")["body"] == body
        with pytest.raises(tk.ValidationError):  # it was not of the source as it is
            act(people["province"], "hljshare_source_approve", id="demo", preview=tried["id"])

    def test_a_text_with_mistakes_is_not_saved_and_says_where(self, people):
        with pytest.raises(tk.ValidationError) as error:
            act(
                people["province"],
                "hljshare_mapping_save",
                name="harbin",
                body="title: 甲\r\ncodes:\r\n  open: {'1': public}\r\n",
            )
        assert "3" in error.value.error_dict["body"][0]
        assert act(people["province"], "hljshare_mapping_show", name="harbin")["history"] == []

    def test_two_who_edit_at_once_do_not_overwrite_each_other(self, people):
        before = act(people["province"], "hljshare_mapping_show", name="harbin")["before"]
        self.save(people["province2"])
        with pytest.raises(tk.ValidationError) as error:
            self.save(people["province"], before=before)
        assert "before" in error.value.error_dict

    @pytest.mark.parametrize("name", ["../../etc/passwd", "default", "", "a/b"])
    def test_only_mappings_are_named_and_the_common_one_is_not_edited(self, people, name):
        with pytest.raises(tk.ValidationError):
            self.save(people["province"], name=name)

    def test_mappings_are_for_the_province(self, people):
        for who in (people["city"], factories.User()["name"], ""):
            for action, data in (
                ("hljshare_mapping_list", {}),
                ("hljshare_mapping_show", {"name": "harbin"}),
                ("hljshare_mapping_check", {"name": "harbin", "body": "title: x"}),
                ("hljshare_mapping_save", {"name": "harbin", "body": "title: x"}),
                ("hljshare_mapping_try", {"name": "harbin", "body": "title: x", "source": "demo"}),
            ):
                with pytest.raises(tk.NotAuthorized):
                    act(who, action, **data)
