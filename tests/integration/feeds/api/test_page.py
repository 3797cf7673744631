"""The page for people with programs."""

from __future__ import annotations

import re

import pytest

from ckanext.hljshare.feeds.api import samples


def test_the_page_shows_every_example_with_the_address_of_this_site(app):
    page = app.get("/api/docs").body
    for name in samples.FILES:
        ending = name.replace(".", "-")
        assert f'data-copy-code="example-{ending}"' in page
    assert samples.PLACE not in page
    assert page.count("http://test.ckan.net") >= len(samples.FILES)


def test_the_page_loads_its_viewer_from_the_portal_and_runs_no_script_of_its_own(app):
    page = app.get("/api/docs").body
    sources = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page)
    assert any("swagger-ui-bundle.js" in source for source in sources)
    assert all(source.startswith(("/", "http://test.ckan.net/")) for source in sources)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", page)


@pytest.mark.parametrize(
    ("name", "kind"), [("swagger-ui-bundle.js", "javascript"), ("swagger-ui.css", "css")]
)
def test_the_viewer_is_the_packages_own_and_may_be_kept(app, name, kind):
    answer = app.get(f"/api/docs/ui/{name}?v=1")
    assert answer.status_code == 200
    assert kind in answer.headers["Content-Type"]
    assert len(answer.data) > 100_000


@pytest.mark.parametrize("name", samples.FILES)
def test_an_example_can_be_saved(app, name):
    answer = app.get(f"/api/docs/examples/{name}")
    assert answer.data.decode() == samples.text(name, "http://test.ckan.net")
    assert name in answer.headers["Content-Disposition"]
