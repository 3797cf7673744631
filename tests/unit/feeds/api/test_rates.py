"""Who is counted together, and what a caller is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.feeds.api import rates

PROXIES = rates.networks("127.0.0.1 ::1 10.0.0.0/8")


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("203.0.113.5", "", "203.0.113.5"),
        # Nobody invents an address for himself.
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),
        # Behind the proxy: what it saw.
        ("127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        # Two proxies.
        ("127.0.0.1", "203.0.113.5, 10.1.2.3", "203.0.113.5"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5, nonsense", "127.0.0.1"),
        ("::ffff:127.0.0.1", "203.0.113.5", "203.0.113.5"),
        # One subscriber has a whole /64 of version 6.
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", "", "unknown"),
        # By a socket of the machine: what its proxy saw.
        ("", "203.0.113.5", "203.0.113.5"),
        ("", "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("nonsense", "203.0.113.5", "unknown"),
    ],
)
def test_the_address_is_that_of_the_connection_or_what_the_proxy_saw(remote, forwarded, expected):
    assert rates.client(remote, forwarded, PROXIES) == expected


@given(st.ip_addresses(), st.text(alphabet="0123456789., :abcdef", max_size=60))
def test_whoever_is_no_proxy_is_counted_by_the_connection_whatever_is_sent(address, forwarded):
    alone = rates.client(str(address), "", [])
    assert rates.client(str(address), forwarded, []) == alone


@given(st.text(max_size=60))
def test_behind_the_proxy_nothing_that_a_client_writes_before_counts(invented):
    sent = f"{invented}, 203.0.113.5"
    assert rates.client("127.0.0.1", sent, PROXIES) == "203.0.113.5"


@given(st.floats(min_value=0, max_value=4e9))
def test_a_window_ends_within_a_minute(now):
    number, reset = rates.window(now)
    assert 1 <= reset <= rates.WINDOW
    assert number * rates.WINDOW <= now < (number + 1) * rates.WINDOW


def test_the_headers_tell_the_quota_and_what_remains():
    caller = rates.Caller("address", "203.0.113.5", 100)
    standing = rates.Standing(caller, used=40, reset=12)
    assert not standing.refused
    assert standing.headers() == {
        "RateLimit-Policy": '"address";q=100;w=60',
        "RateLimit": '"address";r=60;t=12',
    }


def test_one_too_many_is_told_when_to_come_again():
    caller = rates.Caller("key", "u", 100)
    assert not rates.Standing(caller, used=100, reset=12).refused
    over = rates.Standing(caller, used=101, reset=12)
    assert over.refused
    assert over.headers()["Retry-After"] == "12"
    assert over.headers()["RateLimit"] == '"key";r=0;t=12'
