"""The scheduler starts what is due, once, one of a host at a time, and closes what died."""

from __future__ import annotations

from datetime import timedelta

import ckan.plugins.toolkit as tk
import pytest
import redis
import sqlalchemy as sa
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from ckanext.harvest import queue
from ckanext.harvest.model import HarvestJob, HarvestObject, HarvestSource

from ckanext.hljshare.deadlines import notices
from ckanext.hljshare.ingest import approval, due, runs
from ckanext.hljshare.ingest.model import Run, SourceSettings, now


@pytest.fixture(autouse=True)
def _clean(clean_db, clean_index, clean_queues):
    """Give each test an empty portal."""


@pytest.fixture
def city():
    return factories.Organization(name="harbin", title="哈尔滨市", level="city")


@pytest.fixture
def source(city):
    """Return a function that makes an approved source that is due every hour."""

    def make(name, url=None, *, approved=True, every=60, **more):
        user = call_action("get_site_user")["name"]
        made = call_action(
            "harvest_source_create",
            {"user": user, "ignore_auth": True},
            name=name,
            title=name,
            url=url or f"http://{name}.example.gov.cn/odweb",
            source_type="odweb",
            owner_org=city["id"],
            **more,
        )
        row = HarvestSource.get(made["id"])
        settings = approval.settings_of(row.id)
        if every:
            settings.every, settings.next_run = every, now() - timedelta(minutes=1)
        if approved:
            approval.by_operator(row)
        model.Session.commit()
        return row

    return make


@pytest.fixture
def clean_queues():
    queue.purge_queues()


def jobs(row):
    return list(model.Session.scalars(sa.select(HarvestJob).filter_by(source_id=row.id)))


def settings(row):
    model.Session.expire_all()
    return approval.settings_of(row.id)


def ended(row, stopped=None, minutes=0):
    """Leave behind a run that ended some minutes ago."""
    run_id = runs.start(row.id, "harvest", None).id
    runs.finish(run_id, stopped)
    run = model.Session.get(Run, run_id)
    run.started = run.finished = now() - timedelta(minutes=minutes)
    model.Session.commit()


def test_what_is_due_is_started_once(source):
    row = source("aa")
    assert due.run().started == ["aa"]
    assert [job.status for job in jobs(row)] == ["Running"]
    assert due.run().started == []  # it waits in the queue
    assert len(jobs(row)) == 1


def test_two_sources_of_one_host_are_not_read_at_once(source):
    first = source("aa", "http://data.example.gov.cn/a")
    second = source("bb", "https://DATA.example.gov.cn:8443/b")
    other = source("cc")
    assert len(due.run().started) == 2
    assert len(jobs(first)) + len(jobs(second)) == 1
    assert len(jobs(other)) == 1


def test_what_nobody_approved_waits(source):
    row = source("aa", approved=False)
    done = due.run()
    assert (done.started, done.unapproved, jobs(row)) == ([], ["aa"], [])


def test_after_a_run_the_next_turn_is_set_and_failures_are_asked_again_sooner(source):
    row = source("aa", every=24 * 60)
    for stopped, failures, least, most in (
        (None, 0, 21.5, 26.5),
        ("unreachable: HTTP 500", 1, 0.45, 0.56),
        ("unreachable: HTTP 500", 2, 0.9, 1.11),
        ("shrink: 30 / 100", 3, 21.5, 26.5),  # somebody has to look at it
        ("aborted", 4, 21.5, 26.5),  # somebody wanted it to end
        (None, 0, 21.5, 26.5),
    ):
        found = settings(row)
        found.next_run = None
        model.Session.commit()
        ended(row, stopped)
        due.run()
        found = settings(row)
        wait = (found.next_run - now()).total_seconds() / 3600
        assert found.failures == failures
        assert least <= wait <= most, stopped


