"""Fetching from elsewhere: time limits, size caps, no way into networks the settings do not name.

No CKAN import. Where a connection may go is decided in `connections`, at each connection, so that
redirects are checked too. Messages never hold an address: they reach reports.
"""

from __future__ import annotations

import hashlib
import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlencode, urljoin, urlsplit

import urllib3

from . import connections, pace
from .connections import (
    AddressRefusedError,
    Allowed,
    Network,
    PinError,
    Tls,
    is_allowed,
    own_port,
    parse_networks,
    resolve,
)

__all__ = [
    "AddressRefusedError",
    "Allowed",
    "Answer",
    "Download",
    "Fetcher",
    "Network",
    "Opened",
    "SourceError",
    "Tls",
    "is_allowed",
    "own_port",
    "parse_networks",
    "resolve",
]
CHUNK = 64 * 1024
TRIES = 4
MAX_REDIRECTS = 5
TRY_AGAIN = (429, 502, 503, 504)
# What another host may see of our headers when a redirect leads there; all others stay behind.
_PLAIN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "if-modified-since",
        "if-none-match",
        "range",
        "user-agent",
    }
)
_COMPRESSED = {"Accept-Encoding": "gzip, deflate"}
_VERIFY = {10: "expired", 18: "self-signed", 19: "self-signed", 62: "other name", 64: "other name"}
_PACE = pace.Pace()
# urllib3 writes the path of what it tries again into its warnings; it may be a protected one.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


class SourceError(Exception):
    """A source that does not answer as it should; `reason` is `code` or `code: detail`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _BrokenError(SourceError):
    """The answer broke off: worth another try."""


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


@dataclass(frozen=True)
class Answer:
    """A whole answer, inflated where it came compressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str | None:
        """What to give `Fetcher.get_if_changed` next time."""
        return self.headers.get("ETag")

    @property
    def last_modified(self) -> str | None:
        """What to give `Fetcher.get_if_changed` next time."""
        return self.headers.get("Last-Modified")


