"""A notice reaches the gateway of text messages: signed, once, and nowhere but there."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ckan.plugins.toolkit as tk
import pytest
from ckan import model
from ckan.tests import factories

from ckanext.hljshare.access import webhook as sender
from ckanext.hljshare.deadlines import calendars, notices, outbox, webhook
from ckanext.hljshare.deadlines.model import Notice, OutboxItem

SECRET = "a-secret-of-the-gateway-0123456789abcdef"


class Gateway(ThreadingHTTPServer):
    """A real server that answers as it is told and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Any] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers.items()), body))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if answer == "slow":
            time.sleep(1.5)
            answer = 200
        self.send_response(answer)
        if 300 <= answer < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def _empty():
    for table in (Notice, OutboxItem):
        model.Session.query(table).delete()
    model.Session.commit()


@pytest.fixture
def gateway(monkeypatch, ckan_config):
    server = Gateway()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    monkeypatch.setitem(ckan_config, "hljshare.webhook.url", f"http://127.0.0.1:{port}/sms")
    monkeypatch.setitem(ckan_config, "hljshare.webhook.secret", SECRET)
    monkeypatch.setitem(ckan_config, "hljshare.webhook.allowed_networks", f"127.0.0.1:{port}")
    yield server
    server.shutdown()
    server.server_close()


def put(user, key="k", link="/calendar"):
    notices.put(user["id"], key, calendars.MISSING, {"year": "2027"}, link)
    model.Session.commit()


@contextmanager
def later(minutes):
    """What is due so many minutes from now."""
    yield datetime.now(timezone.utc) + timedelta(minutes=minutes)


def test_says_what_and_to_whom_in_chinese_and_nothing_else(gateway):
    user = factories.User(fullname="张三", email="zhangsan@example.org")
    put(user)
    assert gateway.got == [], "not within the transaction"
    assert outbox.run().done == 1
    [(headers, body)] = gateway.got
    said = json.loads(body)
    notice = model.Session.query(Notice).one()
    assert set(said) == {"id", "kind", "user", "subject", "text", "link", "created"}
    assert (said["id"], said["kind"], said["user"]) == (notice.id, "calendar.missing", user["name"])
    assert said["subject"] == "缺少 2027 年放假安排"
    assert said["link"] == "http://test.ckan.net/calendar"
    assert "张三" not in body.decode()
    assert "example.org" not in body.decode()
    assert headers["Idempotency-Key"] == notice.id


def test_the_gateway_can_verify_it(gateway):
    put(factories.User())
    outbox.run()
    [(headers, body)] = gateway.got
    stamp, signature = headers["X-Hljshare-Timestamp"], headers["X-Hljshare-Signature"]
    now = datetime.now(timezone.utc)
    check = webhook.is_genuine
    assert check(SECRET.encode(), stamp, body, signature, now)
    assert not check(b"another", stamp, body, signature, now)
    assert not check(SECRET.encode(), str(int(stamp) + 1), body, signature, now)
    assert not check(SECRET.encode(), stamp, body + b" ", signature, now)
    assert not check(SECRET.encode(), stamp, body, "sha256=é", now)
    assert not check(SECRET.encode(), stamp, body, signature, now + timedelta(minutes=6))


def test_is_tried_again_until_it_arrives_and_then_no_more(gateway):
    gateway.answers = [500, 200]
    put(factories.User())
    assert outbox.run().retried == 1
    assert outbox.run().done == 0, "not before its wait is over"
    with later(2) as at:
        assert outbox.run(at=at).done == 1
    with later(600) as at:
        assert outbox.run(at=at).done == 0
    keys = [headers["Idempotency-Key"] for headers, _body in gateway.got]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_notice_put_twice_is_sent_once(gateway):
    user = factories.User()
    put(user)
    put(user)
    outbox.run()
    assert len(gateway.got) == 1


def test_a_rollback_sends_nothing(gateway):
    notices.put(factories.User()["id"], "k", calendars.MISSING, {"year": "2027"})
    model.Session.rollback()
    outbox.run()
    assert gateway.got == []


def test_a_silent_gateway_does_not_stop_the_outbox(gateway, monkeypatch):
    monkeypatch.setattr(sender, "READ_SECONDS", 0.3)
    gateway.answers = ["slow"]
    put(factories.User())
    begun = time.monotonic()
    assert outbox.run().retried == 1
    assert time.monotonic() - begun < 1.4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(gateway, status):
    gateway.answers = [status]
    put(factories.User())
    assert outbox.run().retried == 1
    assert len(gateway.got) == 1
    assert gateway.asked == []


def test_an_address_that_is_not_allowed_gets_nothing(gateway, monkeypatch, ckan_config):
    monkeypatch.setitem(ckan_config, "hljshare.webhook.allowed_networks", "")
    put(factories.User())
    assert outbox.run().retried == 1
    assert gateway.got == []


def test_who_is_gone_is_not_written_to(gateway):
    user = factories.User()
    put(user)
    model.User.get(user["id"]).state = "deleted"
    model.Session.commit()
    assert outbox.run().done == 1
    assert gateway.got == []


def test_without_a_webhook_nothing_is_promised():
    put(factories.User())
    assert outbox.status()["pending"] == 0


@pytest.mark.parametrize(
    ("url", "secret", "wrong"),
    [
        ("https://sms.example.org/", "short", "hljshare.webhook.secret"),
        ("https://sms.example.org/", "", "hljshare.webhook.secret"),
        ("file:///etc/passwd", SECRET, "hljshare.webhook.url"),
        ("https://", SECRET, "hljshare.webhook.url"),
    ],
)
def test_the_portal_does_not_start_with_a_webhook_nobody_can_verify(url, secret, wrong):
    with pytest.raises(tk.ValidationError) as error:
        webhook.check({"hljshare.webhook.url": url, "hljshare.webhook.secret": secret})
    assert set(error.value.error_dict) == {wrong}


def test_it_starts_without_one():
    webhook.check({})
    webhook.check(
        {"hljshare.webhook.url": "https://sms.example.org/", "hljshare.webhook.secret": SECRET}
    )
