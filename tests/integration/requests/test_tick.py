"""What time brings about: once each, dated right, however late and however often the job runs."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.hljshare.deadlines import calendars, notices
from ckanext.hljshare.deadlines.calendar import Day, Year
from ckanext.hljshare.deadlines.model import CalendarDay, CalendarVersion, Notice, OutboxItem
from ckanext.hljshare.requests import engine, tick
from ckanext.hljshare.requests.model import Request, RequestEvent, RequestOrder
from tests.integration.requests.conftest import ZONE, at

HOUR = timedelta(hours=1)
BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


def row(request):
    """The request as the database has it."""
    model.Session.rollback()
    model.Session.expire_all()
    return model.Session.get(Request, request["id"])


def sent(request, start=""):
    """Notices about a request: (kind, who, key) each, for kinds that begin so."""
    model.Session.rollback()
    names = dict(model.Session.execute(sa.select(model.User.id, model.User.name)).tuples().all())
    found = model.Session.scalars(sa.select(Notice).where(Notice.link == link(request)))
    return sorted(
        (found_.kind.removeprefix("request."), names.get(found_.user_id, "?"), found_.key)
        for found_ in found
        if found_.kind.startswith(f"request.{start}")
    )


def link(request):
    return f"/request/{request['number']}"


def who(request, start):
    """Whom notices of a kind reached, in order."""
    return sorted(name for _kind, name, _key in sent(request, start))


def events(request):
    """The history: kind, moment in China."""
    model.Session.rollback()
    found = model.Session.scalars(
        sa.select(RequestEvent)
        .where(RequestEvent.request_id == request["id"])
        .order_by(RequestEvent.position)
    )
    return [(event.kind, f"{event.at.astimezone(ZONE):%Y-%m-%d %H:%M}") for event in found]


@pytest.fixture
def accepted(call, submitted, clock):
    """A request accepted on 2 March 2026: due on 12 March, without any holiday near."""
    clock("2026-03-02 09:00")
    request = submitted()
    clock("2026-03-02 10:00")
    return call("handler", "accept", id=request["id"])


LADDER = {
    "due.before": ["approver", "handler", "handler", "handler"],  # T-5, T-3, T-1
    "due.today": ["approver", "handler"],
    "due.after": ["approver", "city", "handler", "province"],
    "due.counts": ["approver", "city", "handler", "province"],
}


def test_every_rung_exactly_once_when_the_job_runs_every_hour(accepted, clock):
    """From acceptance until long after the end."""
    moment = at("2026-03-02 10:30")
    while moment < at("2026-03-20 00:00"):
        clock(moment)
        tick.run(moment)
        moment += HOUR
    for kind, people in LADDER.items():
        assert who(accepted, kind) == people
    assert events(accepted)[2:] == [
        ("overdue", "2026-03-13 00:00"),
        ("overdue_counts", "2026-03-17 00:00"),
    ]
    assert row(accepted).next_at is None


def test_a_job_that_comes_twenty_days_late_dates_right_and_spares_old_reminders(accepted, clock):
    """The records are the same as if it had been in time; nobody is reminded of what is over."""
    late = clock("2026-04-01 03:00")
    done = tick.run(late)
    assert events(accepted)[2:] == [
        ("overdue", "2026-03-13 00:00"),
        ("overdue_counts", "2026-03-17 00:00"),
    ]
    assert done["overdue"] == done["counted"] == 1
    assert who(accepted, "due.before") == who(accepted, "due.today") == []
    assert who(accepted, "due.after") == LADDER["due.after"]
    assert who(accepted, "due.counts") == LADDER["due.counts"]


def test_a_job_that_is_a_day_late_sends_the_newest_reminder_only(accepted, clock):
    """T-3 has come before T-5 went out."""
    tick.run(clock("2026-03-10 09:00"))
    assert [key.rsplit(":", 1)[1] for _kind, _name, key in sent(accepted, "due.")] == ["T-3"]


def test_running_it_again_does_nothing(accepted, clock):
    """Nor does running it again at an earlier hour: the clock may go back."""
    moment = clock("2026-03-14 09:00")
    assert tick.run(moment)["looked at"]
    before, history = sent(accepted), events(accepted)
    for again in (moment, moment, moment - timedelta(days=6), moment + timedelta(minutes=1)):
        assert "looked at" not in tick.run(clock(again))
    assert (sent(accepted), events(accepted)) == (before, history)


def threads(number, work):
    """Run something in several threads at once; return what they raised."""
    errors, gate = [], threading.Barrier(number)

    def body(which):
        try:
            gate.wait(10)
            work(which)
        except Exception as error:
            errors.append(error)
        finally:
            model.Session.rollback()
            model.Session.remove()

    found = [threading.Thread(target=body, args=(which,)) for which in range(number)]
    for thread in found:
        thread.start()
    for thread in found:
        thread.join(60)
    assert not any(thread.is_alive() for thread in found)
    return errors


def test_several_at_once_on_the_same_requests(call, submitted, clock):
    """Two machines run it at the same second: each thing is done by one of them."""
    clock("2026-03-02 09:00")
    requests = [submitted() for _ in range(6)]
    for request in requests[:3]:
        call("handler", "accept", id=request["id"])
    model.Session.commit()
    moment = clock("2026-03-30 09:00")
    results = []
    assert threads(4, lambda _which: results.append(tick.run(moment))) == []
    tick.run(moment)  # what one held, the others have passed over
    total = sum(map(Counter, results), Counter())
    for request in requests:
        kinds = Counter(kind for kind, _at in events(request))
        assert kinds["overdue"] == kinds["overdue_counts"] == kinds["accepted"] == 1
        assert who(request, "due.after") == LADDER["due.after"]
    assert total["deemed accepted"] <= 3
    assert not total["failed"]


def test_a_crash_in_the_middle_leaves_nothing_half_done(accepted, clock, monkeypatch):
    """The run after it does all that was left, and nothing twice."""
    moment = clock("2026-03-14 09:00")
    real, left = notices.put_all, [2]

    def fail(letters):
        made = real(letters)
        left[0] -= 1
        if left[0] == 0:
            raise RuntimeError("the worker was killed")
        return made

    for calls in (1, 2):
        left[0] = calls
        monkeypatch.setattr(notices, "put_all", fail)
        tick.run(moment)
        monkeypatch.setattr(notices, "put_all", real)
        kinds = [kind for kind, _at in events(accepted)]
        assert ("overdue" in kinds) == bool(who(accepted, "due.after"))
    tick.run(moment)
    assert who(accepted, "due.after") == LADDER["due.after"]
    assert [kind for kind, _at in events(accepted)].count("overdue") == 1


def test_one_request_that_cannot_be_brought_up_to_date_does_not_stop_the_others(
    call, submitted, clock, monkeypatch
):
    """It is counted as failed, and tried again the next time."""
    clock("2026-03-02 09:00")
    bad, good = submitted(), submitted()
    real = engine.accept

    def accept(act, moment):
        if act.row.id == bad["id"]:
            raise RuntimeError("a line that nobody foresaw")
        real(act, moment)

    monkeypatch.setattr(engine, "accept", accept)
    done = tick.run(clock("2026-03-11 09:00"))
    assert (done["failed"], done["deemed accepted"]) == (1, 1)
    assert (row(bad).state, row(good).state) == ("submitted", "accepted")
    monkeypatch.setattr(engine, "accept", real)
    assert tick.run(clock("2026-03-11 10:00"))["deemed accepted"] == 1


def test_deemed_acceptance_is_dated_to_the_end_of_the_limit(submitted, clock):
    """However late the job: the ten days count from then, and its ladder follows."""
    clock("2026-03-02 09:00")
    request = submitted()
    clock("2026-03-19 12:00")
    done = tick.run(at("2026-03-19 12:00"))
    assert done["deemed accepted"] == 1
    found = row(request)
    assert found.deemed
    assert found.state == "accepted"
    assert found.accepted_at == at("2026-03-10 00:00")
    assert found.due == date(2026, 3, 20)
    assert events(request)[1] == ("accepted", "2026-03-10 00:00")
    assert who(request, "deemed.agency") == ["approver", "city", "handler", "province"]
    assert who(request, "deemed.applicant") == ["applicant"]
    assert who(request, "acceptance") == []  # nobody is told to accept it "today", days later
    assert [key.rsplit(":", 1)[1] for _k, _n, key in sent(request, "due.")] == ["T-1", "T-1"]
    tick.run(clock("2026-03-21 00:00"))
    assert who(request, "due.after") == LADDER["due.after"]


def test_acceptance_is_reminded_of(submitted, clock):
    """Two days before its end, and on its last day."""
    clock("2026-03-02 09:00")
    request = submitted()
    tick.run(clock("2026-03-07 08:00"))
    assert who(request, "acceptance.before") == ["approver", "handler"]
    tick.run(clock("2026-03-09 08:00"))
    assert who(request, "acceptance.today") == ["approver", "handler"]


def test_a_handler_who_is_faster_than_the_job_gains_no_day(call, submitted, clock):
    """The limit of acceptance has passed, the scheduler stands still: it counts as accepted."""
    clock("2026-03-02 09:00")
    request = submitted()
    clock("2026-03-16 09:00")
    for action, data in (
        ("accept", {}),
        ("return", {"message": "请补充"}),
        ("decline", {"reason": "不受理", "basis": BASIS}),
    ):
        with pytest.raises(Exception, match="version"):
            call("handler", action, id=request["id"], **data)
    assert row(request).state == "submitted"
    call("handler", "message", id=request["id"], message="已在办理")
    assert row(request).accepted_at == at("2026-03-10 00:00")
    assert row(request).due == date(2026, 3, 20)


def test_what_is_delivered_late_before_the_job_came_is_recorded_as_late(call, accepted, clock):
    """A standing scheduler hides no lateness."""
    call("handler", "propose", id=accepted["id"], decision="approve")
    call("approver", "decide", id=accepted["id"], sign=True)
    clock("2026-03-18 09:00")
    call("handler", "deliver", id=accepted["id"])
    assert [event for event in events(accepted) if event[0].startswith("overdue")] == [
        ("overdue", "2026-03-13 00:00"),
        ("overdue_counts", "2026-03-17 00:00"),
    ]
    assert who(accepted, "due.after") == LADDER["due.after"]
    tick.run(clock("2026-04-18 09:00"))
    assert who(accepted, "due.after") == LADDER["due.after"]


def test_a_returned_request_lapses(call, submitted, clock):
    """After fifteen working days; the applicant is reminded, and the lapse is dated to the end."""
    clock("2026-03-02 09:00")
    request = submitted()
    call("handler", "return", id=request["id"], message="请补充用途")
    tick.run(clock("2026-03-20 08:00"))
    assert who(request, "correction") == ["applicant"]
    tick.run(clock("2026-03-23 08:00"))
    assert who(request, "correction") == ["applicant", "applicant"]
    tick.run(clock("2026-04-10 08:00"))
    assert row(request).state == "lapsed"
    assert events(request)[-1] == ("lapsed", "2026-03-24 00:00")
    assert who(request, "lapsed.applicant") == ["applicant"]
    assert row(request).next_at is None


def test_a_suspension_ends_by_itself(call, accepted, clock):
    """After fifteen working days, dated to then; the days of the pause are added."""
    clock("2026-03-06 10:00")
    call("handler", "suspend", id=accepted["id"], reason="征求第三方意见")
    assert row(accepted).due is None
    tick.run(clock("2026-03-20 09:00"))
    assert row(accepted).state == "suspended"
    tick.run(clock("2026-04-01 09:00"))
    found = row(accepted)
    assert found.state == "accepted"
    assert found.limit_due is None
    assert found.due == date(2026, 4, 2)  # twenty-one days later than 12 March
    assert ("resumed", "2026-03-28 00:00") in events(accepted)
    assert who(accepted, "resumed.applicant") == ["applicant"]


def test_an_order_without_an_answer_is_told_of_once(call, accepted, clock):
    """To who gave it, and to the agency's approvers."""
    call("city", "supervise", id=accepted["id"], message="请说明", answer_due="2026-03-05")
    tick.run(clock("2026-03-05 23:59"))
    assert who(accepted, "order") == []
    for moment in ("2026-03-06 00:01", "2026-03-09 09:00"):
        tick.run(clock(moment))
    assert who(accepted, "order.after") == ["approver", "city"]


