"""A request from the form to the data, and what stands in its way."""

from __future__ import annotations

import io

import pytest
from ckan.plugins import toolkit as tk

from ckanext.hljshare.access import subject

BASIS = [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}]


def kinds(request):
    """Return the kinds of a request's events in order."""
    return [event["kind"] for event in request["events"]]


def test_from_form_to_download(call, submitted, dataset):
    """The applicant gets the data by two signatures, and nobody else does."""
    request = submitted()
    assert request["state"] == "submitted"
    assert request["due"] is None
    accepted = call("handler", "accept", id=request["id"], version=request["version"])
    assert accepted["due"]
    assert accepted["days_left"] >= 10
    proposed = call("handler", "propose", id=request["id"], decision="approve")
    assert proposed["state"] == "accepted"
    approved = call("approver", "decide", id=request["id"], sign=True)
    assert approved["state"] == "approved"
    assert approved["closed_at"] is None
    delivered = call("handler", "deliver", id=request["id"])
    assert delivered["state"] == "delivered"
    assert delivered["closed_at"]
    file = dataset["resources"][0]["id"]
    assert subject.check("applicant", file, "read").allowed
    assert not subject.check("stranger", file, "read").allowed
    mine = call("applicant", "show", number=request["number"])
    assert [grant["resource_id"] for grant in mine["grants"]]
    assert kinds(mine) == ["submitted", "accepted", "approved", "delivered"]


def test_who_proposes_does_not_sign(call, submitted):
    """An administrator who proposed needs another person."""
    request = submitted()
    call("approver", "accept", id=request["id"])
    call("approver", "propose", id=request["id"], decision="approve")
    with pytest.raises(tk.NotAuthorized):
        call("approver", "decide", id=request["id"], sign=True)
    assert call("city", "decide", id=request["id"], sign=True)["state"] == "approved"


def test_refusal_needs_reason_and_basis(call, submitted):
    """Two fields, both filled; the applicant reads them."""
    request = submitted()
    call("handler", "accept", id=request["id"])
    for missing in ({"reason": "涉及商业秘密"}, {"basis": BASIS}, {"reason": " ", "basis": BASIS}):
        with pytest.raises(tk.ValidationError):
            call("handler", "propose", id=request["id"], decision="refuse", **missing)
    call("handler", "propose", id=request["id"], decision="refuse", reason="涉密", basis=BASIS)
    refused = call("approver", "decide", id=request["id"], sign=True)
    assert refused["state"] == "refused"
    assert refused["closed_at"]
    mine = call("applicant", "show", id=request["id"])
    assert mine["reason"] == "涉密"
    assert mine["basis"][0]["article"] == "第三十八条"


def test_a_second_decision_fails_cleanly(call, submitted):
    """Whoever looked at an older version is told what happened."""
    request = submitted()
    call("handler", "accept", id=request["id"], version=request["version"])
    with pytest.raises(tk.ValidationError) as error:
        call("approver", "accept", id=request["id"], version=request["version"])
    assert "version" in error.value.error_dict


@pytest.mark.parametrize("person", ["stranger", "outsider", "consumer", None])
def test_others_see_and_do_nothing(call, submitted, person):
    """A request is between its parties."""
    request = submitted()
    for action, data in (
        ("show", {}),
        ("accept", {}),
        ("decline", {"reason": "x", "basis": BASIS}),
        ("propose", {"decision": "approve"}),
        ("decide", {"sign": True}),
        ("deliver", {}),
        ("withdraw", {}),
        ("transfer", {"agency": "daqing-sthjj", "message": "x"}),
        ("message", {"message": "x"}),
    ):
        with pytest.raises((tk.NotAuthorized, tk.ObjectNotFound)):
            call(person, action, id=request["id"], **data)


