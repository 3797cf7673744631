"""Links that verify an address."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ckanext.hljshare.requests.accounts import rules

KEY = b"k" * 32
NONCE = "0123456789abcdef" * 2
SENT = datetime(2026, 3, 2, 10, 0, tzinfo=timezone.utc)
TOKEN = rules.sign(KEY, "user-1", "zhang@example.org", NONCE)


def check(token=TOKEN, **changes):
    values = {
        "key": KEY,
        "user_id": "user-1",
        "address": "zhang@example.org",
        "nonce": NONCE,
        "sent_at": SENT,
        "now": SENT + timedelta(hours=1),
        **changes,
    }
    return rules.check(values.pop("key"), token, **values)


def test_the_link_that_was_sent():
    """It holds for a day, for the address however its letters are written."""
    assert check() == "ok"
    assert check(address=" Zhang@Example.org ") == "ok"
    assert check(now=SENT + timedelta(hours=24) - timedelta(seconds=1)) == "ok"
    assert check(now=SENT + timedelta(hours=24)) == "expired"
    assert check(now=SENT - timedelta(hours=1)) == "expired"


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "user-2"},
        {"address": "li@example.org"},
        {"nonce": "f" * 32},
        {"nonce": None},
        {"sent_at": None},
        {"key": b"x" * 32},
        {"token": ""},
        {"token": NONCE},
        {"token": TOKEN + "0"},
        {"token": TOKEN.upper()},
        {"token": f"{NONCE}.{'0' * 64}"},
        {"token": TOKEN.replace(NONCE, "f" * 32)},
        {"token": TOKEN + "\n"},
    ],
)
def test_any_other_link(changes):
    """Another person's, for another address, an older one, a used one, a made-up one."""
    assert check(**changes) == "wrong"


def test_who_writes_line_breaks_makes_no_other_link():
    """Parts of what is signed cannot be shifted into each other."""
    one = rules.sign(KEY, "a", "b@example.org", NONCE)
    other = rules.sign(KEY, "a\nb@example.org", "", NONCE)
    assert one != other


@pytest.mark.parametrize(
    ("sent_at", "sends", "now", "answer"),
    [
        (None, 0, SENT, "ok"),
        (SENT, 1, SENT + timedelta(seconds=119), "wait"),
        (SENT, 1, SENT + timedelta(seconds=120), "ok"),
        (SENT, 5, SENT + timedelta(hours=1), "day"),
        (SENT, 5, SENT + timedelta(hours=6), "ok"),  # 00:00 in China has passed
        (SENT, 1, SENT - timedelta(days=1), "ok"),  # the clock went back
    ],
)
def test_how_often_a_mail_is_sent(sent_at, sends, now, answer):
    """Nobody's inbox is filled through the portal."""
    assert rules.may_send(sent_at, sends, now) == answer


def test_nothing_is_no_address():
    """Two accounts without an address do not have the same one."""
    assert not rules.same("", "")
    assert not rules.same(None, "a@example.org")
    assert rules.same("A@example.org", "a@EXAMPLE.org ")
