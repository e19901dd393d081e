"""The uploader: checks before a byte is sent, hashing, sending, and what Python hears."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from pages.parts.components.uploader.uploader import FOLDER
from tests.components.demo_pictures import film, png

ON_ITS_WAY = re.compile(r"^\d+ % · [\d.]+ [kM]B/s · \d+:\d\d left$")


def file(name: str, body: bytes, mime: str = "image/png") -> FilePayload:
    return {"name": name, "mimeType": mime, "buffer": body}


def short_hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:8]


def inputs(page: Page) -> Locator:
    return page.locator(".st-key-inputs")


def form(at_once) -> Page:
    """Return the page with an empty list."""
    page: Page = at_once("/")
    if inputs(page).locator(".frame").count():
        page.get_by_role("button", name="reset").click()
    expect(inputs(page).locator(".frame")).to_have_count(0)
    expect(page.locator(".st-key-files")).to_have_text("–")
    return page


def choose(page: Page, *files: FilePayload) -> None:
    inputs(page).locator("input[type=file]").set_input_files(files)


def python_knows(page: Page, text: str) -> None:
    expect(page.locator(".st-key-files")).to_have_text(text)


def paste(page: Page, *, into: str) -> None:
    body = list(png(width=100, height=100, number=31))
    page.evaluate(
        """([body, into]) => {
            const clipboardData = new DataTransfer();
            const picture = new File([new Uint8Array(body)], "image.png", {type: "image/png"});
            clipboardData.items.add(picture);
            const how = {clipboardData, bubbles: true, composed: true, cancelable: true};
            document.querySelector(into).dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        [body, into],
    )


def test_a_file_is_hashed_sent_confirmed_and_known_to_python(at_once, demo):
    page = form(at_once)
    choose(page, file("harbour.png", png(number=20)))
    python_knows(page, f"harbour.png:{short_hash(png(number=20))}")
    assert demo.asked()[:3] == ["presign", "put", "confirm"]
    expect(inputs(page).locator(".facts")).to_contain_text("640 × 480")


def test_the_same_bytes_are_not_sent_twice(at_once, demo):
    page = form(at_once)
    choose(page, file("one.png", png(number=21)))
    python_knows(page, f"one.png:{short_hash(png(number=21))}")
    inputs(page).get_by_role("button", name="Remove: one.png").click()
    python_knows(page, "–")
    demo.fail()
    choose(page, file("again.png", png(number=21)))
    python_knows(page, f"one.png:{short_hash(png(number=21))}")
    assert "put" not in demo.asked()