def test_an_answered_order_is_not_told_of(call, accepted, clock):
    """The answer came in time."""
    found = call("city", "supervise", id=accepted["id"], message="请说明", answer_due="2026-03-05")
    order = found["orders"][0]["id"]
    call("handler", "answer", id=accepted["id"], order=order, message="已答复")
    tick.run(clock("2026-03-09 09:00"))
    assert who(accepted, "order") == []
    assert model.Session.get(RequestOrder, order).reminded_at is None


@pytest.fixture
def next_year():
    """Take a made-up notice of 2027; the calendar is as before when the test is over."""

    def clean():
        model.Session.rollback()
        for table in (CalendarDay, CalendarVersion, OutboxItem):
            model.Session.query(table).delete()
        model.Session.commit()

    def take(*off, worked=()):
        holidays = [Day(date.fromisoformat(day), "元旦", True) for day in off]
        holidays += [Day(date.fromisoformat(day), "元旦", False) for day in worked]
        calendars.take([Year(2027, tuple(sorted(holidays, key=lambda day: day.date)))], None, "t")
        model.Session.commit()
        tick.follow_calendar(calendars.listed()[0]["version"])

    clean()
    yield take
    clean()


def test_a_notice_of_next_year_moves_what_was_provisional(call, submitted, clock, next_year):
    """New Year's rest is longer than foreseen: an event, and both sides are told, once."""
    clock("2026-12-22 09:00")
    request = submitted()
    call("handler", "accept", id=request["id"])
    assert (row(request).due, row(request).provisional) == (date(2027, 1, 4), True)
    version = row(request).version
    next_year("2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04")
    found = row(request)
    assert (found.due, found.provisional, found.version) == (date(2027, 1, 5), False, version + 1)
    assert events(request)[-1][0] == "due_moved"
    assert who(request, "due_moved.applicant") == ["applicant"]
    assert who(request, "due_moved.agency") == ["handler"]
    tick.follow_calendar(calendars.listed()[0]["version"])
    assert [kind for kind, _at in events(request)].count("due_moved") == 1
    # Closed ones are never recomputed.
    call("applicant", "withdraw", id=request["id"])
    next_year("2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04", "2027-01-05")
    assert row(request).due == date(2027, 1, 5)


