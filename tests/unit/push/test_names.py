"""Keys, cursors, receipts, problems, and the description that machines read."""

import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.push import client, document, keys, lines, problems, receipt
from ckanext.hljshare.push.problems import ProblemError


@pytest.mark.parametrize("key", ["2f0c5b1e-7a53-4c58-9a6b-0d6e8a6f2c11", "harbin.20260301~1"])
def test_keys_that_senders_choose(key):
    """A UUID, or a name of their own."""
    assert keys.idempotency_key(key) == key


@pytest.mark.parametrize(
    "key",
    ["", "short", "../../etc/passwd", "a/b/c/d/e", "%2e%2e%2fetc", "..........", "键键键键键键键键",
     "a" * 129, "abcdefgh\r\nX-Evil: 1", "abcdefgh\n", "abcdefg h", "-abcdefgh"],
)  # fmt: skip
def test_keys_that_nobody_may_choose(key):
    """No path, no header, no control character."""
    with pytest.raises(ProblemError):
        keys.idempotency_key(key)


@given(st.integers(0, 10**18 - 1))
def test_a_cursor_leads_back(position):
    """To the place it was given at."""
    assert keys.position(keys.cursor(position)) == position


@given(st.text(max_size=20))
def test_a_cursor_that_was_not_given(text):
    """Is refused, or is one by chance; it never breaks anything."""
    try:
        position = keys.position(text)
    except ProblemError as problem:
        position, code = 0, problem.code
        assert code == "cursor-invalid"
    assert position >= 0


def a_receipt(**changes):
    tally = receipt.Results()
    tally.add({"line": 1, "id": "a", "outcome": "created", "reasons": [], "hash": "x"})
    values = {
        "batch": "abcdefgh",
        "kind": "records",
        "target": "",
        "source": "harbin-push",
        "content": b"\0" * 32,
        "received": "2026-03-01T00:00:00+00:00",
        "finished": "2026-03-01T00:00:01+00:00",
        "results": tally,
        "key": receipt.key_of("secret"),
    }
    return receipt.make(**{**values, **changes})


def test_a_receipt_can_be_shown_later():
    """It is genuine; with anything changed in it, it is not."""
    given_receipt = json.loads(a_receipt())
    key = receipt.key_of("secret")
    assert receipt.is_genuine(given_receipt, key)
    assert not receipt.is_genuine({**given_receipt, "lines": 2}, key)
    assert not receipt.is_genuine({**given_receipt, "counts": {}}, key)
    assert not receipt.is_genuine({**given_receipt, "signature": ""}, key)
    assert not receipt.is_genuine(given_receipt, receipt.key_of("other"))
    assert a_receipt() == a_receipt()


def test_the_sender_does_not_believe_a_receipt_of_something_else():
    """Another batch's, or of other results."""
    results = [{"line": 1, "id": "a", "outcome": "created", "reasons": [], "hash": "x"}]
    given_receipt = json.loads(a_receipt())
    client._check(results, given_receipt, "abcdefgh", b"\0" * 32, 1)
    for changed in (
        ([{**results[0], "outcome": "rejected"}], "abcdefgh", b"\0" * 32, 1),
        (results, "abcdefgX", b"\0" * 32, 1),
        (results, "abcdefgh", b"\1" * 32, 1),
        (results, "abcdefgh", b"\0" * 32, 2),
    ):
        with pytest.raises(client.RefusedError):
            client._check(changed[0], given_receipt, *changed[1:])


@pytest.mark.parametrize(
    ("accept", "language"),
    [({}, "zh_Hans_CN"), ({"en": 1.0}, "en"), ({"zh-CN": 0.9, "en": 0.8}, "zh_Hans_CN"),
     ({"en-GB": 1.0, "zh": 0.5}, "en"), ({"*": 1.0}, "zh_Hans_CN"), ({"fr": 1.0}, "zh_Hans_CN")],
)  # fmt: skip
def test_the_language_of_problems(accept, language):
    """Chinese, unless English is wanted more."""
    assert problems.language(accept) == language


def test_a_problem_says_what_machines_need():
    """RFC 9457, with a code that does not change."""
    problem = ProblemError("busy", retry_after=10)
    body = problem.body(lambda text: text)
    assert (body["status"], body["code"], body["type"]) == (409, "busy", "urn:hljshare:push:busy")
    assert problem.headers() == {"Retry-After": "10"}


def test_the_description_is_openapi_3_1_and_knows_every_field():
    """Its schemas are schemas; what the portal's own dataset has, a record may bring."""
    found = document.openapi("https://data.example.gov.cn/")
    assert found["openapi"].startswith("3.1")
    assert found["servers"] == [{"url": "https://data.example.gov.cn/push/v1"}]
    schemas = found["components"]["schemas"]
    assert set(schemas["Fields"]["properties"]) == set(lines.field_kinds())
    assert set(schemas["Problem"]["properties"]["code"]["enum"]) == set(problems.CODES)
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(found)) == found


def test_methods_of_addresses():
    """So that a wrong method is told from a wrong address."""
    assert document.methods("batches/abc") == ["GET", "PUT"]
    assert document.methods("tables/a/b/c") == ["PUT"]
    assert document.methods("nothing") == []
