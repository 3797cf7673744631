"""What follows a change happens once it is committed, and not otherwise."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta, timezone

import pytest
from ckan import model
from ckan.cli.cli import ckan
from ckan.lib import jobs
from ckan.lib.redis import connect_to_redis
from ckan.logic import NotAuthorized
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.deadlines import backoff, outbox
from ckanext.hljshare.deadlines.model import OutboxItem

KIND = "test.work"


@pytest.fixture(autouse=True)
def _empty():
    model.Session.query(OutboxItem).delete()
    model.Session.commit()
    connect_to_redis().delete(outbox._wake_key())
    jobs.get_queue().empty()


@pytest.fixture
def did(monkeypatch):
    """What the handler of KIND has done; `did.fails` is an exception it raises instead."""

    class Done(list):
        fails: Exception | None = None
        hook = staticmethod(lambda: None)

    done = Done()

    def handle(payload):
        done.hook()
        if done.fails:
            raise done.fails
        done.append(payload["n"])

    monkeypatch.setitem(outbox._handlers, KIND, handle)
    return done


def put(key, n=1, **more):
    made = outbox.put(KIND, key, {"n": n}, **more)
    model.Session.commit()
    return made


def item(key):
    model.Session.rollback()
    model.Session.expire_all()
    return model.Session.query(OutboxItem).filter_by(kind=KIND, key=key).one()


def later(**span):
    return datetime.now(timezone.utc) + timedelta(**span)


def test_work_is_done_once(did):
    assert put("a", 7)
    assert outbox.run().as_dict() == {"done": 1, "retried": 0, "failed": 0, "left": 0}
    assert outbox.run().done == 0
    assert did == [7]
    assert item("a").state == "done"


def test_the_same_key_is_the_same_work(did):
    assert put("a", 1)
    assert not put("a", 2)
    outbox.run()
    assert not put("a", 3)
    outbox.run()
    assert did == [1]


def test_rollback_forgets(did):
    outbox.put(KIND, "a", {"n": 1})
    model.Session.rollback()
    model.Session.commit()
    assert outbox.run().done == 0
    assert did == []
    assert jobs.get_queue().count == 0


def test_nothing_is_seen_before_the_commit(did):
    outbox.put(KIND, "a", {"n": 1})
    with model.meta.engine.connect() as other:
        assert other.scalar(outbox.sa.select(outbox.sa.func.count(outbox.table.c.id))) == 0
    model.Session.commit()
    assert outbox.run().done == 1


def test_not_before_its_time(did):
    put("a", not_before=later(hours=1))
    assert jobs.get_queue().count == 0
    assert outbox.run().done == 0
    assert outbox.run(at=later(hours=2)).done == 1
    with pytest.raises(ValueError):
        outbox.put(KIND, "b", {}, not_before=datetime(2026, 1, 1))  # noqa: DTZ001


def test_one_commit_wakes_the_worker_once(did):
    for key in "abc":
        outbox.put(KIND, key, {"n": 1})
    with model.Session.begin_nested():
        outbox.put(KIND, "d", {"n": 1})
    assert jobs.get_queue().count == 0
    model.Session.commit()
    assert jobs.get_queue().count == 1
    put("e")  # one job is waiting already and will do this one too
    assert jobs.get_queue().count == 1
    job = jobs.get_queue().jobs[0]
    assert (job.args, job.kwargs) == ([], {})
    job.perform()
    assert len(did) == 5
    put("f")
    assert jobs.get_queue().count == 2


def test_a_commit_without_a_promise_wakes_nobody():
    factories.User()
    assert jobs.get_queue().count == 0


def test_the_change_stands_when_redis_is_away(did, monkeypatch):
    def away():
        raise ConnectionError

    monkeypatch.setattr(outbox, "connect_to_redis", away)
    assert put("a")
    assert outbox.run().done == 1


def test_failure_is_tried_again_later_and_tells_no_data(did):
    put("a", 5)
    did.fails = RuntimeError("the phone number 13800000000")
    assert outbox.run().as_dict() == {"done": 0, "retried": 1, "failed": 0, "left": 0}
    assert item("a").last_error == "RuntimeError"
    assert outbox.run().retried == 0, "not before the wait is over"
    did.fails = None
    assert outbox.run(at=later(minutes=2)).done == 1
    assert did == [5]
    assert item("a").last_error is None


def test_a_failed_handler_leaves_no_change(did):
    user = factories.User()
    put("a")

    def half():
        model.User.get(user["id"]).about = "half done"
        model.Session.flush()
        raise RuntimeError

    did.hook = half
    outbox.run()
    model.Session.remove()
    assert model.User.get(user["id"]).about != "half done"


def test_what_a_handler_changes_is_kept(did):
    user = factories.User()
    put("a")
    did.hook = lambda: setattr(model.User.get(user["id"]), "about", "done")
    outbox.run()
    model.Session.remove()
    assert model.User.get(user["id"]).about == "done"


def test_given_up_is_seen_by_the_administrator_and_can_be_taken_up(did, cli):
    put("a", 9)
    did.fails = RuntimeError()
    moment = later()
    for _ in range(backoff.ATTEMPTS):
        moment += backoff.LONGEST
        outbox.run(at=moment)
    assert item("a").state == "failed"
    assert outbox.run(at=moment + timedelta(days=9)).as_dict()["retried"] == 0

    admin = {"user": factories.Sysadmin()["name"], "ignore_auth": False}
    found = call_action("hljshare_outbox_failed", admin)
    assert found["count"] == 1
    assert found["results"][0]["key"] == "a"
    assert found["results"][0]["last_error"] == "RuntimeError"
    assert cli.invoke(ckan, ["hljshare", "outbox", "status"]).exit_code == 1

    did.fails = None
    assert cli.invoke(ckan, ["hljshare", "outbox", "retry"]).exit_code == 0
    ran = cli.invoke(ckan, ["hljshare", "outbox", "run"])
    assert json.loads(ran.output.splitlines()[-1])["done"] == 1
    assert did == [9]


def test_others_do_not_see_what_failed():
    with pytest.raises(NotAuthorized):
        call_action(
            "hljshare_outbox_failed", {"user": factories.User()["name"], "ignore_auth": False}
        )


def test_work_nobody_can_do_waits():
    outbox.put("test.unknown", "a", {})
    model.Session.commit()
    assert outbox.run().retried == 1
    found = model.Session.query(OutboxItem).filter_by(kind="test.unknown").one()
    assert (found.state, found.last_error) == ("pending", "NoHandlerError")


def test_two_runs_share_the_work(did):
    for n in range(40):
        outbox.put(KIND, f"k{n}", {"n": n})
    model.Session.commit()
    start = threading.Barrier(4)
    counts = []

    def one():
        start.wait()
        try:
            counts.append(outbox.run().done)
        finally:
            model.Session.remove()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(did) == list(range(40))
    assert sum(counts) == 40


def test_an_item_in_work_is_left_alone_however_long_it_takes(did):
    put("a", 1)
    inside, go = threading.Event(), threading.Event()

    def slow():
        inside.set()
        assert go.wait(20)

    did.hook = slow
    first = threading.Thread(target=lambda: (outbox.run(), model.Session.remove()))
    first.start()
    assert inside.wait(20)
    did.hook = lambda: None
    assert outbox.run(at=later(days=1)).done == 0
    go.set()
    first.join()
    assert did == [1]


def test_a_crash_in_the_middle_is_repeated(did):
    put("a", 3)

    class Crash(BaseException):
        """As a killed process: no code of ours runs any more."""

    def crash():
        raise Crash

    did.hook = crash
    with pytest.raises(Crash):
        outbox.run()
    model.Session.remove()
    did.hook = lambda: None
    assert outbox.run().done == 0, "its process might still live"
    assert outbox.run(at=later(minutes=2)).done == 1
    assert did == [3]


def test_an_item_that_kills_its_process_is_given_up(did):
    put("bad")
    put("good", 2)

    class Crash(BaseException):
        pass

    def crash():
        raise Crash

    moment = later()
    did.hook = crash
    for _ in range(2 * backoff.ATTEMPTS):
        moment += backoff.LONGEST
        with pytest.raises(Crash):
            outbox.run(at=moment)
        model.Session.remove()
    moment += backoff.LONGEST
    assert outbox.run(at=moment).done == 0
    assert item("bad").last_error == "Interrupted"
    assert item("bad").state == "failed"


def test_limit_and_what_is_left(did):
    for n in range(5):
        outbox.put(KIND, f"k{n}", {"n": n})
    model.Session.commit()
    assert outbox.run(limit=2).as_dict() == {"done": 2, "retried": 0, "failed": 0, "left": 3}


def test_the_job_asks_for_another_when_it_does_not_reach_all(did, monkeypatch):
    for n in range(3):
        outbox.put(KIND, f"k{n}", {"n": n})
    model.Session.commit()
    monkeypatch.setattr(outbox, "run", lambda: outbox.Counts(done=1, left=2))
    jobs.get_queue().empty()
    outbox.work()
    assert jobs.get_queue().count == 1


def test_done_items_are_kept_for_ninety_days(did):
    put("a")
    outbox.run()
    outbox.run(at=later(days=89))
    assert item("a").state == "done"
    outbox.run(at=later(days=91))
    assert outbox.status()["done"] == 0
