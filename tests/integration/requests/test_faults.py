"""Bad input, and what happens to data, agencies and people while a request is under way."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from ckan import model
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.access import subject
from ckanext.hljshare.access.grants.model import GrantRow
from ckanext.hljshare.requests import rules, tick, workflow
from ckanext.hljshare.requests.model import Request, RequestEvent, now
from tests.integration.requests.conftest import WISH

BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
ROOT = {"user": "root", "ignore_auth": True}
REFUSED = (tk.ValidationError, tk.NotAuthorized, tk.ObjectNotFound)


def row(request):
    """The request as the database has it."""
    model.Session.rollback()
    model.Session.expire_all()
    return model.Session.get(Request, request["id"])


def facts(request):
    """All of a request that a change would change: its row, its history, its grants."""
    found = row(request)
    values = {column.key: getattr(found, column.key) for column in Request.__table__.columns}
    events = model.Session.scalar(
        sa.select(sa.func.count()).where(RequestEvent.request_id == request["id"])
    )
    return values, events, grants(request)


def grants(request):
    """How many grants a request has led to."""
    model.Session.rollback()
    return model.Session.scalar(
        sa.select(sa.func.count(GrantRow.id)).where(GrantRow.request_id == request["id"])
    )


def kinds(request):
    """The history's kinds in order."""
    model.Session.rollback()
    return list(
        model.Session.scalars(
            sa.select(RequestEvent.kind)
            .where(RequestEvent.request_id == request["id"])
            .order_by(RequestEvent.position)
        )
    )


@pytest.fixture
def approved(call, submitted):
    """A request that is signed, and not delivered."""
    request = submitted()
    call("handler", "accept", id=request["id"])
    call("handler", "propose", id=request["id"], decision="approve")
    return call("approver", "decide", id=request["id"], sign=True)


def patch(dataset, **fields):
    """Change a dataset as a system administrator."""
    call_action("package_patch", dict(ROOT), id=dataset["id"], **fields)


# ---------------------------------------------------------------- the data changes meanwhile


def test_the_dataset_is_deleted_before_delivery(call, approved, dataset):
    """Both sides are told, nothing can be delivered, and the request can still be answered."""
    call_action("package_delete", dict(ROOT), id=dataset["id"])
    assert "dataset_gone" in kinds(approved)
    before = facts(approved)
    with pytest.raises(tk.ValidationError) as error:
        call("handler", "deliver", id=approved["id"])
    assert "dataset" in error.value.error_dict
    assert facts(approved) == before
    call("approver", "reconsider", id=approved["id"], message="目录已撤")
    call("handler", "propose", id=approved["id"], decision="refuse", reason="已撤", basis=BASIS)
    assert call("approver", "decide", id=approved["id"], sign=True)["state"] == "refused"


def test_the_dataset_moves_to_another_agency_before_delivery(call, approved, dataset, house):
    """What the first agency signed is void: the second one decides on its own data."""
    patch(dataset, owner_org=house.other["id"])
    found = row(approved)
    assert (found.state, found.agency_id) == ("accepted", house.other["id"])
    assert found.decision is None
    for person in ("handler", "approver", "city"):
        for action, data in (("deliver", {}), ("propose", {"decision": "approve"})):
            with pytest.raises(REFUSED):
                call(person, action, id=approved["id"], **data)
    with pytest.raises(tk.ValidationError):
        call("outsider", "deliver", id=approved["id"])
    assert grants(approved) == 0
    assert row(approved).due == found.due  # the clock has not stopped
    call("consumer", "propose", id=approved["id"], decision="approve")
    call("outsider", "decide", id=approved["id"], sign=True)
    call("consumer", "deliver", id=approved["id"])
    assert grants(approved) == 2


def test_a_move_that_the_portal_was_not_told_of_gives_no_grant(call, approved, dataset, house):
    """Written past the hooks: delivery looks again at whose data it is."""
    model.Session.execute(
        sa.update(model.Package)
        .where(model.Package.id == dataset["id"])
        .values(owner_org=house.other["id"])
    )
    model.Session.commit()
    for person in ("handler", "approver", "city", "root"):
        with pytest.raises(tk.ValidationError) as error:
            call(person, "deliver", id=approved["id"])
        assert "dataset" in error.value.error_dict
    assert grants(approved) == 0
    assert row(approved).state == "approved"


