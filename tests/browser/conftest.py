"""The running portal in a real browser.

`PORTAL_URL` names the site (default http://127.0.0.1:5000), `CHROMIUM` the browser.
"""

import json
import os
import urllib.parse
import urllib.request

import pytest
from playwright.sync_api import sync_playwright

BASE = os.environ.get("PORTAL_URL", "http://127.0.0.1:5000").rstrip("/")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def api(action, **parameters):
    """The result of an action, as an anonymous visitor."""
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{BASE}/api/3/action/{action}?{query}") as answer:
        return json.load(answer)["result"]


def dataset(level):
    """A public dataset of an opening level; of the open ones, one with a table."""
    found = api("package_search", fq=f"hljshare_open_type:{level}", rows=100)["results"]
    if level == "open":
        found = [d for d in found if any(r.get("datastore_active") for r in d["resources"])]
    assert found, f"the demo has no dataset with open_type {level}"
    return found[0]


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """visit(path, viewport=DESKTOP, **options of the context) → the page, opened."""
    contexts = []

    def go(path, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, base_url=BASE, locale="zh-CN", **options)
        contexts.append(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def open_dataset():
    return dataset("open")


@pytest.fixture(scope="session")
def pages(open_dataset):
    """The pages that every rule of the look is held against, by name."""
    file = next(r for r in open_dataset["resources"] if r.get("datastore_active"))
    return {
        "home": "/",
        "search": "/dataset/?q=公交",
        "nothing found": "/dataset/?q=宇宙飞船",
        "open": f"/dataset/{open_dataset['name']}",
        "on request": f"/dataset/{dataset('on_request')['name']}",
        "closed": f"/dataset/{dataset('closed')['name']}",
        "file": f"/dataset/{open_dataset['name']}/resource/{file['id']}",
        "agencies": "/organization/",
        "agency": "/organization/harbin",
        "cities": "/city",
        "login": "/user/login",
        "no such page": "/there-is-no-such-page",
        "about": "/about",
        "apply": "/about/apply",
        "restricted": "/catalog",
        "restricted, filtered": "/catalog?level=closed&law=条例",
    }
