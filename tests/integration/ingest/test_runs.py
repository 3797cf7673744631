"""A source's life on the real portal: first run, nothing new, changes, disappearance, held
records, files and tables.
"""

import csv
import http.server
import io
import json
import threading

import ckan.plugins.toolkit as tk
import openpyxl
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.harvest import queue
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestSource

from ckanext.hljshare.access import vault
from ckanext.hljshare.ingest import approval, cli, diff, engine, jobs, mirror, sources
from ckanext.hljshare.ingest.fetch import is_allowed
from ckanext.hljshare.ingest.model import LedgerEntry

HEADER = [
    "信息资源名称",
    "来源部门",
    "开放类型",
    "开放条件",
    "开放依据",
    "共享类型",
    "更新频率",
    "所属主题",
    "资源格式",
    "摘要",
    "信息项名称",
    "下载地址",
    "发布日期",
]
CSV = "线路名称,站点数(个),首班时间,统一社会信用代码\n"
CSV += "1路,21,2024-01-02,0071\n2路,17,2024-01-03,0072\n"


def row(
    title,
    status="无条件开放",
    *,
    provider="交通运输局",
    url="",
    notes="各线路的起点、终点和运营时间说明",
    **_,
):
    basis = "" if status == "无条件开放" else "《数据安全法》第三十八条"
    condition = "说明用途后提供" if status == "依申请开放" else ""
    return [
        title,
        provider,
        status,
        condition,
        basis,
        "",
        "每年",
        "道路交通",
        "CSV",
        notes,
        "线路名称",
        url,
        "2024-01-02",
    ]


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, monkeypatch):
    """Give each test an empty portal that may read from this machine."""
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "127.0.0.0/8")


@pytest.fixture
def city():
    """Return Harbin with an agency below it."""
    city = factories.Organization(
        name="harbin",
        title="哈尔滨市",
        level="city",
        region_code="230100",
        contact_phone="0451-12345",
    )
    agency = factories.Organization(
        name="harbin-jtysj",
        title="哈尔滨市交通运输局",
        level="agency",
        parent="harbin",
        region_code="230100",
        contact_phone="0451-84601234",
    )
    return {"city": city, "agency": agency}


@pytest.fixture
def files():
    """Serve files on loopback: a dictionary from path to bytes, and the list of what was asked
    for.
    """
    served, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = served.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", served, asked
    server.shutdown()


@pytest.fixture
def run(tmp_path, city):
    """Return a function that writes rows to a sheet and runs it as the source `demo`."""

    def run(rows, *, dry_run=False, header=HEADER):
        book = openpyxl.Workbook()
        for line in (header, *rows):
            book.active.append(line)
        path = tmp_path / "list.xlsx"
        book.save(path)
        return cli.run_source(
            "demo", "catalog_sheet", str(path), "harbin", None, dry_run, engine.silent
        )

    return run


def counts(summary):
    told = (*diff.OUTCOMES, "stopped")
    return {name: value for name, value in summary.items() if value and name in told}


def ledger(title):
    return model.Session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.native_id.startswith(title))
    ).one()


def dataset(title):
    return call_action("package_show", id=ledger(title).package_id)


def test_a_sheet_becomes_datasets_of_its_agencies_and_a_second_run_changes_nothing(run, city):
    rows = [row("公交线路"), row("停车场"), row("公交线路")]
    assert run(rows) == {
        "seen": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "held": 0,
        "withdrawn": 0,
        "rejected": 0,
        "stopped": None,
    }
    made = dataset("公交线路")
    assert made["owner_org"] == city["agency"]["id"]
    assert made["name"].startswith("demo-") and made["name"].isascii()  # noqa: PT018
    assert (made["open_type"], made["theme"], made["contact_phone"], made["private"]) == (
        "open",
        "transport",
        "0451-84601234",
        False,
    )
    assert call_action("package_search", q="title:公交线路")["count"] == 1
    before = made["metadata_modified"]
    assert counts(run(rows)) == {"unchanged": 2}
    assert dataset("公交线路")["metadata_modified"] == before


def test_a_changed_row_updates_its_dataset_only(run):
    run([row("公交线路"), row("停车场")])
    before = dataset("公交线路")["metadata_modified"]
    assert counts(
        run([row("公交线路", notes="新的摘要，比原来的要长一些才行"), row("停车场")])
    ) == {"updated": 1, "unchanged": 1}
    assert dataset("公交线路")["notes"].startswith("新的摘要")
    assert dataset("公交线路")["metadata_modified"] > before


