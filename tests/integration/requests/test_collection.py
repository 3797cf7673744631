"""Collection tasks: from the province's question to the agency's receipt, watched by the clock."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.logic import NotAuthorized, NotFound, ValidationError
from ckan.tests import factories
from ckan.tests.helpers import call_action
from werkzeug.datastructures import FileStorage

from ckanext.hljshare.deadlines.model import Notice, OutboxItem
from ckanext.hljshare.requests.collection import files, store, tick
from ckanext.hljshare.requests.collection.model import (
    Assignment,
    Collection,
    CollectionEvent,
    Submission,
)

ZONE = ZoneInfo("Asia/Shanghai")
TABLE = "指标,数值\n访问量,1024\n"


def at(day, hour=9):
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)


def days(count):
    return datetime.now(ZONE).date() + timedelta(days=count)


class World:
    """A province with a city, its two agencies, another city, and their people."""

    def __init__(self):
        def org(name, title, level, above=None):
            return factories.Organization(
                name=name, title=title, level=level, groups=[{"name": above}] if above else []
            )

        def person(name, group, role):
            user = factories.UserWithToken(name=name, fullname=f"{name}人")
            site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
            call_action(
                "organization_member_create", site, id=group["id"], username=name, role=role
            )
            return user

        self.province = org("hlj", "黑龙江省", "province")
        self.city = org("harbin", "哈尔滨市", "city", "hlj")
        self.other_city = org("daqing", "大庆市", "city", "hlj")
        self.traffic = org("harbin-jtysj", "哈尔滨市交通运输局", "agency", "harbin")
        self.health = org("harbin-wjw", "哈尔滨市卫生健康委", "agency", "harbin")
        self.elsewhere = org("daqing-jtj", "大庆市交通局", "agency", "daqing")
        self.province_admin = person("province-admin", self.province, "admin")
        self.city_admin = person("city-admin", self.city, "admin")
        self.other_admin = person("daqing-admin", self.other_city, "admin")
        self.editor = person("handler", self.traffic, "editor")
        self.admin = person("approver", self.traffic, "admin")
        self.colleague = person("health-editor", self.health, "editor")
        self.reader = person("reader", self.traffic, "member")
        self.stranger = person("stranger", self.elsewhere, "admin")


@pytest.fixture
def world(clean_db, clean_index):
    return World()


def act(user, name, **data):
    context = {"user": user["name"] if user else "", "ignore_auth": False}
    return call_action(f"hljshare_collection_{name}", context, **data)


def ask(user, **more):
    values = {
        "subject": "traffic",
        "title": "网站访问数据",
        "purpose": "网站运行监管",
        "basis": "规范 5.2 b",
        "fields": "日期\n访问量",
        "processing": "只报合计，不含用户信息",
        "format": "CSV",
        "period_from": days(-60).isoformat(),
        "period_to": days(-1).isoformat(),
        "due": days(10).isoformat(),
        "agencies": ["harbin-jtysj"],
        **more,
    }
    return act(user, "create", **values)


def upload(text=TABLE, name="访问数据.csv"):
    return FileStorage(io.BytesIO(text.encode()), name, content_type="text/csv")


def hand_in(user, task_id, **more):
    return act(user, "submit", **{"id": task_id, "upload": upload(), "note": "已汇总", **more})


def part(task, agency="harbin-jtysj"):
    return next(each for each in task["tasks"] if each["agency"] == agency)


def told(user):
    """The subjects of a person's notices, oldest first, in English as the tests run."""
    rows = model.Session.scalars(
        sa.select(Notice).where(Notice.user_id == user["id"]).order_by(Notice.created)
    )
    return [row.kind.removeprefix("collection.") for row in rows]


def set_due(task, due, since):
    """Bring an assignment's days into the past, as if the task had been made then."""
    row = model.Session.get(Assignment, part(task)["id"])
    row.due, row.since = due, since
    row.next_at = since
    model.Session.commit()


# ---------------------------------------------------------------- the way of a task


