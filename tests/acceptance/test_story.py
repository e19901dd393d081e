"""The first path, as a tester takes it: in a real browser, on everything `make run` starts."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.errors import Message
from core.translations import translate
from tests.stack import Stack, running

SLOW_MS = 60_000
LANGUAGES = {"ko": "ko-KR", "en": "en-US"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("story")
    home.chmod(0o711)
    with running(home, env={"SIMULATOR_SPEED": "0.05"}) as started:
        started.control("openai", "settings", method="PATCH", body={"fixed_s": 4, "tail_share": 0})
        started.control("minimax", "settings", method="PATCH", body={"fixed_s": 4})
        yield started


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "보트.png"
    Image.radial_gradient("L").resize((960, 640)).convert("RGB").save(path)
    return path


@pytest.fixture
def new_context(browser):
    """Make contexts of somebody who wants no motion: it costs the browser a quarter more here."""
    return partial(
        browser.new_context, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )


class Visitor:
    """Somebody who reads one language."""

    def __init__(self, page: Page, stack: Stack, language: str) -> None:
        self.page, self.stack, self.language = page, stack, language

    def says(self, text: str) -> str:
        return translate(Message(text), self.language)

    def button(self, text: str):
        return self.page.get_by_role("button", name=self.says(text), exact=False).first

    def fill_in(self) -> None:
        self.page.get_by_label(self.says("Name"), exact=True).fill("tester")
        self.page.get_by_label(self.says("Password"), exact=True).fill(
            self.stack.password("tester")
        )
        self.page.locator("form").get_by_role("button", name=self.says("Sign in")).click()

    def sign_in(self) -> None:
        self.page.goto(self.stack.url)
        self.fill_in()
        expect(
            self.page.get_by_role("heading", name=self.says("Image edit"), exact=True)
        ).to_be_visible(timeout=SLOW_MS)

    def write(self, text: str) -> None:
        prompt = self.page.get_by_label(self.says("Prompt"), exact=True)
        prompt.fill(text)
        prompt.press("Tab")

    def upload(self, path: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.button("Choose files").click()
        chooser.value.set_files(path)
        expect(self.page.get_by_text(path.name)).to_be_visible(timeout=SLOW_MS)
        expect(self.page.get_by_text(re.compile("960 × 640 ·"))).to_be_visible(timeout=SLOW_MS)

    def file(self, button: str) -> None:
        anyway = self.page.get_by_text(self.says("Run it anyway"))
        go = self.button(button)
        expect(anyway.or_(self.page.get_by_text(re.compile(r"\$\d"))).first).to_be_visible(
            timeout=SLOW_MS
        )
        if anyway.count():
            anyway.click()
        go.click()
        expect(self.page.get_by_text(self.says("Everything about this job"))).to_be_visible(
            timeout=SLOW_MS
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_edit_animate_close_the_tab_and_find_everything(new_context, stack, picture, language):
    context = new_context(locale=LANGUAGES[language])
    tester = Visitor(context.new_page(), stack, language)
    tester.sign_in()
    tester.upload(picture)
    tester.write(f"a watercolour at dawn {language}")
    tester.file("Make the edit")

    # The result comes into the open page by itself.
    expect(tester.button("Animate it")).to_be_visible(timeout=SLOW_MS)
    tester.button("Animate it").click()
    expect(tester.page.get_by_role("heading", name=tester.says("Video"))).to_be_visible(
        timeout=SLOW_MS
    )
    expect(tester.page.get_by_text(re.compile(r"proofsheet-.*\.png"))).to_be_visible(
        timeout=SLOW_MS
    )
    tester.write(f"the boat begins to move {language}")
    tester.file("Make the video")
    tester.page.close()  # in the middle

    tester.page = context.new_page()
    tester.page.goto(f"{stack.url}/history")
    for prompt in (f"a watercolour at dawn {language}", f"the boat begins to move {language}"):
        expect(tester.page.get_by_text(prompt)).to_be_visible(timeout=SLOW_MS)
    tester.page.get_by_text(f"the boat begins to move {language}").click()
    expect(tester.page.locator("video")).to_be_visible(timeout=SLOW_MS)
    tester.page.reload()
    expect(tester.page.locator("video")).to_be_visible(timeout=SLOW_MS)
    context.close()

    billed = [
        entry["prompt"]
        for name in ("openai", "minimax")
        for entry in stack.ledger(name)
        if entry["event"] == "billed" and entry["prompt"].endswith(language)
    ]
    assert sorted(billed) == [
        f"a watercolour at dawn {language}",
        f"the boat begins to move {language}",
    ]


def test_a_deep_link_waits_for_its_reader_to_sign_in(new_context, stack):
    context = new_context(locale="en-US")
    visitor = Visitor(context.new_page(), stack, "en")
    visitor.page.goto(f"{stack.url}/history?status=done")
    visitor.fill_in()
    expect(visitor.page.get_by_role("heading", name="History", exact=True)).to_be_visible(
        timeout=SLOW_MS
    )
    assert visitor.page.url == f"{stack.url}/history?status=done"
    context.close()


def test_a_push_leaves_the_dialog_open_that_says_what_running_again_costs(new_context, stack):
    context = new_context(locale="en-US")
    tester = Visitor(context.new_page(), stack, "en")
    tester.sign_in()
    tester.page.goto(f"{stack.url}/video")
    tester.write("a kite over the harbour")
    tester.file("Make the video")
    tester.page.goto(f"{stack.url}/history")
    tester.page.get_by_role("button", name="Actions: a kite over the harbour").click()
    tester.page.get_by_role("menuitem", name="Run again").click()
    dialog = tester.page.get_by_role("dialog")
    expect(dialog.get_by_text("About $0.40")).to_be_visible(timeout=SLOW_MS)

    # The first video ends meanwhile, and the grid behind the dialog hears of it.
    kites = tester.page.get_by_role("link", name=re.compile("a kite over the harbour"))
    expect(kites.and_(tester.page.get_by_role("link", name=re.compile("Done")))).to_be_attached(
        timeout=SLOW_MS
    )
    dialog.get_by_role("button", name="Run again").click()

    expect(dialog).not_to_be_attached(timeout=SLOW_MS)
    expect(kites).to_have_count(2, timeout=SLOW_MS)
    context.close()
