"""The pages of those who keep the catalog, as the demo's system administrator sees them."""

import os
import subprocess
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import BASE, DESKTOP, PHONE, api, dataset

ROOT = Path(os.environ.get("PORTAL_ROOT", Path(__file__).resolve().parents[2]))


@pytest.fixture(scope="module")
def state(browser):
    """The cookies of the logged-in administrator."""
    said = subprocess.run(
        [ROOT / "portal", "demo"], capture_output=True, text=True, check=True
    ).stdout
    password = next(line.split()[1] for line in said.splitlines() if line.startswith("admin "))
    context = browser.new_context(base_url=BASE, locale="zh-CN")
    page = context.new_page()
    page.goto("/user/login")
    page.fill("[name=login]", "admin")
    page.fill("[name=password]", password)
    page.click(".login-grid [type=submit]")
    page.wait_for_url("**/dashboard/**")
    yield context.storage_state()
    context.close()


@pytest.fixture(scope="module")
def paths(open_dataset):
    file = open_dataset["resources"][0]["id"]
    shut = dataset("on_request")
    agency = api("organization_show", id=open_dataset["owner_org"])["name"]
    return [
        "/dashboard/datasets",
        "/dashboard/held",
        "/city",
        "/harvest",
        "/harvest/harbin",
        "/harvest/admin/harbin",
        "/harvest/harbin/job",
        "/harvest/edit/harbin",
        "/city/source/harbin",
        "/city/mapping",
        "/city/mapping/harbin",
        f"/dataset/edit/{open_dataset['name']}",
        f"/dataset/{open_dataset['name']}/resource/{file}/edit",
        "/my",
        f"/dataset/{shut['name']}",
        f"/dataset/{shut['name']}/grants",
        f"/dataset/{shut['name']}/grants/new",
        f"/dataset/{shut['name']}/access-log",
        f"/dataset/{shut['name']}/resource/{shut['resources'][0]['id']}/purpose",
        f"/organization/edit/{agency}",
        f"/organization/members/{agency}",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_are_readable_and_fit(visit, state, paths, viewport, scheme):
    wrong = []
    for path in paths:
        page = visit(path, viewport=viewport, color_scheme=scheme, storage_state=state)
        grave = [
            (violation["id"], violation["nodes"][0]["html"][:120])
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        wide = page.evaluate("document.documentElement.scrollWidth") > viewport["width"]
        if grave or wide:
            wrong.append((path, grave, wide))
        page.context.close()
    assert not wrong


def test_the_scripts_of_forms_begin(visit, state, paths):
    # They wait for their Chinese; without it no question is asked before something is deleted.
    page = visit(paths[-2], storage_state=state)
    page.wait_for_selector(".select2-container")
    assert page.evaluate("Object.keys(ckan.module.instances).includes('confirm-action')")


def test_a_source_leads_to_its_report_and_the_report_to_the_suppliers_workbook(visit, state):
    page = visit("/city/source/harbin", storage_state=state)
    page.click("table.runs tbody th a >> nth=-1")
    page.wait_for_url("**/city/run/*")
    grave = [
        violation["id"]
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert not grave
    with page.expect_download() as started:
        page.click("a[href$='report.xlsx']")
    assert started.value.suggested_filename.endswith(".xlsx")


def test_a_mistake_in_a_mapping_is_told_with_its_line_and_nothing_is_lost(visit, state):
    page = visit("/city/mapping/harbin", storage_state=state)
    wrong = "title: 甲\ncodes:\n  open: {'1': public}\n"
    page.fill("#field-body", wrong)
    page.click("button[value=check]")
    page.wait_for_load_state()
    assert "第 3 行" in page.inner_text("#problems")
    assert page.input_value("#field-body") == wrong
    assert page.locator(".gutter .is-bad").inner_text() == "3"
    # The editor is left by the Tab key: nobody is caught in it.
    page.focus("#field-body")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") != "field-body"


def test_a_city_in_the_tree_of_agencies_unfolds_by_keyboard(visit):
    page = visit("/organization/")
    page.focus("#org-tree details details > summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('#org-tree details details').open")
