"""The search through CKAN itself: what a visitor, a member and a system administrator get."""

from __future__ import annotations

from typing import Any

import pytest
from ckan.lib.search import SearchQueryError
from ckan.tests import factories
from ckan.tests.helpers import call_action

pytestmark = pytest.mark.usefixtures("clean_db", "clean_index")


def _search(app: Any, headers: dict[str, str] | None = None, **query: Any) -> Any:
    return app.get(
        "/api/3/action/package_search", query_string=query, extra_environ=headers or {},
        headers=headers or {}, expect_errors=True,
    )  # fmt: skip


def _titles(app: Any, **query: Any) -> list[str]:
    return [found["title"] for found in _search(app, **query).json["result"]["results"]]


@pytest.fixture
def bus(make_dataset: Any) -> dict[str, Any]:
    """Return an open dataset on buses in a catalog with a second one on parks."""
    make_dataset(
        title="哈尔滨市公园绿地名录", notes="公园的名称、位置和面积，按年更新。", theme="urban"
    )
    return make_dataset(title="哈尔滨市公共汽车线路", theme="transport")


@pytest.mark.parametrize(
    "q", ["公共汽车", "公交", "共汽", "gonggongqiche", "ggqc", "公共汽車", "哈尔滨公交"]
)
def test_a_dataset_is_found_as_soon_as_it_stands(app, bus, q):
    """By its word, a synonym, a part, pinyin, initials, traditional characters."""
    assert _titles(app, q=q)[0] == bus["title"]


def test_facets_have_codes_and_labels(app, bus):
    """A facet counts codes and shows what people read."""
    answer = _search(app, q="", **{"facet.field": '["hljshare_theme", "hljshare_agency"]'})
    facets = answer.json["result"]["search_facets"]
    themes = {item["name"]: item["display_name"] for item in facets["hljshare_theme"]["items"]}
    assert themes["transport"] == "道路交通"
    (agency,) = facets["hljshare_agency"]["items"]
    assert agency["display_name"] == "哈尔滨市交通运输局"
    assert agency["count"] == 2


def test_an_organization_is_filtered_with_those_below_it(app, bus, agency):
    """The path of organizations counts a dataset for every organization above it."""
    assert bus["title"] in _titles(app, q="", fq=f'hljshare_org_path:"{agency["name"]}"')


def test_the_page_of_results_opens(app, bus):
    """The dataset page answers a question with the dataset."""
    page = app.get("/dataset/", query_string={"q": "公交"})
    assert page.status_code == 200
    assert bus["name"] in page.body


@pytest.mark.parametrize(
    "query",
    [
        {"fq": "res_url:*"},
        {"fq": "permission_labels:public"},
        {"fq_list": '["extras_held_reason:*"]'},
        {"fq": "{!term f=res_url}x"},
    ],
)
def test_a_visitor_cannot_ask_hidden_fields(app, bus, query):
    """A filter over a field that is not on the list is refused, with the reason."""
    answer = _search(app, q="", **query)
    assert answer.status_code in (400, 409)
    assert answer.json["success"] is False


def test_a_visitor_cannot_have_inner_fields_returned(app, bus):
    """Only fields of the list come back."""
    result = _search(app, q="", fl="validated_data_dict,title,permission_labels").json["result"]
    assert set().union(*result["results"]) <= {"title", "id"}


def test_a_system_administrator_may_use_all_of_solr(app, bus):
    """Nothing is held back from the one who runs the portal."""
    token = factories.SysadminWithToken()
    headers = {"Authorization": token["token"]}
    assert _search(app, headers, fq='permission_labels:"public"').status_code == 200


def test_suggestions_are_those_that_the_visitor_may_see(app, bus, make_dataset, agency):
    """A private dataset is suggested to nobody else; agencies and themes are suggested too."""
    make_dataset(title="哈尔滨市公共汽车内部台账", private=True)
    answer = app.get("/search/suggest", query_string={"q": "gonggongqi"}).json
    assert [found["title"] for found in answer["titles"]] == [bus["title"]]
    answer = app.get("/search/suggest", query_string={"q": "交通"}).json
    assert [found["name"] for found in answer["agencies"]] == [agency["name"]]
    assert [found["name"] for found in answer["themes"]] == ["transport"]


@pytest.mark.parametrize("q", ["", " ", "，", '"', "{!", "a:b"])
def test_suggestions_never_fail(app, bus, q):
    """Whatever is typed, the answer is a list."""
    assert app.get("/search/suggest", query_string={"q": q}).status_code == 200


def test_help_when_nothing_is_found(bus):
    """One word less, or a title of the same sound."""
    found = call_action("hljshare_search_help", q="公交 火星")
    assert {"q": "公交", "count": 1} in found["alternatives"]
    heard = call_action("hljshare_search_help", q="公共气车线路")
    assert [title["name"] for title in heard["titles"]][:1] == [bus["name"]]
    filtered = call_action("hljshare_search_help", q="公交", fq='hljshare_theme:"health"')
    assert filtered["unfiltered"] == 1


def test_a_private_dataset_is_not_helped_to(bus, make_dataset):
    """The help for empty results shows no more than the search does."""
    make_dataset(title="哈尔滨市保密线路", private=True)
    found = call_action("hljshare_search_help", {"user": "", "ignore_auth": False}, q="保秘线路")
    assert "保密" not in str(found)


def test_a_wrong_filter_says_which_parameter(bus, app):
    """The message names the parameter."""
    with app.flask_app.test_request_context("/"), pytest.raises(SearchQueryError, match="fq"):
        call_action("package_search", fq="res_url:*")
