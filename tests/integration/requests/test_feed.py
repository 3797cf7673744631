"""A handler's deadlines in his calendar program, by a secret address."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from ckan import model
from ckan.tests import factories
from ckan.tests.helpers import call_action
from icalendar import Calendar

from ckanext.hljshare.requests import feed_tokens


@pytest.fixture
def handler(clean_db, clean_index):
    user = factories.UserWithToken(name="handler")
    people = [{"name": "handler", "capacity": "editor"}]
    factories.Organization(name="harbin", title="哈尔滨市", level="city")
    factories.Organization(
        name="harbin-jtysj",
        title="交通运输局",
        level="agency",
        groups=[{"name": "harbin"}],
        users=people,
    )
    return user


@pytest.fixture
def due(handler):
    """A collection task that the handler's agency owes; its due date."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    admin = factories.User()
    site = {"user": call_action("get_site_user")["name"], "ignore_auth": True}
    call_action(
        "organization_member_create", site, id="harbin", username=admin["name"], role="admin"
    )
    call_action(
        "hljshare_collection_create",
        {"user": admin["name"], "ignore_auth": False},
        subject="cases",
        title="办件信息",
        purpose="x",
        basis="x",
        fields="x",
        processing="x",
        format="CSV",
        period_from=(today - timedelta(days=30)).isoformat(),
        period_to=(today - timedelta(days=1)).isoformat(),
        due=(today + timedelta(days=12)).isoformat(),
        agencies=["harbin-jtysj"],
    )
    return today + timedelta(days=12)


def address_of(user):
    token = feed_tokens.renew(user["id"])
    model.Session.commit()
    return f"/desk/deadlines/{token}.ics"


def test_reads_without_a_session_what_is_owed(app, handler, due):
    answer = app.get(address_of(handler))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/calendar")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "noindex" in answer.headers["X-Robots-Tag"]
    [event] = Calendar.from_ical(answer.data).walk("VEVENT")
    assert event.decoded("dtstart") == due
    assert "办件信息" in event["summary"]
    assert event["url"].startswith("http://test.ckan.net/collection/SJ-")


def test_the_request_that_a_handler_owes_is_there_too(app, handler, monkeypatch):
    from ckanext.hljshare.requests import feed_views

    entry = {
        "number": "SQ-2026-000001",
        "name": "公交客流",
        "due": date(2026, 4, 10),
        "version": 2,
        "link": "/request/SQ-2026-000001",
    }
    monkeypatch.setattr(feed_views.reading, "deadlines_of", lambda _user: [entry])
    [event] = Calendar.from_ical(app.get(address_of(handler)).data).walk("VEVENT")
    assert event["url"] == "http://test.ckan.net/request/SQ-2026-000001"


def test_a_renewed_address_ends_the_old_one(app, handler):
    old = address_of(handler)
    new = address_of(handler)
    assert app.get(old).status_code == 404
    assert app.get(new).status_code == 200
    feed_tokens.revoke(handler["id"])
    model.Session.commit()
    assert app.get(new).status_code == 404


def test_who_is_gone_has_no_feed(app, handler):
    address = address_of(handler)
    model.User.get(handler["id"]).state = "deleted"
    model.Session.commit()
    assert app.get(address).status_code == 404


def test_what_is_no_token_is_not_found(app, handler):
    token = address_of(handler).split("/")[-1].removesuffix(".ics")
    forged = [token[:-1] + ("0" if token[-1] != "0" else "1"), token[:32], token[:32] + "0" * 64]
    for text in (*forged, "x", "0" * 96, handler["id"], "%00", token.upper()):
        assert app.get(f"/desk/deadlines/{text}.ics").status_code == 404
    assert app.post(f"/desk/deadlines/{token}.ics").status_code == 405


def test_the_database_alone_opens_no_feed(handler):
    token = feed_tokens.renew(handler["id"])
    row = model.Session.query(feed_tokens.FeedToken).one()
    assert row.nonce in token
    assert len(token) - len(row.nonce) == 64
    assert feed_tokens.user_of(row.nonce) is None


def test_another_installations_address_is_none_here(handler, monkeypatch, ckan_config):
    token = feed_tokens.renew(handler["id"])
    assert feed_tokens.user_of(token).id == handler["id"]
    monkeypatch.setitem(ckan_config, "SECRET_KEY", "y" * 40)
    assert feed_tokens.user_of(token) is None


class TestPage:
    def test_makes_shows_and_takes_away(self, app, handler):
        headers = {"Authorization": handler["token"]}
        assert ".ics" not in app.get("/desk/deadlines", headers=headers).body
        app.post("/desk/deadlines", data={"do": "renew"}, headers=headers)
        first = feed_tokens.current(handler["id"])
        answer = app.get("/desk/deadlines", headers=headers)
        assert f"/desk/deadlines/{first}.ics" in answer.body
        assert "no-store" in answer.headers["Cache-Control"]
        app.post("/desk/deadlines", data={"do": "renew"}, headers=headers)
        assert feed_tokens.current(handler["id"]) not in (None, first)
        app.post("/desk/deadlines", data={"do": "end"}, headers=headers)
        assert feed_tokens.current(handler["id"]) is None

    def test_is_for_the_staff_of_agencies(self, app, handler):
        other = factories.UserWithToken()
        page = app.get("/desk/deadlines", headers={"Authorization": other["token"]})
        assert page.status_code == 403
        assert app.get("/desk/deadlines", follow_redirects=False).status_code == 302
        made = app.post("/desk/deadlines", headers={"Authorization": other["token"]})
        assert made.status_code == 403
        assert feed_tokens.current(other["id"]) is None
