"""The applicant's pages: the guided form, a request's page, one's own list."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from html import unescape

import pytest
from ckan import model
from ckan.tests.helpers import call_action

from ckanext.hljshare.requests import agreements
from ckanext.hljshare.requests.model import Request

BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]
NEXT_YEAR = (date.today() + timedelta(days=300)).isoformat()  # noqa: DTZ011
PURPOSE = {
    "purpose": "研究公交线网优化",
    "use_until": NEXT_YEAR,
    "security_measures": "",
    "other": "",
}
PERSON = {"applicant_kind": "person", "applicant_name": "王小明", "contact": "13900001234"}


@pytest.fixture
def browse(app, house):
    """Return a function that asks for a page as somebody: (user, path, data=…) → answer."""
    tokens = {}

    def ask(user, path, data=None, status=None, **more):
        headers = {}
        if user:
            if user not in tokens:
                made = call_action(
                    "api_token_create", user=user, name="t", context={"ignore_auth": True}
                )
                tokens[user] = made["token"]
            headers = {"Authorization": tokens[user]}
        if data is None:
            return app.get(path, headers=headers, follow_redirects=False, status=status, **more)
        return app.post(
            path, data=data, headers=headers, follow_redirects=False, status=status, **more
        )

    return ask


def field(page, name):
    """Return what a field of a page holds."""
    text = page.body
    box = re.search(rf'<textarea[^>]*name="{name}"[^>]*>(.*?)</textarea>', text, re.DOTALL)
    if box:
        return unescape(box[1])
    chosen = re.search(
        rf'<select[^>]*name="{name}".*?<option value="([^"]*)" selected>.*?</select>',
        text,
        re.DOTALL,
    )
    if chosen:
        return chosen[1]
    found = re.search(rf'<input[^>]*name="{name}"[^>]*>', text)
    assert found, name
    value = re.search(r'value="([^"]*)"', found[0])
    return unescape(value[1]) if value else ""


def form(page, *names):
    return {name: field(page, name) for name in names}


DATA = ("data_name", "description", "theme", "format", "client_key")


def begin(browse, dataset, user="applicant", **changes):
    """Send the first step; return the draft's number."""
    page = browse(user, f"/request/new?dataset={dataset['name']}", status=200)
    sent = {
        **form(page, *DATA),
        "demand_type": "file",
        "theme": "transport",
        "go": "next",
        **changes,
    }
    answer = browse(user, f"/request/new?dataset={dataset['name']}", sent, status=302)
    return re.search(r"SQ-\d+-\d+", answer.headers["Location"])[0]


def whole(browse, dataset, user="applicant"):
    """Go through the form and submit; return the number."""
    number = begin(browse, dataset, user)
    for step, values in (("purpose", PURPOSE), ("applicant", PERSON)):
        browse(user, f"/request/{number}/edit/{step}", {**values, "go": "next"}, status=302)
    answer = browse(user, f"/request/{number}/edit/confirm", {"agreement": "1", "go": "submit"})
    assert answer.status_code == 302, re.findall(r'id="errors".*?</ul>', answer.body, re.DOTALL)
    assert answer.headers["Location"].endswith(f"/request/{number}")
    return number


def rows():
    model.Session.expire_all()
    return model.Session.query(Request).all()


def test_from_the_dataset_to_a_submitted_request(browse, dataset):
    """The form knows the dataset; each step is saved; at the end it is submitted, once."""
    page = browse("applicant", "/request/new?dataset=bus-flows", status=200)
    assert field(page, "data_name") == "哈尔滨市公交客流信息"
    assert field(page, "description") == "按线路和月份的客流。"
    assert field(page, "format") == "CSV"
    assert "secret" not in page.body
    assert rows() == []  # looking makes nothing
    number = whole(browse, dataset)
    (row,) = rows()
    assert (row.state, row.purpose, row.applicant_name) == (
        "submitted",
        "研究公交线网优化",
        "王小明",
    )
    assert row.resources == []
    assert row.agreement_hash == agreements.current("open").sha256
    page = browse("applicant", f"/request/{number}", status=200)
    assert "哈尔滨市交通运输局" in page.body
    assert "24:00" in page.body
    again = browse("applicant", f"/request/{number}/edit/data", status=302)
    assert again.headers["Location"].endswith(f"/request/{number}")