@dataclass
class Fetcher:
    """Reads from a source.

    `local_files`: only the command line may read from this machine's disk. `max_bytes` caps each
    answer (inflated); `max_seconds` a whole exchange from the first connection to the last byte,
    with its redirects, second tries and waits; `read_timeout` each wait for bytes (seconds).
    `rate`: requests a second to one host, None for no limit. `max_wait`: the longest Retry-After
    that is obeyed (seconds); who asks for more is not asked again in this run. `tls`: what is
    special about a host's certificate, by its name in lower case; there is no switch that turns
    checks off.
    """

    allowed: Sequence[Allowed] = ()
    max_bytes: int = 200 * 1024 * 1024
    connect_timeout: float = 10
    read_timeout: float = 60
    max_seconds: float = 600
    local_files: bool = False
    headers: Mapping[str, str] = field(default_factory=lambda: {"User-Agent": "hljshare-ingest"})
    rate: float | None = None
    max_wait: float = 60
    first_wait: float = 0.5
    tls: Mapping[str, Tls] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock = connections.Clock()
        self._http = connections.manager(self.allowed, self._clock, self.tls)

    def get(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> bytes:
        """The whole answer to a GET (or a local file), ``limit`` bytes at most. Raises
        SourceError.
        """
        address = url + ("&" if "?" in url else "?") + urlencode(params) if params else url
        return self.ask("GET", address, headers=headers, limit=limit).body

    def get_if_changed(
        self,
        url: str,
        etag: str | None = None,
        last_modified: str | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Answer | None:
        """The answer to a GET, None where the server says that nothing changed since the answer
        that bore these validators (RFC 9110 §13.1). Raises SourceError.
        """
        validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        asked = {**(headers or {}), **{name: value for name, value in validators.items() if value}}
        answer = self.ask("GET", url, headers=asked, limit=limit)
        return None if answer.status == 304 else answer

    def post_form(
        self,
        url: str,
        form: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> bytes:
        """The whole answer to a form POST. Raises SourceError."""
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        body = urlencode(form).encode()
        return self.ask("POST", url, body, {**kind, **(headers or {})}, limit).body

    def post_json(
        self,
        url: str,
        value: Any,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> bytes:
        """The whole answer to a POST of JSON. Raises SourceError."""
        kind = {"Content-Type": "application/json; charset=utf-8"}
        body = json.dumps(value, ensure_ascii=False).encode()
        return self.ask("POST", url, body, {**kind, **(headers or {})}, limit).body

    def ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Answer:
        """The whole answer to any request; what breaks off is asked again. Raises SourceError."""
        path = self.local_path(url)
        if path is not None:
            return Answer(200, {}, self._read_local(path, limit))
        deadline = time.monotonic() + self.max_seconds
        for attempt in range(TRIES):
            sent = {**_COMPRESSED, **(headers or {})}
            response = self._exchange(method, url, body, sent, deadline)
            try:
                whole = b"".join(self._chunks(response, deadline, limit))
            except _BrokenError:
                wait = pace.back_off(attempt, self.first_wait)
                if attempt == TRIES - 1 or time.monotonic() + wait > deadline:
                    raise
                time.sleep(wait)
            else:
                return Answer(response.status, response.headers, whole)
        raise AssertionError("unreachable")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a message, once: no redirect is followed, nothing is tried again, the answer is not
        read. Return its status, which is 2xx. Raises SourceError.
        """
        if self.local_path(url) is not None:
            raise SourceError("address-refused: file")
        deadline = time.monotonic() + self.max_seconds
        response = self._once("POST", url, body, headers, deadline)
        response.close()
        if not 200 <= response.status < 300:
            raise SourceError(f"unreachable: HTTP {response.status}")
        return int(response.status)

    def put(self, url: str, body: bytes, headers: Mapping[str, str]) -> Opened:
        """Put a content, once: no redirect is followed and nothing is tried again. The answer as it
        comes, whatever its status is: what is wrong stands in it. Raises SourceError.
        """
        if self.local_path(url) is not None:
            raise SourceError("address-refused: file")
        deadline = time.monotonic() + self.max_seconds
        response = self._once("PUT", url, body, headers, deadline)
        return Opened(response.status, response.headers, self._chunks(response, deadline))

    def stream(self, url: str) -> Iterator[bytes]:
        """The answer to a GET in chunks; it is sent before this returns. Raises SourceError."""
        return self.open(url).chunks

    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Opened:
        """The answer to a GET with its status and headers, as it comes. Raises SourceError."""
        if self.local_path(url) is not None:
            raise SourceError("address-refused: file")
        deadline = time.monotonic() + self.max_seconds
        response = self._exchange("GET", url, None, headers or {}, deadline)
        return Opened(response.status, response.headers, self._chunks(response, deadline))

    def download(self, url: str, target: BinaryIO) -> Download:
        """Write the answer to an open file, counting and hashing. Raises SourceError."""
        content_type = ""
        path = self.local_path(url)
        chunks: Iterator[bytes]
        if path is not None:
            chunks = iter((self._read_local(path),))
        else:
            opened = self.open(url)
            content_type, chunks = opened.headers.get("Content-Type", ""), opened.chunks
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            target.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        target.flush()
        return Download(size, digest.hexdigest(), content_type)

    def local_path(self, url: str) -> Path | None:
        """The file an address means, None for the network. Raises SourceError where not allowed."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise SourceError("address-refused: not an address") from None
        if parts.scheme in ("http", "https"):
            return None
        if not self.local_files or parts.scheme not in ("", "file"):
            raise SourceError("address-refused: " + (parts.scheme or "file"))
        return Path(unquote(parts.path) if parts.scheme == "file" else url)

    def _read_local(self, path: Path, limit: int | None = None) -> bytes:
        try:
            if path.stat().st_size > min(self.max_bytes, limit or self.max_bytes):
                raise SourceError("unreachable: too large")
            return path.read_bytes()
        except OSError as error:
            raise SourceError(f"unreachable: {error.strerror}") from error

    def _exchange(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> urllib3.BaseHTTPResponse:
        """The answer at the end of redirects, with a status below 400."""
        for _hop in range(MAX_REDIRECTS + 1):
            response = self._patiently(method, url, body, headers, deadline)
            location = response.get_redirect_location()
            if not location:
                break
            response.close()
            method, url, body, headers = _redirected(
                response.status, (method, url, body, headers), location
            )
        else:
            raise SourceError("unreachable: too many redirects")
        if response.status >= 400:
            response.close()
            raise SourceError(f"unreachable: HTTP {response.status}")
        return response

    def _patiently(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> urllib3.BaseHTTPResponse:
        """One request, again after a wait where that may help."""
        for attempt in range(TRIES):
            last = attempt == TRIES - 1
            wait = pace.back_off(attempt, self.first_wait)
            try:
                response = self._once(method, url, body, headers, deadline)
            except _BrokenError:
                if last or time.monotonic() + wait > deadline:
                    raise
            else:
                if response.status not in TRY_AGAIN or last:
                    return response
                asked = pace.retry_after(response.headers.get("Retry-After"))
                wait = wait if asked is None else asked
                if wait > self.max_wait or time.monotonic() + wait > deadline:
                    return response
                response.close()
            time.sleep(wait)
        raise AssertionError("unreachable")

    def _once(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        deadline: float,
    ) -> urllib3.BaseHTTPResponse:
        try:
            _PACE.wait(urlsplit(url).hostname or "", self.rate)
        except ValueError:
            raise SourceError("address-refused: not an address") from None
        self._clock.deadline = deadline

        def send() -> urllib3.BaseHTTPResponse:
            return self._http.request(
                method,
                url,
                body=body,
                headers={**self.headers, **headers},
                preload_content=False,
                timeout=urllib3.Timeout(connect=self.connect_timeout, read=self.read_timeout),
                retries=False,
                redirect=False,
            )

        return _translated(send, deadline)

    def _chunks(
        self, response: urllib3.BaseHTTPResponse, deadline: float, limit: int | None = None
    ) -> Iterator[bytes]:
        most, size = min(self.max_bytes, limit or self.max_bytes), 0
        try:
            announced = response.headers.get("Content-Length", "")
            if announced.isascii() and announced.isdigit() and int(announced[:18]) > most:
                raise SourceError("unreachable: too large")
            while chunk := _translated(lambda: response.read(CHUNK), deadline):
                size += len(chunk)
                if size > most:
                    raise SourceError("unreachable: too large")
                if time.monotonic() > deadline:
                    raise SourceError("unreachable: too slow")
                yield chunk
        finally:
            response.close()


_Request = tuple[str, str, "bytes | None", Mapping[str, str]]


def _redirected(status: int, request: _Request, location: str) -> _Request:
    """The request that a redirect leads to.

    301 on the same host, 307 and 308 keep method and body; all else becomes a GET, as in browsers.
    What is sent to one host is not carried to another: neither headers beyond the plain ones nor a
    body.
    """
    method, url, body, headers = request
    try:
        target = urljoin(url, location)
        same = _same_site(url, target)
    except ValueError:
        raise SourceError("address-refused: not an address") from None
    if urlsplit(target).scheme not in ("http", "https"):
        raise SourceError("address-refused: redirect")
    if body is not None and status in (307, 308) and not same:
        raise SourceError("address-refused: redirect")
    if method != "GET" and not (status in (307, 308) or (status == 301 and same)):
        method, body = "GET", None
    if body is None:
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    if not same:
        headers = {name: value for name, value in headers.items() if name.lower() in _PLAIN_HEADERS}
    return method, target, body, headers


def _same_site(first: str, second: str) -> bool:
    """Whether both go to one server; from http to https on their usual ports is no other."""
    old, new = urlsplit(first), urlsplit(second)
    if old.hostname != new.hostname:
        return False
    ports = {"http": 80, "https": 443}
    old_port, new_port = (part.port or ports.get(part.scheme) for part in (old, new))
    if (old.scheme, old_port) == (new.scheme, new_port):
        return True
    return (old.scheme, old_port, new.scheme, new_port) == ("http", 80, "https", 443)


def _translated(call: Callable[[], Any], deadline: float) -> Any:
    """What the call gives; its errors as SourceError, those worth another try as _BrokenError."""
    try:
        return call()
    except AddressRefusedError:
        raise SourceError("address-refused: private network") from None
    except PinError:
        raise SourceError("certificate-refused: other fingerprint") from None
    except (urllib3.exceptions.LocationValueError, ValueError) as error:
        raise SourceError(f"unreachable: {type(error).__name__}") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if time.monotonic() >= deadline:
            raise SourceError("unreachable: too slow") from None
        refused = _certificate_problem(error)
        if refused:
            raise SourceError(f"certificate-refused: {refused}") from None
        if isinstance(error, urllib3.exceptions.DecodeError):
            raise SourceError("unreachable: DecodeError") from None
        raise _BrokenError(f"unreachable: {_name(error)}") from None


def _certificate_problem(error: BaseException) -> str | None:
    """Why a certificate was not trusted, None for any other error. No host name: this is shown."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return _VERIFY.get(seen.verify_code, "unknown issuer")
        inner = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        seen = inner or seen.__cause__ or seen.__context__
    return None


def _name(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    if not isinstance(reason, BaseException) and len(error.args) > 1:
        reason = error.args[1]  # urllib3's ProtocolError("…", cause)
    return type(reason if isinstance(reason, BaseException) else error).__name__
