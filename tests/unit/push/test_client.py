"""The sender against provinces that are busy, broken, or somebody else; each on loopback."""

import gzip
import hashlib
import json

import pytest

from ckanext.hljshare.push import digest, receipt
from ckanext.hljshare.push.client import (
    Province,
    RefusedError,
    UnreachableError,
    is_base,
    is_private,
)
from ckanext.hljshare.safety.fetch import Fetcher, parse_networks
from tests.sources.server import Reply, as_json, serve

CONTENT = b'{"op":"delete","id":"a"}\n'
PACKED = gzip.compress(CONTENT, mtime=0)
SHA = hashlib.sha256(CONTENT).digest()
RESULT = {"line": 1, "id": "a", "outcome": "withdrawn", "reasons": [], "hash": None,
          "dataset": None}  # fmt: skip


def good(key="key-of-this-batch", **changes):
    """What a province answers that has settled the batch."""
    tally = receipt.Results()
    tally.add(RESULT)
    text = receipt.make(
        batch=key, kind="records", target="", source="s", content=SHA, received="r", finished="f",
        results=tally, key=b"k",
    )  # fmt: skip
    given = {**json.loads(text), **changes}
    return Reply(
        f"{json.dumps({**RESULT, 'texts': []})}\n{json.dumps({'receipt': given})}\n".encode()
    )


def problem(status, code, **headers):
    return as_json({"code": code, "title": "…", "status": status}, status, **headers)


def send(replies, **more):
    """Send one batch to a province that answers in turn; the waits, and what it was asked."""
    waits, left = [], list(replies)
    with serve(lambda request: left.pop(0)) as site:
        fetcher = Fetcher(allowed=parse_networks(f"127.0.0.1:{site.port}"))
        to = Province(site.url, "the-token", fetcher, wait=waits.append, **more)
        try:
            answer = to.send("key-of-this-batch", PACKED, SHA, 1)
        except (RefusedError, UnreachableError) as error:
            answer = error
    return answer, waits, site.asked


def test_a_batch_and_its_receipt():
    """The digest is of the bytes as they are sent."""
    (results, given), waits, asked = send([good()])
    assert (results[0]["outcome"], given["lines"], waits) == ("withdrawn", 1, [])
    assert (asked[0].method, asked[0].body) == ("PUT", PACKED)
    assert asked[0].headers["Authorization"] == "the-token"
    sent = digest.parse_content_digest(asked[0].headers["Content-Digest"])
    assert sent == hashlib.sha256(PACKED).digest()


def test_it_comes_back_when_it_is_told_to():
    """Under the same key, after the wait that was asked for, or one that grows."""
    replies = [
        problem(409, "busy", **{"Retry-After": "7"}),
        problem(503, "crowded"),
        problem(500, "failed"),
        Reply(b"<html>bad gateway</html>", 502),
        good(),
    ]
    (_results, given), waits, asked = send(replies)
    assert given["id"] == "key-of-this-batch"
    assert {request.path for request in asked} == {"/push/v1/batches/key-of-this-batch"}
    assert waits[0] == 7
    assert all(0 < wait <= 120 for wait in waits)


@pytest.mark.parametrize(
    "broken",
    [
        Reply(b""),
        Reply(json.dumps(RESULT).encode() + b"\n"),
        Reply(json.dumps(RESULT).encode() + b'\n{"rece'),
        Reply(json.dumps(RESULT).encode() + b'\n{"problem":{"code":"failed"}}\n'),
        Reply(b"<html></html>"),
    ],
    ids=["nothing", "no receipt", "half a receipt", "a problem", "a page"],
)
def test_an_answer_that_breaks_off_is_no_receipt(broken):
    """The same is sent again."""
    (_results, given), waits, _asked = send([broken, good()])
    assert (given["lines"], len(waits)) == (1, 1)


def test_it_gives_up_for_this_time():
    """After as many tries as are allowed."""
    answer, waits, asked = send([problem(503, "crowded")] * 3, tries=3)
    assert isinstance(answer, UnreachableError)
    assert (len(asked), len(waits)) == (3, 2)


@pytest.mark.parametrize(
    "reply",
    [
        problem(401, "token-invalid"),
        problem(409, "key-used"),
        problem(413, "too-large"),
        problem(400, "digest-differs"),
        Reply(b"nothing here", 404),
        good(id="another-batch"),
        good(lines=2),
        good(digest="sha-256=:AAAA:"),
        good(results_digest="sha-256=:AAAA:"),
        Reply(status=307, headers={"Location": "http://127.0.0.1:1/elsewhere"}),
    ],
)
def test_what_another_try_does_not_change(reply):
    """Told at once; a receipt of something else is none, and nobody is followed elsewhere."""
    answer, waits, asked = send([reply])
    assert isinstance(answer, RefusedError)
    assert (len(asked), waits) == (1, [])


def test_private_networks_that_nobody_has_allowed():
    """A token is not sent to them."""
    with serve(lambda request: good()) as site:
        to = Province(site.url, "the-token", Fetcher(), wait=lambda seconds: None)
        with pytest.raises(RefusedError, match="address-refused"):
            to.send("key-of-this-batch", PACKED, SHA, 1)
    assert site.asked == []


def test_a_tree_that_is_none():
    """An answer that makes no sense is a province that does not answer."""
    with serve(lambda request: as_json({"root": "x", "buckets": {}})) as site:
        fetcher = Fetcher(allowed=parse_networks(f"127.0.0.1:{site.port}"))
        to = Province(site.url, "t", fetcher, tries=1)
        with pytest.raises(UnreachableError):
            to.tree()
        with pytest.raises(UnreachableError):
            to.bucket(3)


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("https://data.hlj.gov.cn", True),
        ("HTTPS://10.23.0.1/", True),
        ("http://127.0.0.1:5000", True),
        ("http://127.8.9.1", True),
        ("http://[::1]:5000", True),
        ("http://localhost:5000", True),
        ("http://data.hlj.gov.cn", False),
        ("http://10.23.0.1", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://0.0.0.0", False),
    ],
)
def test_whether_a_token_can_be_read_on_its_way(url, private):
    """Only what never leaves the machine may go without encryption."""
    assert (is_base(url), is_private(url)) == (True, private)


@pytest.mark.parametrize(
    "url", ["", "data.hlj.gov.cn", "ftp://a", "https://", "https://u:p@a", "http://[::1"]
)
def test_what_is_no_address_of_a_portal(url):
    """Whatever stands in the settings."""
    assert not is_base(url)