def test_a_double_click_makes_one_draft(browse, dataset):
    """The same form twice; and once more, changed, after going back in the browser."""
    page = browse("applicant", "/request/new?dataset=bus-flows")
    sent = {**form(page, *DATA), "demand_type": "file", "theme": "transport", "go": "next"}
    for description in ("一", "一", "二"):
        sent["description"] = description
        browse("applicant", "/request/new?dataset=bus-flows", sent, status=302)
    (row,) = rows()
    assert row.description == "二"


def test_back_and_forth_loses_nothing(browse, dataset):
    """The button back saves too, and so does leaving."""
    number = begin(browse, dataset)
    browse(
        "applicant",
        f"/request/{number}/edit/purpose",
        {"purpose": "半句", "go": "back"},
        status=302,
    )
    page = browse("applicant", f"/request/{number}/edit/purpose")
    assert field(page, "purpose") == "半句"
    left = browse(
        "applicant",
        f"/request/{number}/edit/purpose",
        {"purpose": "整句", "go": "leave"},
        status=302,
    )
    assert left.headers["Location"].endswith("/my")
    assert "整句" in browse("applicant", f"/request/{number}/edit/purpose").body
    assert number in browse("applicant", "/my").body


def test_what_is_missing_is_said_at_its_field(browse, dataset):
    """The step does not go on; what was entered is saved all the same."""
    number = begin(browse, dataset)
    answer = browse(
        "applicant",
        f"/request/{number}/edit/purpose",
        {"purpose": " ", "other": "另请电话联系", "go": "next"},
        status=302,
    )
    assert "check=1" in answer.headers["Location"]
    page = browse("applicant", answer.headers["Location"])
    assert 'id="e-purpose"' in page.body
    assert 'aria-describedby="e-purpose' in page.body
    assert field(page, "other") == "另请电话联系"
    page = browse(
        "applicant",
        f"/request/{number}/edit/confirm",
        {"agreement": "1", "go": "submit"},
        status=400,
    )
    assert "/edit/purpose#f-purpose" in page.body
    assert "/edit/applicant#f-applicant_kind" in page.body
    assert rows()[0].state == "draft"


def test_what_is_wrong_stays_in_the_form(browse, dataset):
    """A wrong number, a past day, a text that is too long: nothing entered is lost."""
    number = begin(browse, dataset)
    entered = {**PERSON, "identity": "230102199001011239", "go": "next"}
    page = browse("applicant", f"/request/{number}/edit/applicant", entered, status=400)
    assert field(page, "applicant_name") == "王小明"
    assert field(page, "identity") == "230102199001011239"
    assert 'id="e-identity"' in page.body
    page = browse(
        "applicant",
        f"/request/{number}/edit/purpose",
        {"purpose": "用途", "use_until": "2020-01-01", "go": "next"},
        status=400,
    )
    assert field(page, "purpose") == "用途"
    assert 'id="e-use_until"' in page.body
    page = browse(
        "applicant",
        f"/request/{number}/edit/purpose",
        {"purpose": "长" * 2001, "go": "next"},
        status=400,
    )
    assert len(field(page, "purpose")) == 2001


def test_the_agreement_has_to_be_accepted(browse, dataset):
    """A box that is ticked by nobody else; its text in the page, its version for ever readable."""
    number = begin(browse, dataset)
    for step, values in (("purpose", PURPOSE), ("applicant", PERSON)):
        browse("applicant", f"/request/{number}/edit/{step}", {**values, "go": "next"})
    page = browse("applicant", f"/request/{number}/edit/confirm")
    box = re.search(r'<input[^>]*name="agreement"[^>]*>', page.body)[0]
    assert "checked" not in box
    page = browse("applicant", f"/request/{number}/edit/confirm", {"go": "submit"}, status=400)
    assert 'id="e-agreement"' in page.body
    assert rows()[0].state == "draft"
    version = agreements.current("open").version
    assert agreements.current("open").sha256 in browse(None, f"/request/agreement/{version}").body
    browse(None, "/request/agreement/open-1999-1", status=404)
    browse(None, "/request/agreement/..%2Frules", status=404)


