"""Connections that go only where the settings allow, end when their time is up, and trust a pinned
certificate where a source has one. No CKAN import.

The guard works where the connection is made: the name is resolved, every address is checked, and
the socket goes to a checked address; so neither a redirect nor a name that changes its mind between
check and use gets past it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(Exception):
    """The host resolves outside the allowed networks. No OSError: those are tried again."""


class PinError(Exception):
    """The server's certificate is not the one that was pinned."""


class Allowed(NamedTuple):
    """A network named in the settings, all of it or one port (None: every port)."""

    network: Network
    port: int | None = None


class Tls(NamedTuple):
    """What is special about one host's TLS.

    ``sha256``: fingerprints of its certificate in lower-case hex; with any, the certificate must be
    one of them and nothing else about it is asked. ``legacy``: TLS 1.0 and old ciphers may be used.
    """

    sha256: tuple[str, ...] = ()
    legacy: bool = False


class Clock(threading.local):
    """When the request that this thread is making must be over (`time.monotonic`)."""

    deadline: float | None = None


def parse_networks(value: str) -> tuple[Allowed, ...]:
    """Networks of a white-space or comma separated list: ``10.1.0.0/16``, ``127.0.0.1:5099``,
    ``[fd00::1]:80``. Raises ValueError on a wrong one."""
    return tuple(_parse_network(part) for part in value.replace(",", " ").split())


def _parse_network(part: str) -> Allowed:
    host, separator, port = part.rpartition(":")
    if separator and (host.endswith("]") or ":" not in host):
        if not 0 < int(port) < 65536:
            raise ValueError(f"no such port: {port}")
        return Allowed(ipaddress.ip_network(host.strip("[]"), strict=False), int(port))
    return Allowed(ipaddress.ip_network(part, strict=False))


def own_port(url: str) -> tuple[Allowed, ...]:
    """The one port of this machine that an address names, nothing for any other address."""
    parts = urlsplit(url)
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        ip = ipaddress.ip_address(host)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return ()
    return (Allowed(ipaddress.ip_network(ip), port),) if ip.is_loopback else ()


def is_allowed(address: str, allowed: Sequence[Allowed], port: int | None = None) -> bool:
    """True for an address on the public Internet or in a network named in the settings."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_allowed(str(ip.ipv4_mapped), allowed, port)
        if ip.sixtofour or ip.teredo or ip in _NAT64:  # an IPv4 address in disguise
            return False
    for named in allowed:
        same_kind = named.port in (None, port) and ip.version == named.network.version
        if same_kind and ip in named.network:
            return True
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def resolve(host: str, port: int, allowed: Sequence[Allowed]) -> list[str]:
    """All addresses of a host, if every one is allowed. Raises AddressRefusedError or OSError."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(is_allowed(a, allowed, port) for a in addresses):
        raise AddressRefusedError("address not in an allowed network")
    return addresses


def remaining(deadline: float | None, timeout: float | None) -> float | None:
    """The time-out of the next wait. Raises TimeoutError once the deadline has passed."""
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("out of time")
    return left if timeout is None else min(timeout, left)


class TimedSocket(socket.socket):
    """A socket that stops reading at a deadline, however steadily bytes drip in: a time-out alone
    begins anew with each of them.
    """

    deadline: float | None = None

    def recv_into(self, *args: Any, **named: Any) -> int:
        """As every socket's; raises TimeoutError at the deadline."""
        self.settimeout(remaining(self.deadline, self.gettimeout()))
        return super().recv_into(*args, **named)


class TimedSSLSocket(ssl.SSLSocket):
    """`TimedSocket` for TLS."""

    deadline: float | None = None

    def recv_into(self, *args: Any, **named: Any) -> int:
        """As every socket's; raises TimeoutError at the deadline."""
        self.settimeout(remaining(self.deadline, self.gettimeout()))
        return super().recv_into(*args, **named)


@lru_cache(maxsize=4)
def _context(pinned: bool, legacy: bool) -> ssl.SSLContext:
    """A context with all checks on; without them only where a pinned certificate is compared."""
    context = urllib3.util.create_urllib3_context(
        cert_reqs=ssl.CERT_NONE if pinned else ssl.CERT_REQUIRED
    )
    if not pinned:
        context.check_hostname = True
        context.load_default_certs()
    if legacy:
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
        context.options |= getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)
    context.sslsocket_class = TimedSSLSocket
    return context


def _connect(connection: Any, allowed: Sequence[Allowed], clock: Clock) -> socket.socket:
    """Open a connection's socket to a checked address of its host."""
    last: OSError | None = None
    for address in resolve(connection._dns_host, connection.port, allowed):
        try:
            plain = urllib3.util.connection.create_connection(
                (address, connection.port),
                remaining(clock.deadline, connection.timeout),
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            last = error
            continue
        timeout = plain.gettimeout()
        timed = TimedSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())
        timed.settimeout(timeout)
        return timed
    raise urllib3.exceptions.NewConnectionError(connection, "no connection") from last


def _time_limit(sock: Any, clock: Clock) -> None:
    sock.deadline = clock.deadline


def manager(
    allowed: Sequence[Allowed], clock: Clock, tls: Mapping[str, Tls]
) -> urllib3.PoolManager:
    """Pools of guarded connections. ``tls`` by host name in lower case."""

    class GuardedHTTP(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, allowed, clock)

        def getresponse(self) -> Any:
            _time_limit(self.sock, clock)
            return super().getresponse()

    class GuardedHTTPS(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, allowed, clock)

        def connect(self) -> None:
            special = tls.get(self.host.lower(), Tls())
            self.ssl_context = _context(bool(special.sha256), special.legacy)
            self.cert_reqs = self.ssl_context.verify_mode
            self.assert_hostname = False if special.sha256 else None
            super().connect()
            if special.sha256:
                _check_pin(self, special.sha256)
                self.is_verified = True

        def getresponse(self) -> Any:
            _time_limit(self.sock, clock)
            return super().getresponse()

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTP

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPS

    pools = urllib3.PoolManager(num_pools=8, maxsize=4)
    pools.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return pools


def _check_pin(connection: Any, pins: Sequence[str]) -> None:
    """Raises PinError before a byte of the request was sent."""
    shown = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"").hexdigest()
    if not any(hmac.compare_digest(shown, pin) for pin in pins):
        connection.close()
        raise PinError("another certificate")
