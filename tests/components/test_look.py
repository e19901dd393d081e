"""The look: fonts of our own, both schemes, phones, and text that stays text."""

import urllib.error
import urllib.request

import pytest
import streamlit as st
from playwright.sync_api import Page, expect

from pages.parts.components.grid.grid import LABELS
from pages.parts.components.sources import labels_for
from pages.parts.look import look

PAGES = ("/?sample=files", "/history", "/job", "/costs", "/?sample=signing-in")
HAS_LOADED = """family => [...document.fonts].some(
    (font) => font.status === 'loaded' && font.family.includes(family))"""


def test_every_page_fits_a_phone(demo, browser):
    with browser.new_context(
        viewport={"width": 390, "height": 844}, reduced_motion="reduce"
    ) as phone:
        page = phone.new_page()
        for path in PAGES:
            page.goto(f"{demo.url}{path}{'&' if '?' in path else '?'}lang=ko")
            expect(page.locator("h1").first).to_be_visible()
            page.wait_for_timeout(150)
            assert width(page) <= 390, path


def test_a_page_fits_a_phone_while_the_scripts_of_components_are_fetched(demo, browser):
    with browser.new_context(
        viewport={"width": 390, "height": 844}, reduced_motion="reduce"
    ) as phone:
        page = phone.new_page()
        page.route("**/BidiComponent.*.js", lambda _: None)  # for ever
        page.goto(f"{demo.url}/?lang=ko")
        expect(page.locator(".st-key-tab").get_by_test_id("stSkeleton")).to_be_attached()
        assert width(page) <= 390


def width(page: Page) -> int:
    found: int = page.evaluate("document.querySelector('.stMain').scrollWidth")
    return found


def test_hangul_and_figures_use_our_typefaces_and_nothing_comes_from_outside(visit, demo):
    page = visit("/?sample=signing-in")
    strangers: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((demo.url, "blob:", "data:"))
            else strangers.append(request.url)
        ),
    )
    page.goto(f"{demo.url}/history?lang=ko")
    expect(page.get_by_role("heading", name="기록")).to_be_visible()
    for family in ("Pretendard Variable", "IBM Plex Mono"):
        page.wait_for_function(HAS_LOADED, arg=family)
    page.wait_for_load_state("networkidle")
    assert strangers == []


@pytest.mark.parametrize(
    ("scheme", "paper"), [("light", "rgb(245, 242, 234)"), ("dark", "rgb(19, 18, 17)")]
)
def test_the_page_follows_the_systems_scheme(demo, browser, scheme, paper):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(f"{demo.url}/costs?lang=en")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate(
            "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
        ) == (paper)
        notice = page.locator(".stAlertContainer").first
        expect(notice).to_have_css(
            "background-color", "rgb(253, 251, 246)" if scheme == "light" else "rgb(28, 26, 24)"
        )


def test_streamlits_own_chrome_is_gone(visit):
    page = visit("/costs")
    expect(page.locator("h1")).to_be_visible()
    for name in ("stMainMenu", "stAppDeployButton", "stStatusWidget", "stToolbarActions"):
        expect(page.locator(f"[data-testid={name}]:visible")).to_have_count(0)


def test_fonts_are_kept_for_ever_and_nothing_else_is_served_beside_them(demo):
    font = "/api/fonts/PretendardVariable.subset.91.woff2"
    with urllib.request.urlopen(demo.url + font, timeout=5) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for name in ("__init__.py", "../look.py", "%2e%2e/style.css", "Pretendard-OFL.txt"):
        with pytest.raises(urllib.error.HTTPError, match=r"HTTP Error 40[04]"):
            urllib.request.urlopen(f"{demo.url}/api/fonts/{name}", timeout=5)


def test_text_of_people_stays_text(monkeypatch):
    written: list[str] = []
    monkeypatch.setattr(st, "html", written.append)
    evil = '<img src=x onerror="alert(1)">'
    link = look.Action(label=evil, href="javascript:alert(1)")
    look.masthead(evil, evil)
    look.notice("bad", evil, title=evil, action=link)
    look.empty_state(evil, evil, action=link)
    look.facts([(evil, evil)])
    look.table([evil], [[evil]])
    look.filmstrip([{"url": "javascript:1", "href": evil, "caption": evil, "meta": evil}])
    assert not any("<img src=x" in html or "javascript:" in html for html in written)


def test_a_missing_label_is_found_at_once():
    with pytest.raises(KeyError, match="grid needs labels for menu"):
        labels_for("grid", LABELS, {name: name for name in LABELS if name != "menu"})