WRONG_CLOCK = (
    "The bucket says that a new permission for {} is not valid now: the clock of our server, or "
    "the bucket's, is wrong. Tell the operator."
)
REFUSED = [
    (
        file("notes.txt", b"hello there", "text/plain"),
        "notes.txt cannot be used here. Choose PNG, JPEG",
    ),
    (file("empty.png", b""), "empty.png is empty"),
    (file("really.jpg", png()), "is not what its ending says. Save it again as JPG."),
    (file("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40), "broken.png cannot be read"),
    (file("tiny.png", png(width=40, height=40)), "40 × 40; each side needs 64"),
    (file("wide.png", png(width=5000, height=70)), "5000 × 70; a side may have 4096"),
]


def test_what_cannot_be_taken_is_told_before_a_byte_is_sent(at_once, demo):
    page = form(at_once)
    for given, reason in REFUSED:
        choose(page, given)
        expect(inputs(page).get_by_role("alert")).to_contain_text(reason)
        inputs(page).get_by_role("button", name=f"Remove: {given['name']}").click()
    assert not {"presign", "put"} & set(demo.asked())


def test_a_mask_must_fit_and_be_transparent(at_once, demo):
    page = form(at_once)
    mask = page.locator(".st-key-mask")
    mask.locator("input[type=file]").set_input_files([file("m.png", png(width=100, height=90))])
    expect(mask.get_by_role("alert")).to_contain_text("it must be 640 × 480")
    mask.locator("input[type=file]").set_input_files([file("m.png", png())])
    expect(mask.get_by_role("alert")).to_contain_text("no transparency")
    assert "presign" not in demo.asked()


def test_a_broken_connection_is_tried_again_by_itself(at_once, demo):
    page = form(at_once)
    demo.fail(presign_500=1, put_500=1)
    choose(page, file("stubborn.png", png(number=22)))
    python_knows(page, f"stubborn.png:{short_hash(png(number=22))}")


def test_a_store_or_server_that_falls_silent_is_asked_again(visit, demo):
    page = visit("/?sample=impatient")
    demo.fail(presign_silent=1, put_silent=1, confirm_silent=1)
    choose(page, file("silent.png", png(number=42)))
    expect(page.locator(".st-key-files")).to_have_text(
        f"silent.png:{short_hash(png(number=42))}", timeout=20_000
    )
    assert [demo.asked().count(name) for name in ("presign", "put", "confirm")] == [2, 2, 2]


def test_an_upload_whose_answer_was_lost_is_not_an_error(at_once, demo):
    page = form(at_once)
    demo.fail(put_lost_answer=1)
    choose(page, file("lost.png", png(number=23)))
    python_knows(page, f"lost.png:{short_hash(png(number=23))}")
    assert demo.asked().count("put") == 2


def test_the_servers_sentence_is_shown_and_the_file_can_be_tried_again(at_once, demo):
    page = form(at_once)
    demo.fail(presign_quota=1)
    choose(page, file("full.png", png(number=24)))
    expect(inputs(page).get_by_role("alert")).to_have_text(
        "Your files take 20 of 20 GB. Ask for more room."
    )
    inputs(page).get_by_role("button", name="Try again").click()
    python_knows(page, f"full.png:{short_hash(png(number=24))}")


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        ({"put_403": 1}, "The bucket refused {}. Try again."),
        (
            {"put_expired": 1, "short_permission": 1},
            "The permission to send {} has run out. Try again.",
        ),
        ({"put_expired": 1}, WRONG_CLOCK),
        ({"put_early": 1}, WRONG_CLOCK),
    ],
    ids=["refused", "too late", "a clock behind", "a clock ahead"],
)
def test_what_the_store_refused_is_told_by_its_own_words(at_once, demo, faults, sentence):
    page = form(at_once)
    demo.fail(**faults)
    name = "-".join(faults) + ".png"
    body = png(number=40 + len(name))
    choose(page, file(name, body))
    expect(inputs(page).get_by_role("alert")).to_have_text(sentence.format(name))
    inputs(page).get_by_role("button", name="Try again").click()
    python_knows(page, f"{name}:{short_hash(body)}")


def test_a_file_that_was_refused_is_not_offered_to_be_tried_again(at_once, demo):
    page = form(at_once)
    demo.fail(confirm_422=1)
    choose(page, file("damaged.png", png(number=28)))
    expect(inputs(page).get_by_role("alert")).to_be_visible()
    expect(inputs(page).get_by_role("button", name="Try again")).to_have_count(0)


def test_a_file_on_its_way_can_be_cancelled(at_once, demo, tmp_path):
    page = form(at_once)
    demo.fail(slow=1)
    inputs(page).locator("input[type=file]").set_input_files(
        sparse(tmp_path / "long.mp4", megabytes=24)
    )
    expect(inputs(page).locator(".way")).to_contain_text("/s")
    expect(inputs(page).locator(".way")).to_have_text(ON_ITS_WAY)
    inputs(page).get_by_role("button", name="Cancel: long.mp4").click()
    expect(inputs(page).locator(".frame")).to_have_count(0)
    assert "confirm" not in demo.asked()


def python_misses(page: Page, text: str) -> None:
    expect(page.locator(".st-key-unsettled")).to_contain_text(text)


def test_python_hears_of_a_file_before_it_has_arrived(at_once, demo, tmp_path):
    page = form(at_once)
    choose(page, file("first.png", png(number=41)))
    python_knows(page, f"first.png:{short_hash(png(number=41))}")
    python_misses(page, "–")
    demo.fail(slow=1)
    inputs(page).locator("input[type=file]").set_input_files(
        sparse(tmp_path / "late.mp4", megabytes=23)
    )
    python_misses(page, "A file is still on its way.")
    inputs(page).get_by_role("button", name="Cancel: late.mp4").click()
    python_misses(page, "–")