def test_two_windows_do_not_overwrite_each_other(browse, dataset):
    """The second one is told, keeps what it entered, and can save it then."""
    number = begin(browse, dataset)
    page = browse("applicant", f"/request/{number}/edit/purpose")
    version = field(page, "version")
    first = {"purpose": "第一个窗口", "version": version, "go": "next"}
    browse("applicant", f"/request/{number}/edit/purpose", first, status=302)
    second = {"purpose": "第二个窗口", "version": version, "go": "next"}
    page = browse("applicant", f"/request/{number}/edit/purpose", second, status=400)
    assert field(page, "purpose") == "第二个窗口"
    assert rows()[0].purpose == "第一个窗口"
    second["version"] = field(page, "version")
    browse("applicant", f"/request/{number}/edit/purpose", second, status=302)
    assert rows()[0].purpose == "第二个窗口"


def test_the_number_is_kept_until_it_is_removed(browse, dataset):
    """It is never shown again, an empty field leaves it, a tick removes it."""
    number = begin(browse, dataset)
    path = f"/request/{number}/edit/applicant"
    browse(
        "applicant", path, {**PERSON, "identity": "230102199001011230", "go": "stay"}, status=302
    )
    page = browse("applicant", path)
    assert "230102199001011230" not in page.body
    assert "230" in page.body
    browse("applicant", path, {**PERSON, "identity": "", "go": "stay"}, status=302)
    assert "forget_identity" in browse("applicant", path).body
    browse("applicant", path, {**PERSON, "forget_identity": "1", "go": "stay"}, status=302)
    assert "forget_identity" not in browse("applicant", path).body


def test_files_are_attached_and_removed(browse, dataset):
    """Without scripts: a button that saves the step and stays."""
    number = begin(browse, dataset)
    path = f"/request/{number}/edit/applicant"
    sent = {**PERSON, "go": "stay", "upload": (io.BytesIO("立项通知\n".encode()), "立项.txt")}
    browse("applicant", path, sent, status=302, content_type="multipart/form-data")
    page = browse("applicant", path)
    assert "立项.txt" in page.body
    assert field(page, "applicant_name") == "王小明"
    bad = {**PERSON, "go": "stay", "upload": (io.BytesIO(b"MZ\x90\x00"), "run.exe")}
    page = browse("applicant", path, bad, status=400, content_type="multipart/form-data")
    assert 'id="e-upload"' in page.body
    file = re.search(r'name="remove" value="([^"]+)"', page.body)[1]
    version = field(page, "version")
    browse("applicant", path, {**PERSON, "version": version, "remove": file}, status=302)
    assert "立项.txt" not in browse("applicant", path).body


def test_some_of_the_files(browse, dataset):
    """All of them chosen is the same as no choice."""
    ids = [file["id"] for file in dataset["resources"]]
    number = begin(browse, dataset, resources=[ids[1]], offered=",".join(ids))
    assert rows()[0].resources == [ids[1]]
    page = browse("applicant", f"/request/{number}/edit/data")
    ticks = re.findall(
        r'<input type="checkbox" name="resources" value="([^"]+)" checked', page.body
    )
    assert ticks == [ids[1]]
    sent = {
        **form(page, *DATA[:4]),
        "demand_type": "file",
        "resources": ids,
        "offered": ",".join(ids),
    }
    browse("applicant", f"/request/{number}/edit/data", {**sent, "go": "next"}, status=302)
    assert rows()[0].resources == []


def test_the_free_door(browse, house):
    """Data that is not in the catalog: for an agency, or passed on."""
    page = browse("applicant", "/request/new", status=200)
    assert 'name="agency"' in page.body
    sent = {
        "client_key": field(page, "client_key"),
        "data_name": "全市积雪清运点位",
        "description": "点位和时间",
        "demand_type": "file",
        "theme": "transport",
        "format": "CSV",
        "agency": "",
        "go": "next",
    }
    answer = browse("applicant", "/request/new", sent, status=302)
    number = re.search(r"SQ-\d+-\d+", answer.headers["Location"])[0]
    for step, values in (("purpose", PURPOSE), ("applicant", PERSON)):
        browse("applicant", f"/request/{number}/edit/{step}", {**values, "go": "next"}, status=302)
    browse("applicant", f"/request/{number}/edit/confirm", {"agreement": "1", "go": "submit"})
    (row,) = rows()
    assert (row.state, row.agency_id, row.triage) == ("submitted", house.province["id"], True)


