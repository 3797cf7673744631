"""Who may apply: a verified address, and no block."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from ckan import model
from ckan.lib.mailer import MailerException
from ckan.plugins import toolkit as tk
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.deadlines import outbox
from ckanext.hljshare.requests.accounts import store
from ckanext.hljshare.requests.accounts.model import ApplicantBlock, EmailProof
from ckanext.hljshare.requests.model import now

MAILS = pytest.mark.ckan_config("hljshare.mail.enabled", "true")


@pytest.fixture
def sent(monkeypatch):
    """Return the mails that go out, as (address, subject, body)."""
    found = []

    def take(name, address, subject, body, headers=None, **more):
        found.append((address, subject, body))

    monkeypatch.setattr("ckan.lib.mailer.mail_recipient", take)
    return found


@pytest.fixture
def newcomer(house):
    """Return an account that a person made, with its token: nobody has vouched for it."""
    made = factories.User(name="newcomer", fullname="新人", email="new@example.com")
    token = call_action(
        "api_token_create", user="newcomer", name="t", context={"ignore_auth": True}
    )
    model.Session.query(EmailProof).filter_by(user_id=made["id"]).delete()
    model.Session.commit()
    return {**made, "headers": {"Authorization": token["token"]}}


def person(name="newcomer"):
    model.Session.expire_all()
    return model.User.get(name)


def ask(who, action, /, **data):
    """Call an action as somebody; its own arguments may be named `user`."""
    return tk.get_action(action)({"user": who or "", "ignore_auth": False}, data)


def link(mail):
    return re.search(r"/my/email/\S+", mail[2])[0]


@MAILS
def test_an_address_is_confirmed_by_its_link(app, newcomer, sent):
    """Sending, opening and pressing: only the last one counts."""
    assert store.may_apply(person()) == "unverified"
    page = app.get("/my/email", headers=newcomer["headers"])
    assert "new@example.com" in page.body
    assert not sent
    app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    outbox.run()
    assert [mail[0] for mail in sent] == ["new@example.com"]
    page = app.get(link(sent[0]), headers=newcomer["headers"])
    assert "no-store" in page.headers["Cache-Control"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert store.may_apply(person()) == "unverified"  # a scanner of mails has opened it
    app.post(link(sent[0]), headers=newcomer["headers"], follow_redirects=False)
    assert store.may_apply(person()) is None
    # Again: nothing is wrong with it.
    assert app.get(link(sent[0]), headers=newcomer["headers"]).status_code == 200


@MAILS
def test_another_person_cannot_use_the_link(app, house, newcomer, sent):
    """A link is for the account that asked for it."""
    app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    outbox.run()
    token = call_action(
        "api_token_create", user="stranger", name="t", context={"ignore_auth": True}
    )
    other = {"Authorization": token["token"]}
    model.Session.query(EmailProof).filter_by(user_id=house.users["stranger"]["id"]).delete()
    model.Session.commit()
    app.post(link(sent[0]), headers=other, status=410)
    assert store.may_apply(person()) == store.may_apply(person("stranger")) == "unverified"
    answer = app.get(link(sent[0]), follow_redirects=False)
    assert answer.status_code == 302
    assert "/user/login" in answer.headers["Location"]


@MAILS
def test_another_address_has_to_be_confirmed_again(app, newcomer, sent):
    """What was shown of one address says nothing of the next one; nor does its link."""
    app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    outbox.run()
    user = person()
    user.email = "other@example.com"
    model.Session.commit()
    app.post(link(sent[0]), headers=newcomer["headers"], status=410)
    assert store.may_apply(person()) == "unverified"
    store.vouch(person())
    model.Session.commit()
    assert store.may_apply(person()) is None
    user = person()
    user.email = "third@example.com"
    model.Session.commit()
    assert store.may_apply(person()) == "unverified"


@MAILS
def test_a_mail_is_not_sent_to_an_address_that_was_changed(app, newcomer, sent):
    """The mail server was down for a while; meanwhile the address has changed."""
    app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    user = person()
    user.email = "other@example.com"
    model.Session.commit()
    outbox.run()
    assert sent == []


@MAILS
def test_an_old_link_ends(app, newcomer, sent):
    """After 24 hours, and when a newer one is sent."""
    assert store.send(person(), now() - timedelta(hours=25)) == "ok"
    model.Session.commit()
    outbox.run()
    app.get(link(sent[0]), headers=newcomer["headers"], status=410)
    app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    outbox.run()
    app.get(link(sent[1]), headers=newcomer["headers"], status=200)
    app.get(link(sent[0]), headers=newcomer["headers"], status=410)


@MAILS
def test_mails_are_not_sent_without_end(app, newcomer, sent):
    """Pressing the button again at once sends nothing."""
    for _time in range(3):
        app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    outbox.run()
    assert len(sent) == 1


@MAILS
def test_a_mail_server_that_is_down(app, newcomer, monkeypatch):
    """The mail is tried again; the page has answered long before."""

    def down(*_args, **_more):
        raise MailerException("down")

    monkeypatch.setattr("ckan.lib.mailer.mail_recipient", down)
    app.post("/my/email", headers=newcomer["headers"], follow_redirects=False)
    assert outbox.run().retried == 1


@MAILS
def test_who_needs_no_confirmation(house, newcomer):
    """Staff, and accounts that an administrator made; others do, unless the setting lifts it."""
    made = factories.User(name="made-by-an-administrator")
    assert store.may_apply(person("consumer")) is None
    assert store.may_apply(model.User.get(made["id"])) is None
    model.Session.query(EmailProof).delete()
    model.Session.commit()
    assert store.may_apply(person("consumer")) is None
    assert store.may_apply(person("root")) is None
    assert store.may_apply(person("applicant")) == "unverified"


@pytest.mark.parametrize(
    ("demand", "mails", "answer"),
    [
        ("", "false", None),
        ("", "true", "unverified"),
        ("true", "false", "unverified"),
        ("false", "true", None),
    ],
)
def test_the_setting(newcomer, monkeypatch, demand, mails, answer):
    """By default it is demanded where the portal can send mails."""
    monkeypatch.setitem(tk.config, "hljshare.requests.verified_email", demand)
    monkeypatch.setitem(tk.config, "hljshare.mail.enabled", mails == "true")
    assert store.may_apply(person()) == answer


@MAILS
def test_a_person_makes_an_account_and_nobody_vouches(app, house):
    """By the page of registration, as the public does."""
    app.post(
        "/user/register",
        data={
            "save": "1",
            "name": "self-made",
            "fullname": "自己",
            "email": "self@example.com",
            "password1": "long-enough-1",
            "password2": "long-enough-1",
        },
        follow_redirects=False,
    )
    assert store.may_apply(person("self-made")) == "unverified"


def test_a_block_keeps_a_person_from_applying(call, submitted, house):
    """The person is told why, the agency sees it at the open requests, both see it lifted."""
    request = submitted()
    ask("city", "hljshare_applicant_block", user="applicant", reason="转让数据")
    assert store.may_apply(person("applicant")) == "blocked"
    assert call("handler", "show", id=request["id"])["flag"] == "blocked"
    draft = call("applicant", "create", data_name="另一份")
    with pytest.raises(tk.ValidationError) as refused:
        call("applicant", "submit", id=draft["id"])
    assert "applicant" in refused.value.error_dict
    told = ask("applicant", "hljshare_notice_list")["results"]
    assert any("转让数据" in notice["body"] for notice in told)
    events = call("applicant", "show", id=request["id"])["events"]
    assert "flagged" not in [event["kind"] for event in events]
    ask("province", "hljshare_applicant_unblock", user="applicant")
    assert store.may_apply(person("applicant")) is None
    assert call("handler", "show", id=request["id"])["flag"] == ""
    listed = ask("city", "hljshare_applicant_block_list")
    assert listed["count"] == 0
    assert ask("city", "hljshare_applicant_block_list", past=True)["count"] == 1


@pytest.mark.parametrize(
    ("user", "reason", "field"),
    [
        ("city", "理由", "user"),  # oneself
        ("province", "理由", "user"),
        ("root", "理由", "user"),
        ("nobody-here", "理由", "user"),
        ("applicant", "  ", "reason"),
        ("applicant", "长" * 501, "reason"),
    ],
)
def test_a_block_that_cannot_be(house, user, reason, field):
    """Nobody blocks oneself or administrators; a reason is given."""
    with pytest.raises(tk.ValidationError) as refused:
        ask("city", "hljshare_applicant_block", user=user, reason=reason)
    assert field in refused.value.error_dict


def test_a_block_runs_out(house):
    """Its last day is a whole day; then another one can follow."""
    with pytest.raises(tk.ValidationError):
        ask("city", "hljshare_applicant_block", user="applicant", reason="r", until="2020-01-01")
    made = ask("city", "hljshare_applicant_block", user="applicant", reason="r", until="2099-01-01")
    assert made["until"] == "2099-01-02T00:00:00+08:00"
    with pytest.raises(tk.ValidationError):
        ask("city", "hljshare_applicant_block", user="applicant", reason="again")
    row = model.Session.query(ApplicantBlock).one()
    row.until = now() - timedelta(minutes=1)
    model.Session.commit()
    assert store.may_apply(person("applicant")) is None
    ask("city", "hljshare_applicant_block", user="applicant", reason="again")
    assert store.may_apply(person("applicant")) == "blocked"


@pytest.mark.parametrize("name", ["applicant", "handler", "approver", "outsider", None])
def test_only_administrators_above_agencies_block(house, name):
    """Neither by the API nor by the page."""
    for action, data in (
        ("hljshare_applicant_block", {"user": "stranger", "reason": "r"}),
        ("hljshare_applicant_unblock", {"user": "stranger"}),
        ("hljshare_applicant_block_list", {}),
    ):
        with pytest.raises(tk.NotAuthorized):
            ask(name, action, **data)


def test_the_page_of_blocks(app, house):
    """Block, see, lift; an error keeps what was written."""
    token = call_action("api_token_create", user="city", name="t", context={"ignore_auth": True})
    headers = {"Authorization": token["token"]}
    bad = app.post(
        "/desk/blocked",
        data={"user": "applicant", "reason": "", "do": "block"},
        headers=headers,
        status=400,
    )
    assert 'value="applicant"' in bad.body
    app.post("/desk/blocked", data={"user": "applicant", "reason": "<b>转让</b>"}, headers=headers)
    page = app.get("/desk/blocked", headers=headers)
    assert "&lt;b&gt;转让&lt;/b&gt;" in page.body
    app.post("/desk/blocked", data={"user": "applicant", "do": "unblock"}, headers=headers)
    assert store.may_apply(person("applicant")) is None
    other = call_action("api_token_create", user="handler", name="t", context={"ignore_auth": True})
    app.get("/desk/blocked", headers={"Authorization": other["token"]}, status=403)