def test_a_job_that_never_came_to_a_run_is_not_started_every_minute(source):
    row = source("aa")
    due.run()
    job = jobs(row)[0]
    job.status, job.finished = "Finished", now().replace(tzinfo=None)
    model.Session.commit()
    assert due.run().started == []
    assert timedelta(minutes=20) < settings(row).next_run - now() < timedelta(minutes=40)
    # Nor every half hour, if it never does.
    found = settings(row)
    found.next_run = now()
    model.Session.commit()
    assert due.run().started == ["aa"]
    job = next(job for job in jobs(row) if job.status == "Running")
    job.status, job.finished = "Finished", now().replace(tzinfo=None)
    model.Session.commit()
    due.run()
    assert settings(row).failures == 2
    assert timedelta(minutes=50) < settings(row).next_run - now() < timedelta(minutes=70)


def test_what_somebody_stopped_waits_for_its_turn(source):
    row = source("aa")
    due.run()
    root = factories.Sysadmin()["name"]
    source_id = row.id
    context = {"user": root, "ignore_auth": False}
    tk.get_action("hljshare_source_abort")(context, {"id": source_id})
    assert due.run().started == []
    found = model.Session.get(SourceSettings, source_id, populate_existing=True)
    assert found.failures == 0
    assert timedelta(minutes=50) < found.next_run - now() < timedelta(minutes=70)


def test_a_job_whose_message_was_lost_is_closed_and_one_that_waits_is_not(source):
    row = source("aa")
    due.run()
    job = jobs(row)[0]
    job.created = (now() - timedelta(minutes=11)).replace(tzinfo=None)
    model.Session.commit()
    assert due.run().closed == 0  # it waits in the queue behind others
    queue.purge_queues()
    assert due.run().closed == 1
    model.Session.expire_all()
    assert [job.status for job in jobs(row)] == ["Finished"]
    assert settings(row).next_run is not None


def test_without_the_queue_the_pass_goes_on_and_leaves_no_jobs_behind(source, monkeypatch):
    one, other = source("aa"), source("bb")
    waiting = source("cc")
    model.Session.add(
        HarvestJob(
            source_id=waiting.id,
            status="Running",
            created=(now() - timedelta(hours=5)).replace(tzinfo=None),
        )
    )
    model.Session.commit()
    nowhere = redis.Redis(host="127.0.0.1", port=9)
    with monkeypatch.context() as patch:
        patch.setattr(queue, "get_connection", lambda: nowhere)
        done = due.run()
    assert (done.started, done.closed) == ([], 0)
    assert jobs(one) == jobs(other) == []
    done = due.run()  # the queue is back, and the third job is not in it
    assert (sorted(done.started), done.closed) == (["aa", "bb", "cc"], 1)


class TestSilence:
    @pytest.fixture
    def silent(self, source, city):
        factories.Organization(name="hlj", title="黑龙江省", level="province")
        call_action("organization_patch", id=city["id"], parent="hlj")
        people = {}
        for name, place in (("city", "harbin"), ("province", "hlj")):
            people[name] = factories.User(name=name)["id"]
            call_action("organization_member_create", id=place, username=name, role="admin")
        row = source("aa", every=None)
        settings(row).missed_after = 24
        ended(row, minutes=25 * 60)
        return row, people

    def told(self):
        return [
            (kept.user_id, kept.params["title"])
            for kept in model.Session.execute(
                sa.select(notices.table).where(notices.table.c.kind == "pull.missed")
            )
        ]

    def test_who_falls_silent_is_told_of_once_to_the_city_and_above(self, silent):
        _row, people = silent
        due.run()
        due.run()
        assert sorted(self.told()) == sorted((person, "aa") for person in people.values())

    def test_a_new_silence_is_told_of_again_and_none_without_one(self, silent):
        row, people = silent
        due.run()
        ended(row)
        due.run()
        assert len(self.told()) == len(people)
        run = model.Session.scalars(sa.select(Run).order_by(Run.finished.desc())).first()
        run.finished = now() - timedelta(hours=24, minutes=30)
        model.Session.commit()
        due.run()
        assert len(self.told()) == 2 * len(people)

    def test_one_without_a_limit_owes_nothing(self, silent):
        row, _people = silent
        settings(row).missed_after = None
        model.Session.commit()
        due.run()
        assert self.told() == []


