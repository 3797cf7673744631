"""The province as a city's sender meets it: its addresses, its answers, its moods."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from ckanext.hljshare.safety.fetch import Fetcher, SourceError
from ckanext.hljshare.safety.pace import back_off

from . import digest, receipt
from .digest import Tree

TRIES = 6
FIRST_WAIT = 1.0  # seconds
LONGEST_WAIT = 120.0
MAX_ANSWER = 256 * 1024 * 1024
AGAIN = frozenset({"busy", "crowded", "too-often", "too-slow", "truncated", "storage-full"})


class UnreachableError(Exception):
    """The province does not answer, or not to the end; the same may be sent again later."""


class RefusedError(Exception):
    """The province has refused the whole request, for a reason that another try does not change."""

    def __init__(self, code: str, title: str) -> None:
        super().__init__(f"{code}: {title}" if title else code)
        self.code = code


class _AgainError(Exception):
    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class Province:
    """The province's push interface. ``wait``: how the time between two tries is spent."""

    base: str
    token: str
    fetcher: Fetcher
    source: str = ""
    tries: int = TRIES
    wait: Callable[[float], None] = field(default=time.sleep)

    @property
    def target(self) -> str:
        """What this interface is known by: its address, and the source where it is named."""
        return self._address("").rstrip("/") + (f"?{self.source}" if self.source else "")

    def send(
        self, key: str, content: bytes, sha256: bytes, lines: int
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Send a batch (gzip; ``sha256`` is of the content unpacked) until there is a receipt.

        :returns: the results of its lines, and the receipt, both checked against each other
        :raises UnreachableError: after all tries
        :raises RefusedError: what was refused will not be taken later either
        """
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Content-Digest": digest.content_digest(hashlib.sha256(content).digest()),
            "Accept": "application/x-ndjson",
        }

        def once() -> tuple[list[dict[str, Any]], dict[str, Any]]:
            address = self._address(f"batches/{quote(key, safe='')}")
            answer = self.fetcher.put(address, content, {**headers, **self._who()})
            if answer.status != 200:
                _raise(answer.status, answer.headers.get("Retry-After"), b"".join(answer.chunks))
            results, given = _read(answer.chunks)
            _check(results, given, key, sha256, lines)
            return results, given

        return self._patiently(once)

    def tree(self) -> Tree:
        """The digest tree of what the province holds. Raises UnreachableError, RefusedError."""
        try:
            return Tree.from_dict(self._get("state/digest"))
        except ValueError as error:
            raise UnreachableError(f"no digest tree: {error}") from None

    def bucket(self, leaf: int) -> dict[str, str]:
        """id → hash of one leaf. Raises UnreachableError, RefusedError."""
        found = self._get("state/digest", prefix=f"{leaf:02x}")
        try:
            return {str(entry["id"]): str(entry["hash"]) for entry in found["entries"]}
        except (KeyError, TypeError):
            raise UnreachableError("no bucket") from None

    def report(self, root: str, count: int, differing: dict[str, str | None]) -> dict[str, Any]:
        """Tell what is published here; how the province finds that it differs. Raises
        UnreachableError, RefusedError."""
        listed = [{"id": key, "hash": value} for key, value in sorted(differing.items())]
        body = json.dumps({"root": root, "count": count, "differing": listed[:1000]}).encode()

        def once() -> dict[str, Any]:
            headers = {"Content-Type": "application/json", **self._who()}
            answer = self.fetcher.put(self._address("state/report"), body, headers)
            content = b"".join(answer.chunks)
            if answer.status != 200:
                _raise(answer.status, answer.headers.get("Retry-After"), content)
            try:
                found: dict[str, Any] = json.loads(content)
            except ValueError:
                raise _AgainError("no JSON") from None
            return found

        result: dict[str, Any] = self._patiently(once)
        return result

    def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        def once() -> dict[str, Any]:
            try:
                answer = self.fetcher.ask(
                    "GET", self._address(path, **parameters), headers=self._who()
                )
                found = json.loads(answer.body)
            except SourceError as error:
                status = error.reason.rpartition("HTTP ")[2]
                if status in ("401", "403", "404"):
                    raise RefusedError(f"HTTP {status}", "") from None
                raise
            except ValueError:
                raise _AgainError("no JSON") from None
            if not isinstance(found, dict):
                raise _AgainError("no JSON object")
            return found

        result: dict[str, Any] = self._patiently(once)
        return result

    def _patiently(self, once: Callable[[], Any]) -> Any:
        """Try again where that may help, after a wait that grows, or as long as is asked for."""
        reason, pause = "", 0.0
        for attempt in range(self.tries):
            if attempt:
                self.wait(min(pause, LONGEST_WAIT))
            pause = back_off(attempt, FIRST_WAIT)
            try:
                return once()
            except _AgainError as error:
                reason, pause = str(error), error.wait if error.wait is not None else pause
            except SourceError as error:
                if error.reason.startswith(("address-refused", "certificate-refused")):
                    raise RefusedError(*error.reason.split(": ", 1)) from None
                reason = error.reason
        raise UnreachableError(reason)

    def _address(self, path: str, **parameters: str) -> str:
        given = {**parameters, **({"source": self.source} if self.source else {})} if path else {}
        query = f"?{urlencode(given)}" if given else ""
        return f"{self.base.rstrip('/')}/push/v1/{path}{query}"

    def _who(self) -> dict[str, str]:
        return {"Authorization": self.token, "Accept-Language": "zh"}


def is_base(url: str) -> bool:
    """Whether a setting is an address of a portal."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc


def is_private(url: str) -> bool:
    """Whether nobody on the way to an address reads the token: https, or this very machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _raise(status: int, retry_after: str | None, body: bytes) -> None:
    """What a refusal means for the sender."""
    try:
        problem = json.loads(body)
        code, title = str(problem.get("code", "")), str(problem.get("title", ""))
    except (ValueError, AttributeError):
        code, title = "", ""
    code = code or f"HTTP {status}"
    if code in AGAIN or status >= 500 or status in (408, 429):
        wait = float(retry_after) if retry_after and retry_after.isdigit() else None
        raise _AgainError(code, wait)
    raise RefusedError(code, title)


def _read(chunks: Iterator[bytes]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Results and receipt of a stream. One that ends without a receipt has broken off."""
    results: list[dict[str, Any]] = []
    for line in _lines(chunks):
        try:
            found = json.loads(line)
        except ValueError:
            raise _AgainError("the answer broke off") from None
        if "receipt" in found:
            return results, found["receipt"]
        if "problem" in found:
            raise _AgainError(str(found["problem"].get("code", "")))
        results.append(found)
    raise _AgainError("the answer broke off")


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
    if rest:
        yield rest


def _check(
    results: list[dict[str, Any]], given: dict[str, Any], key: str, sha256: bytes, lines: int
) -> None:
    """A receipt counts if it is of this batch, and of these results."""
    tally = receipt.Results()
    for result in results:
        tally.add(result)
    expected = {
        "id": key,
        "digest": digest.content_digest(sha256),
        "lines": lines,
        "results_digest": tally.digest,
    }
    for name, value in expected.items():
        if given.get(name) != value:
            raise RefusedError("receipt-differs", name)
