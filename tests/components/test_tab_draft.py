"""A half-typed prompt is never lost: the tab keeps it."""

from playwright.sync_api import Page, expect


def prompt(page: Page):
    return page.get_by_label("Prompt", exact=True)


def half_typed(page: Page, text: str) -> None:
    prompt(page).press_sequentially(text)
    expect(prompt(page)).to_have_value(text)


def test_a_half_typed_prompt_outlives_a_reload(visit):
    page = visit("/")
    half_typed(page, "a boat in")
    page.reload()
    expect(prompt(page)).to_have_value("a boat in")
    prompt(page).focus()
    page.keyboard.press("End")
    page.keyboard.type(" the rain")
    page.reload()
    expect(prompt(page)).to_have_value("a boat in the rain")


def test_a_prompt_outlives_that_files_come_from_elsewhere_into_a_new_session(visit):
    page = visit("/")
    half_typed(page, "keep the boats")
    page.goto(page.url.replace("lang=en", "sample=files&lang=en"))
    expect(prompt(page)).to_have_value("keep the boats")


def test_a_prompt_that_was_taken_out_does_not_come_back(visit):
    page = visit("/")
    half_typed(page, "nonsense")
    prompt(page).fill("")
    page.reload()
    expect(page.locator(".st-key-unsettled")).to_have_text("–")
    page.wait_for_timeout(700)
    expect(prompt(page)).to_have_value("")


def test_another_tab_begins_empty(visit, visitor):
    page = visit("/")
    half_typed(page, "only here")
    other = visitor.new_page()
    other.goto(page.url)
    expect(other.locator(".st-key-unsettled")).to_have_text("–")
    other.wait_for_timeout(700)
    expect(prompt(other)).to_have_value("")
    other.close()
