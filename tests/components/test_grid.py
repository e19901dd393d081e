"""The contact sheet: opening, keys, the menu, and reruns that load nothing again."""

import re

from playwright.sync_api import Locator, Page, expect


def sheet(page: Page) -> Locator:
    found = page.locator(".st-key-grid ul")
    expect(found).to_be_visible()
    return found


def first(page: Page) -> Locator:
    return sheet(page).locator("a.link").first


def heard(page: Page) -> Locator:
    return page.locator(".st-key-heard")


def test_a_click_opens_and_a_click_with_ctrl_makes_a_tab(at_once, visitor):
    page = at_once("/history")
    first(page).click()
    expect(heard(page)).to_contain_text("open job-0")
    with visitor.expect_page() as tab:
        sheet(page).locator("a.link").nth(1).click(modifiers=["Control"])
    tab.value.wait_for_url(re.compile(re.escape("/job?lang=en&id=job-1")), wait_until="commit")
    tab.value.close()
    expect(heard(page)).to_contain_text("open job-0")


def test_arrow_keys_walk_and_enter_opens(at_once):
    page = at_once("/history")
    first(page).focus()
    columns = sheet(page).evaluate(
        "list => getComputedStyle(list).gridTemplateColumns.split(' ').length"
    )
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    expect(heard(page)).to_contain_text(f"open job-{columns}")


def test_a_rerun_keeps_the_frames_and_loads_no_picture(at_once, demo):
    page = at_once("/history")
    expect(sheet(page).locator("img[src*='/demo/picture/0?']")).to_be_visible()
    page.wait_for_timeout(500)
    sheet(page).evaluate("list => { for (const card of list.children) card.kept = true; }")
    demo.fail()
    before = heard(page).inner_text()
    demo.tell({"job": "job-1"})
    expect(heard(page)).not_to_have_text(before)
    page.wait_for_timeout(300)
    assert sheet(page).evaluate("list => [...list.children].every((card) => card.kept)")
    assert demo.asked() == []


def test_the_menu_works_with_keys_and_offers_only_what_is_allowed(at_once):
    page = at_once("/history")
    button = sheet(page).get_by_role("button", name="Actions").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    items = page.get_by_role("menuitem")
    expect(items).to_have_text(
        ["Open", "Open in the form", "Run again", "Download", "Move to trash"]
    )
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(heard(page)).to_contain_text("delete job-1")
    sheet(page).get_by_role("button", name="Actions").first.click()
    expect(items).to_have_text(["Open", "Open in the form", "Run again", "Download"])
    page.keyboard.press("Escape")
    expect(items.first).to_be_hidden()


def test_a_card_tells_a_reader_what_it_shows(at_once):
    page = at_once("/history")
    card = sheet(page).get_by_role("link", name="Product shot").first
    expect(card).to_have_accessible_name(
        "Product shot on wet basalt, softer shadow, no reflection, Needs a decision, "
        "gpt-image-2, Minji, $0.1714, 11-23 09:41"
    )


def test_nothing_moves_for_whoever_wants_no_motion(at_once):
    page = at_once("/history")
    expect(sheet(page).locator(".running")).not_to_have_count(0)
    assert (
        page.locator(".st-key-grid ul").evaluate("list => list.getRootNode().getAnimations()") == []
    )


def test_no_cards_show_nothing(visit):
    page = visit("/history?sample=empty")
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.locator(".st-key-grid ul")).to_be_hidden()