def test_a_deadline_that_moves_into_the_past_is_overdue_at_once(call, submitted, clock, next_year):
    """The notice comes late and makes a Sunday a working day: nobody waits for the next rung."""
    clock("2026-12-24 09:00")
    request = submitted()
    call("handler", "accept", id=request["id"])
    assert row(request).due == date(2027, 1, 4)  # the third is a Sunday
    clock("2027-01-04 10:00")
    next_year("2027-01-01", worked=("2027-01-03",))
    assert row(request).due == date(2027, 1, 3)
    tick.run(at("2027-01-04 10:05"))
    assert ("overdue", "2027-01-04 00:00") in events(request)


def test_what_was_suspended_on_a_day_that_is_no_longer_part_of_it(
    call, submitted, clock, next_year
):
    """Suspended on the last day, which by the new calendar was too late: what was known holds,
    and the other requests are recomputed all the same."""
    clock("2026-12-24 09:00")
    first, second = submitted(), submitted()
    for request in (first, second):
        call("handler", "accept", id=request["id"])
    clock("2027-01-04 09:00")
    call("handler", "suspend", id=first["id"], reason="征求第三方意见")
    next_year("2027-01-01", worked=("2027-01-03",))
    assert row(second).due == date(2027, 1, 3)
    clock("2027-01-05 09:00")
    assert call("handler", "resume", id=first["id"])["due"] == "2027-01-05"


