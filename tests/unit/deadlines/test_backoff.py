"""How long the outbox waits between attempts."""

from datetime import timedelta

import pytest

from ckanext.hljshare.deadlines import backoff


def test_waits_double_from_a_minute_to_six_hours():
    minutes = [backoff.wait(n) / timedelta(minutes=1) for n in range(1, 12)]
    assert minutes == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]


def test_a_mail_server_may_be_down_for_two_days():
    attempts = next(n for n in range(1, 1000) if backoff.exhausted(n))
    waited = sum((backoff.wait(n) for n in range(1, attempts)), timedelta())
    assert timedelta(days=2) < waited < timedelta(days=7)


def test_attempts_are_counted_from_one():
    with pytest.raises(ValueError):
        backoff.wait(0)


def test_even_a_million_attempts_have_a_wait():
    assert backoff.wait(1_000_000) == backoff.LONGEST
