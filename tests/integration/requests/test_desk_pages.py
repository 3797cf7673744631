"""The handlers' desk and their part of a request's page, as people meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ckan import model
from ckan.tests import factories

EVIL = "<script>alert('x')</script>"
ARTICLE = {"law": "中华人民共和国数据安全法", "article": "第三十八条"}


@pytest.fixture
def visit(app, house) -> Callable[..., Any]:
    """Return a function that opens a page as somebody, or posts `data` to it."""
    tokens: dict[str, str] = {}

    def open_(user: str | None, path: str, data: dict[str, Any] | None = None) -> Any:
        if user and user not in tokens:
            tokens[user] = factories.APIToken(user=user)["token"]
        headers = {"Authorization": tokens[user]} if user else {}
        ask = app.get if data is None else app.post
        more = {} if data is None else {"data": data}
        answer = ask(path, headers=headers, follow_redirects=False, **more)
        return SimpleNamespace(
            code=answer.status_code, text=answer.body, to=answer.headers.get("Location", "")
        )

    return open_


def rows(text: str) -> list[str]:
    """Return the numbers of the requests on the desk, in their order."""
    listed = re.findall(r'data-desk-row>.*?/request/(SQ-\d+-\d+)"', text, re.DOTALL)
    return list(listed)


def forms(text: str) -> set[str]:
    """Return the deeds that a request's page offers."""
    return set(re.findall(r'id="do-([a-z]+)"', text))


# ---------------------------------------------------------------- the desk


def test_the_desk_is_for_agencies(visit, submitted):
    """Visitors sign in, applicants have none, and an agency sees its own requests only."""
    request = submitted()
    assert "/user/login" in visit(None, "/desk").to
    assert visit("applicant", "/desk").code == 403
    assert request["number"] in visit("handler", "/desk").text
    assert request["number"] in visit("city", "/desk").text
    assert request["number"] in visit("province", "/desk").text
    assert request["number"] not in visit("outsider", "/desk").text
    assert request["number"] not in visit("consumer", "/desk").text


def test_the_desk_names_the_kind_of_applicant_only(visit, submitted):
    """Who applies is read on the request's page, not in a list."""
    submitted(applicant_name="王小明", contact="13900001234")
    page = visit("handler", "/desk").text
    assert "公民" in page or "Citizen" in page
    assert "王小明" not in page
    assert "13900001234" not in page


def test_what_is_due_first_stands_first(visit, call, submitted, clock):
    """Overdue ones lead, with the days in words."""
    clock("2026-03-02 09:00")
    late = submitted()
    call("handler", "accept", id=late["id"])
    clock("2026-03-10 09:00")
    fresh = submitted("stranger")
    call("handler", "accept", id=fresh["id"])
    clock("2026-03-16 09:00")
    page = visit("handler", "/desk").text
    assert rows(page) == [late["number"], fresh["number"]]
    assert re.search(r"4 days overdue|逾期 4 天", page)
    assert rows(visit("handler", "/desk?tab=overdue").text) == [late["number"]]


def test_tabs_and_filters(visit, call, submitted):
    """Mine, nobody's, to be signed, ended, words of the name; unknown values narrow nothing."""
    mine, other, ended = submitted(), submitted("stranger"), submitted("consumer")
    call("handler", "accept", id=mine["id"])
    call("handler", "propose", id=mine["id"], decision="approve")
    call("handler", "decline", id=ended["id"], reason="重复", basis=[ARTICLE])

    def shown(query: str) -> set[str]:
        return set(rows(visit("handler", f"/desk?{query}").text))

    assert shown("") == {mine["number"], other["number"]}
    assert shown("tab=mine") == {mine["number"]}
    assert shown("tab=nobody") == {other["number"]}
    assert shown("tab=sign") == {mine["number"]}
    assert shown("tab=ended") == {ended["number"]}
    assert shown("state=submitted") == {other["number"]}
    assert shown(f"q={other['number']}") == {other["number"]}
    assert shown("q=没有这样的数据") == set()
    assert shown("kind=share") == set()
    assert shown("tab=nonsense&state=nonsense&kind=x&after=x") == {mine["number"], other["number"]}


def test_a_supervisor_narrows_by_the_agencys_title(visit, submitted, house):
    """People know titles, not names of addresses."""
    request = submitted()
    assert rows(visit("city", f"/desk?agency={house.agency['title']}").text) == [request["number"]]
    assert rows(visit("city", f"/desk?agency={house.city['title']}").text) == []