def test_a_dry_run_says_the_same_and_changes_nothing(run):
    assert counts(run([row("公交线路"), row("停车场", "待定")], dry_run=True)) == {
        "created": 1,
        "held": 1,
    }
    assert model.Session.query(model.Package).count() == 0
    assert model.Session.query(LedgerEntry).count() == 0


def test_a_sheet_without_an_opening_column_is_held_and_nobody_sees_it(run):
    drop = HEADER.index("开放类型")
    cut = [
        [cell for place, cell in enumerate(line) if place != drop]
        for line in (HEADER, row("公交线路"), row("停车场"))
    ]
    assert counts(run(cut[1:], header=cut[0])) == {"held": 2}
    assert call_action("package_search", q="*:*")["count"] == 0
    held = call_action("hljshare_held_list")
    assert held["count"] == 2
    assert held["results"][0]["reasons"] == ["opening-missing"]
    made = dataset("公交线路")
    assert (made["private"], made["held_reason"]) == (True, "opening-missing")


def test_the_three_levels_are_listed_and_only_open_files_are_fetched(run, files):
    base, served, asked = files
    served["/open"] = served["/ask"] = served["/no"] = CSV.encode("gb18030")
    assert counts(
        run(
            [
                row("公交线路", url=f"{base}/open"),
                row("处罚", "依申请开放", url=f"{base}/ask"),
                row("测绘", "不予开放", url=f"{base}/no"),
            ]
        )
    ) == {"created": 3}
    assert call_action("package_search", q="*:*")["count"] == 3
    assert asked == ["/open"]
    for title, place in (("处罚", "/ask"), ("测绘", "/no")):
        assert base not in json.dumps(dataset(title))
        assert base not in json.dumps([ledger(title).record, ledger(title).staged])
        assert vault.address(dataset(title)["resources"][0]["id"]) == base + place


def test_an_open_file_is_mirrored_and_loaded_as_a_table_with_chinese_headers(run, files):
    base, served, _asked = files
    served["/a.csv"] = CSV.encode("gb18030")
    run([row("公交线路", url=f"{base}/a.csv")])
    resource = dataset("公交线路")["resources"][0]
    assert (resource["url_type"], resource["format"], resource["encoding"]) == (
        "upload",
        "CSV",
        "GB18030",
    )
    assert resource["filename"] == "公交线路.csv"
    assert resource["size"] == len(CSV.encode("gb18030"))
    table = call_action("datastore_search", resource_id=resource["id"])
    assert {field["id"]: field["type"] for field in table["fields"][1:]} == {
        "线路名称": "text",
        "站点数(个)": "int4",
        "首班时间": "date",
        "统一社会信用代码": "text",
    }
    assert [record["站点数(个)"] for record in table["records"]] == [21, 17]
    assert table["records"][0]["统一社会信用代码"] == "0071"


def test_a_file_that_was_away_is_fetched_by_the_next_run(run, files):
    base, served, _asked = files
    rows = [row("公交线路", url=f"{base}/late.csv")]
    assert counts(run(rows)) == {"created": 1}
    assert dataset("公交线路")["resources"][0]["url"] == f"{base}/late.csv"
    served["/late.csv"] = CSV.encode()
    assert counts(run(rows)) == {"unchanged": 1}  # the record is; its file came
    assert dataset("公交线路")["resources"][0]["url_type"] == "upload"
    assert counts(run(rows)) == {"unchanged": 1}


def test_what_disappears_is_a_page_without_content_and_comes_back_when_listed_again(run, files):
    base, served, _asked = files
    served["/a.csv"] = CSV.encode()
    rows = [row(f"数据{number}") for number in range(5)] + [row("公交线路", url=f"{base}/a.csv")]
    run(rows)
    resource = dataset("公交线路")["resources"][0]["id"]
    assert counts(run(rows[:-1])) == {"unchanged": 5, "withdrawn": 1}
    gone = dataset("公交线路")
    assert (gone["state"], gone["resources"]) == ("active", [])
    assert gone["withdrawn_on"]
    with pytest.raises(tk.ObjectNotFound):
        call_action("datastore_search", resource_id=resource)
    assert counts(run(rows[:-1])) == {"unchanged": 5}
    summary = counts(run(rows))
    assert ledger("公交线路").reasons == []
    assert summary == {"unchanged": 5, "updated": 1}
    back = dataset("公交线路")
    assert not back.get("withdrawn_on")
    assert back["resources"][0]["url_type"] == "upload"


