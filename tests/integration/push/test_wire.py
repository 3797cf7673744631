"""Over a real connection: contents in chunks, connections that break off, senders that go away."""

import gzip
import json
import re
import shlex
import socket
import subprocess
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from ckan import model

from tests.integration.push.conftest import (
    content_digest,
    ndjson,
    outcomes,
    package,
    parsed,
    problem,
    upsert,
)
from tests.integration.push.processes import ROOT, Server


@pytest.fixture(scope="module")
def server():
    """Return the province as a process."""
    found = Server().start()
    yield found
    found.kill()


def opened(server, token, key, body, *headers):
    """A connection on which the head of a batch was sent."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    head = [
        f"PUT /push/v1/batches/{key} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: {token}",
        "Content-Type: application/x-ndjson",
        f"Content-Digest: {content_digest(body)}",
        "Connection: close",
        *headers,
    ]
    connection.sendall("\r\n".join([*head, "", ""]).encode())
    return connection


def answered(connection):
    """Status and all that came."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    connection.close()
    whole = b"".join(parts)
    return int(whole.split()[1]), whole.decode()


def test_a_content_in_chunks(harbin, server):
    """Whose length nobody announces, packed and in little pieces."""
    body = gzip.compress(ndjson([upsert(str(number)) for number in range(30)]))
    connection = opened(
        server, harbin.token, "in-chunks-1", body, "Content-Encoding: gzip",
        "Transfer-Encoding: chunked",
    )  # fmt: skip
    for start in range(0, len(body), 100):
        part = body[start : start + 100]
        connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
    connection.sendall(b"0\r\n\r\n")
    status, text = answered(connection)
    assert (status, text.count('"outcome":"created"')) == (200, 30)


def test_a_connection_that_breaks_off_changes_nothing(harbin, server):
    """However much of it had arrived."""
    body = ndjson([upsert("1"), upsert("2")])
    connection = opened(server, harbin.token, "breaks-off-1", body, f"Content-Length: {len(body)}")
    connection.sendall(body[: len(body) // 2])
    connection.shutdown(socket.SHUT_WR)
    status, text = answered(connection)
    assert (status, '"code": "truncated"' in text) == (400, True)
    connection = opened(server, harbin.token, "breaks-off-2", body, "Transfer-Encoding: chunked")
    connection.sendall(b"%x\r\n%b\r\n" % (len(body) // 2, body[: len(body) // 2]))
    connection.close()
    time.sleep(0.5)
    assert package("1", harbin) is None
    for key in ("breaks-off-1", "breaks-off-2"):
        assert problem(harbin.get(f"batches/{key}")) == (404, "batch-unknown")


def test_a_sender_that_says_nothing_is_sent_away(harbin, server):
    """It holds a thread for some seconds, not until it likes to go on; and nobody else may send
    for its source until then."""
    body = ndjson([upsert("1")])
    silent = opened(server, harbin.token, "says-nothing", body, f"Content-Length: {len(body)}")
    silent.sendall(body[:10])
    time.sleep(0.5)
    second = opened(server, harbin.token, "the-second", body, f"Content-Length: {len(body)}")
    second.sendall(body)
    status, text = answered(second)
    assert (status, '"code": "busy"' in text) == (409, True)
    begun = time.monotonic()
    status, text = answered(silent)
    assert (status, '"code": "too-slow"' in text) == (408, True)
    assert time.monotonic() - begun < 20
    assert outcomes(harbin.put(body)) == ["created"]


def test_a_sender_that_goes_away_finds_its_batch_later(harbin, server):
    """What was settled stays settled, the rest follows when it sends again."""
    lines = [upsert(str(number)) for number in range(600)]
    body = ndjson(lines)
    connection = opened(server, harbin.token, "goes-away-1", body, f"Content-Length: {len(body)}")
    connection.sendall(body)
    assert connection.recv(100)
    connection.close()
    until = time.monotonic() + 90
    while (answer := harbin.put(lines, key="goes-away-1")).status_code == 409:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert outcomes(answer) == ["created"] * 600
    reports = model.Session.scalars(
        sa.text("SELECT stopped FROM hljshare_ingest_run ORDER BY started")
    ).all()
    assert reports[-1] is None


def test_memory_does_not_grow_with_the_batch(harbin, server):
    """A bomb of 200 MB in one line, and one that claims to be small."""
    before = _resident(server)
    body = gzip.compress(b'{"a":"' + b"x" * 200_000_000 + b'"}\n', 1)
    connection = opened(
        server, harbin.token, "one-long-line", body, "Content-Encoding: gzip",
        f"Content-Length: {len(body)}",
    )  # fmt: skip
    connection.sendall(body)
    status, text = answered(connection)
    assert (status, "line-too-long" in text) == (200, True)
    assert _resident(server) - before < 64 * 1024


def _resident(server):
    """KiB of the process that serves."""
    pid = server._process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def test_the_example_of_the_document(harbin, server, tmp_path):
    """As a city's programmer would try it."""
    text = (ROOT / "docs" / "push.md").read_text(encoding="utf-8")
    block = text.split("### 推送一批目录\n```\n")[1].split("```")[0]
    script = block.replace("https://省级平台", server.url).replace("$(uuidgen)", "documented-1")
    result = subprocess.run(
        ["bash", "-c", f"TOKEN={shlex.quote(harbin.token)}\n{script}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "not found" in result.stderr:
        pytest.skip(f"needs curl and openssl: {result.stderr}")
    *lines, last = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["outcome"] for line in lines] == ["created", "unchanged"]
    assert parsed(harbin.get("batches/documented-1"))[1] == last["receipt"]
