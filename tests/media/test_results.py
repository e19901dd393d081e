"""What a provider answers with: kept as it is, proved to be a picture, shown small."""

import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from core.errors import DecoderFailed, MediaRejected
from core.media import ImageFacts, finish_image, preview_image
from tests.media.makers import encoded, gradient
from tests.media.processes import dying

FAILING = [
    ("Image.Image.resize", "ValueError('no such filter')"),
    ("Image.Image.resize", "MemoryError"),
    ("Image.Image.save", "OSError('the encoder returned nothing')"),
    ("Image.Image.save", "MemoryError"),
]

Write = Callable[[bytes], Path]
Failing = Callable[[str, str], None]


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_result_gets_facts_and_a_thumbnail(write: Write, out: Path, format: str) -> None:
    content = encoded(gradient(1000, 600), format)
    path = write(content)

    done = finish_image(path, out, expected_mime=f"image/{format.lower()}")

    assert done.facts == ImageFacts(
        mime=f"image/{format.lower()}", width=1000, height=600, has_alpha=False, frames=1
    )
    assert done.facts.duration_s is None
    assert done.note is None
    assert done.small is not None
    assert (done.small.width, done.small.height, done.small.mime) == (640, 384, "image/webp")
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L"])
def test_thumbnails_keep_transparency_and_colours(write: Write, out: Path, mode: str) -> None:
    picture = gradient(900, 600, "RGBA" if "A" in mode else "RGB").convert(mode)

    done = finish_image(write(encoded(picture, "PNG")), out, expected_mime=None)

    assert done.small is not None
    with Image.open(done.small.path) as small:
        assert small.mode == ("RGBA" if "A" in mode else "RGB")
        wanted = picture.convert(small.mode).resize(small.size)
        seen, meant = small.getpixel((320, 200)), wanted.getpixel((320, 200))
        if mode != "1":  # dots become greys
            assert seen == pytest.approx(meant, abs=12)


def test_another_type_than_asked_for_is_kept_with_a_note(write: Write, out: Path) -> None:
    done = finish_image(write(encoded(gradient(), "WEBP")), out, expected_mime="image/png")

    assert done.facts.mime == "image/webp"
    assert str(done.note) == "PNG was asked for and WebP came back."


@pytest.mark.parametrize("content", [b"", b"<html>busy</html>", b"<svg/>", b'{"error": 1}'])
def test_what_is_no_picture_is_refused(write: Write, out: Path, content: bytes) -> None:
    """Row 21, at this door."""
    with pytest.raises(MediaRejected):
        finish_image(write(content), out, expected_mime="image/png")


@pytest.mark.parametrize(("part", "error"), FAILING)
def test_a_sound_picture_that_cannot_be_made_smaller_is_kept_with_a_note(
    write: Write, out: Path, failing: Failing, part: str, error: str
) -> None:
    failing(part, error)

    done = finish_image(write(encoded(gradient(900, 600), "PNG")), out, expected_mime="image/png")

    assert (done.facts.width, done.facts.height, done.small) == (900, 600, None)
    assert str(done.note) == "It could not be made smaller. The file itself is whole, and kept."


def test_a_damaged_one_is_refused_all_the_same(write: Write, out: Path, failing: Failing) -> None:
    failing(*FAILING[0])
    whole = encoded(gradient(), "PNG")

    with pytest.raises(MediaRejected, match="damaged"):
        finish_image(write(whole[: len(whole) // 2]), out, expected_mime=None)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGXCPU, signal.SIGKILL])
def test_a_sound_picture_is_kept_too_if_making_it_smaller_kills_the_process(
    write: Write, out: Path, failing: Failing, number: int
) -> None:
    failing("Image.Image.save", dying(number))

    done = finish_image(write(encoded(gradient(900, 600), "PNG")), out, expected_mime="image/png")

    assert (done.facts.width, done.facts.height, done.small) == (900, 600, None)
    assert str(done.note) == "It could not be made smaller. The file itself is whole, and kept."


def test_a_picture_that_kills_whoever_reads_it_is_refused(
    write: Write, out: Path, failing: Failing
) -> None:
    failing("Image.open", dying(signal.SIGSEGV))

    with pytest.raises(MediaRejected, match="damaged"):
        finish_image(write(encoded(gradient(), "PNG")), out, expected_mime=None)


def test_a_full_disk_is_this_machine_s_fault_and_not_the_picture_s(
    write: Write, out: Path, failing: Failing
) -> None:
    failing("Image.Image.save", "OSError(28, 'No space left on device')")

    with pytest.raises(DecoderFailed, match="No space left"):
        finish_image(write(encoded(gradient(), "PNG")), out, expected_mime=None)


def test_a_partial_picture_that_cannot_be_made_smaller_is_no_preview(
    failing: Failing,
) -> None:
    failing(*FAILING[0])

    with pytest.raises(MediaRejected, match="could not be made smaller"):
        preview_image(encoded(gradient(), "PNG"))


def test_a_partial_picture_becomes_a_small_one() -> None:
    small = preview_image(encoded(gradient(1024, 1024), "PNG"))

    with Image.open(BytesIO(small)) as image:
        assert (image.format, image.size) == ("WEBP", (640, 640))


def test_a_broken_partial_picture_is_refused() -> None:
    with pytest.raises(MediaRejected):
        preview_image(encoded(gradient(), "PNG")[:100])
