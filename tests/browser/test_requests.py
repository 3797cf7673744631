"""An applicant's way through the running portal: from the dataset to the data, without scripts."""

import base64
import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import BASE, DESKTOP, PHONE, api

ROOT = Path(os.environ.get("PORTAL_ROOT", Path(__file__).resolve().parents[2]))
AGENCY = "harbin-jtysj"


@pytest.fixture(scope="module")
def passwords():
    said = subprocess.run(
        [ROOT / "portal", "demo"], capture_output=True, text=True, check=True
    ).stdout
    return dict(line.split()[:2] for line in said.splitlines() if len(line.split()) >= 2)


@pytest.fixture(scope="module")
def tokens():
    """API tokens of the officials, for what is not this journey's matter."""
    found = {}
    for name in ("handler", "approver"):
        said = subprocess.run(
            [ROOT / "portal", "ckan", "user", "token", "add", name, "journey", "-q"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found[name] = said.split()[-1]
    yield found
    for token in found.values():
        key = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["jti"]
        call(token, "api_token_revoke", jti=key)


def call(token, action, **fields):
    request = urllib.request.Request(
        f"{BASE}/api/3/action/{action}",
        json.dumps(fields).encode(),
        {"Authorization": token, "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["result"]


@pytest.fixture
def official(tokens):
    """official(name, action, **fields) → the request, changed."""
    return lambda name, action, **fields: call(tokens[name], f"hljshare_request_{action}", **fields)


@pytest.fixture
def enter(browser, passwords):
    """enter(name, viewport, **options of the context) → a page, signed in."""
    contexts = []

    def go(name, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, base_url=BASE, locale="zh-CN", **options)
        contexts.append(context)
        page = context.new_page()
        page.goto("/user/login")
        page.fill("[name=login]", name)
        page.fill("[name=password]", passwords[name])
        page.click(".login-grid [type=submit]")
        page.wait_for_load_state()
        return page

    yield go
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def wanted():
    """A dataset on request of the agency that the demo's handler works for."""
    found = api("package_search", fq="hljshare_open_type:on_request", rows=100)["results"]
    found = [item for item in found if item["organization"]["name"] == AGENCY]
    assert found, f"the demo has no dataset on request of {AGENCY}"
    return found[0]


def check(page):
    """Nothing sticks out, and axe finds nothing serious."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    found = Axe().run(page).response["violations"]
    assert [f["id"] for f in found if f["impact"] in ("serious", "critical")] == [], page.url


def fill(page, wanted, purpose, check=check):
    """Go through the form to the last step."""
    page.goto(f"/request/new?dataset={wanted['name']}")
    assert page.input_value("#f-data_name") == wanted["title"]
    page.check("[name=demand_type][value=file]")
    check(page)
    page.click(".form-actions [value=next]")
    page.fill("#f-purpose", purpose)
    check(page)
    page.click(".form-actions [value=next]")
    page.check("[name=applicant_kind][value=person]")
    page.fill("#f-applicant_name", "王小明")
    page.fill("#f-contact", "13900001234")
    check(page)
    page.click(".form-actions [value=next]")
    page.wait_for_url("**/confirm")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_from_the_dataset_to_the_data(enter, official, wanted, viewport):
    page = enter("applicant1", viewport)
    fill(page, wanted, "线网优化研究")
    check(page)
    with page.expect_navigation():
        page.click(".form-actions [value=submit]")
    assert page.locator("#e-agreement").is_visible()
    page.check("#f-agreement")
    with page.expect_navigation():
        page.click(".form-actions [value=submit]")
    number = page.url.rsplit("/", 1)[-1]
    assert number.startswith("SQ-")
    assert page.locator(".ring").count() == 1
    assert page.locator(".way .now").count() == 1
    check(page)

    official("handler", "return", id=number, message="请补充课题的批准单位")
    page.reload()
    assert "请补充课题的批准单位" in page.inner_text(".callout.next")
    page.click(".callout.next .btn-primary")
    page.click(".form-actions [value=next]")
    page.fill("#f-other", "省教育厅批准")
    page.click(".form-actions [value=next]")
    page.click(".form-actions [value=next]")
    page.check("#f-agreement")
    with page.expect_navigation():
        page.click(".form-actions [value=submit]")

    official("handler", "accept", id=number)
    page.reload()
    page.click("details.explain summary")
    assert page.locator(".count-days .due").count() == 1
    page.fill("#t-message", "按月汇总即可")
    page.click("#message button")
    assert "按月汇总即可" in page.inner_text(".thread")
    check(page)

    official("handler", "propose", id=number, decision="approve", conditions="注明来源")
    official("approver", "decide", id=number, sign=True)
    official("handler", "deliver", id=number)
    page.reload()
    check(page)
    with page.expect_download() as download:
        page.click("#granted ~ .grant-part .files a.btn-primary >> nth=0")
    assert Path(download.value.path()).stat().st_size > 0

    page.goto("/my")
    assert number in page.inner_text("main")
    check(page)

    stranger = enter("applicant2", viewport)
    answer = stranger.request.get(download.value.url)
    assert answer.status == 403
    stranger.goto(f"/request/{number}")
    text = stranger.inner_text("main")
    assert wanted["title"] in text
    assert "王小明" not in text
    assert "线网优化研究" not in text
    check(stranger)

    page.goto(f"/request/{number}")
    page.click("text=不再需要这些数据")
    page.fill("#t-close", "已删除")
    page.click("#close button")
    assert page.locator("#granted ~ .grant-part .files").count() == 0


def test_the_dataset_leads_to_the_form_by_the_login(visit, wanted, passwords):
    """A visitor signs in on the way, and comes out at the form of this dataset."""
    page = visit(f"/dataset/{wanted['name']}")
    page.click(".callout.how a.btn-primary[href*='/request/new']")
    page.fill("[name=login]", "applicant2")
    page.fill("[name=password]", passwords["applicant2"])
    page.click(".login-grid [type=submit]")
    page.wait_for_url(f"**/request/new?dataset={wanted['name']}")
    assert page.input_value("#f-data_name") == wanted["title"]


def test_without_scripts_and_with_the_keyboard(enter, wanted):
    """The form works without scripts; the Enter key goes on, never back."""
    page = enter("applicant1", java_script_enabled=False)
    fill(page, wanted, "无脚本", check=lambda _page: None)  # axe is a script
    page.click(".form-actions [value=back]")
    page.focus("#f-contact")
    page.keyboard.press("Enter")
    page.wait_for_url("**/confirm")
    page.click(".discard button")
    page.wait_for_url("**/my")


def test_a_refusal_leads_on(enter, official, wanted):
    page = enter("applicant1")
    fill(page, wanted, "将被拒绝")
    page.check("#f-agreement")
    with page.expect_navigation():
        page.click(".form-actions [value=submit]")
    number = page.url.rsplit("/", 1)[-1]
    official("handler", "decline", id=number, reason="已经公开", basis=["disclosure-36-1"])
    page.reload()
    text = page.inner_text("#answer >> xpath=..")
    assert "已经公开" in text
    assert "第三十六条" in text
    check(page)
    page.click("a[href*='again=']")
    page.click(".form-actions [value=next]")
    assert page.input_value("#f-purpose") == "将被拒绝"
    page.click(".discard button")