def test_a_run_that_was_killed_is_closed_and_goes_on(source):
    row = source("aa")
    due.run()
    job = jobs(row)[0]
    job.gather_started = (now() - timedelta(hours=1)).replace(tzinfo=None)
    waiting = HarvestObject(guid="1", job=job, state="WAITING", content="{}")
    model.Session.add(waiting)
    run = runs.start(row.id, "harvest", job.id)
    run.started = run.heartbeat = now() - timedelta(minutes=11)
    model.Session.commit()
    run_id, job_id, waiting_id = run.id, job.id, waiting.id
    done = due.run()
    model.Session.expire_all()
    assert done.closed == 1
    assert model.Session.get(Run, run_id).stopped == "interrupted"
    assert HarvestJob.get(job_id).status == "Finished"
    assert HarvestObject.get(waiting_id).state == "ERROR"
    assert due.run().started + done.started == ["aa"]


def test_a_run_that_lives_is_left_alone(source):
    row = source("aa")
    run = runs.start(row.id, "command", None)
    run.started = now() - timedelta(hours=5)
    run.heartbeat = now() - timedelta(minutes=1)
    model.Session.commit()
    done = due.run()
    assert (done.closed, done.started) == (0, [])
    run.heartbeat = now() - timedelta(hours=1)
    model.Session.commit()
    with runs.only_one(row.id):  # silent, but its process holds the source
        assert due.run().closed == 0
    assert due.run().closed == 1


def test_two_passes_exclude_each_other(source):
    source("aa")
    with runs.only_one("the schedule"), pytest.raises(runs.BusyError):
        due.run()


def test_the_frequency_of_ckanext_harvest_becomes_a_schedule_and_is_not_run_twice(source):
    row = source("aa", every=None, frequency="DAILY")
    assert settings(row).every == 24 * 60
    call_action("harvest_jobs_run", {"user": call_action("get_site_user")["name"]})
    assert jobs(row) == []
    assert HarvestSource.get(row.id).frequency == "MANUAL"
    assert due.run().started == ["aa"]


class TestLettingPass:
    @pytest.fixture
    def stopped(self, source, city):
        row = source("aa")
        run_id = runs.start(row.id, "harvest", None).id
        runs.advance(run_id, seen=60, missing=40)
        runs.finish(run_id, "shrink: 40 / 100")
        user = factories.User(name="city")["name"]
        call_action("organization_member_create", id="harbin", username=user, role="admin")
        return {"id": row.id, "run": run_id, "missing": 40, "seen": 60}

    def let_pass(self, who="city", **data):
        return tk.get_action("hljshare_source_let_pass")({"user": who, "ignore_auth": False}, data)

    def test_the_figures_that_were_seen_are_kept_with_who_said_so(self, stopped):
        shown = self.let_pass(**stopped)
        assert shown["let_pass"]["missing"] == 40
        kept = approval.settings_of(stopped["id"]).let_pass
        assert (kept["code"], kept["missing"], kept["seen"]) == ("shrink", 40, 60)
        assert kept["by"] == model.User.get("city").id

    @pytest.mark.parametrize(
        "other", [{"missing": 100}, {"seen": 0}, {"run": "another"}, {"missing": "-1"}]
    )
    def test_other_figures_or_an_older_run_are_refused(self, stopped, other):
        with pytest.raises(tk.ValidationError):
            self.let_pass(**{**stopped, **other})
        assert approval.settings_of(stopped["id"]).let_pass is None

    def test_what_gave_no_list_cannot_pass(self, stopped):
        run = model.Session.get(Run, stopped["run"])
        run.stopped = "unreachable: HTTP 500"
        model.Session.commit()
        with pytest.raises(tk.ValidationError):
            self.let_pass(**stopped)

    def test_only_the_sources_administrators_say_so(self, stopped):
        for who in (factories.User()["name"], ""):
            with pytest.raises(tk.NotAuthorized):
                self.let_pass(who, **stopped)
