"""A notice reaches one person, once, together with what it tells about."""

from __future__ import annotations

from email import message_from_string, policy

import pytest
from ckan import model
from ckan.logic import NotAuthorized, NotFound, ValidationError
from ckan.tests import factories
from ckan.tests.helpers import call_action

from ckanext.hljshare.deadlines import notices, outbox
from ckanext.hljshare.deadlines.model import Notice, OutboxItem

KIND = "test.kind"


@pytest.fixture(autouse=True)
def _empty():
    for table in (Notice, OutboxItem):
        model.Session.query(table).delete()
    model.Session.commit()
    notices.register(KIND, "About {title}", "The dataset {title} has changed.\nReason: {reason}")


def put(user, key="k", link="/dataset/x", **params):
    made = notices.put(user["id"], key, KIND, params or {"title": "公交线路"}, link)
    model.Session.commit()
    return made


def listed(user, **more):
    return call_action("hljshare_notice_list", {"user": user["name"], "ignore_auth": False}, **more)


def read(user, **what):
    context = {"user": user["name"], "ignore_auth": False}
    return call_action("hljshare_notice_read", context, **what)


def test_a_notice_is_listed_with_its_words():
    user = factories.User()
    assert put(user)
    found = listed(user)
    assert (found["count"], found["unread"]) == (1, 1)
    notice = found["results"][0]
    assert notice["subject"] == "About 公交线路"
    assert notice["body"].endswith("Reason: ")  # a parameter that is missing leaves a gap
    assert notice["link"] == "/dataset/x"


def test_the_same_key_comes_once_to_each_person():
    one, two = factories.User(), factories.User()
    assert put(one)
    assert not put(one)
    assert put(two)
    assert put(one, key="other")
    assert (listed(one)["count"], listed(two)["count"]) == (2, 1)


def test_a_read_notice_does_not_come_again():
    user = factories.User()
    put(user)
    read(user, all=True)
    assert not put(user)
    assert listed(user)["unread"] == 0


def test_rollback_forgets_the_notice():
    user = factories.User()
    notices.put(user["id"], "k", KIND, {"title": "x"})
    model.Session.rollback()
    assert listed(user)["count"] == 0


def test_unread_come_first_and_pages_hold():
    user = factories.User()
    for n in range(5):
        put(user, key=str(n), title=str(n))
    newest = listed(user)["results"][0]
    assert newest["subject"] == "About 4"
    assert read(user, id=newest["id"]) == {"unread": 4, "link": "/dataset/x"}
    subjects = [notice["subject"] for notice in listed(user)["results"]]
    assert subjects == ["About 3", "About 2", "About 1", "About 0", "About 4"]
    assert [notice["subject"] for notice in listed(user, limit=2, offset=2)["results"]] == [
        "About 1",
        "About 0",
    ]
    assert listed(user, unread=True)["count"] == 4
    assert read(user, all=True)["unread"] == 0


def test_other_peoples_notices_are_out_of_reach():
    mine, other = factories.User(), factories.User()
    put(mine)
    notice = listed(mine)["results"][0]
    assert listed(other)["count"] == 0
    with pytest.raises(NotFound):
        read(other, id=notice["id"])
    assert read(other, all=True)["unread"] == 0
    assert listed(mine)["unread"] == 1
    with pytest.raises(NotFound):
        read(factories.Sysadmin(), id=notice["id"])


@pytest.mark.parametrize("action", ["hljshare_notice_list", "hljshare_notice_read"])
def test_visitors_have_no_inbox(action):
    with pytest.raises(NotAuthorized):
        call_action(action, {"user": "", "ignore_auth": False}, id="x")


@pytest.mark.parametrize("what", [{}, {"id": "x", "all": True}])
def test_one_notice_or_all(what):
    with pytest.raises(ValidationError):
        read(factories.User(), **what)


@pytest.mark.parametrize(
    "link", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\nBcc: a@b.c", "x"]
)
def test_links_lead_to_this_portal_only(link):
    with pytest.raises(ValueError):
        notices.put("u", "k", KIND, {}, link)


def test_a_kind_needs_words_and_keeps_them():
    with pytest.raises(KeyError):
        notices.put("u", "k", "test.wordless")
    with pytest.raises(ValueError):
        notices.register(KIND, "Other words", "")