def test_from_the_question_to_the_receipt(world):
    task = ask(world.city_admin)
    assert task["number"].startswith("SJ-")
    assert told(world.editor) == ["assigned"]
    assert told(world.admin) == ["assigned"]
    assert told(world.reader) == []
    mine = part(act(world.editor, "show", number=task["number"]))
    assert (mine["state"], mine["can"]) == ("assigned", ["acknowledge", "submit"])

    mine = part(act(world.editor, "acknowledge", id=mine["id"], version=1))
    assert mine["state"] == "acknowledged"
    mine = part(hand_in(world.editor, mine["id"]))
    assert (mine["state"], mine["overdue"], mine["can"]) == ("submitted", False, [])
    assert told(world.city_admin) == ["submitted"]

    theirs = part(act(world.city_admin, "show", id=task["id"]))
    assert theirs["can"] == ["return", "accept", "withdraw"]
    assert theirs["submissions"][0]["note"] == "已汇总"
    done = part(act(world.city_admin, "accept", id=theirs["id"]))
    digest = hashlib.sha256(TABLE.encode()).hexdigest()
    assert done["state"] == "accepted"
    assert done["receipt"].startswith("HZ-")
    assert done["submissions"][0]["sha256"] == digest
    notice = model.Session.scalar(
        sa.select(Notice).where(
            Notice.kind == "collection.accepted", Notice.user_id == world.editor["id"]
        )
    )
    assert notice.params["receipt"] == done["receipt"]
    assert notice.params["sha256"] == digest
    events = act(world.editor, "show", id=task["id"])["events"]
    assert [event["kind"] for event in events] == [
        "created",
        "acknowledged",
        "submitted",
        "accepted",
    ]


def test_returned_and_handed_in_again(world):
    task = ask(world.city_admin)
    mine = part(task)["id"]
    hand_in(world.editor, mine)
    with pytest.raises(ValidationError):
        act(world.city_admin, "return", id=mine, reason=" ")
    due = days(20).isoformat()
    back = part(act(world.city_admin, "return", id=mine, reason="缺少日期列", due=due))
    assert (back["state"], back["due"], back["reason"]) == ("returned", due, "缺少日期列")
    assert told(world.editor)[-1] == "returned"
    again = part(hand_in(world.editor, mine, upload=upload(TABLE + "2,3\n")))
    assert (again["state"], again["returns"]) == ("submitted", 1)
    assert len(again["submissions"]) == 2, "what was handed in first is kept"


def test_a_return_after_the_due_date_needs_a_new_one(world):
    task = ask(world.city_admin)
    mine = part(task)["id"]
    hand_in(world.editor, mine)
    row = model.Session.get(Assignment, mine)
    row.due = days(-1)
    model.Session.commit()
    with pytest.raises(ValidationError) as error:
        act(world.city_admin, "return", id=mine, reason="x")
    assert set(error.value.error_dict) == {"due"}
    assert part(act(world.city_admin, "show", id=task["id"]))["state"] == "submitted"
    back = act(world.city_admin, "return", id=mine, reason="x", due=days(5).isoformat())
    assert part(back)["overdue"] is False


def test_withdrawn_from_one_and_from_all(world):
    task = ask(world.city_admin, all=True)
    assert {each["agency"] for each in task["tasks"]} == {"harbin-jtysj", "harbin-wjw"}
    one = act(world.city_admin, "withdraw", id=task["number"], agency="harbin-wjw", reason="误发")
    assert (part(one, "harbin-wjw")["state"], part(one)["state"]) == ("withdrawn", "assigned")
    assert told(world.colleague) == ["assigned", "withdrawn"]
    assert told(world.editor) == ["assigned"]
    hand_in(world.editor, part(task)["id"])
    act(world.city_admin, "accept", id=part(task)["id"])
    whole = act(world.city_admin, "withdraw", id=task["id"], reason="不再需要")
    assert (whole["state"], part(whole)["state"]) == ("withdrawn", "accepted")
    with pytest.raises(ValidationError):
        act(world.city_admin, "withdraw", id=task["id"], reason="不再需要")


# ---------------------------------------------------------------- who