def test_the_signature_is_for_the_very_files(call, dataset):
    """What was uploaded after the proposal is not delivered with the old signature."""
    from werkzeug.datastructures import FileStorage

    from tests.integration.requests.conftest import WISH

    def add(content):
        upload = FileStorage(io.BytesIO(content), "客流.csv", content_type="text/csv")
        return call("handler", "file_add", id=request["id"], purpose="delivery", upload=upload)

    draft = call("applicant", "create", agency="harbin-jtysj", data_name="线路客流", **WISH)
    request = call("applicant", "submit", id=draft["id"])
    call("handler", "accept", id=request["id"])
    with pytest.raises(tk.ValidationError):
        call("handler", "propose", id=request["id"], decision="approve")
    add("线路,人次\n1路,12\n".encode())
    call("handler", "propose", id=request["id"], decision="approve")
    add("线路,人次\n2路,34\n".encode())
    with pytest.raises(tk.ValidationError):
        call("approver", "decide", id=request["id"], sign=True)
    call("handler", "propose", id=request["id"], decision="approve")
    call("approver", "decide", id=request["id"], sign=True)
    with pytest.raises(tk.ValidationError):
        add("线路,人次\n3路,56\n".encode())
    assert call("handler", "deliver", id=request["id"])["state"] == "delivered"


def test_uploaded_data_stays_with_its_agency(call, dataset):
    """A request that is passed on takes none of the old agency's data along."""
    from werkzeug.datastructures import FileStorage

    from tests.integration.requests.conftest import WISH

    draft = call("applicant", "create", agency="harbin-jtysj", data_name="线路客流", **WISH)
    request = call("applicant", "submit", id=draft["id"])
    call("handler", "accept", id=request["id"])
    upload = FileStorage(io.BytesIO("线路,人次\n1路,12\n".encode()), "客流.csv")
    call("handler", "file_add", id=request["id"], purpose="delivery", upload=upload)
    call("approver", "transfer", id=request["id"], agency="daqing-sthjj", message="由其办理")
    with pytest.raises(tk.ValidationError):
        call("consumer", "propose", id=request["id"], decision="approve")


def test_the_time_for_consulting_others_is_one_in_all(call, submitted, clock):
    """However often it is suspended, the ten days run out."""
    clock("2026-03-02 09:00")
    request = submitted()
    call("handler", "accept", id=request["id"])
    call("handler", "suspend", id=request["id"], reason="征求企业意见")
    clock("2026-03-20 09:00")
    call("handler", "resume", id=request["id"])
    again = call("handler", "suspend", id=request["id"], reason="再次征求意见")
    assert again["limit_due"] == "2026-03-23"
    clock("2026-03-23 10:00")
    call("handler", "resume", id=request["id"])
    with pytest.raises(tk.ValidationError):
        call("handler", "suspend", id=request["id"], reason="第三次")


def test_an_agency_does_not_decide_for_itself(call, dataset, house):
    """Whoever works for the unit that applies handles nothing of it, whatever other roles."""
    from ckan.tests.helpers import call_action

    from tests.integration.requests.conftest import WISH

    wish = {name: value for name, value in WISH.items() if not name.startswith("applicant")}
    draft = call(
        "consumer", "create", kind="share", dataset=dataset["name"], business_basis="职责", **wish
    )
    request = call("consumer", "submit", id=draft["id"])
    call_action(
        "organization_member_create", id=house.other["id"], username="approver", role="editor"
    )
    with pytest.raises(tk.NotAuthorized):
        call("approver", "accept", id=request["id"])
    assert call("handler", "accept", id=request["id"])["state"] == "accepted"


def test_forged_fields_change_nothing(call, dataset):
    """State, dates and grantee follow from what happens, not from what is sent."""
    from tests.integration.requests.conftest import WISH

    request = call(
        "applicant",
        "create",
        dataset=dataset["name"],
        **WISH,
        state="approved",
        due_at="2099-01-01",
        grantee="stranger",
        applicant_id="stranger",
        accepted_at="2020-01-01",
    )
    assert request["state"] == "draft"
    assert request["due_at"] is None
    assert call("applicant", "show", id=request["id"])["roles"] == ["applicant"]


def test_deadline_counts_from_acceptance_in_china(call, submitted, clock):
    """00:30 in China is that day, not the day before."""
    clock("2026-02-04 10:00")
    request = submitted()
    clock("2026-02-05 00:30")
    accepted = call("handler", "accept", id=request["id"])
    assert accepted["due"] == "2026-02-24"
    explained = call("handler", "hljshare_deadline_explain", request=request["number"])
    assert explained["due"] == "2026-02-24"
    assert explained["days"][0]["date"] == "2026-02-05"
