"""The page for people with programs: readable, by keyboard too, and its calls can be tried."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import BASE, DESKTOP, PHONE

PAGE = "/api/docs"
SEARCH = "[id$=package_search].opblock"


def opened(visit, **options):
    page = visit(PAGE, **options)
    page.wait_for_selector(".opblock")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious_in_the_viewer_either(visit, viewport, scheme):
    page = opened(visit, viewport=viewport, color_scheme=scheme)
    page.locator(f"{SEARCH} .opblock-summary-control").click()
    page.locator(f"{SEARCH} .try-out__btn").click()
    found = Axe().run(page).response["violations"]
    grave = [
        (violation["id"], [node["html"][:150] for node in violation["nodes"][:3]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
    assert not grave
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_nothing_comes_from_elsewhere_and_nothing_breaks(browser):
    context = browser.new_context(base_url=BASE, locale="zh-CN")
    page = context.new_page()
    elsewhere, errors = [], []
    page.on(
        "request", lambda r: None if r.url.startswith((BASE, "data:")) else elsewhere.append(r.url)
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(PAGE)
    page.wait_for_selector(".opblock")
    context.close()
    assert not elsewhere
    assert not errors


def test_a_visitor_tries_a_call_by_keyboard(visit):
    page = opened(visit)
    page.locator(f"{SEARCH} .opblock-summary-control").focus()
    page.keyboard.press("Enter")
    page.locator(f"{SEARCH} .try-out__btn").focus()
    page.keyboard.press("Enter")
    page.locator(f"{SEARCH} .execute").focus()
    page.keyboard.press("Enter")
    body = page.locator(f"{SEARCH} .live-responses-table .highlight-code pre").first
    body.wait_for()
    answer = json.loads(body.inner_text())
    assert answer["success"] is True
    assert answer["result"]["count"] > 0


def test_the_words_of_the_viewer_are_chinese(visit):
    page = opened(visit)
    page.locator(f"{SEARCH} .opblock-summary-control").click()
    assert page.locator(f"{SEARCH} .try-out__btn").inner_text() == "试一试"
    headings = page.locator(f"{SEARCH} .opblock-section-header h4").all_inner_texts()
    assert [text.strip() for text in headings] == ["参数", "响应"]


CHINESE = re.compile("[\u3000-\u9fff\uff00-\uffef]")  # its punctuation too
# Words that are no English to a Chinese reader of programs: names of formats and methods.
LATIN = {"API", "Atom", "Croissant 1.0", "GET", "OpenAPI 3.1", "POST", "PUT", "RDF"}
# Every text of the viewer with its language, and whether it is code: names and values, which are
# the same in every language.
TEXTS = """() => {
  const code = "pre, code, textarea, option, td.header-col, .opblock-summary-path, "
    + ".parameter__name, .parameter__type, .parameter__enum p, .parameter__default p";
  const viewer = document.getElementById("api-viewer"), found = [];
  const walker = document.createTreeWalker(viewer, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    const label = parent.matches("i"), before = node.previousElementSibling;
    const value = !label && parent.closest(code) || before && before.matches("i");
    found.push([node.nodeValue.trim(), parent.closest("[lang]").lang, Boolean(value)]);
  }
  return found;
}"""


def unfolded(page):
    """Open every operation, try one of them, open the dialog for a token: all texts there are."""
    page.evaluate("document.querySelectorAll('.opblock-summary-control').forEach(b => b.click())")
    operations = page.locator(".opblock").count()
    page.wait_for_function(
        "count => document.querySelectorAll('.opblock .responses-inner').length === count",
        arg=operations,
    )
    page.evaluate("document.querySelectorAll('.try-out__btn').forEach(b => b.click())")
    page.locator(f"{SEARCH} .execute").click()
    page.locator(f"{SEARCH} .live-responses-table").wait_for()
    page.locator(".authorization__btn").first.click()
    page.locator(".auth-container").first.wait_for()
    return page.evaluate(TEXTS)


def test_no_english_is_left_in_the_viewer(visit):
    page = opened(visit)
    texts = [text for text, _language, code in unfolded(page) if not code]
    latin = {text for text in texts if re.search("[A-Za-z]{2}", text)}
    assert not {text for text in latin if not CHINESE.search(text)} - LATIN
    shown = page.locator("#api-viewer").inner_text()
    for words in ("Available values", "Default value", "Accept header", "Name:", "In:", "Value:"):
        assert words not in shown
    required = page.locator(".parameter__name.required").first  # told by the style sheet
    assert required.evaluate("name => getComputedStyle(name, '::after').content") == '"必填"'


def test_on_the_english_page_what_is_chinese_is_marked_as_chinese(visit):
    """WCAG 3.1.2: else a screen reader reads it as English."""
    page = visit("/en/api/docs")
    page.wait_for_selector(".opblock")
    texts = unfolded(page)
    assert not [text for text, language, _ in texts if CHINESE.search(text) and language == "en"]
    assert ("Parameters", "en") in {(text, language) for text, language, _ in texts}


def test_an_example_is_copied_by_keyboard_and_that_is_told(visit):
    page = visit(PAGE, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_text("JavaScript", exact=True).click()
    button = page.locator("[data-copy-code=example-search-mjs]")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('copy-status').textContent === '已复制'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == page.locator("#example-search-mjs").inner_text().strip()
    assert f'const SITE = "{BASE}"' in copied


def test_the_language_of_the_examples_is_chosen_once_and_kept(visit):
    page = visit(PAGE)
    page.locator("input[name=example-language]").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#example-feed-sh").is_visible()
    assert not page.locator("#example-feed-py").is_visible()
    page.reload()
    assert page.locator("#example-table-sh").is_visible()


def test_without_scripts_all_examples_are_there(visit):
    page = visit(PAGE, java_script_enabled=False)
    assert page.locator("pre:visible").count() == 16