def test_pages_follow_each_other(visit, submitted, monkeypatch):
    """The next page begins where the last one ended."""
    from ckanext.hljshare.requests import desk_views

    monkeypatch.setattr(desk_views, "ROWS", 2)
    numbers = [submitted(user)["number"] for user in ("applicant", "stranger", "consumer")]
    first = visit("handler", "/desk").text
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link is not None
    second = visit("handler", link.group(1).replace("&amp;", "&")).text
    assert len(rows(first)) == 2
    assert sorted(rows(first) + rows(second)) == sorted(numbers)


def test_bulk_assignment(visit, call, submitted):
    """Several at once to a colleague; none without a choice; none if one of them may not."""
    first, second = submitted(), submitted("stranger")
    ids = [first["number"], second["number"]]
    done = visit("handler", "/desk/assign?tab=nobody", {"ids": ids, "handler": "approver"})
    assert done.code == 302
    assert "tab=nobody" in done.to
    assert {call("handler", "show", number=n)["handler"] for n in ids} == {"approver"}
    nothing = visit("handler", "/desk/assign", {"handler": "handler"})
    assert nothing.code == 400
    assert 'role="alert"' in nothing.text
    wrong = visit("handler", "/desk/assign", {"ids": ids, "handler": "outsider"})
    assert wrong.code == 400
    assert wrong.text.count("checked") >= 2
    assert {call("handler", "show", number=n)["handler"] for n in ids} == {"approver"}
    visit("handler", "/desk/assign", {"ids": ids, "handler": "-"})
    assert {call("handler", "show", number=n)["handler"] for n in ids} == {None}


def test_taking_one_and_coming_too_late(visit, call, submitted):
    """A button takes one; what ended meanwhile is told, and nothing is assigned."""
    first, second = submitted(), submitted("stranger")
    visit("handler", "/desk/assign", {"take": first["number"]})
    assert call("handler", "show", id=first["id"])["handler"] == "handler"
    call("stranger", "withdraw", id=second["id"])
    late = visit(
        "handler",
        "/desk/assign",
        {"ids": [first["number"], second["number"]], "handler": "approver"},
    )
    assert late.code == 409
    assert call("handler", "show", id=first["id"])["handler"] == "handler"


def test_others_assign_nothing(visit, call, submitted):
    """Another agency's people cannot give away what is not theirs."""
    request = submitted()
    answer = visit("outsider", "/desk/assign", {"ids": [request["number"]], "handler": "outsider"})
    assert answer.code == 403
    assert call("handler", "show", id=request["id"])["handler"] is None


# ---------------------------------------------------------------- the request's page


def test_who_is_offered_what(visit, call, submitted):
    """Nobody is offered what the server would refuse."""
    request = submitted()
    path = f"/request/{request['number']}"
    assert forms(visit("applicant", path).text) == set()
    assert forms(visit("stranger", path).text) == set()
    assert forms(visit("handler", path).text) == {"accept", "return", "decline", "assign"}
    assert "transfer" not in forms(visit("approver", path).text)  # the dataset is the agency's
    free = submitted("stranger", dataset=None, agency="harbin-jtysj", data_name="调整公告汇总")
    assert "transfer" in forms(visit("approver", f"/request/{free['number']}").text)
    assert "supervise" in forms(visit("city", path).text)
    call("handler", "accept", id=request["id"])
    assert {"approve", "refuse", "suspend"} <= forms(visit("handler", path).text)
    call("approver", "propose", id=request["id"], decision="approve")
    assert "decide" not in forms(visit("approver", path).text)
    assert "decide" not in forms(visit("handler", path).text)
    assert "decide" in forms(visit("city", path).text)


def test_the_province_is_led_to_pass_on(visit, submitted):
    """A free request without an agency waits at the province: passing on comes first."""
    request = submitted(dataset=None, data_name="全省农村公路养护里程")
    page = visit("province", f"/request/{request['number']}").text
    assert re.search(r'class="btn btn-primary" href="#do-transfer"', page)
    sent = {"agency": "哈尔滨市交通运输局", "message": "归口单位"}
    done = visit("province", f"/request/{request['number']}/transfer", sent)
    assert done.code == 302
    assert request["number"] in visit("handler", "/desk").text