def test_python_hears_of_a_replacement_that_was_refused_until_it_is_taken_away(visit):
    page = visit("/?sample=more")
    with page.expect_file_chooser() as choosing:
        inputs(page).locator(".frame").first.hover()
        inputs(page).get_by_role("button", name="Replace: harbour_1.png").click()
    choosing.value.set_files([file("tiny.png", png(width=40, height=40))])
    python_misses(page, "A file was refused")
    inputs(page).get_by_role("button", name="Remove: tiny.png").click()
    python_misses(page, "–")
    python_knows(page, "harbour_1.png:00000000 harbour_2.png:00000000")


def test_leaving_the_page_stops_what_is_on_its_way(visit, demo, tmp_path):
    page = visit("/")
    demo.fail(slow=1)
    inputs(page).locator("input[type=file]").set_input_files(
        sparse(tmp_path / "left.mp4", megabytes=25)
    )
    expect(inputs(page).locator(".way")).to_contain_text("/s")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".st-key-grid ul")).to_be_visible()
    demo.fail()
    page.wait_for_timeout(800)
    assert "confirm" not in demo.asked()


def test_a_pasted_picture_is_taken_unless_somebody_is_typing(at_once):
    page = form(at_once)
    expect(inputs(page).get_by_text("Choose files")).to_be_visible()
    page.mouse.move(1, 1)
    paste(page, into="textarea")
    page.wait_for_timeout(300)
    expect(inputs(page).locator(".frame")).to_have_count(0)
    paste(page, into="body")
    expect(page.locator(".st-key-files")).to_contain_text(
        short_hash(png(width=100, height=100, number=31))
    )


def test_files_are_ordered_replaced_and_reset(visit):
    page = visit("/?sample=more")
    python_knows(page, "harbour_1.png:00000000 harbour_2.png:00000000")
    inputs(page).get_by_role("button", name="Move: arrow keys or drag: harbour_2.png").focus()
    page.keyboard.press("ArrowLeft")
    python_knows(page, "harbour_2.png:00000000 harbour_1.png:00000000")
    with page.expect_file_chooser() as choosing:
        inputs(page).locator(".frame").first.hover()
        inputs(page).get_by_role("button", name="Replace: harbour_2.png").click()
    choosing.value.set_files([file("new.png", png(number=25))])
    python_knows(page, f"new.png:{short_hash(png(number=25))} harbour_1.png:00000000")
    page.get_by_role("button", name="reset").click()
    python_knows(page, "harbour_1.png:00000000 harbour_2.png:00000000")


def test_too_many_files_are_left_out_with_a_word(visit):
    page = visit("/?sample=files")
    choose(page, file("a.png", png(number=26)), file("b.png", png(number=27)))
    expect(inputs(page).get_by_role("alert")).to_contain_text("Only 4 files fit")
    expect(inputs(page).locator(".frame")).to_have_count(4)


def test_a_large_film_is_hashed_and_sent_in_slices(at_once, demo, tmp_path):
    body = film() + b"\0" * 40_000_001
    path = tmp_path / "film.mp4"
    path.write_bytes(body)
    page = form(at_once)
    inputs(page).locator("input[type=file]").set_input_files(path)
    python_knows(page, f"film.mp4:{short_hash(body)}")


def test_the_hash_is_right_at_every_length_where_the_padding_changes(visit):
    page = visit("/costs")
    page.goto("about:blank")
    page.add_script_tag(path=FOLDER / "sha256.js")
    for length in (1, 55, 56, 63, 64, 65, 119, 120, 8_388_608, 8_388_609):
        found = page.evaluate(
            """length => sha256(new Blob([new Uint8Array(length).fill(97)]),
            {signal: new AbortController().signal, progress: () => {}})""",
            length,
        )
        assert found == hashlib.sha256(b"a" * length).hexdigest(), length


def sparse(path: Path, *, megabytes: int) -> Path:
    """Write a file that begins as a film and is as large as asked."""
    with path.open("wb") as opened:
        opened.write(film())
        opened.truncate(megabytes * 1_000_000)
    return path
