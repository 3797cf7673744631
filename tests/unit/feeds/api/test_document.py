"""The description of the interface is valid, complete, and says nothing twice."""

import copy
import json
import re

import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

from ckanext.hljshare.catalog import codelists
from ckanext.hljshare.feeds.api import document, merging, paths
from ckanext.hljshare.paths import CONFIG
from ckanext.hljshare.push import document as push

SITE = "https://data.example.gov.cn"
VALUES = {
    "dataset": "harbin-bus",
    "resource": "r-1",
    "table": "r-2",
    "organization": "harbin",
    "request": "HLJ-1",
}


@pytest.fixture
def made():
    return document.make(SITE, VALUES, others=[push.openapi(SITE)])


def operations(made):
    for path, item in made["paths"].items():
        for method in merging.METHODS:
            if method in item:
                yield path, method, item[method]


def test_it_holds_to_the_meta_schema_of_openapi_3_1(made):
    assert made["openapi"].startswith("3.1")
    errors = list(OpenAPIV31SpecValidator(made).iter_errors())
    assert not [str(error)[:300] for error in errors]


def test_it_is_the_same_as_json_and_yaml(made):
    assert json.loads(json.dumps(made)) == made
    assert yaml.safe_load(yaml.safe_dump(made, allow_unicode=True)) == made


def test_every_reference_leads_somewhere(made):
    def references(node):
        if isinstance(node, list):
            for each in node:
                yield from references(each)
        elif isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for each in node.values():
                yield from references(each)

    for target in set(references(made)):
        node = made
        for part in target.removeprefix("#/").split("/"):
            assert part in node, target
            node = node[part]


def test_every_operation_has_a_name_of_its_own_and_chinese_words(made):
    names = [operation["operationId"] for _, _, operation in operations(made)]
    assert len(names) == len(set(names))
    for path, _method, operation in operations(made):
        assert re.search("[\u4e00-\u9fff]", operation["summary"]), path
        assert operation["tags"], path


def test_an_operation_tells_of_limits_if_it_is_counted_and_only_then(made):
    """Downloads are not: no headers are promised that do not come."""
    told = {}
    for path, _method, operation in operations(made):
        if not path.startswith("/push/"):
            told[path] = "429" in operation["responses"]
            headers = operation["responses"]["200"].get("headers", {})
            assert ("RateLimit" in headers) is told[path], path
    assert {path for path in told if not told[path]} == {
        "/dataset/{dataset}/resource/{resource}/download",
        "/dataset/{dataset}/resource/{resource}/data.{format}",
    }
    assert "每个回答都带" not in made["info"]["description"]
    assert "不计入限额" in made["info"]["description"]


def test_what_is_described_is_what_programs_are_counted_for(made):
    """One truth: no address of the document that CORS and limits do not know."""
    for path, method, _ in operations(made):
        if method == "get" and not path.startswith("/push/"):
            assert paths.kind(path.replace("{format}", "json")), path


def test_examples_are_of_this_site(made):
    shown = json.dumps(made, ensure_ascii=False)
    assert "harbin-bus" in shown
    assert not re.search(r'"example": "\{\w+\}"', shown)


def test_an_example_that_the_site_does_not_have_is_left_out():
    shown = json.dumps(document.make(SITE, {}))
    assert not re.search(r'"example": "\{\w+\}"', shown)


def test_an_action_that_is_not_there_is_not_described():
    made = document.make(SITE, VALUES, actions={"package_show"})
    actions = [path for path in made["paths"] if path.startswith("/api/3/action/")]
    assert actions == ["/api/3/action/package_show"]
    assert "/catalog.{format}" in made["paths"]


def test_the_fields_are_those_of_the_schema(made):
    dataset = made["components"]["schemas"]["Dataset"]["properties"]
    assert dataset["open_type"]["enum"] == codelists.codes("open_type")
    assert "无条件开放" in dataset["open_type"]["description"]
    assert dataset["items"]["type"] == "array"
    assert "locator" not in made["components"]["schemas"]["Resource"]["properties"]


def test_codes_and_limits_of_requests_are_those_of_the_rules(made):
    rules = yaml.safe_load((CONFIG / "requests/rules.yaml").read_text("utf-8"))
    draft = made["components"]["schemas"]["RequestDraft"]["properties"]
    assert draft["demand_type"]["enum"] == rules["demand_types"]
    assert draft["applicant_kind"]["enum"] == list(rules["applicant_kinds"])
    assert draft["data_name"]["maxLength"] == rules["texts"]["title_max"]
    assert draft["purpose"]["maxLength"] == rules["texts"]["text_max"]
    assert draft["theme"]["maxLength"] == rules["texts"]["short_max"]


class TestMerging:
    def test_paths_stand_below_the_server_of_their_document(self, made):
        state = made["paths"]["/push/v1/state"]["get"]
        assert state["operationId"] == "push_getState"
        assert state["security"] == [{"push.token": []}]
        assert made["paths"]["/push/v1/openapi.json"]["get"]["security"] == []

    def test_nothing_of_ours_is_replaced(self, made):
        alone = document.make(SITE, VALUES)
        for kind, components in alone["components"].items():
            for name, component in components.items():
                assert made["components"][kind][name] == component
        assert "push.State" in made["components"]["schemas"]

    def test_the_other_document_stays_as_it_is(self):
        other = push.openapi(SITE)
        before = copy.deepcopy(other)
        document.make(SITE, VALUES, others=[other])
        assert other == before

    def test_a_site_below_a_path_keeps_it_in_its_servers_only(self):
        made = document.make(f"{SITE}/data", VALUES, others=[push.openapi(f"{SITE}/data")])
        assert "/push/v1/state" in made["paths"]

    def test_another_site_is_not_merged(self, made):
        other = {**push.openapi("https://elsewhere.example")}
        with pytest.raises(ValueError, match="not of this site"):
            merging.add(made, other, SITE)

    def test_a_path_is_not_described_twice(self, made):
        with pytest.raises(ValueError, match="twice"):
            merging.add(made, push.openapi(SITE), SITE)