def test_the_dataset_is_opened_to_everybody_before_delivery(call, approved, dataset):
    """There is nothing left to grant; the applicant is told that it is open."""
    patch(
        dataset,
        open_type="open",
        share_type="unconditional",
        open_basis=[],
        open_condition="",
        share_condition="",
    )
    files = [found["id"] for found in dataset["resources"]]
    assert all(subject.check("stranger", file, "read").allowed for file in files)
    assert "dataset_opened" in kinds(approved)
    delivered = call("handler", "deliver", id=approved["id"])
    assert (delivered["state"], delivered["outcome"]) == ("delivered", "opened")
    assert grants(approved) == 0
    assert delivered["use_ends_at"] is None


def test_the_dataset_is_closed_before_delivery(call, approved, dataset):
    """A closed file is not granted, whatever was signed before."""
    patch(dataset, open_type="closed")
    before = facts(approved)
    with pytest.raises(tk.ValidationError):
        call("handler", "deliver", id=approved["id"])
    assert facts(approved) == before
    assert not subject.check("applicant", dataset["resources"][0]["id"], "read").allowed


def test_a_file_is_removed_before_delivery(call, approved, dataset):
    """Not silently less than was signed."""
    patch(dataset, resources=dataset["resources"][:1])
    before = facts(approved)
    with pytest.raises(tk.ValidationError) as error:
        call("handler", "deliver", id=approved["id"])
    assert "resources" in error.value.error_dict
    assert facts(approved) == before


def test_an_agency_is_dissolved(call, approved, house):
    """Nobody of it acts any more; from above it is brought to an end."""
    call_action("organization_delete", dict(ROOT), id=house.agency["id"])
    for person in ("handler", "approver"):
        with pytest.raises(REFUSED):
            call(person, "deliver", id=approved["id"])
    assert row(approved).state == "approved"
    assert call("root", "reconsider", id=approved["id"], message="机构撤销")["state"] == "accepted"


def test_the_worker_dies_in_the_middle_of_a_delivery(call, approved, dataset, monkeypatch):
    """After the grants, before the end: none of it has happened, and it can be done again."""
    from ckanext.hljshare.requests import engine

    before = facts(approved)

    def die(*_args, **_more):
        raise SystemExit("killed")

    for name in ("finish", "settle"):
        with monkeypatch.context() as patched:
            patched.setattr(engine, name, die)
            with pytest.raises(SystemExit):
                call("handler", "deliver", id=approved["id"])
            model.Session.remove()
        assert facts(approved) == before
    assert call("handler", "deliver", id=approved["id"])["state"] == "delivered"
    assert grants(approved) == len(dataset["resources"])


# ---------------------------------------------------------------- what is sent