def test_the_way_by_pages(visit, call, submitted):
    """Accept, propose, sign, deliver: each by its form."""
    request = submitted()
    path = f"/request/{request['number']}"

    def state() -> str:
        return str(call("handler", "show", id=request["id"])["state"])

    def version() -> str:
        return str(call("handler", "show", id=request["id"])["version"])

    assert visit("handler", f"{path}/accept", {"version": version()}).code == 302
    assert state() == "accepted"
    file = call("handler", "hljshare_request_show", id=request["id"])["dataset_id"]
    chosen = [each.id for each in model.Package.get(file).resources][:1]
    sent = {"offered": "2", "resources": chosen, "conditions": "不得转让", "version": version()}
    assert visit("handler", f"{path}/approve", sent).code == 302
    proposal = call("handler", "show", id=request["id"])["proposal"]
    assert [part["resource"] for part in proposal["parts"]] == chosen
    assert proposal["partial"]
    signed = visit("approver", path).text
    assert "不得转让" in signed
    assert visit("approver", f"{path}/decide", {"sign": "yes", "version": version()}).code == 302
    assert state() == "approved"
    assert visit("handler", f"{path}/deliver", {"version": version()}).code == 302
    assert state() == "delivered"


def test_a_refusal_is_read_before_it_is_proposed(visit, call, submitted):
    """The preview shows the applicant's view and changes nothing; reason and basis are needed."""
    request = submitted()
    path = f"/request/{request['number']}"
    call("handler", "accept", id=request["id"])
    base = {"reason": "会损害第三方权益", "bases": ["disclosure-15"]}
    seen = visit("handler", f"{path}/refuse", {**base, "preview": "1"})
    assert seen.code == 200
    assert 'class="as-read"' in seen.text
    assert seen.text.count("会损害第三方权益") == 2  # as it is read, and still in its field
    assert call("handler", "show", id=request["id"])["proposal"] is None
    for missing in ({"reason": ""}, {"bases": []}):
        wrong = visit("handler", f"{path}/refuse", {**base, **missing})
        assert wrong.code == 400
        assert "error-block" in wrong.text
        assert call("handler", "show", id=request["id"])["proposal"] is None
    visit("handler", f"{path}/refuse", base)
    visit("approver", f"{path}/decide", {"sign": "no", "message": "依据不足"})
    assert call("handler", "show", id=request["id"])["proposal"] is None
    visit("handler", f"{path}/refuse", {**base, **ARTICLE})
    assert "第三十八条" in visit("approver", path).text
    visit("approver", f"{path}/decide", {"sign": "yes"})
    done = call("applicant", "show", id=request["id"])
    assert done["state"] == "refused"
    assert len(done["basis"]) == 2


def test_who_comes_too_late_keeps_the_text(visit, call, submitted):
    """409, the page as it is now, and what was typed, whether its form is still there or not."""
    request = submitted()
    path = f"/request/{request['number']}"
    version = request["version"]
    call("handler", "assign", ids=[request["id"]], handler="approver")
    sent = {"message": "请补充用途说明", "version": version}
    late = visit("handler", f"{path}/return", sent)
    assert late.code == 409
    assert "请补充用途说明</textarea>" in late.text
    assert "return" in forms(late.text)
    call("applicant", "withdraw", id=request["id"])
    gone = visit("handler", f"{path}/return", sent)
    assert gone.code == 409
    assert "请补充用途说明</textarea>" in gone.text
    assert "return" not in forms(gone.text)
    assert call("handler", "show", id=request["id"])["state"] == "withdrawn"


def test_who_loses_the_request_meanwhile_keeps_the_text(visit, call, submitted, house):
    """It was passed on to another agency while the text was written."""
    request = submitted(dataset=None, agency=house.agency["name"], data_name="公交调整公告汇总")
    call("approver", "transfer", id=request["id"], agency=house.other["name"], message="归口")
    answer = visit("handler", f"/request/{request['number']}/return", {"message": "请补充"})
    assert answer.code == 404


def test_errors_stand_at_their_fields(visit, call, submitted):
    """Everything typed is still there."""
    request = submitted(dataset=None, agency="harbin-jtysj", data_name="公交调整公告汇总")
    path = f"/request/{request['number']}"
    wrong = visit("approver", f"{path}/transfer", {"agency": "没有的机构", "message": "归口"})
    assert wrong.code == 400
    assert 'value="没有的机构"' in wrong.text
    assert "归口</textarea>" in wrong.text
    assert 'id="e-transfer-agency"' in wrong.text
    done = visit("approver", f"{path}/transfer", {"agency": "大庆市生态环境局", "message": "归口"})
    assert done.code == 302
    assert "/desk" in done.to
    assert call("outsider", "show", id=request["id"])["agency"] == "daqing-sthjj"