class TestMail:
    @pytest.fixture(autouse=True)
    def _mail(self, ckan_config, monkeypatch):
        monkeypatch.setitem(ckan_config, "hljshare.mail.enabled", True)
        monkeypatch.setitem(ckan_config, "smtp.server", "mail.example.org")

    def sent(self, mail_server):
        return [
            (to, message_from_string(text, policy=policy.default))
            for _ip, _from, to, text in mail_server.get_smtp_messages()
        ]

    def test_goes_out_once(self, mail_server):
        user = factories.User(fullname="张三")
        put(user, reason="核查")
        assert self.sent(mail_server) == [], "not within the transaction"
        outbox.run()
        [(to, message)] = self.sent(mail_server)
        assert to == [model.User.get(user["id"]).email]
        assert message["Subject"] == "About"
        text = message.get_content()
        assert "Reason: 核查" in text
        assert "http://test.ckan.net/dataset/x" in text
        assert "http://test.ckan.net/my/notices" in text
        # A crash after sending: the item is worked again.
        notice = model.Session.query(Notice).one()
        notices.mail({"notice": notice.id})
        assert len(self.sent(mail_server)) == 1

    def test_subject_cannot_carry_a_header(self, mail_server):
        user = factories.User(fullname="张三\r\nCc: evil@example.org")
        put(user, title="x\r\nBcc: evil@example.org")
        outbox.run()
        [(to, message)] = self.sent(mail_server)
        assert len(to) == 1
        assert message["Bcc"] is None
        assert message["Cc"] is None
        assert message["Subject"] == "About x Bcc: evil@example.org"

    def test_the_gone_and_the_unreachable_are_skipped(self, mail_server):
        gone, addressless = factories.User(), factories.User()
        put(gone)
        put(addressless)
        model.User.get(gone["id"]).state = "deleted"
        model.User.get(addressless["id"]).email = None
        model.Session.commit()
        assert outbox.run().done == 2
        assert self.sent(mail_server) == []

    def test_a_server_that_is_down_is_tried_again(self, monkeypatch):
        def down(*_):
            raise ConnectionRefusedError

        monkeypatch.setattr("smtplib.SMTP", down)
        put(factories.User())
        assert outbox.run().retried == 1
        assert model.Session.query(Notice).one().emailed_at is None
        assert model.Session.query(OutboxItem).one().last_error == "MailerException"


def test_without_mail_nothing_is_promised():
    put(factories.User())
    assert outbox.status()["pending"] == 0


class TestPage:
    @pytest.fixture
    def user(self):
        return factories.UserWithToken()

    @pytest.fixture
    def headers(self, user):
        return {"Authorization": user["token"]}

    def test_visitors_are_asked_to_log_in(self, app):
        response = app.get("/my/notices", follow_redirects=False)
        assert response.status_code == 302
        assert "/user/login" in response.headers["location"]
        assert app.post("/my/notices/read", data={"all": "1"}).status_code in (403, 200)

    def test_shows_and_marks_as_read(self, app, user, headers):
        put(user, title="<b>公交</b>")
        page = app.get("/my/notices", headers=headers).body
        assert "About &lt;b&gt;公交&lt;/b&gt;" in page
        assert "/dataset/x" not in page.split("<main")[0]
        notice = listed(user)["results"][0]
        answer = app.post(
            "/my/notices/read",
            data={"id": notice["id"], "open": "1"},
            headers=headers,
            follow_redirects=False,
        )
        assert answer.headers["location"].endswith("/dataset/x")
        assert listed(user)["unread"] == 0

    def test_marks_all_as_read_and_comes_back(self, app, user, headers):
        put(user)
        put(user, key="2")
        answer = app.post(
            "/my/notices/read", data={"all": "1"}, headers=headers, follow_redirects=False
        )
        assert answer.headers["location"].endswith("/my/notices")
        assert listed(user)["unread"] == 0

    def test_other_peoples_notice_is_not_found(self, app, headers):
        put(factories.User())
        notice = model.Session.query(Notice).one()
        answer = app.post("/my/notices/read", data={"id": notice.id}, headers=headers)
        assert answer.status_code == 404
        model.Session.expire_all()
        assert model.Session.query(Notice).one().read_at is None

    def test_reading_needs_a_post(self, app, user, headers):
        put(user)
        assert app.get("/my/notices/read?all=1", headers=headers).status_code in (404, 405)
        assert listed(user)["unread"] == 1

    def test_an_empty_inbox_says_so(self, app, headers):
        assert 'class="empty"' in app.get("/my/notices", headers=headers).body

    def test_the_header_counts_what_is_unread(self, app, user, headers):
        for n in range(3):
            put(user, key=str(n))
        assert 'data-unread="3"' in app.get("/about", headers=headers).body
        assert "data-unread" not in app.get("/about").body