def test_a_list_that_shrank_by_more_than_a_fifth_or_is_empty_stops_the_run(run):
    rows = [row(f"数据{number}") for number in range(10)]
    run(rows)
    assert run(rows[:7])["stopped"] == "shrink: 3 / 10"
    assert run([])["stopped"] == "empty-list"
    assert call_action("package_search", q="*:*", rows=0)["count"] == 10
    assert counts(run(rows)) == {"unchanged": 10}


def test_a_source_may_close_but_not_open_what_is_closed(run):
    run([row("公交线路"), row("测绘", "不予开放")])
    assert counts(run([row("公交线路", "不予开放"), row("测绘", "无条件开放")])) == {
        "updated": 1,
        "held": 1,
    }
    assert dataset("公交线路")["open_type"] == "closed"
    assert dataset("测绘")["open_type"] == "closed"
    assert dataset("测绘")["open_basis"]
    assert any(reason.startswith("loosening") for reason in ledger("测绘").reasons)


def test_one_bad_row_does_not_stop_the_others_and_says_why(run):
    bad = row("", notes="没有名称的一行，不知道是什么数据")
    summary = run([row("公交线路"), bad, row("停车场")])
    assert counts(summary) == {"created": 2, "rejected": 1}
    source = call_action("harvest_source_show", id="demo")
    latest = call_action("hljshare_ingest_run_list", source_id=source["id"])["results"][0]
    shown = call_action("hljshare_ingest_run_show", id=latest["id"], outcome="rejected")
    assert shown["entries"][0]["reasons"][0].startswith("invalid: ")


def test_closed_data_without_a_basis_is_not_published(run):
    without = row("测绘", "不予开放")
    without[HEADER.index("开放依据")] = ""
    assert counts(run([without])) == {"held": 1}
    assert call_action("package_search", q="*:*")["count"] == 0


def test_an_unknown_agency_never_loses_a_record(run, city):
    run([row("公交线路", provider="不存在的局")])
    assert dataset("公交线路")["owner_org"] == city["city"]["id"]
    assert "provider-unknown: 不存在的局" in ledger("公交线路").reasons


def test_ckanext_harvests_own_pages_know_the_run(run):
    run([row("公交线路"), row("停车场")])
    run([row("公交线路", notes="新的摘要，比原来的要长一些才行"), row("停车场")])
    source = call_action("harvest_source_show", id="demo")
    assert source["status"]["total_datasets"] == 2
    assert source["status"]["last_job"]["status"] == "Finished"
    assert source["status"]["last_job"]["stats"]["updated"] == 1
    objects = model.Session.query(HarvestObject).filter_by(current=True)
    assert objects.count() == 2
    assert all(set(json.loads(item.content)) == {"native_id", "title"} for item in objects)


def test_a_job_of_ckanext_harvest_does_the_same_through_its_queues(files, city):
    base, served, _asked = files
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, row("公交线路"), row("停车场", "待定")])
    served["/list.csv"] = out.getvalue().encode("gb18030")
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    source = call_action(
        "harvest_source_create",
        {"user": user},
        name="queued",
        title="队列",
        url=f"{base}/list.csv",
        source_type="catalog_sheet",
        owner_org=city["city"]["id"],
        config='{"mapping": "harbin"}',
    )
    approval.by_operator(HarvestSource.get(source["id"]))
    for expected in ({"added": 2}, {}):
        job_id = call_action(
            "harvest_job_create", {"user": user}, source_id=source["id"], run=False
        )["id"]
        job = HarvestJob.get(job_id)
        job.status = "Running"
        job.save()
        from ckan.plugins import PluginImplementations
        from ckanext.harvest.interfaces import IHarvester

        harvester = next(
            item
            for item in PluginImplementations(IHarvester)
            if item.info()["name"] == "catalog_sheet"
        )
        for object_id in queue.gather_stage(harvester, job):
            queue.fetch_and_import_stages(harvester, HarvestObject.get(object_id))
        assert HarvestJob.get(job_id).status == "Finished"
        stats = call_action("harvest_job_show", {"user": user}, id=job_id)["stats"]
        assert {name: value for name, value in stats.items() if value} == expected
    latest = call_action("hljshare_ingest_run_list", source_id=source["id"])["results"]
    assert [(item["created"], item["held"], item["unchanged"]) for item in latest] == [
        (0, 1, 1),
        (1, 1, 0),
    ]
    assert all(item["finished"] for item in latest)


