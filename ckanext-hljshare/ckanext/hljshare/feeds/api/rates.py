"""How much one caller may ask for: windows of a minute, told by headers. Pure.

Headers after draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` names quota (q) and window
(w, seconds), `RateLimit` what remains (r) and for how many seconds (t) until it is full again.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

WINDOW = 60  # seconds
_V6_SITE = 64  # bits: what one subscriber gets
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Caller:
    """Whose requests are counted together: `name` of the quota (``address`` or ``key``), `key`
    the address or the account, `limit` requests a window (0: no limit)."""

    name: str
    key: str
    limit: int


@dataclass(frozen=True)
class Standing:
    """Where a caller stands: `used` in the window, this request too; `reset` seconds until it
    ends."""

    caller: Caller
    used: int
    reset: int

    @property
    def refused(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.caller.limit

    def headers(self) -> dict[str, str]:
        """What every answer tells; a refusal also when to come again."""
        name, limit = self.caller.name, self.caller.limit
        found = {
            "RateLimit-Policy": f'"{name}";q={limit};w={WINDOW}',
            "RateLimit": f'"{name}";r={max(0, limit - self.used)};t={self.reset}',
        }
        if self.refused:
            found["Retry-After"] = str(self.reset)
        return found


def window(now: float) -> tuple[int, int]:
    """Number of the window of a moment (seconds since 1970), and the seconds until it ends (1 to
    `WINDOW`)."""
    number = int(now // WINDOW)
    return number, max(1, min(WINDOW, round((number + 1) * WINDOW - now)))


def networks(text: str) -> list[Network]:
    """The networks in a setting, separated by blanks. Raises ValueError for what is none."""
    return [ipaddress.ip_network(part, strict=False) for part in text.replace(",", " ").split()]


def client(remote: str, forwarded: str, trusted: Iterable[Network]) -> str:
    """The address that a request came from: what its connection says, unless that is one of the
    `trusted` proxies. Then what the proxies saw: the last address of X-Forwarded-For that is none
    of them. What stands before it was written by the client, and is not believed. A connection
    without an address is a socket of this machine, which only its own proxy reaches."""
    known = list(trusted)
    address = _address(remote)
    believed = not remote
    for text in reversed(forwarded.split(",")):
        if address is not None:
            believed = any(_within(address, network) for network in known)
        if not believed:
            break
        seen = _address(text)
        if seen is None:
            break
        address = seen
    return _together(address) if address else "unknown"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: Network) -> bool:
    return address.version == network.version and address in network


def _together(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 6:
        return str(ipaddress.ip_network((int(address), _V6_SITE), strict=False))
    return str(address)
