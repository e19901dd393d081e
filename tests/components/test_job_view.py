"""The light box: progress, looking closer, comparing, and links that are signed anew."""

from playwright.sync_api import Locator, Page, expect


def box(page: Page) -> Locator:
    return page.locator(".st-key-job")


def stage(page: Page) -> Locator:
    return box(page).locator(".stage")


def test_the_clock_ticks_in_the_browser(visit):
    page = visit("/job?sample=running")
    expect(box(page).get_by_text("Usually 0:42")).to_be_visible()
    before = box(page).locator(".time").inner_text()
    expect(box(page).locator(".time")).not_to_have_text(before)
    share = box(page).get_by_role("progressbar").get_attribute("aria-valuenow")
    assert 40 <= int(share or 0) < 90


def test_a_queued_job_says_how_many_are_ahead(visit):
    page = visit("/job?sample=queued")
    expect(box(page).get_by_text("3 ahead in the queue")).to_be_visible()


def test_a_result_is_read_out_as_what_was_asked_for(at_once):
    page = at_once("/job")
    made = "Turn the harbour at dusk into a linocut, keep the boats"
    expect(box(page).get_by_role("img", name=made)).to_be_visible()


def test_a_click_looks_closer_and_keys_do_too(at_once):
    page = at_once("/job")
    size, fit = box(page).locator(".size"), box(page).get_by_role("button", name="Fit")
    expect(size).to_contain_text("1536 × 1024 · ")
    expect(fit).to_have_attribute("aria-pressed", "true")
    stage(page).click(position={"x": 200, "y": 150})
    expect(size).to_have_text("1536 × 1024 · 100 %")
    stage(page).press("+")
    expect(size).to_have_text("1536 × 1024 · 150 %")
    stage(page).press("0")
    expect(fit).to_have_attribute("aria-pressed", "true")


def test_the_wheel_scrolls_the_page_until_somebody_looks_closer(at_once):
    page = at_once("/job")
    size = box(page).locator(".size")
    expect(size).to_contain_text("1536")
    fitted = size.inner_text()
    stage(page).hover()
    page.mouse.wheel(0, -200)
    expect(size).to_have_text(fitted)
    stage(page).press("1")
    page.mouse.wheel(0, -300)
    expect(size).not_to_contain_text("100 %")
    expect(size).not_to_have_text(fitted)
    stage(page).press("Escape")


def test_holding_shows_the_input(at_once):
    page = at_once("/job")
    button, shown = (
        box(page).get_by_role("button", name="Hold to see the input"),
        box(page).locator("img.input"),
    )
    button.hover()
    page.mouse.down()
    expect(shown).to_have_css("opacity", "1")
    page.mouse.up()
    expect(shown).to_have_css("opacity", "0")
    stage(page).focus()
    page.keyboard.down(" ")
    expect(shown).to_have_css("opacity", "1")
    page.keyboard.up(" ")
    expect(shown).to_have_css("opacity", "0")


def test_several_results_lie_on_a_strip(at_once):
    page = at_once("/job")
    frames = box(page).get_by_role("option")
    expect(frames).to_have_count(3)
    frames.nth(1).click()
    expect(box(page).locator("img.result")).to_have_class("result checkered")
    expect(box(page).get_by_role("link", name="Download")).to_have_attribute(
        "href", "/demo/cut-out?download"
    )
    stage(page).press("ArrowRight")
    expect(frames.nth(2)).to_have_attribute("aria-selected", "true")


def test_a_film_plays_in_the_page(visit):
    page = visit("/job?sample=video")
    film = box(page).locator("video")
    expect(film).to_be_visible()
    assert film.evaluate("film => film.controls && film.playsInline && film.preload") == "metadata"
    film.evaluate("film => { film.muted = true; return film.play(); }")
    expect(box(page).locator(".size")).to_have_text("640 × 360")


def test_a_job_without_a_result_says_so(visit):
    page = visit("/job?sample=failed")
    expect(box(page).get_by_text("No result")).to_be_visible()
    expect(box(page).get_by_role("link", name="Download")).to_be_hidden()


def test_a_preview_is_shown_while_it_runs(visit):
    page = visit("/job?sample=preview")
    expect(box(page).get_by_alt_text("Preview")).to_be_visible()
    expect(box(page).get_by_text("Generating")).to_be_visible()


def test_a_result_that_comes_into_the_open_page_fills_its_place(visit):
    page = visit("/job?sample=finishing")
    expect(box(page).get_by_role("progressbar")).to_be_visible()
    page.locator(".st-key-finished button").click()
    expect(box(page).locator("img.result")).to_be_visible()

    room, shown = (box(page).locator(part).bounding_box() for part in (".stage", ".canvas"))
    assert room
    assert shown
    assert shown["width"] > 0.9 * room["width"] or shown["height"] > 0.9 * room["height"]


def test_a_result_that_arrived_late_says_so(visit):
    page = visit("/job")
    expect(box(page).get_by_text("Arrived late")).to_be_hidden()
    box(page).get_by_role("option").nth(2).click()
    expect(box(page).get_by_text("Arrived late")).to_be_visible()


def test_a_link_that_has_run_out_is_replaced_by_a_fresh_one(visit):
    page = visit("/history")
    page.route("**/demo/film", lambda route: route.fulfill(status=403))
    page.goto(page.url.replace("/history?", "/job?sample=video&"))
    film = box(page).locator("video")

    expect(film).to_have_attribute("src", "/demo/film?download")
    expect(box(page).locator(".size")).to_have_text("640 × 360")


def test_the_input_can_still_be_compared_after_its_link_has_run_out(visit):
    page = visit("/history")
    page.route("**/demo/picture/5?longest=900", lambda route: route.fulfill(status=403))
    page.goto(page.url.replace("/history?", "/job?"))
    box(page).get_by_role("button", name="Hold to see the input").hover()
    page.mouse.down()

    expect(box(page).locator("img.input")).to_have_js_property("naturalWidth", 1024)
