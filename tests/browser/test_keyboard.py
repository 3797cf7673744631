"""The portal by keyboard alone."""

import re

from playwright.sync_api import expect


def test_suggestions_are_chosen_by_arrow_keys(visit):
    page = visit("/")
    field = page.get_by_role("combobox")
    field.press_sequentially("gongjiao", delay=20)
    expect(page.get_by_role("option").first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(field).to_have_attribute("aria-activedescendant", chosen.get_attribute("id"))
    address = chosen.get_attribute("data-url")
    field.press("Enter")
    page.wait_for_url(re.compile(re.escape(address.split("?")[0])))


def test_escape_closes_the_suggestions_and_keeps_what_was_typed(visit):
    page = visit("/")
    field = page.get_by_role("combobox")
    field.press_sequentially("公交", delay=20)
    expect(page.get_by_role("option").first).to_be_visible()
    field.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(field).to_have_value("公交")


def test_the_first_tab_leads_to_the_main_content(visit):
    page = visit("/")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_have_text("跳到正文")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


def test_the_focus_is_visible_on_every_stop(visit):
    page = visit("/dataset/?q=公交")
    for _ in range(25):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return [e.tagName, s.outlineStyle, parseFloat(s.outlineWidth)]; }"
        )
        assert outline[1] != "none", outline
        assert outline[2] >= 2, outline
