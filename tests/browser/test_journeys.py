"""People at work with restricted data: the agency's administrator and the person with a grant."""

import json
import os
import re
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from .conftest import BASE, DESKTOP, PHONE, api

ROOT = Path(os.environ.get("PORTAL_ROOT", Path(__file__).resolve().parents[2]))
AGENCY = "harbin-jtysj"


@pytest.fixture(scope="module")
def states(browser):
    """The cookies of the demo's people, by name."""
    said = subprocess.run(
        [ROOT / "portal", "demo"], capture_output=True, text=True, check=True
    ).stdout
    passwords = {line.split()[0]: line.split()[1] for line in said.splitlines() if line.strip()}
    found = {}
    for name in ("approver", "applicant1", "applicant2", "admin"):
        context = browser.new_context(base_url=BASE, locale="zh-CN")
        page = context.new_page()
        page.goto("/user/login")
        page.fill("[name=login]", name)
        page.fill("[name=password]", passwords[name])
        page.click(".login-grid [type=submit]")
        page.wait_for_url("**/dashboard/**")
        found[name] = context.storage_state()
        context.close()
    return found


@pytest.fixture(scope="module")
def shut():
    """A dataset on request of the approver's agency with a file at its source."""
    org = api("organization_show", id=AGENCY)["id"]
    found = api("package_search", fq=f"+hljshare_open_type:on_request +owner_org:{org}", rows=50)
    return next(d for d in found["results"] if d["resources"])


def field(page, name):
    return page.locator(f"main [name={name}]")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_grant_from_giving_to_revoking(visit, states, shut, viewport):
    """The agency grants, the applicant downloads from /my, the agency revokes, the door shuts, and
    the log tells all of it."""
    page = visit(f"/dataset/{shut['name']}/grants/new", viewport, storage_state=states["approver"])
    purpose = f"研究公交客流 {viewport['width']}"
    field(page, "user").fill("applicant1")
    field(page, "purpose").fill(purpose)
    field(page, "not_after").fill("2199-01-01")
    page.locator("main form [type=submit]").last.click()
    page.wait_for_url(f"**/dataset/{shut['name']}/grants")
    assert purpose in page.inner_text("main")

    mine = visit("/my", viewport, storage_state=states["applicant1"])
    assert purpose in mine.inner_text("main")
    file = shut["resources"][0]["id"]
    answer = mine.request.get(f"/share/{file}")
    assert answer.status == 200, "the door follows to the ticket by itself"
    assert "attachment" in answer.headers["content-disposition"]
    assert "机密样本" in answer.body().decode("utf-8", "replace") or len(answer.body()) > 100
    ticketed = answer.url
    stranger = visit("/", viewport, storage_state=states["applicant2"])
    for address in (f"/share/{file}", ticketed):
        assert stranger.request.get(address).status == 403

    page.reload()
    while page.locator("details.revoke").count():  # one; more where an earlier run broke off
        form = page.locator("details.revoke").first
        form.locator("summary").click()
        form.locator("[name=reason]").fill("用途已经完成")
        form.locator("[type=submit]").click()
        page.wait_for_load_state()
    assert "用途已经完成" in page.inner_text("main")
    assert mine.request.get(f"/share/{file}").status == 403
    assert mine.request.get(ticketed).status == 403
    mine.goto("/my/notices")
    assert "用途已经完成" in mine.inner_text("main")

    page.goto(f"/dataset/{shut['name']}/access-log")
    said = page.inner_text("main")
    assert "applicant1" in said
    assert "applicant2" in said
    export = page.request.get(f"/dataset/{shut['name']}/access-log.csv")
    assert purpose in export.body().decode("utf-8-sig")
    assert stranger.request.get(f"/dataset/{shut['name']}/access-log.csv").status in (403, 404)


def test_an_administrator_says_why_before_reading(visit, states):
    """The refused page leads to the purpose, the purpose to the file."""
    found = api("package_search", fq="-hljshare_open_type:open", rows=200)["results"]
    page = visit("/", storage_state=states["admin"])
    # A purpose stated in an earlier run holds for half an hour.
    shut, file = next(
        (dataset, file["id"])
        for dataset in found
        for file in dataset["resources"]
        if page.request.head(f"/share/{file['id']}").status == 403
    )
    page.goto(f"/share/{file}")
    page.locator("main a[href*=purpose]").first.click()
    field(page, "purpose").fill("核查投诉 2026-18")
    page.locator("main form [type=submit]").last.click()
    assert page.request.get(f"/share/{file}").status == 200
    page.goto(f"/dataset/{shut['name']}/access-log")
    assert "核查投诉 2026-18" in page.inner_text("main")


def test_a_call_with_a_token_opens_no_form_to_other_sites(visit, states):
    """CKAN would take the view out of its protection, for everybody, until the process ends."""
    page = visit("/my/notices", storage_state=states["applicant1"])
    word = re.search(r'name="_csrf_token" content="([^"]+)"', page.content())[1]
    made = page.request.post(
        "/api/3/action/api_token_create",
        data=json.dumps({"user": "applicant1", "name": "journey"}),
        headers={"Content-Type": "application/json", "X-CSRFToken": word},
    ).json()["result"]["token"]
    form = urllib.parse.urlencode({"all": "true"})
    plain = {"Content-Type": "application/x-www-form-urlencoded"}
    stranger = visit("/")  # has no cookies: the token alone says who calls
    for _ in range(6):  # every process of the web server
        answer = stranger.request.post(
            "/my/notices/read",
            data=form,
            headers={**plain, "Authorization": made},
            max_redirects=0,
        )
        assert answer.status == 302
    for _ in range(6):
        answer = page.request.post("/my/notices/read", data=form, headers=plain, max_redirects=0)
        assert answer.status == 400
    form = urllib.parse.urlencode({"all": "true", "_csrf_token": word})
    answer = page.request.post("/my/notices/read", data=form, headers=plain, max_redirects=0)
    assert answer.status == 302
