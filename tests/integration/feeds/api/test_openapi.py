"""The description of the interface, as it is served, is true."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
import schemathesis
import yaml
from ckan.tests.helpers import call_action
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import checks

from tests.integration.feeds.api.conftest import SECRETS

HOME = "/api/docs"
SHUT = {
    "open_basis": [{"law": "中华人民共和国数据安全法", "article": "第三十八条"}],
    "open_condition": "说明用途后提供",
}
FUZZED = (
    "package_search", "package_show", "organization_list", "hljshare_organization_tree",
    "hljshare_access_check", "hljshare_level_history", "datastore_search", "nationalList",
    "catalogPage", "exportTable",
)  # fmt: skip


@pytest.fixture
def described(app, catalog) -> dict[str, Any]:
    return json.loads(app.get(f"{HOME}/openapi.json").body)


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def readings(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each GET operation of ours, with its parameters."""
    return [
        (
            path,
            {
                **item["get"],
                "parameters": [resolved(document, p) for p in item["get"].get("parameters", [])],
            },
        )
        for path, item in document["paths"].items()
        if "get" in item and not path.startswith("/push/")
    ]


def address(path: str, operation: dict[str, Any], more: dict[str, str]) -> str | None:
    """The address of an operation's examples; None where a needed one is not of this site."""
    query = {}
    for parameter in operation["parameters"]:
        name = parameter["name"]
        example = parameter.get("example", more.get(name))
        if example is None:
            if parameter.get("required"):
                return None
        elif parameter["in"] == "path":
            path = path.replace("{" + name + "}", quote(str(example)))
        else:
            query[name] = str(example)
    return f"{path}?{urlencode(query)}" if query else path