def test_an_agency_asks_an_agency(browse, dataset, house):
    """The share kind: its own questions, the unit from the membership."""
    page = browse("consumer", "/request/new?dataset=bus-flows", status=200)
    assert "kind=open" in page.body
    assert 'name="fields"' in page.body
    number = begin(browse, dataset, "consumer", fields="线路、月份", share_mode="file")
    page = browse("consumer", f"/request/{number}/edit/purpose")
    assert 'name="business_basis"' in page.body
    purpose = {**PURPOSE, "business_basis": "排放清单编制"}
    browse("consumer", f"/request/{number}/edit/purpose", {**purpose, "go": "next"}, status=302)
    page = browse("consumer", f"/request/{number}/edit/applicant")
    assert 'name="identity"' not in page.body
    unit = {"unit": house.other["id"], "contact": "0459-1234567", "go": "next"}
    browse("consumer", f"/request/{number}/edit/applicant", unit, status=302)
    browse(
        "consumer",
        f"/request/{number}/edit/confirm",
        {"agreement": "1", "go": "submit"},
        status=302,
    )
    (row,) = rows()
    assert (row.kind, row.unit_id, row.state) == ("share", house.other["id"], "submitted")
    assert row.agreement_version == agreements.current("share").version


@pytest.mark.parametrize(
    ("fields", "user"),
    [
        ({"open_type": "open", "share_type": "unconditional"}, "applicant"),
        ({"open_type": "closed", "share_type": "none", "share_basis": "保密法"}, "applicant"),
        ({}, "handler"),
    ],
)
def test_what_cannot_be_asked_for_says_what_to_do(browse, dataset, house, fields, user):
    """Open data, closed data, one's own data: no form, and a way on."""
    values = {
        "name": "other",
        "title": "另一个",
        "notes": "说明说明说明说明",
        "owner_org": house.agency["id"],
        "open_basis": BASIS,
        "open_condition": "说明用途",
        "share_condition": "业务协同",
        "update_cycle": "monthly",
        "secrecy_review": "办公室 2026-01-05",
    }
    name = "bus-flows"
    if fields:
        call_action("package_create", {"user": "root", "ignore_auth": True}, **{**values, **fields})
        name = "other"
    page = browse(user, f"/request/new?dataset={name}", status=200)
    assert 'name="data_name"' not in page.body
    assert f"/dataset/{name}" in page.body
    browse(user, f"/request/new?dataset={name}", {"data_name": "x", "go": "next"})
    assert rows() == []


def test_a_visitor_signs_in_first_and_comes_back(browse, dataset):
    """With the dataset still in the address."""
    answer = browse(None, "/request/new?dataset=bus-flows", status=302)
    assert "/user/login" in answer.headers["Location"]
    assert "bus-flows" in answer.headers["Location"]
    browse("applicant", "/request/new?dataset=not-there", status=404)


def test_the_way_of_a_request_on_its_page(browse, call, dataset):
    """Returned, completed, accepted, asked, answered, granted, downloaded, reported."""
    number = whole(browse, dataset)
    call("handler", "return", id=number, message="请补充<b>课题</b>批准单位")
    page = browse("applicant", f"/request/{number}", status=200)
    assert "请补充&lt;b&gt;课题&lt;/b&gt;批准单位" in page.body
    page = browse("applicant", f"/request/{number}/edit/purpose", status=200)
    assert "批准单位" in page.body
    version = field(page, "version")
    changed = {**PURPOSE, "other": "教育厅批准", "version": version, "go": "next"}
    browse("applicant", f"/request/{number}/edit/purpose", changed, status=302)
    browse(
        "applicant",
        f"/request/{number}/edit/confirm",
        {"agreement": "1", "go": "submit"},
        status=302,
    )
    call("handler", "accept", id=number)
    browse("applicant", f"/request/{number}/message", {"message": "按月汇总即可"}, status=302)
    page = browse("handler", f"/request/{number}", status=200)
    assert "按月汇总即可" in page.body
    page = browse("applicant", f"/request/{number}", status=200)
    assert page.body.count('class="due"') == 1  # the count, day by day
    assert "Handler" not in page.body  # officials are not named to the public
    call("handler", "propose", id=number, decision="approve", conditions="注明来源")
    call("approver", "decide", id=number, sign=True)
    call("handler", "deliver", id=number)
    page = browse("applicant", f"/request/{number}", status=200)
    assert "注明来源" in page.body
    for file in dataset["resources"]:
        assert f"/resource/{file['id']}/download" in page.body
    empty = browse("applicant", f"/request/{number}/report", {"message": " "}, status=400)
    assert 'id="e-report"' in empty.body
    browse("applicant", f"/request/{number}/report", {"message": "论文一篇"}, status=302)
    browse("applicant", f"/request/{number}/close", {"message": "已删除"}, status=302)
    assert "/download" not in browse("applicant", f"/request/{number}").body