def test_an_order_and_its_answer(visit, call, submitted):
    """The city orders, the agency answers on its page and on the desk it is seen."""
    request = submitted()
    path = f"/request/{request['number']}"
    assert visit("handler", f"{path}/supervise", {"message": "x"}).code == 403
    visit("city", f"{path}/supervise", {"message": "请尽快办理"})
    assert "请尽快办理" in visit("handler", "/desk").text
    order = call("handler", "show", id=request["id"])["orders"][0]["id"]
    visit("handler", f"{path}/answer", {"order": order, "message": "今日办结"})
    assert "今日办结" in visit("city", path).text
    assert "请尽快办理" not in visit("handler", "/desk").text
    assert "请尽快办理" not in visit("applicant", path).text


def test_texts_are_never_markup(visit, call, submitted):
    """Scripts in any field are shown as text."""
    request = submitted(
        dataset=None,
        agency="harbin-jtysj",
        data_name=EVIL,
        description=EVIL,
        purpose=EVIL,
        applicant_name=EVIL,
        contact=EVIL,
    )
    path = f"/request/{request['number']}"
    call("city", "supervise", id=request["id"], message=EVIL)
    call("handler", "accept", id=request["id"])
    call(
        "handler",
        "propose",
        id=request["id"],
        decision="refuse",
        reason=EVIL,
        basis=[{"law": EVIL, "article": EVIL}],
    )
    for user in ("handler", "approver", "city", "applicant"):
        page = visit(user, path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page
    assert "<script>alert" not in visit("handler", "/desk").text
    again = visit("handler", f"{path}/refuse", {"reason": EVIL, "law": EVIL, "version": "1"})
    assert again.code == 409
    assert "<script>alert" not in again.text


@pytest.mark.parametrize("user", ["stranger", "outsider", "consumer", None])
def test_others_do_nothing_by_the_forms(visit, call, submitted, user):
    """Every address of the panel is closed to who has no part in the request."""
    request = submitted()
    path = f"/request/{request['number']}"
    for deed in ("accept", "return", "decline", "approve", "decide", "identity", "delivery"):
        answer = visit(user, f"{path}/{deed}", {"message": "x", "sign": "yes"})
        assert answer.code == 404 or "/user/login" in answer.to
    assert call("handler", "show", id=request["id"])["version"] == request["version"]


def test_the_identity_number_is_shown_to_the_agency_on_demand(visit, submitted):
    """Masked until asked for; a supervisor never gets it."""
    number = "110101199003070134"
    request = submitted(identity=number)
    path = f"/request/{request['number']}"
    assert number not in visit("handler", path).text
    assert number in visit("handler", f"{path}/identity", {}).text
    assert number not in visit("handler", path).text
    assert visit("city", f"{path}/identity", {}).code == 403


def test_what_helps_to_decide(visit, call, submitted):
    """Earlier requests, and that several ask the same."""
    first = submitted()
    submitted("stranger")
    submitted("consumer")
    again = submitted()
    page = visit("handler", f"/request/{again['number']}").text
    assert first["number"] in page
    assert "/dataset/bus-flows/level" in page


def test_data_can_be_uploaded_for_delivery(visit, app, call, submitted):
    """The form keeps a file for the applicant; it can be taken away again."""
    import io

    request = submitted(dataset=None, agency="harbin-jtysj", data_name="公交调整公告汇总")
    path = f"/request/{request['number']}"
    call("handler", "accept", id=request["id"])
    data = {"upload": (io.BytesIO("线路,日期\n1路,2026-01-05\n".encode()), "调整.csv")}
    assert visit("handler", f"{path}/delivery", data).code == 302
    kept = list(call("handler", "show", id=request["id"])["files"])
    assert [file["name"] for file in kept] == ["调整.csv"]
    assert "调整.csv" in visit("handler", path).text
    assert "调整.csv" not in visit("applicant", path).text
    visit("handler", f"{path}/delivery", {"remove": kept[0]["id"]})
    assert "调整.csv" not in visit("handler", path).text
    assert visit("handler", f"{path}/delivery", {}).code == 400


def test_a_supervisor_chooses_the_agency_before_assigning(visit, submitted):
    """Nobody is offered people who may not handle the request."""
    request = submitted()
    box = f'name="ids" value="{request["number"]}"'
    everything = visit("city", "/desk").text
    assert box not in everything
    assert 'name="handler"' not in everything
    narrowed = visit("city", "/desk?agency=harbin-jtysj").text
    assert box in narrowed
    assert '<option value="handler"' in narrowed