def test_notices_follow_the_people_of_the_agency(accepted, clock, house):
    """Who left gets none; the others do; where the agency has nobody, the city; at last the
    system's administrators."""

    def leave(user, organization):
        call_action(
            "organization_member_delete",
            {"user": "root", "ignore_auth": True},
            id=organization["id"],
            username=user,
        )

    assert model.User.get(house.users["handler"]["id"]).id == row(accepted).handler_id
    leave("handler", house.agency)
    tick.run(clock("2026-03-07 09:00"))
    assert who(accepted, "due.before") == ["approver"]
    leave("approver", house.agency)
    tick.run(clock("2026-03-09 09:00"))
    assert who(accepted, "due.before") == ["approver", "city"]
    leave("city", house.city)
    tick.run(clock("2026-03-11 09:00"))
    assert who(accepted, "due.before") == ["approver", "city", "province"]
    leave("province", house.province)
    tick.run(clock("2026-03-13 00:00"))
    assert who(accepted, "due.after") == ["root"]


def test_a_handler_whose_account_is_gone_gets_nothing(accepted, clock, house):
    """The account is deleted, the membership may still stand."""
    call_action("user_delete", {"user": "root", "ignore_auth": True}, id="handler")
    tick.run(clock("2026-03-12 09:00"))
    assert who(accepted, "due.today") == ["approver"]


