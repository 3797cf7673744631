"""Fetching from elsewhere: time limits, size caps, no way into networks the settings do not name.

No CKAN import. The guard works where the connection is made: the name is resolved, every address is
checked, and the socket goes to a checked address; so neither a redirect nor a name that changes its
mind between check and use gets past it. Messages never hold an address: they reach reports.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
CHUNK = 64 * 1024
# urllib3 writes the path of what it tries again into its warnings; it may be a protected one.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class SourceError(Exception):
    """A source that does not answer as it should; `reason` is `code` or `code: detail`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AddressRefusedError(Exception):
    """The host resolves outside the allowed networks. No OSError: those are tried again."""


class Allowed(NamedTuple):
    """A network named in the settings, all of it or one port (None: every port)."""

    network: Network
    port: int | None = None


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


def _connect(connection: Any, allowed: Sequence[Allowed]) -> socket.socket:
    """Open a connection's socket to a checked address of its host."""
    last: OSError | None = None
    for address in resolve(connection._dns_host, connection.port, allowed):
        try:
            return urllib3.util.connection.create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            last = error
    raise urllib3.exceptions.NewConnectionError(connection, "no connection") from last


def _manager(allowed: Sequence[Allowed]) -> urllib3.PoolManager:
    class GuardedHTTP(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, allowed)

    class GuardedHTTPS(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _connect(self, allowed)

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTP

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPS

    manager = urllib3.PoolManager(num_pools=8, maxsize=4)
    manager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return manager


@dataclass(frozen=True)
class Download:
    """What was written to disk."""

    size: int
    sha256: str
    content_type: str


@dataclass(frozen=True)
class Opened:
    """An answer that is still coming: status, headers, and the bytes as they arrive."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@dataclass
class Fetcher:
    """Reads from a source.

    `local_files`: only the command line may read from this machine's disk. `max_bytes` caps each
    answer; `max_seconds` a whole download, `read_timeout` each wait for bytes (seconds).
    """

    allowed: Sequence[Allowed] = ()
    max_bytes: int = 200 * 1024 * 1024
    connect_timeout: float = 10
    read_timeout: float = 60
    max_seconds: float = 600
    local_files: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: {"User-Agent": "hljshare-ingest"})

    def __post_init__(self) -> None:
        self._http = _manager(self.allowed)
        self._retries = urllib3.Retry(
            total=3,
            redirect=5,
            backoff_factor=0.3,
            status_forcelist=(429, 502, 503, 504),
            allowed_methods=None,
        )

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> bytes:
        """The whole answer to a GET (or a local file). Raises SourceError."""
        path = self.local_path(url)
        if path is not None:
            return self._read_local(path)
        address = url + ("&" if "?" in url else "?") + urlencode(params) if params else url
        return b"".join(self._stream("GET", address)[1])

    def post_form(self, url: str, form: Mapping[str, Any]) -> bytes:
        """The whole answer to a form POST. Raises SourceError."""
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return b"".join(self._stream("POST", url, urlencode(form).encode(), headers)[1])

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a message, once: no redirect is followed, nothing is tried again, the answer is not
        read. Return its status, which is 2xx. Raises SourceError.
        """
        if self.local_path(url) is not None:
            raise SourceError("address-refused: file")

        def send() -> urllib3.BaseHTTPResponse:
            return self._http.request(
                "POST",
                url,
                body=body,
                headers={**self.headers, **headers},
                preload_content=False,
                timeout=urllib3.Timeout(connect=self.connect_timeout, read=self.read_timeout),
                retries=False,
                redirect=False,
            )

        response = _translated(send)
        response.close()
        if not 200 <= response.status < 300:
            raise SourceError(f"unreachable: HTTP {response.status}")
        return int(response.status)

    def stream(self, url: str) -> Iterator[bytes]:
        """The answer to a GET in chunks; it is sent before this returns. Raises SourceError."""
        return self.open(url).chunks

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Opened:
        """The answer to a GET with its status and headers, as it comes. Raises SourceError."""
        if self.local_path(url) is not None:
            raise SourceError("address-refused: file")
        response = self._send("GET", url, headers=headers)
        return Opened(response.status, response.headers, self._chunks(response))

    def download(self, url: str, target: BinaryIO) -> Download:
        """Write the answer to an open file, counting and hashing. Raises SourceError."""
        content_type = ""
        path = self.local_path(url)
        chunks: Iterator[bytes]
        if path is not None:
            chunks = iter((self._read_local(path),))
        else:
            content_type, chunks = self._stream("GET", url)
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        target.flush()
        return Download(size, digest.hexdigest(), content_type)

    def local_path(self, url: str) -> Path | None:
        """The file an address means, None for the network. Raises SourceError where not allowed."""
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            return None
        if not self.local_files or parts.scheme not in ("", "file"):
            raise SourceError("address-refused: " + (parts.scheme or "file"))
        return Path(unquote(parts.path) if parts.scheme == "file" else url)

    def _read_local(self, path: Path) -> bytes:
        try:
            if path.stat().st_size > self.max_bytes:
                raise SourceError("unreachable: too large")
            return path.read_bytes()
        except OSError as error:
            raise SourceError(f"unreachable: {error.strerror}") from error

    def _stream(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[str, Iterator[bytes]]:
        response = self._send(method, url, body, headers)
        return response.headers.get("Content-Type", ""), self._chunks(response)

    def _send(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        def send() -> urllib3.BaseHTTPResponse:
            return self._http.request(
                method,
                url,
                body=body,
                headers={**self.headers, **(headers or {})},
                preload_content=False,
                timeout=urllib3.Timeout(connect=self.connect_timeout, read=self.read_timeout),
                retries=self._retries,
            )

        response = _translated(send)
        if response.status >= 400:
            response.release_conn()
            raise SourceError(f"unreachable: HTTP {response.status}")
        return response

    def _chunks(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        deadline, size = time.monotonic() + self.max_seconds, 0
        try:
            while chunk := _translated(lambda: response.read(CHUNK)):
                size += len(chunk)
                if size > self.max_bytes:
                    raise SourceError("unreachable: too large")
                if time.monotonic() > deadline:
                    raise SourceError("unreachable: too slow")
                yield chunk
        finally:
            response.close()


def _translated(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except AddressRefusedError:
        raise SourceError("address-refused: private network") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise SourceError(f"unreachable: {_name(error)}") from None


def _name(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return type(reason if isinstance(reason, BaseException) else error).__name__
