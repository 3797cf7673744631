"""A request from the form to the data, and what stands in its way."""

from __future__ import annotations

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
