"""The portal is killed in the middle of a batch; sent again, it ends as if nothing had been."""

import http.client
import json
import random
import time

import pytest
import sqlalchemy as sa
from ckan import model

from tests.integration.push.conftest import NDJSON, content_digest, ndjson, parsed, upsert
from tests.integration.push.processes import Server


@pytest.fixture
def server():
    """Return the province as a process."""
    found = Server()
    yield found
    found.kill()


def send(server, token, body, key, lines_read=None):
    """Send a batch over a real connection; read the answer to its end, or so many lines of it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    headers = {
        "Authorization": token, "Content-Type": NDJSON, "Content-Digest": content_digest(body),
    }  # fmt: skip
    connection.request("PUT", f"/push/v1/batches/{key}", body, headers)
    if lines_read == 0:
        return connection, []
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    lines = []
    while lines_read is None or len(lines) < lines_read:
        line = answer.readline()
        if not line:
            break
        lines.append(json.loads(line))
    return connection, lines


def standing():
    """What there is: datasets and what the province says it holds."""
    model.Session.remove()
    withdrawn = "coalesce(extras->>'withdrawn_on', '') <> ''"
    queries = [
        f"SELECT name, title, private, {withdrawn} FROM package WHERE type = 'dataset'",
        "SELECT native_id, content_hash, outcome FROM hljshare_push_entry ORDER BY native_id",
        "SELECT native_id, content_hash, outcome FROM hljshare_ingest_ledger ORDER BY native_id",
    ]
    return [model.Session.execute(sa.text(query)).all() for query in queries]


def test_killed_in_the_middle_and_sent_again(harbin, server):
    """At several moments of one batch: the receipt is whole, and every line was done once."""
    lines = [upsert(str(number)) for number in range(500)]
    lines += [{"op": "delete", "id": str(number)} for number in range(0, 500, 50)]
    lines += [b"{broken", upsert("0", notes="最后一个版本，内容完整无缺。")]
    body = ndjson(lines)
    moment = random.Random(20260301)
    for reads in (0, 1, 200, 0, 420):
        server.start()
        connection, _told = send(server, harbin.token, body, "killed-again", reads)
        time.sleep(moment.random() * (1.5 if not reads else 0.2))
        server.kill()
        connection.close()
    server.start()
    _connection, told = send(server, harbin.token, body, "killed-again")
    results, receipt = told[:-1], told[-1]["receipt"]
    assert [result["line"] for result in results] == list(range(1, len(lines) + 1))
    assert receipt["counts"] == {
        "created": 500, "held": 0, "rejected": 1, "unchanged": 0, "updated": 1, "withdrawn": 10,
    }  # fmt: skip
    again = parsed(harbin.put(lines, key="killed-again"))
    assert again == (results, receipt)
    after = standing()
    assert len(after[0]) == 500
    assert sum(1 for row in after[0] if row[3]) == 9
    found = harbin.app.get("/api/action/package_search?rows=0").json["result"]["count"]
    assert found == 500


def test_two_senders_at_once(harbin, server):
    """One is told to come back, and gets the other's receipt when it does."""
    server.start()
    body = ndjson([upsert(str(number)) for number in range(300)])
    _first, told = send(server, harbin.token, body, "two-at-once-1", 1)
    assert told[0]["outcome"] == "created"
    second = harbin.put(body, key="two-at-once-2")
    if second.status_code != 200:  # the first may have been faster
        assert json.loads(second.body)["code"] == "busy"
    until = time.monotonic() + 60
    while (again := harbin.put(body, key="two-at-once-1")).status_code == 409:
        assert time.monotonic() < until
        time.sleep(0.5)
    results, receipt = parsed(again)
    assert {result["outcome"] for result in results} <= {"created", "unchanged"}
    assert receipt["lines"] == 300