def test_only_who_stands_above_asks_and_only_those_below(world):
    for user in (world.editor, world.admin, world.reader, world.stranger, None):
        with pytest.raises(NotAuthorized):
            ask(user)
    with pytest.raises(ValidationError) as error:
        ask(world.city_admin, agencies=["harbin-jtysj", "daqing-jtj"])
    assert "daqing-jtj" in str(error.value.error_dict["agencies"])
    with pytest.raises(ValidationError):
        ask(world.city_admin, agencies=["harbin"])
    with pytest.raises(ValidationError):
        ask(world.city_admin, agencies=[])
    with pytest.raises(ValidationError):
        ask(world.city_admin, asker="daqing")
    assert model.Session.scalar(sa.select(sa.func.count()).select_from(Collection)) == 0
    task = ask(world.province_admin, asker="hlj", agencies=["daqing", "harbin-jtysj"])
    assert task["asker"] == "黑龙江省"
    with pytest.raises(ValidationError) as error:
        ask(world.province_admin)
    assert set(error.value.error_dict) == {"asker"}, "he administers the cities too"


def test_each_sees_his_own_part(world):
    task = ask(world.city_admin, all=True)
    assert len(task["tasks"]) == 2
    seen = act(world.editor, "show", id=task["id"])
    assert [each["agency"] for each in seen["tasks"]] == ["harbin-jtysj"]
    assert all(event["agency_title"] in ("", "哈尔滨市交通运输局") for event in seen["events"])
    assert len(act(world.province_admin, "show", id=task["id"])["tasks"]) == 2
    for user in (world.stranger, world.other_admin, world.reader, None):
        with pytest.raises(NotAuthorized):
            act(user, "show", id=task["id"])
    above = ask(world.province_admin, asker="hlj", agencies=["harbin-jtysj", "daqing-jtj"])
    seen = act(world.city_admin, "show", id=above["id"])
    assert [each["agency"] for each in seen["tasks"]] == ["harbin-jtysj"]
    assert seen["tasks"][0]["can"] == []
    assert not seen["may_withdraw"]
    with pytest.raises(NotFound):
        act(world.editor, "show", id="none")
    with pytest.raises(ValidationError, match="cannot be shown"):
        act(world.editor, "show", id="no\x00ne")


def test_everybody_keeps_to_his_part(world):
    mine = part(ask(world.city_admin))["id"]
    for user in (world.city_admin, world.province_admin, world.colleague, world.reader, None):
        for step in ("acknowledge", "submit"):
            with pytest.raises(NotAuthorized):
                act(user, step, id=mine, note="x", upload=upload())
    hand_in(world.editor, mine)
    for user in (world.editor, world.admin, world.other_admin, world.stranger, None):
        for step in ("accept", "return"):
            with pytest.raises(NotAuthorized):
                act(user, step, id=mine, reason="x")
    with pytest.raises(NotAuthorized):
        act(
            world.admin,
            "withdraw",
            id=model.Session.get(Assignment, mine).collection_id,
            reason="x",
        )


def test_a_system_administrator_supervises_but_hands_in_for_nobody(world):
    admin = factories.Sysadmin()
    mine = part(ask(world.city_admin))["id"]
    with pytest.raises(NotAuthorized):
        act(admin, "submit", id=mine, note="x", upload=upload())
    hand_in(world.editor, mine)
    assert part(act(admin, "accept", id=mine))["state"] == "accepted"


def test_nobody_accepts_what_they_handed_in(world):
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    call_action(
        "organization_member_create",
        site,
        id="harbin-jtysj",
        username="city-admin",
        role="editor",
    )
    mine = part(ask(world.city_admin))["id"]
    hand_in(world.city_admin, mine)
    with pytest.raises(NotAuthorized):
        act(world.city_admin, "accept", id=mine)
    assert part(act(world.province_admin, "accept", id=mine))["state"] == "accepted"


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("due", days(0).isoformat()),
        ("due", days(-5).isoformat()),
        ("due", "2126-01-01"),
        ("due", "tomorrow"),
        ("due", ""),
        ("period_to", days(10).isoformat()),
        ("period_from", days(0).isoformat()),
        ("title", " "),
        ("title", "x" * 201),
        ("purpose", "x" * 5000),
        ("processing", ""),
        ("fields", "a\x00b"),
        ("format", "exe"),
        ("subject", "secrets"),
        ("repeats", "hourly"),
        ("agencies", {"a": 1}),
    ],
)
def test_what_is_wrong_makes_nothing(world, field, value):
    with pytest.raises(ValidationError):
        ask(world.city_admin, **{field: value})
    assert model.Session.scalar(sa.select(sa.func.count()).select_from(Collection)) == 0
    assert told(world.editor) == []


