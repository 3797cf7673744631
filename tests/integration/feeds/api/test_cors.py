"""Pages of other sites read open data, without credentials, and nothing else."""

from __future__ import annotations

from ckan.tests import factories

OPEN = (
    "/api/3/action/package_search",
    "/api/3/action/package_show?id=bus",
    "/api/3/action/package_show?id=nothing-there",
    "/api/docs/openapi.json",
    "/api/docs/openapi.yaml",
    "/catalog.ttl",
    "/catalog.jsonld",
    "/catalog.json",
    "/dataset/bus.json",
    "/catalog-list.csv",
    "/dataset/bus.ttl",
    "/sitemap.xml",
    "/push/v1/openapi.json",
)
SHUT = ("/", "/dataset/bus", "/api/docs", "/user/login", "/my", "/push/v1/state", "/dashboard/")
ORIGIN = {"Origin": "https://elsewhere.example"}


def allowed(answer) -> str | None:
    assert "Access-Control-Allow-Credentials" not in answer.headers
    return answer.headers.get("Access-Control-Allow-Origin")


def test_open_data_is_read_by_pages_of_other_sites(app, catalog):
    base = f"/dataset/bus/resource/{catalog.file}"
    for path in (*OPEN, f"{base}/download", f"{base}/data.json"):
        answer = app.get(path, headers=ORIGIN)
        assert allowed(answer) == "*", path
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert allowed(app.test_client().head(path, headers=ORIGIN)) == "*", path


def test_a_browser_that_asks_first_is_answered(app, catalog):
    asked = {**ORIGIN, "Access-Control-Request-Method": "GET"}
    for path in OPEN:
        answer = app.options(path, headers={**asked, "Access-Control-Request-Headers": "range"})
        assert answer.status_code in (200, 204), path
        assert allowed(answer) == "*", path
        assert "POST" not in answer.headers["Access-Control-Allow-Methods"]
        assert "authorization" not in answer.headers["Access-Control-Allow-Headers"].lower()


def test_pages_and_what_belongs_to_a_session_are_not(app, catalog):
    for path in SHUT:
        assert allowed(app.get(path, headers=ORIGIN, follow_redirects=False)) is None, path


def test_what_changes_something_is_not(app, catalog):
    for path in ("/api/3/action/hljshare_request_create", "/api/3/action/package_create"):
        assert allowed(app.post(path, json={}, headers=ORIGIN)) is None


def test_an_answer_to_a_token_is_for_its_holder_only(app, catalog):
    person = factories.UserWithToken()
    for token in (person["token"], "wrong"):
        headers = {**ORIGIN, "Authorization": token}
        assert allowed(app.get("/api/3/action/package_search", headers=headers)) is None
