"""Signing in: the server's sentence, keys, and a page that loads anew."""

from playwright.sync_api import BrowserContext, Page, expect

from core.translations import COOKIE


def fill_in(page: Page, password: str) -> None:
    page.get_by_label("Name", exact=True).fill("kim")
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")


def test_a_wrong_password_shows_the_servers_sentence_and_selects_it(visit):
    page = visit("/?sample=signing-in")
    fill_in(page, "wrong")
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type("x")
    expect(page.get_by_label("Password", exact=True)).to_have_value("x")
    expect(page.get_by_role("alert")).to_be_hidden()


def test_the_right_password_loads_the_page_anew_with_a_cookie_no_script_sees(visit, visitor):
    page = visit("/?sample=signing-in")
    fill_in(page, "open sesame")
    page.wait_for_event("load")
    assert [cookie["name"] for cookie in visitor.cookies() if cookie["httpOnly"]] == ["demo"]
    page = visit("/costs")
    with page.expect_event("load"):
        page.get_by_role("button", name="Sign out").click()
    assert "demo" not in [cookie["name"] for cookie in visitor.cookies()]


def test_the_form_helps_people_and_password_managers(visit):
    page = visit("/?sample=signing-in")
    login, password = page.get_by_label("Name", exact=True), page.locator("#ps-password")
    expect(login).to_be_focused()
    expect(login).to_have_attribute("autocomplete", "username")
    expect(password).to_have_attribute("autocomplete", "current-password")
    page.get_by_role("button", name="Show password").click()
    expect(password).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(password).to_have_attribute("type", "password")
    password.dispatch_event("keydown", {"key": "A", "modifierCapsLock": True})
    expect(page.get_by_text("Caps Lock is on.")).to_be_visible()


def test_a_silent_server_is_told(visit, visitor):
    page = visit("/?sample=signing-in")
    page.route("**/api/login", lambda route: route.abort())
    fill_in(page, "open sesame")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_enabled()


def test_a_proxys_limit_is_not_taken_for_silence(visit, visitor):
    page = visit("/?sample=signing-in")
    page.route("**/api/login", lambda route: route.fulfill(status=429, body="<h1>429</h1>"))
    fill_in(page, "open sesame")
    expect(page.get_by_role("alert")).to_contain_text("Too many people sign in from here")


def test_the_api_hears_which_language_the_page_speaks(visit, visitor):
    page = visit("/?sample=signing-in")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    assert spoken(visitor) == "en"
    expect(page.locator("html")).to_have_attribute("lang", "en")

    page.goto(page.url.replace("lang=en", "lang=ko"))
    expect(page.get_by_role("button", name="로그인", exact=True)).to_be_visible()
    assert spoken(visitor) == "ko"
    expect(page.locator("html")).to_have_attribute("lang", "ko")


def spoken(visitor: BrowserContext) -> str | None:
    return next((c["value"] for c in visitor.cookies() if c["name"] == COOKIE), None)