def test_a_refusal_says_why_and_what_can_be_done(browse, call, dataset):
    """Reason, law and article, the objection, and the same request filled in once more."""
    number = whole(browse, dataset)
    call("handler", "accept", id=number)
    call("handler", "propose", id=number, decision="refuse", reason="涉及商业秘密", basis=BASIS)
    call("approver", "decide", id=number, sign=True)
    page = browse("applicant", f"/request/{number}", status=200)
    for text in ("涉及商业秘密", BASIS[0]["law"], BASIS[0]["article"], f"again={number}"):
        assert text in page.body
    page = browse("applicant", f"/request/new?again={number}", status=200)
    assert field(page, "data_name") == "哈尔滨市公交客流信息"
    sent = {**form(page, *DATA), "demand_type": "file", "theme": "transport", "go": "next"}
    browse("applicant", f"/request/new?again={number}", sent, status=302)
    assert [row.purpose for row in rows() if row.state == "draft"] == ["研究公交线网优化"]
    browse("applicant", f"/request/{number}/object", {"message": "并非商业秘密"}, status=302)
    assert "并非商业秘密" in browse("city", f"/request/{number}").body


def test_withdrawing_and_discarding(browse, dataset):
    """By POST only; a draft goes, a request is withdrawn."""
    number = begin(browse, dataset)
    assert browse("applicant", f"/request/{number}/discard").status_code in (404, 405)
    browse("stranger", f"/request/{number}/discard", {}, status=404)
    browse("applicant", f"/request/{number}/discard", {}, status=302)
    assert rows() == []
    number = whole(browse, dataset)
    browse("applicant", f"/request/{number}/discard", {}, status=302)
    browse("applicant", f"/request/{number}/withdraw", {"message": ""}, status=302)
    assert rows()[0].state == "withdrawn"
    page = browse("applicant", f"/request/{number}/withdraw", {}, status=400)
    assert f"again={number}" in page.body


@pytest.mark.parametrize("user", ["stranger", "outsider", "consumer", None])
def test_others_see_the_register_only(browse, dataset, user):
    """The number is public, who asks and what for is not; a draft is not there at all."""
    draft = begin(browse, dataset)
    answer = browse(user, f"/request/{draft}")
    assert answer.status_code == (404 if user else 302)
    number = whole(browse, dataset)
    page = browse(user, f"/request/{number}", status=200)
    assert "哈尔滨市公交客流信息" in page.body
    for text in ("王小明", "13900001234", "研究公交线网优化"):
        assert text not in page.body
    for path in (f"/request/{draft}/edit/data", f"/request/{number}/edit/data"):
        assert browse(user, path).status_code == (404 if user else 302)
    assert browse(user, f"/request/{number}/withdraw", {}).status_code in (302, 403, 404)
    assert "submitted" in {row.state for row in rows()}


def test_who_applies_does_not_handle(browse, house, dataset):
    """Who comes to work for the agency later still sees the applicant's page of an own request."""
    number = whole(browse, dataset)
    call_action(
        "organization_member_create",
        {"user": "root", "ignore_auth": True},
        id=house.agency["id"],
        username="applicant",
        role="admin",
    )
    page = browse("applicant", f"/request/{number}", status=200)
    assert f"/request/{number}/withdraw" in page.body
    assert f"/request/{number}/accept" not in page.body


