"""Limits of use are announced, kept, and never in the way of a fault."""

from __future__ import annotations

import json
import re

import pytest
from ckan.tests import factories

from ckanext.hljshare.feeds.api import limits

SEARCH = "/api/3/action/package_search?rows=0"


@pytest.fixture
def limit(ckan_config, monkeypatch, fresh_counters):
    """Set the limits: without a token, and with one."""

    def to(anonymous: int, key: int = 1000) -> None:
        monkeypatch.setitem(ckan_config, "hljshare.api.rate_anonymous", anonymous)
        monkeypatch.setitem(ckan_config, "hljshare.api.rate_key", key)

    return to


@pytest.fixture(autouse=True)
def one_minute(monkeypatch):
    """Keep a test in one window, whenever it runs; what one does not count, the next does."""
    monkeypatch.setitem(limits._pause, "until", 0.0)
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_010.0)


def left(answer) -> int:
    return int(re.search(r";r=(\d+);", answer.headers["RateLimit"])[1])


def test_every_answer_tells_what_is_left(app, limit):
    limit(5)
    first, second = app.get(SEARCH), app.get(SEARCH)
    assert first.headers["RateLimit-Policy"] == '"address";q=5;w=60'
    assert (left(first), left(second)) == (4, 3)
    assert "Retry-After" not in second.headers


def test_one_too_many_is_told_in_chinese_when_to_come_again(app, limit):
    limit(2)
    for _ in range(2):
        assert app.get(SEARCH).status_code == 200
    answer = app.get(SEARCH)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "50"
    assert "no-store" in answer.headers["Cache-Control"]
    found = json.loads(answer.body)
    assert found["success"] is False
    assert found["error"]["__type"] == "Rate Limit Error"
    assert "每分钟最多 2 次" in found["error"]["message"]


@pytest.mark.parametrize("path", ["/catalog.ttl", "/catalog-list.csv", "/dataset/bus.ttl",
                                  "/sitemap.xml", "/catalog.json", "/dataset/bus.json",
                                  "/api/docs/openapi.json",
                                  "/api/3/action/nothing-there"])  # fmt: skip
def test_feeds_and_lists_count_too(app, limit, path):
    limit(1)
    app.get(SEARCH)
    assert app.get(path).status_code == 429


@pytest.mark.parametrize("path", ["/", "/about", "/api/docs"])
def test_pages_do_not(app, limit, path):
    limit(1)
    for _ in range(3):
        answer = app.get(path)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


def test_downloads_do_not_as_the_description_says(app, limit, catalog):
    limit(1)
    file = f"/dataset/{catalog.bus}/resource/{catalog.file}"
    for path in (f"{file}/download", f"{file}/data.json", f"{file}/data.csv"):
        answer = app.get(path)
        assert answer.status_code == 200
        assert answer.data  # read to its end, as it is made while it is sent
        assert "RateLimit" not in answer.headers


def test_a_token_has_a_limit_of_its_own(app, limit):
    limit(1, 3)
    person, other = factories.UserWithToken(), factories.UserWithToken()
    app.get(SEARCH)
    answers = [app.get(SEARCH, headers={"Authorization": person["token"]}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert app.get(SEARCH, headers={"Authorization": other["token"]}).status_code == 200


def test_a_token_that_is_none_counts_for_the_address(app, limit):
    limit(1)
    app.get(SEARCH)
    for wrong in ("a", "b"):
        assert app.get(SEARCH, headers={"Authorization": wrong}).status_code == 429


def test_addresses_are_told_apart_behind_the_proxy_only(app, limit):
    """Nobody gets another quota by a header of their own."""
    limit(1)

    def ask(remote: str, forwarded: str) -> int:
        environ = {"REMOTE_ADDR": remote}
        headers = {"X-Forwarded-For": forwarded}
        return app.get(SEARCH, headers=headers, environ_overrides=environ).status_code

    assert ask("127.0.0.1", "203.0.113.1") == 200
    assert ask("127.0.0.1", "203.0.113.2") == 200
    assert ask("127.0.0.1", "198.51.100.9, 203.0.113.2") == 429
    assert ask("203.0.113.7", "203.0.113.8") == 200
    assert ask("203.0.113.7", "203.0.113.9") == 429


def test_no_limit_is_none(app, limit):
    limit(0)
    for _ in range(3):
        answer = app.get(SEARCH)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers


def test_a_preflight_costs_nothing(app, limit):
    limit(1)
    for _ in range(3):
        app.options(SEARCH, headers={"Access-Control-Request-Method": "GET"})
    assert app.get(SEARCH).status_code == 200


def test_without_redis_nobody_is_refused(app, limit, ckan_config, monkeypatch):
    """A Redis that is really not there: a port where nobody listens."""
    import redis

    limit(1)
    gone = redis.Redis(host="127.0.0.1", port=1)
    monkeypatch.setattr(limits, "connect_to_redis", lambda: gone)
    for _ in range(3):
        answer = app.get(SEARCH)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
