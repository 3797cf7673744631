"""A small HTTP server of one's own on loopback, for tests that need a real source.

    with serve(answer) as site:
        site.url                      # http://127.0.0.1:<port>
        site.asked                    # every Request, in order

``answer`` takes a `Request` and gives a `Reply`, bytes, text, or anything JSON can hold (200,
application/json); None is a 404. `Reply.raw` writes to the socket itself: slow, broken and lying
servers are made with it.
"""

from __future__ import annotations

import datetime
import hashlib
import http.server
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """What was asked."""

    method: str
    target: str  # path and query as they came over the wire
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path, unquoted."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What is answered."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: Callable[[socket.socket], None] | None = None


@dataclass
class Site:
    """A running server."""

    url: str
    port: int
    asked: list[Request] = field(default_factory=list)

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [request.path for request in self.asked]


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Reply(body, status, {"Content-Type": "application/json;charset=UTF-8", **headers})


def _reply(value: Any) -> Reply:
    if isinstance(value, Reply):
        return value
    if value is None:
        return Reply(b"not here", 404)
    if isinstance(value, bytes):
        return Reply(value)
    if isinstance(value, str):
        return Reply(value.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
    return as_json(value)


@contextmanager
def serve(
    answer: Callable[[Request], Any],
    *,
    host: str = "127.0.0.1",
    tls: Certificate | None = None,
    tune: Callable[[ssl.SSLContext], None] | None = None,
) -> Iterator[Site]:
    """Serve until the block ends. ``tune`` changes the server's TLS, to make it an old one."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            request = Request(
                self.command, self.path, dict(self.headers.items()), self.rfile.read(length)
            )
            site.asked.append(request)
            reply = _reply(answer(request))
            if reply.raw is not None:
                self.close_connection = True
                with suppress(OSError):
                    reply.raw(self.connection)
                return
            with suppress(OSError):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD" and reply.status not in (204, 304):
                    self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is no news."""

    server = Server((host, 0), Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.path)
        if tune is not None:
            tune(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls is not None else "http"
    shown = f"[{host}]" if ":" in host else host
    site = Site(f"{scheme}://{shown}:{server.server_port}", server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


def drip(head: bytes, piece: bytes, pause: float, times: int = 10_000) -> Reply:
    """A slow-loris: sends ``head``, then ``piece`` again and again with ``pause`` seconds
    between.
    """

    def raw(connection: socket.socket) -> None:
        connection.sendall(head)
        gate = threading.Event()
        for _ in range(times):
            connection.sendall(piece)
            gate.wait(pause)

    return Reply(raw=raw)


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate with its key in one PEM file; ``sha256`` is its fingerprint."""

    path: Path
    sha256: str


def certificate(folder: Path, name: str = "127.0.0.1", days: int = 2) -> Certificate:
    """A new one; ``days`` may be negative for one that has run out."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name.replace(':', '_')}-{made.serial_number % 10**8}.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    digest = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()
    return Certificate(path, digest)
