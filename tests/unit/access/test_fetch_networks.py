"""What the portal may fetch: the public Internet, and no more of the inside than is named."""

from __future__ import annotations

import pytest

from ckanext.hljshare.safety.fetch import (
    Fetcher,
    SourceError,
    is_allowed,
    own_port,
    parse_networks,
)

INSIDE = [
    "http://127.0.0.1:1/",
    "http://2130706433:1/",
    "http://0x7f000001:1/",
    "http://0177.0.0.1:1/",
    "http://localhost:1/",
    "http://[::1]:1/",
    "http://[::ffff:127.0.0.1]:1/",
    "http://[::ffff:7f00:1]:1/",
    "http://[64:ff9b::7f00:1]:1/",
    "http://[2002:7f00:1::]:1/",
    "http://0.0.0.0:1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://user@127.0.0.1:1/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:1/",
    "ftp://127.0.0.1/",
    "//127.0.0.1/",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_however_it_is_written(address):
    """Decimal, octal, mapped, tunnelled: all mean this machine or its network."""
    with pytest.raises(SourceError, match="address-refused"):
        Fetcher().stream(address)


def test_a_named_port_opens_no_other():
    """The demo source may be read; the index and the databases beside it may not."""
    allowed = parse_networks("127.0.0.1:5099 [::1]:80 10.0.0.0/8")
    assert is_allowed("127.0.0.1", allowed, 5099)
    assert is_allowed("::ffff:127.0.0.1", allowed, 5099)
    assert not is_allowed("127.0.0.1", allowed, 8983)
    assert not is_allowed("127.0.0.2", allowed, 5099)
    assert is_allowed("::1", allowed, 80)
    assert is_allowed("10.2.3.4", allowed, 5432)


@pytest.mark.parametrize("wrong", ["127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "10.0.0.0/64"])
def test_a_wrong_setting_is_refused(wrong):
    """Rather no start than a network too many."""
    with pytest.raises(ValueError):
        parse_networks(wrong)


@pytest.mark.parametrize(
    ("typed", "address", "port", "expected"),
    [
        ("http://127.0.0.1:9000/odweb", "127.0.0.1", 9000, True),
        ("http://localhost:9000/odweb", "127.0.0.1", 9000, True),
        ("http://127.0.0.1/list.xlsx", "127.0.0.1", 80, True),
        ("http://127.0.0.1:9000/odweb", "127.0.0.1", 8983, False),
        ("http://169.254.169.254/latest", "169.254.169.254", 80, False),
        ("http://10.0.0.5:9000/odweb", "10.0.0.5", 9000, False),
        ("http://data.example.gov.cn/odweb", "127.0.0.1", 80, False),
        ("/srv/list.xlsx", "127.0.0.1", 80, False),
    ],
)
def test_an_address_typed_here_opens_its_own_port_of_this_machine_alone(
    typed, address, port, expected
):
    """The command line may read this machine; a redirect or link to another port may not."""
    assert is_allowed(address, own_port(typed), port) is expected