def test_a_web_form_cannot_name_a_local_file_or_a_mapping_by_path(city, tmp_path):
    user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    values = {
        "name": "bad",
        "url": "http://x/",
        "source_type": "catalog_sheet",
        "owner_org": city["city"]["id"],
    }
    for config in ('{"mapping": "/etc/passwd"}', '{"password": "x"}', "[]"):
        with pytest.raises(tk.ValidationError):
            call_action("harvest_source_create", {"user": user}, **values, config=config)


def test_reports_are_for_the_administrators_of_the_source(run, city):
    run([row("公交线路", "待定")])
    source = call_action("harvest_source_show", id="demo")
    stranger, admin = factories.User(), factories.User()
    call_action("organization_member_create", id="harbin", username=admin["name"], role="admin")
    for user, allowed in ((stranger, False), (admin, True)):
        context = {"user": user["name"], "ignore_auth": False}
        try:
            found = tk.get_action("hljshare_ingest_run_list")(context, {"source_id": source["id"]})[
                "count"
            ]
        except tk.NotAuthorized:
            found = None
        assert found == (1 if allowed else None)
    context = {"user": admin["name"], "ignore_auth": False}
    assert tk.get_action("hljshare_held_list")(context, {})["count"] == 1


def test_the_ledger_keeps_no_address(run, files):
    """What is not open is in the vault and nowhere else; a second run still sees no change, and a
    file that could not be fetched is fetched later."""
    base, served, asked = files
    rows = [
        row("公交线路信息", url=f"{base}/a.csv"),
        row("公交车辆信息", "依申请开放", url=f"{base}/b.csv"),
    ]
    assert counts(run(rows)) == {"created": 2}
    kept = json.dumps(
        [[entry.record, entry.staged] for entry in model.Session.scalars(sa.select(LedgerEntry))]
    )
    assert base not in kept
    assert counts(run(rows)) == {"unchanged": 2}
    served["/a.csv"] = CSV.encode()
    assert counts(run(rows)) == {"unchanged": 2}
    asked.clear()
    assert counts(run(rows)) == {"unchanged": 2}
    assert asked == []
    assert base not in json.dumps(
        [[entry.record, entry.staged] for entry in model.Session.scalars(sa.select(LedgerEntry))]
    )


def test_consumers_wait_longer_than_a_moment(monkeypatch):
    """redis-py 8 gives up after five seconds; a consumer would die, and be started again, and
    again."""
    monkeypatch.setattr(queue, "get_connection_redis", queue.get_connection_redis)
    jobs.wait_patiently()
    connection = queue.get_connection_redis()
    assert connection.blpop("hljshare-nobody-writes-here", timeout=6) is None


def test_files_of_one_source_do_not_stand_in_another_s_network(monkeypatch):
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks", "127.0.0.0/8 10.1.0.0/16")

    def may(kind: str, url: str, address: str) -> bool:
        return is_allowed(address, mirror.networks_for("here", kind, url), 80)

    assert may("odweb", "http://127.0.0.1/odweb", "127.0.0.1")
    assert not may("odweb", "http://127.0.0.1/odweb", "10.1.2.3")
    assert not may("push", "push://harbin", "127.0.0.1")
    assert may("catalog_sheet", "file:///list.xlsx", "10.1.2.3")
    monkeypatch.setitem(tk.config, "hljshare.ingest.allowed_networks.here", "10.1.2.0/24")
    assert may("push", "push://harbin", "10.1.2.3")
    assert may("push", "push://harbin", "93.184.215.14")


def test_a_job_that_is_over_is_not_run_again(files, city):
    """ckanext-harvest sends a job anew that took more than two hours."""
    _base, _served, asked = files
    row = sources.create("again", "catalog_sheet", f"{_base}/list.csv", city["city"]["id"], None)
    approval.by_operator(row)
    job = HarvestJob(source_id=row.id, status="Finished")
    job.save()
    assert sources.harvester("catalog_sheet").gather_stage(job) == []
    assert asked == []