def test_forged_fields_are_not_taken(world):
    task = ask(world.city_admin, state="withdrawn", number="X", creator="x", version=9)
    assert (task["state"], task["version"]) == ("open", 1)
    assert task["number"].startswith("SJ-")


def test_a_due_date_on_a_day_of_rest_is_kept_and_warned_of(world):
    day = days(10)
    while day.weekday() != 6 or (day.month, day.day) in ((10, 10), (9, 20)):
        day += timedelta(days=1)
    task = ask(world.city_admin, due=day.isoformat())
    assert task["due"] == day.isoformat()
    assert task["warnings"]
    assert task["rest_day"]


def test_sent_twice_it_is_made_once(world):
    one = ask(world.city_admin, client_key="k")
    two = ask(world.city_admin, client_key="k")
    assert one["id"] == two["id"]
    assert ask(world.city_admin, client_key="other")["id"] != one["id"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.exe", b"MZ\x90"),
        ("x.html", b"<html><script>alert(1)</script></html>"),
        ("x.csv", b"<html><script>alert(1)</script></html>"),
        ("x.xlsx", b"not a workbook"),
        ("x.csv", b""),
    ],
)
def test_a_file_that_is_refused_leaves_nothing(world, name, content):
    mine = part(ask(world.city_admin))["id"]
    before = kept()
    with pytest.raises(ValidationError) as error:
        hand_in(world.editor, mine, upload=FileStorage(io.BytesIO(content), name))
    assert set(error.value.error_dict) == {"upload"}
    assert kept() == before
    assert model.Session.get(Assignment, mine).state == "assigned"


@pytest.mark.parametrize("missing", ["upload", "note"])
def test_nothing_is_handed_in_without_file_and_note(world, missing):
    mine = part(ask(world.city_admin))["id"]
    before = kept()
    with pytest.raises(ValidationError) as error:
        hand_in(world.editor, mine, **{missing: None})
    assert set(error.value.error_dict) == {missing}
    assert kept() == before


def kept():
    root = files.place("00000000-0000").parents[1]
    return {path for path in root.rglob("*") if path.is_file()} if root.exists() else set()


def test_a_step_that_fails_takes_its_file_away_again(world):
    mine = part(ask(world.city_admin))["id"]
    hand_in(world.editor, mine)
    before = kept()
    with pytest.raises(ValidationError):
        hand_in(world.editor, mine)
    assert kept() == before


def test_what_a_crash_left_is_swept_up_after_a_day(world):
    files.sweep()  # of earlier tests
    handed = part(hand_in(world.editor, part(ask(world.city_admin))["id"]))
    own = files.place(handed["submissions"][0]["id"])
    left, fresh = (files.place(f"{own.name[:2]}aaaaaa-{n}") for n in range(2))
    for path in (left, fresh):
        path.write_bytes(b"x")
    for path in (own, left):
        os.utime(path, (1, 1))
    assert files.sweep() == 1
    assert (own.exists(), left.exists(), fresh.exists()) == (True, False, True)
    fresh.unlink()


# ---------------------------------------------------------------- two at once


def test_a_stale_version_is_a_conflict_that_says_what_happened(world):
    mine = part(ask(world.city_admin))["id"]
    act(world.editor, "acknowledge", id=mine, version=1)
    with pytest.raises(ValidationError) as error:
        hand_in(world.admin, mine, version=1)
    assert set(error.value.error_dict) == {"version"}
    assert part(hand_in(world.admin, mine, version=2))["state"] == "submitted"