def test_ones_own_list(browse, dataset, house):
    """States and days left; empty, it says where to begin."""
    page = browse("stranger", "/my", status=200)
    assert "/request/new" in page.body
    number = whole(browse, dataset)
    page = browse("applicant", "/my", status=200)
    assert f"/request/{number}" in page.body
    assert 'class="ring' in page.body
    assert number not in browse("stranger", "/my").body
    assert browse("applicant", "/my?after=nonsense").status_code == 200


def test_the_dataset_leads_to_the_form(browse, dataset):
    """Its page and the page of a refused download."""
    assert "/request/new?dataset=bus-flows" in browse("applicant", "/dataset/bus-flows").body
    file = dataset["resources"][0]["id"]
    refused = browse("applicant", f"/dataset/bus-flows/resource/{file}/download", status=403)
    assert "/request/new?dataset=bus-flows" in refused.body
    assert "/request/new?dataset=bus-flows" in browse(None, "/about/apply?dataset=bus-flows").body


def test_markup_in_every_field_is_text(browse, call, dataset):
    """Nothing that an applicant types runs in an official's browser."""
    bad = '"><script>alert(1)</script>'
    number = begin(browse, dataset, data_name=bad, description=bad)
    for step, values in (
        ("purpose", {"purpose": bad, "security_measures": bad, "other": bad}),
        ("applicant", {**PERSON, "applicant_name": bad, "contact": bad}),
    ):
        browse("applicant", f"/request/{number}/edit/{step}", {**values, "go": "next"}, status=302)
        assert "<script>alert" not in browse("applicant", f"/request/{number}/edit/{step}").body
    assert "<script>alert" not in browse("applicant", f"/request/{number}/edit/confirm").body
    browse(
        "applicant",
        f"/request/{number}/edit/confirm",
        {"agreement": "1", "go": "submit"},
        status=302,
    )
    browse("applicant", f"/request/{number}/message", {"message": bad}, status=302)
    for user in ("applicant", "handler", "stranger"):
        assert "<script>alert" not in browse(user, f"/request/{number}").body
    assert "<script>alert" not in browse("applicant", "/my").body


@pytest.mark.parametrize("number", ["%00", "%01", "x" * 501, "SQ%00", "%ff"])
@pytest.mark.parametrize("user", [None, "applicant", "handler"])
def test_what_is_no_number_is_not_found(browse, user, number):
    """For anybody, on every page of a request."""
    page = browse(user, f"/request/{number}")
    assert page.status_code in ((404,) if number != "%ff" or user else (302, 404))
    for path in ("edit/data", "file/%00", "file/x"):
        assert browse(user, f"/request/{number}/{path}").status_code in (302, 404)
    for deed in ("withdraw", "accept", "identity", "delivery", "discard"):
        assert browse(user, f"/request/{number}/{deed}", {}).status_code in (302, 403, 404)


@pytest.mark.parametrize("bad", ["%00", "%01", "x" * 3000])
def test_a_form_begun_with_nonsense(browse, bad):
    """An older request that is none prefills nothing; a dataset that is none is not found."""
    page = browse("applicant", f"/request/new?again={bad}")
    assert page.status_code == 200
    assert field(page, "data_name") == ""
    assert browse("applicant", f"/request/new?dataset={bad}").status_code == 404
    for name in ("again", "dataset"):
        assert browse(None, f"/request/new?{name}={bad}").status_code == 302


def test_a_file_that_is_none_is_not_taken_away(browse, call, dataset):
    """The draft stays as it is, whatever the field holds."""
    draft = call("applicant", "create", dataset=dataset["id"])
    path = f"/request/{draft['number']}/edit/confirm"
    for bad in ("\x00", "x" * 501, "unknown"):
        assert browse("applicant", path, {"remove": bad}).status_code in (302, 400, 404), bad


def test_search_engines_keep_no_copy(browse, submitted):
    """Of a request's page, whoever asks for it; the register itself may be found."""
    number = submitted()["number"]
    for user in (None, "applicant", "handler"):
        assert browse(user, f"/request/{number}").headers["X-Robots-Tag"] == "noindex"
    assert browse(None, "/request/x").headers["X-Robots-Tag"] == "noindex"
    assert "X-Robots-Tag" not in browse("applicant", "/request/new").headers
