"""Pages of other sites read open data, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.hljshare.feeds.api import cors, paths
from ckanext.hljshare.feeds.dcat.syntax import ALIASES, SYNTAXES

OPEN = [
    "/api/3/action/package_search",
    "/api/action/datastore_search",
    "/api/docs/openapi.json",
    "/api/docs/openapi.yaml",
    "/catalog.ttl",
    "/catalog/dump.jsonld.gz",
    "/catalog-list.xlsx",
    "/dataset/bus.rdf",
    "/dataset/bus.json",
    "/catalog.json",
    "/catalog.n3",
    "/vocabulary/region.ttl",
    "/vocabulary/region/230100",
    "/vocabulary/resource/3070230100012/000001",
    "/sitemap.xml",
    "/feeds/dataset.atom",
    "/feeds/city/230100.atom",
    "/dataset/bus/croissant.jsonld",
    "/sitemap-3.xml",
    "/dataset/bus/resource/1/download/bus.csv",
    "/dataset/bus/resource/1/data.json",
    "/push/v1/openapi.json",
]
NOT_OPEN = [
    "/",
    "/api/docs",
    "/user/login",
    "/dashboard/datasets",
    "/dataset/bus",
    "/dataset/edit/bus",
    "/dataset/new.ttl/x",
    "/share/8b1f",
    "/desk/deadlines/secret.ics",
    "/request/HLJ-1",
    "/request.csv",
    "/push/v1/state",
    "/catalog",
    "/my",
    "/ckan-admin",
]


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_open_data_is_read_by_pages_of_other_sites(method, path):
    found = cors.headers(method, path, known=False)
    assert found["Access-Control-Allow-Origin"] == "*"
    assert {"ETag", "Link", "RateLimit", "Retry-After"} <= set(
        found["Access-Control-Expose-Headers"].split(", ")
    )


@pytest.mark.parametrize("ending", [*SYNTAXES, *ALIASES])
def test_every_ending_that_is_routed_is_a_feed(ending):
    for path in (f"/catalog.{ending}", f"/dataset/bus.{ending}", f"/vocabulary/theme.{ending}"):
        assert paths.kind(path) == "feed"


@pytest.mark.parametrize("path", NOT_OPEN)
def test_what_belongs_to_a_session_is_not(path):
    assert cors.headers("GET", path, known=False) == {}


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_that_may_change_something_is(method, path):
    assert cors.headers(method, path, known=False) == {}


@pytest.mark.parametrize("path", OPEN)
def test_an_answer_for_a_known_person_is_not(path):
    assert cors.headers("GET", path, known=True) == {}


def test_a_preflight_tells_what_a_reader_may_send_and_not_the_token():
    found = cors.headers("OPTIONS", "/catalog.ttl", known=False, preflight=True)
    assert found["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "Range" in found["Access-Control-Allow-Headers"]
    assert "Authorization" not in found["Access-Control-Allow-Headers"]


@given(st.sampled_from(["GET", "POST", "OPTIONS", "PUT"]), st.text(), st.booleans(), st.booleans())
def test_credentials_are_never_allowed(method, path, known, preflight):
    found = cors.headers(method, path, known=known, preflight=preflight)
    assert "Access-Control-Allow-Credentials" not in found
    assert found == {} or (method in cors.METHODS and paths.kind(path) and not known)
