"""The bulk engine: surprises, brakes, being killed at any moment, consent."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import ckan.plugins as p
import pytest
import sqlalchemy as sa
from ckan import model
from ckan.cli.db import _run_migrations
from ckan.lib.search import SearchIndexError
from ckan.lib.search.common import make_connection
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.harvest.model import HarvestJob, HarvestObject

from ckanext.hljshare.ingest import approval, brake, bulk, engine, indexing, ledger, runs, sources
from ckanext.hljshare.ingest.dataset import Source
from ckanext.hljshare.ingest.fetch import SourceError, UnchangedError
from ckanext.hljshare.ingest.model import LedgerEntry, Run, Version
from ckanext.hljshare.ingest.record import CatalogRecord, Deferred, ResourceRecord

BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


def record(number: int, level: str = "open", title: str = "", **fields: Any) -> CatalogRecord:
    values: dict[str, Any] = {
        "notes": f"提供第{number}条公交线路的起点和终点。",
        "open_type": level,
        "share_type": "unconditional" if level == "open" else "conditional",
        "update_cycle": "monthly",
        "items": [{"name": "线路名称"}],
        **fields,
    }
    if level != "open":
        values |= {"open_condition": "说明用途", "open_basis": BASIS, "share_condition": "业务协同"}
    return CatalogRecord(
        f"id/{number}",
        title or f"公交线路信息{number}",
        "交通运输局",
        values,
        ("公交", f"标签{number % 7}"),
        (ResourceRecord("1", "说明页", f"https://a.example/{number}", "HTML"),),
    )


class Listed:
    """An adapter of records that are here already."""

    def __init__(self, records: list[CatalogRecord], total: int | None = None) -> None:
        self._records, self.total = records, total

    def records(self) -> Iterator[CatalogRecord]:
        yield from self._records


@pytest.fixture
def source(clean_db, clean_index) -> Source:
    """Return a source of Harbin."""
    city = factories.Organization(
        name="harbin",
        title="哈尔滨市",
        level="city",
        region_code="230100",
        contact_phone="12345678",
    )
    factories.Organization(
        name="harbin-jtysj", title="哈尔滨市交通运输局", level="agency", parent="harbin"
    )
    row = sources.create("here", "catalog_sheet", "file:///nowhere.csv", city["id"], None)
    return Source(row.id, "here", "这里", "catalog_sheet", "file:///nowhere.csv", city["id"])


def run(source: Source, records: list[CatalogRecord], total: int | None = None) -> dict[str, Any]:
    found = engine.run(source, Listed(records, total))
    return {name: value for name, value in found.items() if value and name != "seen"}


def state(source: Source) -> dict[str, Any]:
    """What there is at the end of it all, apart from times and numbers of codes."""
    model.Session.expire_all()
    package = model.Package
    datasets = {
        row.name: (
            row.title,
            row.private,
            {k: v for k, v in row.extras.items() if k != "resource_code"},
            [(item.url, item.state) for item in row.resources_all],
            sorted(tag.name for tag in row.get_tags()),
        )
        for row in model.Session.scalars(sa.select(package).where(package.type == "dataset"))
    }
    found = make_connection().search("+dataset_type:dataset", fl="name,title", rows=5000).docs
    entries = model.Session.execute(
        sa.select(LedgerEntry.native_id, LedgerEntry.content_hash, LedgerEntry.step)
    ).all()
    codes = model.Session.scalars(sa.text("SELECT code FROM hljshare_resource_code")).all()
    current = model.Session.scalars(
        sa.select(HarvestObject.guid).where(
            HarvestObject.harvest_source_id == source.id, HarvestObject.current.is_(True)
        )
    ).all()
    return {
        "datasets": datasets,
        "found": sorted((item["name"], item["title"]) for item in found),
        "ledger": sorted((key, content) for key, content, _step in entries),
        "waiting": [key for key, _content, step in entries if step],
        "codes": len(codes) == len(set(codes)) == len(datasets),
        "current": sorted(current),
    }


def in_a_child(work: Any) -> int:
    """Start work in a process of its own, with connections of its own."""
    child = os.fork()
    if child:
        return child
    try:
        model.Session.remove()
        model.meta.engine.dispose(close=False)
        work()
    finally:
        os._exit(0)


def test_killed_at_any_moment_a_run_ends_as_if_nothing_had_happened(source):
    before = [record(n) for n in range(500)]
    run(source, before[:400])
    after = [
        replace(each, title=each.title + "（修订）") if n % 3 == 0 else each
        for n, each in enumerate(before[20:])
    ]
    chance = random.Random(20261129)
    began = time.monotonic()
    killed = 0
    for _ in range(12):
        child = in_a_child(lambda: engine.run(source, Listed(after)))
        time.sleep(chance.uniform(0.05, 2.5))
        os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        if time.monotonic() - began > 60:
            break
    assert killed >= 1
    _wait_until_free(source)
    run(source, after)
    disturbed = state(source)
    assert disturbed["waiting"] == []
    assert disturbed["codes"]
    assert run(source, after) == {"unchanged": 480}
    assert disturbed["found"] == sorted(
        (name, values[0]) for name, values in disturbed["datasets"].items()
    )
    assert len(disturbed["current"]) == 480
    titles = {values[0] for values in disturbed["datasets"].values()}
    assert titles == {each.title for each in after} | {each.title for each in before[:20]}
    gone = [values for values in disturbed["datasets"].values() if values[2].get("withdrawn_on")]
    assert len(gone) == 20
    unfinished = sa.select(sa.func.count()).select_from(Run).where(Run.finished.is_(None))
    assert model.Session.scalar(unfinished) == 0


def _wait_until_free(source: Source) -> None:
    """PostgreSQL notices a dead client a moment later."""
    for _ in range(100):
        if not runs.is_running(source.id):
            return
        time.sleep(0.1)


def test_what_was_written_and_not_indexed_is_found_after_the_next_run(source, monkeypatch):
    def down(documents: list[dict[str, Any]], connection: Any = None) -> None:
        raise SearchIndexError("Solr")

    records = [record(n) for n in range(3)]
    with monkeypatch.context() as patched:
        patched.setattr(indexing, "post", down)
        with pytest.raises(SearchIndexError):
            run(source, records)
    assert state(source)["found"] == []
    assert run(source, records) == {"unchanged": 3}
    assert len(state(source)["found"]) == 3


def test_what_surprises_a_group_is_one_record_s_failure(source, monkeypatch):
    save = bulk.Batch.save

    def picky(self: bulk.Batch, valid: Any) -> None:
        save(self, valid)
        if any("坏" in each.data["title"] for each in valid):
            raise ValueError("a hook")

    monkeypatch.setattr(bulk.Batch, "save", picky)
    records = [record(n) for n in range(5)] + [record(9, title="坏的")]
    assert run(source, records) == {"created": 5, "rejected": 1}
    report = call_action(
        "hljshare_ingest_run_show",
        id=call_action("hljshare_ingest_run_list", source_id=source.id)["results"][0]["id"],
        outcome="rejected",
    )
    assert [(e["native_id"], e["reasons"]) for e in report["entries"]] == [
        ("id/9", ["error: ValueError"])
    ]
    assert len(state(source)["found"]) == 5


def test_a_list_whose_ids_are_no_ids_stops_the_run(source):
    records = [record(n) for n in range(20)]
    doubled = [replace(record(n), title=f"另一个{n}") for n in range(3)]
    assert run(source, [*records, *doubled]) == {"stopped": "duplicate-ids: 3 / 20"}
    assert state(source)["datasets"] == {}
    assert run(source, [*records, *records]) == {"created": 20}
    assert run(source, [*records, doubled[0]]) == {"unchanged": 20}


def test_a_person_lets_the_brake_pass_once(source):
    records = [record(n) for n in range(20)]
    run(source, records)
    assert run(source, records[:10]) == {"stopped": "shrink: 10 / 20"}
    settings = approval.settings_of(source.id)
    settings.let_pass = brake.word("shrink", 10, 10, "somebody", datetime.now(timezone.utc))
    model.Session.commit()
    assert run(source, records[:9]) == {"stopped": "shrink: 11 / 20"}
    assert run(source, records[:10]) == {"unchanged": 10, "withdrawn": 10}
    assert approval.settings_of(source.id).let_pass is None
    assert run(source, records[:5]) == {"stopped": "shrink: 5 / 10"}


def test_an_aborted_job_stops_between_two_groups(source, monkeypatch):
    monkeypatch.setattr(ledger, "BATCH", 5)
    steps = ledger.steps

    def aborting(source_id: str) -> Iterator[Any]:
        for number, group in enumerate(steps(source_id)):
            if number == 2:
                model.Session.execute(sa.update(HarvestJob).values(status="Finished"))
                model.Session.commit()
            yield group

    monkeypatch.setattr(ledger, "steps", aborting)
    found = run(source, [record(n) for n in range(30)])
    assert found["stopped"] == "aborted"
    assert 10 <= found["created"] < 30
    assert len(state(source)["found"]) == found["created"]
    monkeypatch.setattr(ledger, "steps", steps)
    assert run(source, [record(n) for n in range(30)]) == {
        "created": 30 - found["created"],
        "unchanged": found["created"],
    }


def test_half_a_list_changes_nothing(source):
    records = [record(n) for n in range(10)]
    run(source, records)

    class Broken(Listed):
        def records(self) -> Iterator[CatalogRecord]:
            yield from (replace(each, title="改") for each in records[:5])
            raise SourceError("unreachable: HTTP 500")

    before = state(source)
    assert engine.run(source, Broken([]))["stopped"] == "unreachable: HTTP 500"
    assert state(source) == before


def test_a_source_closes_at_once_and_opens_only_with_consent(source):
    run(source, [record(1), record(2, "closed")])
    tightened, wanted = record(1, "on_request"), record(2)
    assert run(source, [tightened, wanted]) == {"updated": 1, "held": 1}
    levels = {item[0]: item[2]["open_type"] for item in state(source)["datasets"].values()}
    assert levels == {"公交线路信息1": "on_request", "公交线路信息2": "closed"}
    admin = factories.Sysadmin()["name"]
    waiting = call_action("hljshare_level_change_list", {"user": admin, "ignore_auth": False})
    assert waiting["count"] == 1
    assert "公交线路信息2" in waiting["results"][0]["dataset_title"]
    # Waiting, it is asked once; taken back by the source, it is gone.
    assert run(source, [tightened, wanted]) == {"unchanged": 1, "held": 1}
    assert run(source, [tightened, record(2, "closed")]) == {"unchanged": 1, "updated": 1}
    assert call_action("hljshare_level_change_list", {"user": admin})["count"] == 0


def test_a_file_that_is_listed_no_longer_goes_and_what_people_added_stays(source):
    files = tuple(
        ResourceRecord(str(n), f"文件{n}", f"https://a.example/{n}", "HTML") for n in range(3)
    )
    whole = replace(record(1), resources=files)
    run(source, [whole])
    name = next(iter(state(source)["datasets"]))
    user = {"user": factories.Sysadmin()["name"]}
    call_action(
        "resource_create", user, package_id=name, name="人工补充", url="https://b.example/x.html"
    )
    assert run(source, [replace(whole, resources=files[:1])]) == {"updated": 1}
    shown = call_action("package_show", id=name)
    assert [item["name"] for item in shown["resources"]] == ["文件0", "人工补充"]


def test_versions_of_a_record_are_kept_without_addresses(source):
    secret = replace(
        record(1, "on_request"),
        resources=(ResourceRecord("1", "表", "https://inside.example/secret.csv", "CSV"),),
    )
    run(source, [secret])
    run(source, [replace(secret, title="第二版")])
    versions = model.Session.scalars(sa.select(Version).order_by(Version.id)).all()
    assert [each.record["title"] for each in versions] == ["公交线路信息1", "第二版"]
    assert "secret" not in str([each.record for each in versions])


def test_a_run_leaves_one_entry_in_the_activity_stream(source):
    with p.use_plugin("activity"):
        _run_migrations("activity", "head", True)
        run(source, [record(n) for n in range(3)])
        run(source, [record(n) for n in range(3)])
        entries = model.Session.execute(
            sa.text("SELECT activity_type, data FROM activity WHERE object_id = :id"),
            {"id": source.id},
        ).all()
    assert [json.loads(entry.data)["run"] for entry in entries] == [{"created": 3}]


class Conditional(Listed):
    """An adapter of one document that bears an ETag."""

    def __init__(self, records: list[CatalogRecord], etag: str) -> None:
        super().__init__(records)
        self.etag, self.validators, self.read = etag, None, 0

    def records(self) -> Iterator[CatalogRecord]:
        if self.validators.get("document") == [self.etag, None]:
            raise UnchangedError
        self.validators["document"] = [self.etag, None]
        self.read += 1
        yield from super().records()


def test_a_list_that_did_not_change_is_not_read_again(source):
    records = [record(n) for n in range(3)]
    first = Conditional(records, "a")
    assert engine.run(source, first)["created"] == 3
    again = Conditional(records, "a")
    found = engine.run(source, again)
    assert (found["seen"], found["unchanged"], again.read) == (3, 3, 0)
    changed = Conditional([*records[:2], record(2, title="改")], "b")
    assert engine.run(source, changed)["updated"] == 1
    # What waits for a person is looked at again, though the source says that nothing changed.
    held = Conditional([*records, replace(record(4), held="opening-missing")], "c")
    assert engine.run(source, held)["held"] == 1
    once_more = Conditional(held._records, "c")
    engine.run(source, once_more)
    assert once_more.read == 1


@pytest.mark.parametrize("field", ["title", "notes", "share_condition", "native_id", "name"])
def test_a_text_without_end_is_one_record_s_failure(source, field):
    """Lucene takes no term over 32,766 bytes; the search engine would refuse the whole group."""
    endless = "数" * 20_000
    bad = record(1, "on_request")
    if field == "name":
        bad = replace(bad, resources=(replace(bad.resources[0], name=endless),))
    elif field in ("title", "native_id"):
        bad = replace(bad, **{field: endless})
    else:
        bad = replace(bad, fields={**bad.fields, field: endless})
    found = run(source, [record(0), bad, record(2)])
    assert found["created"] >= 2
    assert set(found) <= {"created", "rejected", "held"}
    titles = {title for _name, title in state(source)["found"]}
    assert {"公交线路信息0", "公交线路信息2"} <= titles
    assert state(source)["waiting"] == []


def test_what_a_record_is_made_from_is_compared_before_it_is_made(source):
    made: list[str] = []

    def deferred(each: CatalogRecord, words: str = "") -> Deferred:
        def make() -> CatalogRecord:
            made.append(each.native_id)
            return each

        return Deferred(each.native_id, words or each.title, make)

    def harvest(items: list[Deferred]) -> tuple[dict[str, Any], list[str]]:
        made.clear()
        return run(source, items), list(made)

    records = [record(n) for n in range(4)]
    all_ids = [each.native_id for each in records]
    assert harvest([deferred(each) for each in records]) == ({"created": 4}, all_ids)
    assert harvest([deferred(each) for each in records]) == ({"unchanged": 4}, [])
    # Other words for the same thing: made once, then known.
    other = [deferred(each, f"新{each.title}") for each in records]
    assert harvest(other) == ({"unchanged": 4}, all_ids)
    assert harvest(other) == ({"unchanged": 4}, [])
    changed = [*other[:3], deferred(replace(records[3], title="改"), "改")]
    assert harvest([*changed, *changed]) == ({"updated": 1, "unchanged": 3}, ["id/3"])
    # A person makes it stricter: the source's level is looked at again, and reported.
    name = next(n for n, v in state(source)["datasets"].items() if v[0] == "公交线路信息0")
    user = {"user": factories.Sysadmin()["name"], "ignore_auth": True}
    call_action(
        "package_patch",
        user,
        id=name,
        open_type="on_request",
        open_condition="说明用途",
        open_basis=BASIS,
        share_type="conditional",
        share_condition="业务协同",
    )
    found, looked_at = harvest(changed)
    assert (found, looked_at) == ({"held": 1, "unchanged": 3}, ["id/0"])
    # What was refused is refused again, not forgotten.
    bad = deferred(record(9, title="数" * 501), "坏")
    assert harvest([*changed, bad])[0] == {"held": 1, "unchanged": 3, "rejected": 1}
    assert harvest([*changed, bad])[0] == {"held": 1, "unchanged": 3, "rejected": 1}


def test_a_file_is_not_opened_further_without_consent(source):
    def files(level: str | None) -> tuple[ResourceRecord, ...]:
        return (
            ResourceRecord("1", "名册", "https://in.example/secret.csv", "CSV", open_type=level),
        )

    run(source, [replace(record(1), resources=files("closed"))])
    name = next(iter(state(source)["datasets"]))
    loosened = replace(record(1, title="新名称"), resources=files(None))
    assert run(source, [loosened]) == {"held": 1}
    shown = call_action("package_show", id=name)
    assert (shown["title"], shown["resources"][0]["open_type"]) == ("新名称", "closed")
    assert "secret" not in json.dumps(shown)
    admin = {"user": factories.Sysadmin()["name"], "ignore_auth": False}
    waiting = call_action("hljshare_level_change_list", admin)["results"]
    assert [each["file"] for each in waiting] == ["名册"]
    call_action("hljshare_level_change_decide", admin, id=waiting[0]["id"], confirm=True)
    assert call_action("package_show", id=name)["resources"][0]["url"].endswith("secret.csv")
    assert run(source, [loosened]) == {"unchanged": 1}