LONG = "字" * (100 * 1024 * 1024 // 3)
NASTY = {
    "long": LONG,
    "nul": "公交\x00客流",
    "control": "公交\x1b[31m客流",
    "surrogate": "公交\ud800客流",
    "list": ["公交", "客流"],
    "dict": {"$ne": 1},
    "nested": [[[{"a": []}]]],
    "number": 3.5,
    "true": True,
    "infinite": float("inf"),
}
FIELDS = (
    "dataset",
    "agency",
    "unit",
    "data_name",
    "demand_type",
    "description",
    "theme",
    "format",
    "purpose",
    "other",
    "applicant_kind",
    "applicant_name",
    "contact",
    "identity",
    "security_measures",
    "use_until",
    "resources",
    "business_basis",
    "fields",
    "share_mode",
    "kind",
    "client_key",
)


def tried(call, person, action, **data):
    """What an action says: done, or the fields it complains of. Anything else fails the test."""
    try:
        call(person, action, **data)
    except tk.ValidationError as error:
        model.Session.rollback()
        return set(error.error_dict)
    except (tk.NotAuthorized, tk.ObjectNotFound) as error:
        model.Session.rollback()
        return {type(error).__name__}
    model.Session.rollback()
    return "done"


def test_every_field_of_a_request_refuses_what_it_is_not(call, dataset):
    """At the field, in words, and nothing is kept."""
    draft = call("applicant", "create", dataset=dataset["name"], **WISH)
    before, count = facts(draft), _count()
    for kind, value in NASTY.items():
        for field in FIELDS:
            wish = {"dataset": dataset["name"], **WISH, field: value}
            assert tried(call, "applicant", "create", **wish) == {field}, (kind, field)
            if field not in ("kind", "client_key", "unit"):
                answer = tried(call, "applicant", "update", id=draft["id"], **{field: value})
                assert answer == {field}, (kind, field)
        assert facts(draft) == before, kind
        assert _count() == count, kind


def _count():
    model.Session.rollback()
    return model.Session.scalar(sa.select(sa.func.count(Request.id)))


DEEDS = {
    "return": ({"message"}, "handler", {}),
    "decline": ({"reason", "basis"}, "handler", {"reason": "不受理", "basis": BASIS}),
    "message": ({"message"}, "handler", {}),
    "supervise": ({"message", "answer_due"}, "city", {"message": "请办理"}),
    "transfer": ({"agency", "message"}, "approver", {"agency": "harbin", "message": "请办理"}),
    "withdraw": ({"message"}, "applicant", {}),
    "accept": ({"version"}, "handler", {}),
    "assign": ({"ids", "handler"}, "handler", {"handler": "handler"}),
    "answer": ({"order", "message"}, "handler", {"order": "x", "message": "答复"}),
}


def test_every_field_of_a_deed_refuses_what_it_is_not(call, submitted):
    """Whatever is sent in place of a text, an id or a number."""
    request = submitted()
    before = facts(request)
    for kind, value in NASTY.items():
        for action, (fields, person, given) in DEEDS.items():
            target = {"ids": [request["id"]]} if action == "assign" else {"id": request["id"]}
            for field in sorted(fields):
                if (field, kind) == ("basis", "list"):
                    continue  # two laws
                answer = tried(call, person, action, **{**target, **given, field: value})
                assert answer != "done", (action, field, kind)
            if "id" in target:
                answer = tried(call, person, action, **{**given, "message": "x", "id": value})
                assert answer != "done", (action, kind)
        assert facts(request) == before, kind


PROPOSAL = (
    "decision",
    "dataset",
    "resources",
    "columns",
    "rows",
    "not_before",
    "not_after",
    "max_downloads",
    "conditions",
    "version",
)


def test_every_field_of_a_proposal_refuses_what_it_is_not(call, submitted):
    """An approval of something that cannot be is not proposed."""
    request = submitted()
    call("handler", "accept", id=request["id"])
    before = facts(request)
    for kind, value in NASTY.items():
        for field in PROPOSAL:
            if (field, kind) in (("max_downloads", "number"), ("max_downloads", "true")):
                continue
            data = {"decision": "approve", field: value}
            answer = tried(call, "handler", "propose", id=request["id"], **data)
            assert answer != "done", (field, kind)
        for field in ("reason", "basis"):
            if (field, kind) == ("basis", "list"):
                continue  # two laws
            data = {"decision": "refuse", "reason": "涉密", "basis": BASIS, field: value}
            answer = tried(call, "handler", "propose", id=request["id"], **data)
            assert answer == {field}, (field, kind, answer)
        assert facts(request) == before, kind


LISTS = (
    ("list", "state"),
    ("list", "agency"),
    ("list", "dataset"),
    ("list", "handler"),
    ("list", "q"),
    ("list", "after"),
    ("list", "limit"),
    ("register", "number"),
    ("register", "q"),
    ("register", "agency"),
    ("register", "result"),
    ("register", "since"),
    ("register", "after"),
    ("register", "limit"),
    ("rates", "year"),
)
MARKS = (
    "²²²²",
    "-1",
    "bnVsbA==",
    "WyIyMDI2LTAxLTAxIiwgIlx1ZDgwMCJd",  # a lone surrogate in a mark
    "WyIyMDI2LTAxLTAxIl0=",
    "W1tbW1tbW1tbW1tbW1tbW1s=",
    "%",
    "' OR 1=1 --",
)


def test_lists_answer_anything(call, submitted):
    """A list or an error at the field, never a crash."""
    submitted()
    for action, field in LISTS:
        for value in [*NASTY.values(), *MARKS]:
            answer = tried(call, "handler", action, **{field: value})
            assert answer in ("done", {field}), (action, field, str(value)[:50], answer)
    assert call("handler", "list")["count"] == 1


DAYS = ("1999-12-31", "2000-01-01", "yesterday", "2026-02-30", "2101-01-01", "9999-12-31", "0")


def test_absurd_days_are_refused(call, dataset, submitted):
    """Of use, of an answer, of a grant."""
    request = submitted()
    call("handler", "accept", id=request["id"])
    before = facts(request)
    for day in DAYS:
        wish = {"dataset": dataset["name"], **WISH, "use_until": day}
        assert tried(call, "applicant", "create", **wish) == {"use_until"}, day
        for field in ("not_after", "not_before"):
            data = {"decision": "approve", field: day}
            if (field, day) == ("not_before", "2000-01-01"):
                continue  # from long ago: from now on
            answer = tried(call, "handler", "propose", id=request["id"], **data)
            assert answer in ({"not_after"}, {"not_before"}), (field, day)
        order = {"message": "请办理", "answer_due": day}
        assert tried(call, "city", "supervise", id=request["id"], **order) == {"answer_due"}, day
    assert facts(request) == before


def test_today_is_too_late_for_a_use(call, dataset):
    """And tomorrow is not; nobody needs data for longer than ten years."""
    today = now() + timedelta(hours=8)
    for days, good in ((0, False), (1, True), (3600, True), (3700, False)):
        day = (today + timedelta(days=days)).date().isoformat()
        wish = {"dataset": dataset["name"], **WISH, "use_until": day}
        assert (tried(call, "applicant", "create", **wish) == "done") is good, day


def test_markup_is_kept_as_text_and_shown_as_text(call, dataset, app):
    """Nothing that was typed becomes a part of a page."""
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}${7*7}"
    fields = ("description", "purpose", "other", "applicant_name", "contact", "theme", "format")
    wish = {**WISH, **dict.fromkeys(fields, script), "data_name": script}
    draft = call("applicant", "create", dataset=dataset["name"], **wish)
    request = call("applicant", "submit", id=draft["id"])
    assert request["description"] == script
    shown = call(None, "register")["results"][0]
    assert shown["number"] == request["number"]
    token = factories.APIToken(user="handler")["token"]
    for page in ("/request", f"/request/{request['number']}", "/desk"):
        body = app.get(page, headers={"Authorization": token}, expect_errors=True).body
        assert "<script>alert(1)" not in body
        assert "<img src=x" not in body