def test_it_is_valid_in_both_forms_and_they_say_the_same(app, described):
    errors = [str(error)[:300] for error in OpenAPIV31SpecValidator(described).iter_errors()]
    assert not errors
    answer = app.get(f"{HOME}/openapi.yaml")
    assert answer.headers["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(answer.body) == described


def test_push_is_part_of_it_where_it_is_loaded(described):
    assert described["paths"]["/push/v1/batches/{key}"]["put"]["security"] == [{"push.token": []}]


def test_what_is_described_is_there(app, described):
    """Every address of the document is one that the portal routes."""
    adapter = app.flask_app.url_map.bind("")
    for path, item in described["paths"].items():
        for method in {"get", "post", "put"} & set(item):
            example = path.replace("{format}", "json" if "list" in path else "ttl")
            example = example.replace("data.ttl", "data.json").replace("{", "").replace("}", "")
            endpoint, values = adapter.match(example, method=method.upper())
            wrong = ("dataset.read", "hljshare_push.unknown", "hljshare_theme.dataset")
            assert endpoint not in wrong, (path, endpoint, values)


def test_every_example_that_is_shown_works(app, described, person):
    """Every documented GET, with its examples: the status, the type and the form described."""
    request = call_action(
        "hljshare_request_create",
        {"user": person["name"], "ignore_auth": False},
        dataset="shut-on-request",
        data_name="公交刷卡记录",
    )
    asked = 0
    for path, operation in readings(described):
        mine = {"id": request["id"]} if path.endswith("request_show") else {}
        where = address(path, operation, mine)
        assert where, path
        needs = operation.get("security", described["security"]) == [{"token": []}]
        headers = {"Authorization": person["token"]} if needs else {}
        answer = app.get(where, headers=headers, follow_redirects=False)
        assert answer.status_code == 200, (where, answer.body[:300])
        good = resolved(described, operation["responses"]["200"])
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in good["content"] or "*/*" in good["content"], (where, kind)
        schema = good["content"].get(kind, {}).get("schema")
        if schema and kind.endswith("json"):
            whole = {**schema, "components": described["components"]}
            jsonschema.Draft202012Validator(whole).validate(json.loads(answer.body))
        asked += 1
    assert asked > 25


def test_examples_are_of_what_is_public_and_open(app, described, catalog):
    text = json.dumps(described, ensure_ascii=False)
    assert catalog.file in text
    for word in (*catalog.shut_files, *catalog.shut.values(), catalog.private, *SECRETS):
        assert word not in text


@pytest.mark.parametrize(
    "change",
    [
        {"open_type": "on_request", **SHUT},
        {"open_type": "closed", **SHUT},
        {"withdrawn_on": "2026-11-01"},
        {"private": True},
        {"state": "deleted"},
    ],
)
def test_it_follows_a_change_of_level_at_once(app, described, catalog, change):
    """Nothing of a file that was open stays in a copy of the portal's."""
    etag = app.get(f"{HOME}/openapi.json").headers["ETag"]
    again = app.get(f"{HOME}/openapi.json", headers={"If-None-Match": etag})
    assert again.status_code == 304
    context = {"ignore_auth": True, "user": _site()}
    call_action("package_patch", context, id=catalog.bus, **change)
    now = app.get(f"{HOME}/openapi.json", headers={"If-None-Match": etag})
    assert now.status_code == 200
    assert catalog.file not in now.body


def test_it_needs_no_search_index(app, described, ckan_config, monkeypatch):
    """A Solr that is really not there: a port where nobody listens."""
    monkeypatch.setitem(ckan_config, "solr_url", "http://127.0.0.1:1/solr/gone")
    assert json.loads(app.get(f"{HOME}/openapi.json").body) == described
    assert app.get(f"{HOME}/openapi.yaml").status_code == 200


@pytest.mark.ckan_config("ckan.root_path", "/data/{{LANG}}")
def test_below_a_path_of_the_site(app, catalog):
    found = json.loads(app.get(f"{HOME}/openapi.json").body)
    assert found["servers"] == [{"url": "http://test.ckan.net/data"}]
    assert "/push/v1/state" in found["paths"]
    example = app.get(f"{HOME}/examples/search.py").body
    assert 'SITE = "http://test.ckan.net/data"' in example


def _site() -> str:
    return call_action("get_site_user")["name"]


def test_who_is_signed_in_gets_the_same_as_a_visitor(app, described, agency):
    """What an editor may see does not become an example."""
    from ckan.tests import factories

    editor = factories.UserWithToken()
    call_action(
        "organization_member_create",
        {"ignore_auth": True, "user": _site()},
        id=agency["id"],
        username=editor["name"],
        role="editor",
    )
    answer = app.get(f"{HOME}/openapi.json", headers={"Authorization": editor["token"]})
    assert json.loads(answer.body) == described


def test_nothing_else_is_served(app):
    names = ("openapi.xml", "openapi.", "ui/index.html", "ui/LICENSE", "ui/..%2f__init__.py")
    for name in (*names, "examples/search.txt", "examples/..%2fviews.py"):
        assert app.get(f"{HOME}/{name}").status_code == 404, name


def test_whatever_is_sent_is_answered_without_a_fault(app, catalog):
    schema = schemathesis.openapi.from_wsgi(f"{HOME}/openapi.json", app=app.flask_app)
    for name in FUZZED:
        operation = schema.find_operation_by_id(name)

        @settings(
            max_examples=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        )
        @given(case=operation.as_strategy())
        def asked(case):
            case.headers = {}
            case.call_and_validate(checks=[checks.not_a_server_error])

        asked()


def test_what_no_text_can_hold_is_refused_and_told(app):
    answer = app.get("/api/3/action/datastore_search?resource_id=a%00b")
    assert answer.status_code == 400
    found = json.loads(answer.body)
    assert found["success"] is False
    assert found["error"]["__type"] == "Validation Error"
    assert "resource_id" in found["error"]


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("package_list", "limit", "9_999_999_999_999_999_999"),
        ("package_list", "offset", "9_999_999_999_999_999_999"),
        ("package_list", "limit", ""),
        ("package_search", "start", ""),
        ("package_list", "limit", 10**23 - 1),
        ("package_list", "limit", 1e30),
        ("package_show", "id", "a\x00b"),
        ("package_show", "id", "\ud800"),
        ("package_show", "a\x00", "b"),
    ],
)
@pytest.mark.parametrize("sent", ["address", "json", "form"])
def test_what_no_action_can_take_is_refused_however_it_is_sent(app, action, name, value, sent):
    address = f"/api/3/action/{action}"
    if sent == "json":
        answer = app.post(address, json={name: value})
    elif value == "\ud800":
        return  # no address and no form holds it
    elif sent == "form":
        answer = app.post(address, data={name: value, "other": "x"})
    else:
        answer = app.get(f"{address}?{urlencode({name: value})}")
    if isinstance(value, float) and sent != "json":
        assert answer.status_code == 409  # CKAN says itself that it is no whole number
        return
    assert answer.status_code == 400
    found = json.loads(answer.body)
    assert found["error"]["__type"] == "Validation Error"
    assert "无法识别" in found["error"][name.replace("\x00", "")][0]


def test_json_that_is_sent_as_a_form_is_read_too(app):
    """As curl sends it, and as CKAN takes it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    text = json.dumps({"id": "a\x00b"})
    answer = app.post("/api/3/action/package_show", data=text, headers=headers)
    assert answer.status_code == 400


def test_json_nested_without_end_is_refused(app):
    headers = {"Content-Type": "application/json"}
    for depth in (200, 100_000):
        text = f'{{"id": {"[" * depth}{"]" * depth}}}'
        answer = app.post("/api/3/action/package_show", data=text, headers=headers)
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/dataset/a%00b", "/en/dataset/a%00b", "/user/%00", "/organization/%00", "/dataset/%00.ttl",
     "/feeds/tag/%00.atom", "/api/3/action/package_show%00"],
)  # fmt: skip
def test_there_is_nothing_at_an_address_that_no_text_can_hold(app, agency, path):
    answer = app.get(path, follow_redirects=False)
    assert answer.status_code == 404
    if not path.endswith(("b", "/%00")):
        assert json.loads(answer.body)["error"]["__type"] == "Not Found Error"
