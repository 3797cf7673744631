"""Rules of the look that hold on every page: readable, usable, nothing from elsewhere."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import BASE, DESKTOP, PHONE

NAMES = [
    "home",
    "search",
    "nothing found",
    "open",
    "on request",
    "closed",
    "file",
    "agencies",
    "agency",
    "cities",
    "login",
    "no such page",
    "about",
    "apply",
    "restricted",
    "restricted, filtered",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_serious(visit, pages, name, viewport, scheme):
    page = visit(pages[name], viewport=viewport, color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    grave = [
        (violation["id"], [node["html"][:150] for node in violation["nodes"][:3]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
    assert not grave


@pytest.mark.parametrize("name", NAMES)
def test_no_page_scrolls_sideways_on_a_phone(visit, pages, name):
    page = visit(pages[name], viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_nothing_from_elsewhere_and_breaks_nothing(browser, pages, name):
    context = browser.new_context(base_url=BASE, locale="zh-CN")
    page = context.new_page()
    elsewhere, errors = [], []
    page.on(
        "request", lambda r: None if r.url.startswith((BASE, "data:")) else elsewhere.append(r.url)
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(pages[name])
    context.close()
    assert not elsewhere
    assert not errors


@pytest.mark.parametrize("name", NAMES)
def test_no_english_is_left_in_the_frame_of_a_chinese_page(visit, pages, name):
    """Headings, buttons, navigation and labels are Chinese; data may hold Latin."""
    page = visit(pages[name])
    texts = page.locator("nav a, h2, button, label, dt, summary, th[scope=col]").all_inner_texts()
    allowed = {"English", "CSV", "XLSX", "JSON", "XML", "API"}
    english = [
        text
        for text in texts
        if re.search(r"[A-Za-z]{3,}\s+[a-z]{2,}|^[A-Z][a-z]{2,}$", text.strip())
        and text.strip() not in allowed
    ]
    assert not english


@pytest.mark.parametrize("name", ["home", "search", "open"])
def test_what_can_be_touched_is_large_enough_on_a_phone(visit, pages, name):
    """44 px for buttons and the main ways; links within text are excepted (WCAG 2.5.8)."""
    page = visit(pages[name], viewport=PHONE)
    small = page.evaluate(
        "() => [...document.querySelectorAll("
        "'.btn, .mainnav a, .pager a, .tile, .searchbox button')]"
        ".filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)"
        ".map(e => e.outerHTML.slice(0, 120))"
    )
    assert not small