# ---------------------------------------------------------------- through the API

BODIES = {
    "update": {"purpose": "其他用途"},
    "return": {"message": "请补充"},
    "decline": {"reason": "不受理", "basis": BASIS},
    "reopen": {"message": "受理"},
    "transfer": {"agency": "harbin", "message": "请办理"},
    "assign": {"handler": "handler"},
    "suspend": {"reason": "征求意见"},
    "propose": {"decision": "refuse", "reason": "涉密", "basis": BASIS},
    "decide": {"sign": True},
    "reconsider": {"message": "再议"},
    "message": {"message": "你好"},
    "supervise": {"message": "请办理"},
    "answer": {"order": "x", "message": "答复"},
    "object": {"message": "不服"},
    "review": {"message": "维持"},
    "report": {"message": "已用"},
    "close": {"message": "结束"},
}
ACTIONS = sorted({step.action for step in workflow.TABLE} - {"lapse"})


def possible(action, state, person):
    """Whether the table has it for this person in this state."""
    parts = {
        "applicant": {"applicant"},
        "handler": {"handler"},
        "approver": {"handler", "approver"},
        "city": {"supervisor"},
        "stranger": set(),
    }[person]
    if state == "draft" and person != "applicant":
        return False
    return action in workflow.allowed(state, parts)