def test_an_agency_that_is_dissolved(accepted, clock, house, call):
    """Somebody is told all the same, and can act."""
    call_action("organization_delete", {"user": "root", "ignore_auth": True}, id=house.agency["id"])
    tick.run(clock("2026-03-13 00:00"))
    assert who(accepted, "due.after") == ["root"]
    assert row(accepted).state == "accepted"
    assert "propose" in call("root", "show", id=accepted["id"])["actions"]


def test_the_request_of_an_account_that_is_gone_ends(accepted, clock, call, submitted):
    """It is withdrawn, the agency is told; another person's stays."""
    other = submitted("stranger")
    call_action("user_delete", {"user": "root", "ignore_auth": True}, id="applicant")
    for _ in range(2):
        tick.run(clock("2026-03-03 09:00"))
    assert row(accepted).state == "withdrawn"
    assert [kind for kind, _at in events(accepted)].count("withdrawn") == 1
    assert who(accepted, "withdrawn") == ["handler"]
    assert row(other).state == "submitted"
    tick.run(clock("2026-05-03 09:00"))
    assert who(accepted, "due.") == []


def test_the_use_of_data_ends_and_its_report_is_reminded_of(call, accepted, clock):
    """On the day that was decided; the applicant is told."""
    call(
        "handler",
        "propose",
        id=accepted["id"],
        decision="approve",
        not_after="2026-04-01T00:00:00+08:00",
    )
    call("approver", "decide", id=accepted["id"], sign=True)
    call("handler", "deliver", id=accepted["id"])
    assert row(accepted).report_due == date(2026, 3, 31)
    tick.run(clock("2026-03-31 08:00"))
    assert who(accepted, "report.today") == ["applicant"]
    tick.run(clock("2026-04-05 08:00"))
    tick.run(clock("2026-04-05 09:00"))
    assert events(accepted)[-1] == ("closed", "2026-04-01 00:00")
    assert who(accepted, "closed.applicant") == ["applicant"]
    assert who(accepted, "report.after") == ["handler"]


def test_nothing_is_sent_twice_however_the_job_runs(call, submitted, clock):
    """A whole life with an irregular scheduler: no person has the same notice twice."""
    clock("2026-03-02 09:00")
    request = submitted()
    moment = at("2026-03-02 09:30")
    for hours in (1, 90, 3, 70, 1, 1, 200, 5, 30, 11, 24, 24, 400):
        moment += timedelta(hours=hours)
        clock(moment)
        tick.run(moment)
        tick.run(moment)
    found = Counter((kind, name) for kind, name, _key in sent(request))
    assert max(found.values()) <= 3  # at most the three reminders before the end
    for kind, number in found.items():
        assert number == 1 or kind[0] == "due.before", kind


def test_a_run_that_is_out_of_time_says_so(submitted, clock):
    """What is left is done by the next one."""
    clock("2026-03-02 09:00")
    request = submitted()
    late = clock("2026-03-30 09:00")
    assert tick.run(late, seconds=0)["left"] == 1
    assert row(request).state == "submitted"
    assert tick.run(late)["deemed accepted"] == 1


def test_the_command_takes_a_time(submitted, cli, clock):
    """`ckan hljshare requests tick --now`: the last line is JSON."""
    import json

    from ckan.cli.cli import ckan

    clock("2026-03-02 09:00")
    request = submitted()
    result = cli.invoke(ckan, ["hljshare", "requests", "tick", "--now", "2026-03-10 00:00"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.output.splitlines()[-1])["deemed accepted"] == 1
    assert row(request).state == "accepted"
    assert cli.invoke(ckan, ["hljshare", "requests", "tick", "--now", "soon"]).exit_code