def both(*calls):
    """Do several things at the same moment; the results, or what was raised."""
    gate, found = threading.Barrier(len(calls)), []

    def work(call):
        gate.wait()
        try:
            found.append(call())
        except Exception as error:
            found.append(error)
        finally:
            model.Session.remove()

    threads = [threading.Thread(target=work, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_accepted_and_returned_at_once_one_wins(app, world):
    mine = part(ask(world.city_admin))["id"]
    hand_in(world.editor, mine)
    model.Session.remove()

    def post(user, name, **data):
        with app.flask_app.test_client() as client:
            return client.post(
                f"/api/action/hljshare_collection_{name}",
                json={"id": mine, **data},
                headers={"Authorization": user["token"]},
            ).status_code

    found = both(
        lambda: post(world.city_admin, "accept"),
        lambda: post(world.province_admin, "return", reason="x"),
    )
    assert sorted(found) == [200, 409]
    row = model.Session.get(Assignment, mine)
    assert (row.state == "accepted") == (row.receipt is not None)
    kinds = [event.kind for event in store.history(row.collection_id)]
    assert kinds.count("accepted") + kinds.count("returned") == 1


# ---------------------------------------------------------------- the clock


def test_reminders_and_overdue_come_once_however_often_and_late_it_runs(world):
    task = ask(world.city_admin)
    due, start = date(2026, 4, 10), at(date(2026, 3, 20))
    set_due(task, due, start)
    model.Session.query(Notice).delete()
    model.Session.commit()
    assert tick.run(at(date(2026, 4, 4)))["notices"] == 0
    assert tick.run(at(date(2026, 4, 5)))["notices"] == 2
    assert tick.run(at(date(2026, 4, 5)))["notices"] == 0
    tick.run(at(date(2026, 4, 9)))  # T-3 was slept through: only the newest reminder
    assert told(world.editor) == ["due", "due"]
    assert told(world.city_admin) == []
    late = tick.run(at(date(2026, 5, 1)))
    assert late["overdue"] == 2
    assert tick.run(at(date(2026, 5, 1)))["overdue"] == 0
    assert told(world.editor) == ["due", "due", "overdue", "overdue"]
    assert told(world.city_admin) == ["overdue_above", "overdue_above"]
    found = model.Session.scalars(
        sa.select(CollectionEvent)
        .where(CollectionEvent.kind == "overdue")
        .order_by(CollectionEvent.at)
    ).all()
    assert [event.at for event in found] == [at(date(2026, 4, 11), 0), at(date(2026, 4, 15), 0)]
    # The clock goes back, and forth again.
    tick.run(at(date(2026, 4, 5)))
    tick.run(at(date(2026, 6, 1)))
    assert len(told(world.editor)) == 4


def test_what_was_late_is_recorded_though_the_tick_comes_after_the_change(world):
    task = ask(world.city_admin)
    set_due(task, days(-3), at(days(-20)))
    mine = part(task)["id"]
    handed = part(hand_in(world.editor, mine))
    assert handed["overdue"]
    act(world.city_admin, "return", id=mine, reason="x", due=days(30).isoformat())
    tick.run(datetime.now(ZONE))
    kinds = [event["kind"] for event in act(world.city_admin, "show", id=task["id"])["events"]]
    assert sorted(kinds) == ["created", "overdue", "returned", "submitted"]
    assert told(world.city_admin).count("overdue_above") == 1


def test_handed_in_there_is_nothing_to_remind_of(world):
    task = ask(world.city_admin)
    hand_in(world.editor, part(task)["id"])
    tick.run(at(days(40)))
    assert told(world.editor) == ["assigned"]
    assert told(world.city_admin) == ["submitted"]


def test_an_agency_without_people_is_not_forgotten(world):
    ask(world.province_admin, asker="hlj", agencies=["harbin-jtysj"])
    for user in (world.editor, world.admin):
        found = model.User.get(user["id"])
        found.state = "deleted"
    model.Session.commit()
    tick.run(at(days(9)))
    assert told(world.city_admin) == ["due"]


def test_two_ticks_at_once_do_everything_once(world):
    for _n in range(6):
        set_due(ask(world.city_admin), date(2026, 4, 10), at(date(2026, 3, 20)))
    model.Session.query(Notice).delete()
    model.Session.commit()
    moment = at(date(2026, 5, 1))
    found = both(lambda: tick.run(moment), lambda: tick.run(moment))
    assert sum(each["overdue"] for each in found) == 12
    assert told(world.editor) == ["overdue"] * 12


def test_one_that_fails_does_not_stop_the_others(world, monkeypatch):
    bad, good = ask(world.city_admin), ask(world.city_admin)
    for task in (bad, good):
        set_due(task, date(2026, 4, 10), at(date(2026, 3, 20)))
    whole = store.remind

    def remind(row, task, moment):
        if row.id == bad["id"]:
            raise RuntimeError
        return whole(row, task, moment)

    monkeypatch.setattr(store, "remind", remind)
    moment = at(date(2026, 5, 1))
    found = tick.run(moment)
    assert (found["failed"], found["overdue"]) == (1, 2)
    monkeypatch.undo()
    assert tick.run(moment)["overdue"] == 0
    assert tick.run(moment + timedelta(hours=2))["overdue"] == 2


# ---------------------------------------------------------------- repetition


def series(world, **more):
    values = {"repeats": "monthly", "period_from": "2026-01-01", "period_to": "2026-01-31"}
    task = ask(world.city_admin, **values, **more)
    row = model.Session.get(Collection, task["id"])
    # As if it had been made in January.
    row.due = row.first_due = date(2026, 2, 10)
    row.next_at = at(date(2026, 3, 1), 0)
    for assignment in store.assignments(row.id):
        assignment.due, assignment.since = date(2026, 2, 10), at(date(2026, 1, 20))
    model.Session.commit()
    return task


def rounds():
    query = sa.select(Collection).order_by(Collection.occurrence)
    return model.Session.scalars(query.execution_options(populate_existing=True)).all()


def test_it_comes_again_when_its_period_is_over_once(world):
    series(world)
    assert tick.run(at(date(2026, 2, 28), 23))["made"] == 0
    assert tick.run(at(date(2026, 3, 1), 0))["made"] == 1
    assert tick.run(at(date(2026, 3, 1), 0))["made"] == 0
    first, second = rounds()
    assert (second.period_from, second.period_to) == (date(2026, 2, 1), date(2026, 2, 28))
    assert second.due == date(2026, 3, 10)
    assert second.number != first.number
    assert [task.state for task in store.assignments(second.id)] == ["assigned"]
    assert told(world.editor).count("assigned") == 2


def test_slept_through_each_period_comes_once_with_time_to_answer(world):
    series(world)
    found = tick.run(at(date(2026, 6, 20)))
    assert found["made"] == 4  # February to May
    tasks = rounds()
    assert [task.period_to for task in tasks][1:] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]
    assert all(task.due > date(2026, 6, 25) for task in tasks[1:])
    assert tick.run(at(date(2026, 6, 20)))["made"] == 0


def test_two_ticks_make_one_round(world):
    series(world)
    moment = at(date(2026, 3, 1), 1)
    found = both(lambda: tick.run(moment), lambda: tick.run(moment))
    assert sum(each["made"] for each in found) == 1
    assert len(rounds()) == 2


def test_a_due_date_of_a_later_round_on_a_day_of_rest_moves(world):
    series(world)
    tick.run(at(date(2026, 5, 1), 1))
    april = next(task for task in rounds() if task.period_to == date(2026, 4, 30))
    assert april.due == date(2026, 5, 11), "10 May 2026 is a Sunday"


def test_an_ended_repetition_and_a_withdrawn_task_do_not_come_again(world):
    task = series(world)
    stopped = act(world.city_admin, "withdraw", id=task["id"], reason="x", repeats_only=True)
    assert (stopped["state"], stopped["next_at"]) == ("open", None)
    assert part(stopped)["state"] == "assigned"
    other = series(world)
    act(world.city_admin, "withdraw", id=other["id"], reason="x")
    assert tick.run(at(date(2026, 12, 1)))["made"] == 0


def test_all_below_are_those_below_then(world):
    series(world, all=True, agencies=[])
    factories.Organization(
        name="harbin-jyj", title="教育局", level="agency", groups=[{"name": "harbin"}]
    )
    model.Group.get("harbin-wjw").state = "deleted"
    model.Session.commit()
    tick.run(at(date(2026, 3, 1), 1))
    agencies = {model.Group.get(each.agency_id).name for each in store.assignments(rounds()[1].id)}
    assert agencies == {"harbin-jtysj", "harbin-jyj"}


def test_a_series_without_agencies_ends(world):
    task = series(world)
    act(world.city_admin, "withdraw", id=task["id"], agency="harbin-jtysj", reason="x")
    assert tick.run(at(date(2026, 3, 1), 1))["made"] == 0
    assert "ended" in [event.kind for event in store.history(task["id"])]


# ---------------------------------------------------------------- lists and the record


def test_lists_what_is_owed_by_due_date_and_what_was_asked(world):
    later = ask(world.city_admin, due=days(30).isoformat(), title="后")
    sooner = ask(world.province_admin, asker="hlj", title="先")
    found = act(world.editor, "list")
    assert [each["task"]["title"] for each in found["results"]] == ["先", "后"]
    hand_in(world.editor, part(sooner)["id"])
    act(world.province_admin, "accept", id=part(sooner)["id"])
    assert act(world.editor, "list")["count"] == 1
    assert act(world.editor, "list", ended=True)["count"] == 2
    asked = act(world.city_admin, "list", show="asked")
    assert [each["number"] for each in asked["results"]] == [later["number"]]
    assert asked["results"][0]["tally"]["all"] == 1
    assert act(world.province_admin, "list", show="asked", ended=True)["count"] == 2
    assert act(world.stranger, "list")["count"] == 0
    for user in (world.reader, None):
        with pytest.raises(NotAuthorized):
            act(user, "list")


def test_the_record_is_not_rewritten(world):
    ask(world.city_admin)
    with pytest.raises(sa.exc.DBAPIError):
        model.Session.execute(sa.update(CollectionEvent).values(kind="accepted"))
    model.Session.rollback()


def test_a_rollback_forgets_the_task_with_its_notices(world, monkeypatch):
    monkeypatch.setattr(store, "record", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        ask(world.city_admin)
    model.Session.rollback()
    assert model.Session.scalar(sa.select(sa.func.count()).select_from(Collection)) == 0
    assert told(world.editor) == []
    assert model.Session.query(OutboxItem).filter_by(kind="notice.mail").count() == 0


# ---------------------------------------------------------------- pages


def headers(user):
    return {"Authorization": user["token"]}


class TestPages:
    def test_visitors_log_in_first(self, app, world):
        for page in ("/collection", "/collection/new", "/collection/SJ-2026-000001"):
            answer = app.get(page, follow_redirects=False)
            assert answer.status_code == 302
            assert "/user/login" in answer.headers["location"]

    def test_an_agency_acknowledges_and_hands_in(self, app, world):
        task = ask(world.city_admin, title="<b>访问</b>")
        number, mine = task["number"], part(task)
        page = app.get("/collection", headers=headers(world.editor)).body
        assert "&lt;b&gt;访问&lt;/b&gt;" in page
        assert f"/collection/{number}" in page
        page = app.get(f"/collection/{number}", headers=headers(world.editor)).body
        assert f"/collection/{number}/acknowledge" in page
        assert f"/collection/{number}/accept" not in page
        answer = app.post(
            f"/collection/{number}/submit",
            data={
                "id": mine["id"],
                "version": "1",
                "note": "已汇总",
                "upload": (io.BytesIO(TABLE.encode()), "访问数据.csv"),
            },
            headers=headers(world.editor),
            follow_redirects=False,
        )
        assert answer.headers["location"].endswith(f"/collection/{number}")
        assert part(act(world.editor, "show", id=task["id"]))["state"] == "submitted"

    def test_who_asks_makes_a_task(self, app, world):
        data = {
            "client_key": "k",
            "asker": "harbin",
            "subject": "cases",
            "title": "办件信息",
            "purpose": "x",
            "basis": "x",
            "fields": "x",
            "processing": "x",
            "format": "XLSX",
            "period_from": days(-30).isoformat(),
            "period_to": days(-1).isoformat(),
            "due": days(10).isoformat(),
            "repeats": "none",
            "whom": "some",
            "agencies": "harbin-jtysj",
            "keep_due": "1",
        }
        page = app.get("/collection/new", headers=headers(world.city_admin)).body
        assert 'value="harbin-jtysj"' in page
        assert "daqing" not in page
        bad = app.post(
            "/collection/new", data={**data, "title": ""}, headers=headers(world.city_admin)
        )
        assert bad.status_code == 400
        assert 'id="e-title"' in bad.body
        for _twice in range(2):
            answer = app.post(
                "/collection/new",
                data=data,
                headers=headers(world.city_admin),
                follow_redirects=False,
            )
            assert "/collection/SJ-" in answer.headers["location"]
        assert len(rounds()) == 1
        assert app.get("/collection/new", headers=headers(world.editor)).status_code == 403

    def test_a_day_of_rest_is_asked_about_first(self, app, world):
        sunday = days(7 + 6 - days(0).weekday())
        data = {"asker": "harbin", "due": sunday.isoformat(), "title": "x"}
        page = app.post("/collection/new", data=data, headers=headers(world.city_admin))
        assert 'name="keep_due"' in page.body
        assert rounds() == []

    def test_others_find_no_such_task(self, app, world):
        number = ask(world.city_admin)["number"]
        for page in (f"/collection/{number}", f"/collection/{number}.csv"):
            for user in (world.stranger, world.other_admin, world.reader):
                assert app.get(page, headers=headers(user)).status_code == 404
        mine = part(act(world.city_admin, "show", number=number))
        answer = app.post(
            f"/collection/{number}/accept", data={"id": mine["id"]}, headers=headers(world.stranger)
        )
        assert answer.status_code == 404

    def test_nothing_is_changed_by_a_get(self, app, world):
        task = ask(world.city_admin)
        address = f"/collection/{task['number']}/acknowledge?id={part(task)['id']}"
        assert app.get(address, headers=headers(world.editor)).status_code in (404, 405)
        assert part(act(world.editor, "show", id=task["id"]))["state"] == "assigned"

    def test_the_file_is_for_those_it_concerns(self, app, world):
        task = ask(world.province_admin, asker="hlj", agencies=["harbin-jtysj", "harbin-wjw"])
        file_id = part(hand_in(world.editor, part(task)["id"]))["submissions"][0]["id"]
        address = f"/collection/{task['number']}/file/{file_id}"
        for user in (world.editor, world.admin, world.city_admin, world.province_admin):
            answer = app.get(address, headers=headers(user))
            assert answer.status_code == 200
            assert answer.data == TABLE.encode()
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert "no-store" in answer.headers["Cache-Control"]
        for user in (world.colleague, world.stranger, world.other_admin, world.reader):
            assert app.get(address, headers=headers(user)).status_code == 404
        readers = [event.actor for event in store.history(task["id"]) if event.kind == "read"]
        assert readers == [
            each["id"] for each in (world.admin, world.city_admin, world.province_admin)
        ]
        assert model.Session.query(Submission).count() == 1

    def test_the_state_as_a_table(self, app, world):
        task = ask(world.city_admin, all=True)
        hand_in(world.editor, part(task)["id"], note="=cmd|'/c calc'!A1")
        answer = app.get(f"/collection/{task['number']}.csv", headers=headers(world.city_admin))
        assert answer.headers["Content-Type"].startswith("text/csv")
        text = answer.data.decode("utf-8-sig")
        assert len(text.strip().splitlines()) == 3
        assert "哈尔滨市卫生健康委" in text
        assert "'=cmd" in text
        assert (
            app.get(f"/collection/{task['number']}.csv", headers=headers(world.editor)).status_code
            == 403
        )