def test_what_the_table_does_not_have_answers_403_or_409(app, call, submitted):
    """For every state, every action and everybody: no 500, and nothing is changed."""
    request = submitted()
    people = ("applicant", "handler", "approver", "city", "stranger")
    token = factories.APIToken(user="approver")["token"]
    for state in workflow.STATES:
        found = row(request)
        found.state = state
        if state != "submitted":
            found.limit_from = found.limit_due = found.limit_at = found.next_at = None
        model.Session.commit()
        before = facts(request)
        for action in ACTIONS:
            for person in people:
                if possible(action, state, person):
                    continue
                if (action, state, person) == ("submit", "submitted", "applicant"):
                    continue  # doing it twice is doing it once
                body = {"id": request["id"], "ids": [request["id"]], **BODIES.get(action, {})}
                if person != "approver":  # the way through the web takes long: one goes it
                    assert tried(call, person, action, **body) != "done", (state, action, person)
                    continue
                answer = app.post(
                    f"/api/3/action/hljshare_request_{action}",
                    json=body,
                    headers={"Authorization": token},
                    expect_errors=True,
                )
                assert answer.status_code in (403, 409), (state, action, answer.body)
                assert answer.json["success"] is False
        assert facts(request) == before, state


def test_state_changes_are_no_get(app, submitted):
    """A link in a mail accepts nothing."""
    request = submitted()
    token = factories.APIToken(user="handler")["token"]
    before = facts(request)
    for action in ACTIONS:
        app.get(
            f"/api/3/action/hljshare_request_{action}?id={request['id']}",
            headers={"Authorization": token},
            expect_errors=True,
        )
    assert facts(request) == before


def test_ids_and_numbers_of_others_lead_nowhere(app, call, submitted, house):
    """By id and by number, on every action that there is; and drafts are their writers' only."""
    from ckanext.hljshare.requests import wiring

    agency = house.agency["name"]
    owned = {
        owner: (submitted(owner), call(owner, "create", agency=agency, data_name="草稿", **WISH))
        for owner in ("applicant", "stranger")
    }
    names = sorted(
        name
        for name in wiring.get_actions()
        if name.startswith("hljshare_request_")
        and name.removeprefix("hljshare_request_") not in ("create", "list", "register", "rates")
    )
    assert len(names) > 20
    before = [facts(request) for pair in owned.values() for request in pair]
    for person in ("stranger", "outsider", "consumer", "", "applicant"):
        request, draft = owned["stranger" if person == "applicant" else "applicant"]
        headers = {}
        if person:
            headers = {"Authorization": factories.APIToken(user=person)["token"]}
        for name in names:
            for ref in (request["id"], request["number"], draft["number"]):
                body = {
                    "id": ref,
                    "ids": [ref],
                    "request": ref,
                    "request_id": ref,
                    **BODIES.get(name.removeprefix("hljshare_request_"), {}),
                }
                answer = app.post(
                    f"/api/3/action/{name}", json=body, headers=headers, expect_errors=True
                )
                assert answer.status_code in (403, 404, 409), (person, name, answer.body)
                assert "13900001234" not in answer.body
                assert "王小明" not in answer.body
    assert [facts(request) for pair in owned.values() for request in pair] == before


def test_a_draft_is_nobodys_but_its_writers(call, house):
    """The agency it is meant for does not read it before it is sent."""
    draft = call("applicant", "create", agency=house.agency["name"], data_name="草稿", **WISH)
    for person in ("handler", "approver", "city", "province", "root"):
        with pytest.raises(tk.NotAuthorized):
            call(person, "show", number=draft["number"])
        assert call(person, "list")["count"] == 0


def test_a_system_administrator_handles_no_own_request(call, submitted):
    """Not even with all rights; others handle it."""
    request = submitted("root")
    before = facts(request)
    for action in ACTIONS:
        if action in ("message", "withdraw", "update", "submit", "discard", "object", "report"):
            continue
        target = {"ids": [request["id"]]} if action == "assign" else {"id": request["id"]}
        answer = tried(call, "root", action, **target, **BODIES.get(action, {}))
        assert answer != "done", action
    assert facts(request) == before
    call("handler", "accept", id=request["id"])
    call("handler", "propose", id=request["id"], decision="approve")
    with pytest.raises(tk.NotAuthorized):
        call("root", "decide", id=request["id"], sign=True)


