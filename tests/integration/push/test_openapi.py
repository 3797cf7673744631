"""The interface is as its description says, whatever is sent to it."""

import json

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

from tests.integration.push.conftest import content_digest, ndjson, upsert

CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.response_headers_conformance,
]
EXAMPLES = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
OPERATIONS = ("putBatch", "getBatch", "putTable", "getState", "getDigest", "putReport",
              "getDescription")  # fmt: skip


def encoded(value):
    """The bytes of a text that is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.serializer("application/x-ndjson")
def _lines(_context, value):
    return encoded(value)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_one_that_is_described(harbin, name, monkeypatch, ckan_config):
    """No failure of the portal, no status, type or form that the document does not know."""
    monkeypatch.setitem(ckan_config, "hljshare.push.batches_per_hour", 100_000)
    harbin.put([upsert("1")], key="described-1")
    schema = schemathesis.openapi.from_wsgi("/push/v1/openapi.json", app=harbin.app.flask_app)
    operation = schema.find_operation_by_id(name)

    @EXAMPLES
    @given(case=operation.as_strategy(), sound=st.booleans(), signed=st.booleans())
    def asked(case, sound, signed):
        case.headers = {**(case.headers or {})}
        if signed:
            case.headers["Authorization"] = harbin.token
        if sound and isinstance(case.body, str):
            case.headers["Content-Digest"] = content_digest(encoded(case.body))
            case.headers.pop("Content-Encoding", None)
        case.call_and_validate(checks=CHECKS)

    asked()


def test_results_and_receipts_are_as_described(harbin):
    """Line by line, as lines cannot be described in a document."""
    document = json.loads(harbin.app.get("/push/v1/openapi.json").body)
    schemas = document["components"]

    def check(name, value):
        schema = {"$ref": f"#/components/schemas/{name}", "components": schemas}
        jsonschema.Draft202012Validator(schema).validate(value)

    lines = [upsert("1"), upsert("2", open_type="closed"), {"op": "delete", "id": "1"}]
    for line in lines:
        check("Line", line)
    *results, last = harbin.put([*lines, b"{"]).body.splitlines()
    for result in results:
        check("Result", json.loads(result))
    check("Receipt", json.loads(last)["receipt"])
    assert ndjson(lines)
    check("State", json.loads(harbin.get("state").body))
    check("Tree", json.loads(harbin.get("state/digest").body))
    check("Bucket", json.loads(harbin.get("state/digest?prefix=0a").body))