# ---------------------------------------------------------------- people


def test_limits_of_a_day_and_of_what_is_open(call, dataset, monkeypatch, clock):
    """Counted by days in China; what has ended makes room, for the day it does not."""
    from dataclasses import replace

    few = replace(rules.load(), max_per_day=3, max_open=4, max_drafts=5)
    monkeypatch.setattr(rules, "load", lambda: few)

    def send():
        draft = call("applicant", "create", dataset=dataset["name"], **WISH)
        answer = tried(call, "applicant", "submit", id=draft["id"])
        if answer != "done":
            call("applicant", "discard", id=draft["id"])
        return answer

    clock("2026-03-02 23:00")
    assert [send() for _ in range(4)] == ["done"] * 3 + [{"applicant"}]
    clock("2026-03-03 00:01")
    assert [send() for _ in range(2)] == ["done", {"applicant"}]
    first = call("applicant", "list", mine=True)["results"][-1]
    call("applicant", "withdraw", id=first["id"])
    assert send() == "done"
    drafts = [tried(call, "applicant", "create", data_name=f"第{n}件") for n in range(6)]
    assert drafts == ["done"] * 5 + [{"id"}]


def test_a_renamed_applicant_keeps_the_request_and_a_removed_one_ends_it(call, submitted, dataset):
    """It belongs to the person, not to a name."""
    request = submitted()
    user = model.User.get("applicant")
    user.name = "renamed"
    model.Session.commit()
    assert call("renamed", "show", id=request["id"])["roles"] == ["applicant"]
    call("handler", "accept", id=request["id"])
    call("handler", "propose", id=request["id"], decision="approve")
    call("approver", "decide", id=request["id"], sign=True)
    call_action("user_delete", dict(ROOT), id="renamed")
    with pytest.raises(tk.ValidationError) as error:
        call("handler", "deliver", id=request["id"])
    assert "applicant" in error.value.error_dict
    assert grants(request) == 0
    tick.run()
    assert row(request).state == "withdrawn"


def names_in(answer, forbidden):
    """Which of these words an answer holds, anywhere in it."""
    text = json.dumps(answer, ensure_ascii=False, default=str)
    return [word for word in forbidden if word in text]


def test_the_applicant_reads_no_names_of_officials(call, submitted, house):
    """In no answer and at no time of a request's life; neither ids nor names."""
    people = ("handler", "approver", "city", "province")
    for name in people:
        user = model.User.get(name)
        user.fullname = f"官员{name}"
    model.Session.commit()
    forbidden = [f"官员{name}" for name in people] + [house.users[name]["id"] for name in people]
    request = submitted()
    deeds = [
        ("handler", "accept", {}),
        ("approver", "assign", {"handler": "handler"}),
        ("handler", "message", {"message": "您好"}),
        ("city", "supervise", {"message": "请按期"}),
        ("handler", "suspend", {"reason": "征求意见"}),
        ("handler", "resume", {}),
        ("handler", "propose", {"decision": "approve"}),
        ("approver", "decide", {"sign": True}),
        ("handler", "deliver", {}),
        ("approver", "close", {"message": "违规使用"}),
    ]
    for person, action, data in deeds:
        target = {"ids": [request["id"]]} if action == "assign" else {"id": request["id"]}
        call(person, action, **target, **data)
        for answer in (
            call("applicant", "show", id=request["id"]),
            call("applicant", "list", mine=True),
            call("applicant", "hljshare_grant_list"),
            call("applicant", "message", id=request["id"], message="好"),
        ):
            assert names_in(answer, forbidden) == [], action
            assert '"handler"' not in json.dumps(_without_roles(answer)), action
        if action != "close":
            assert names_in(call("handler", "show", id=request["id"]), forbidden)


def _without_roles(answer):
    """An answer without the roles that events name: these are no people."""
    if isinstance(answer, list):
        return [_without_roles(item) for item in answer]
    if isinstance(answer, dict):
        return {
            name: _without_roles(value)
            for name, value in answer.items()
            if name != "role" and (name != "handler" or value)
        }
    return answer


def test_the_public_reads_nobodys_name(call, submitted, clock):
    """In the register and the rates: not the applicant, not officials."""
    request = submitted(applicant_name="王小明", contact="13900001234")
    call("handler", "accept", id=request["id"])
    for answer in (call(None, "register"), call(None, "rates")):
        assert names_in(answer, ("王小明", "13900001234", "Handler", "handler")) == []


def test_those_above_read_no_identity(call, dataset):
    """The number is for who handles the request."""
    number = "11010519491231002X"
    draft = call("applicant", "create", dataset=dataset["name"], **{**WISH, "identity": number})
    request = call("applicant", "submit", id=draft["id"])
    for person in ("city", "province", "root"):
        shown = call(person, "show", id=request["id"])
        assert not shown["identity_masked"]
        assert names_in(shown, (number, number[:6])) == []
        with pytest.raises(REFUSED):
            call(person, "identity_show", id=request["id"], purpose="查看")
    for person in ("handler", "applicant"):
        shown = call(person, "show", id=request["id"])
        assert shown["identity_masked"]
        assert number not in json.dumps(shown)


def test_what_was_declined_and_taken_up_again_counts_once(call, submitted):
    """The rates count answers: not accepting is none, and taking up again is no second one."""
    request = submitted()
    call("handler", "decline", id=request["id"], reason="不受理", basis=BASIS)
    assert call(None, "rates") == []
    call("city", "reopen", id=request["id"], message="应当受理")
    assert sum(line["on_time"] for line in call(None, "rates")) == 0
    call("handler", "accept", id=request["id"])
    call("handler", "propose", id=request["id"], decision="refuse", reason="涉密", basis=BASIS)
    call("approver", "decide", id=request["id"], sign=True)
    [line] = call(None, "rates")
    assert (line["on_time"], line["late"]) == (1, 0)


NO_TEXTS = ["\x00", "a\x00b", "\ud800", "x" * 501, {"a": 1}, ["x"], [], {}, 1.5]
REFS = [
    ("hljshare_request_file_remove", "id", {}),
    ("hljshare_request_file_list", "id", {}),
    ("hljshare_request_identity_show", "id", {}),
    ("hljshare_collection_show", "id", {}),
    ("hljshare_collection_show", "number", {}),
    ("hljshare_collection_acknowledge", "id", {}),
    ("hljshare_collection_accept", "id", {}),
    ("hljshare_collection_return", "id", {"reason": "x"}),
    ("hljshare_collection_withdraw", "id", {"reason": "x"}),
    ("hljshare_collection_submit", "id", {"note": "x"}),
    ("hljshare_applicant_block", "user", {"reason": "x"}),
    ("hljshare_applicant_unblock", "user", {}),
]


@pytest.mark.parametrize(("action", "field", "more"), REFS)
@pytest.mark.parametrize("user", ["handler", "root"])
def test_what_is_no_id_is_refused(house, action, field, more, user):
    """As an error of the caller, whatever type it has."""
    context = {"user": user, "ignore_auth": False}
    for bad in NO_TEXTS:
        with pytest.raises(REFUSED):
            call_action(action, context=dict(context), **{field: bad}, **more)
        model.Session.rollback()


@pytest.mark.parametrize("action", ["hljshare_collection_list", "hljshare_applicant_block_list"])
def test_pages_of_lists_are_whole_numbers(house, action):
    """What is none is refused; what is too far is the end of the list."""
    context = {"user": "root", "ignore_auth": False}
    for name in ("limit", "offset"):
        for bad in (["x"], {"a": 1}, "x", -1, "1.5"):
            with pytest.raises(tk.ValidationError):
                call_action(action, context=dict(context), **{name: bad})
        assert call_action(action, context=dict(context), **{name: " "})["results"] == []
        for far in (99999999999999999999, "99999999999999999999"):
            found = call_action(action, context=dict(context), **{name: far})
            assert found["results"] == []
