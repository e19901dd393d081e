import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.errors import MediaRejected
from core.media import accept_mask
from tests.media.makers import chunk, encoded, png

Write = Callable[[bytes], Path]
SIZE = (64, 48)
LIMIT = 3_999_999


def mask(clear: tuple[int, int, int, int] | None = (10, 10, 20, 20), mode: str = "RGBA") -> bytes:
    """Return a mask of 64 x 48 that is transparent inside a box."""
    picture = Image.new("RGBA", SIZE, (0, 0, 0, 255))
    if clear:
        picture.paste((0, 0, 0, 0), clear)
    return encoded(picture.convert(mode), "PNG")


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_mask_tells_how_much_may_change(write: Write, out: Path, mode: str) -> None:
    facts = accept_mask(write(mask(mode=mode)), out, size=SIZE, max_bytes=LIMIT).facts

    assert (facts.width, facts.height) == SIZE
    assert facts.transparent_share == pytest.approx(100 / (64 * 48))


def test_one_transparent_pixel_is_enough_and_one_opaque_too(write: Write, out: Path) -> None:
    one = accept_mask(write(mask((0, 0, 1, 1))), out, max_bytes=LIMIT).facts
    all_but_one = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    all_but_one.putpixel((63, 47), (0, 0, 0, 255))
    rest = accept_mask(write(encoded(all_but_one, "PNG")), out, max_bytes=LIMIT).facts

    assert one.transparent_share + rest.transparent_share == pytest.approx(1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (encoded(Image.new("RGB", SIZE), "JPEG"), "The mask is JPEG; it must be PNG"),
        (encoded(Image.new("RGBA", SIZE), "WEBP"), "The mask is WebP; it must be PNG"),
        (encoded(Image.new("RGB", SIZE), "PNG"), "has no transparency"),
        (encoded(Image.new("L", SIZE), "PNG"), "has no transparency"),
        (encoded(Image.new("P", SIZE), "PNG", transparency=0), "has no transparency"),
        (encoded(Image.new("RGBA", (48, 64)), "PNG"), "48 × 64 pixels and the picture 64 × 48"),
        (encoded(Image.new("RGBA", (640, 480)), "PNG"), "640 × 480 pixels and the picture 64 × 48"),
        (mask(None), "Nothing in the mask is fully transparent"),
        (encoded(Image.new("RGBA", SIZE, (0, 0, 0, 1)), "PNG"), "Nothing in the mask"),
        (encoded(Image.new("RGBA", SIZE, (0, 0, 0, 0)), "PNG"), "The whole mask is transparent"),
        (mask()[:-60], "damaged or cut short"),
        (b"", "is empty"),
        (b"<svg/>", "not a picture"),
        (png(30_000, 30_000, colour=6), "30000 × 30000 pixels"),
    ],
)
def test_what_is_wrong_is_said(write: Write, out: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(MediaRejected, match=sentence):
        accept_mask(write(content), out, size=SIZE, max_bytes=LIMIT)


def test_a_markup_is_told_in_its_own_words(write: Write, out: Path) -> None:
    empty = write(encoded(Image.new("RGBA", SIZE, (0, 0, 0, 0)), "PNG"))

    with pytest.raises(MediaRejected, match="The markup is empty"):
        accept_mask(empty, out, size=SIZE, max_bytes=LIMIT, called="markup")


def test_4_mb_are_too_much(write: Write, out: Path) -> None:
    heavy = encoded(Image.new("RGBA", (1000, 1000), (0, 0, 0, 0)), "PNG", compress_level=0)
    assert len(heavy) > 4_000_000

    with pytest.raises(MediaRejected, match=r"The mask has 4\.0 MB; it must have less than 4.0 MB"):
        accept_mask(write(heavy), out, max_bytes=LIMIT)


def deep(pixels: Image.Image, *, colours: int) -> bytes:
    """Return a 16-bit PNG of a picture with alpha: grey (1) or coloured (3)."""
    kind = {1: "LA", 3: "RGBA"}[colours]
    width = pixels.width * (colours + 1)
    raw = pixels.convert(kind).tobytes()
    rows = [raw[at : at + width] for at in range(0, len(raw), width)]
    doubled = (b"\0" + bytes(byte for byte in row for _ in range(2)) for row in rows)
    return png(*pixels.size, depth=16, colour={1: 4, 3: 6}[colours], rows=doubled)


def clear_box() -> Image.Image:
    """Return a black picture that is transparent inside a box."""
    with Image.open(io.BytesIO(mask())) as picture:
        return picture.convert("RGBA")


@pytest.mark.parametrize(
    "content",
    [mask(), mask(mode="LA"), deep(clear_box(), colours=1), deep(clear_box(), colours=3)],
    ids=["RGBA", "grey", "16-bit grey", "16-bit RGBA"],
)
def test_what_is_sent_is_an_8_bit_rgba_png(write: Write, out: Path, content: bytes) -> None:
    sent = accept_mask(write(content), out, size=SIZE, max_bytes=LIMIT).prepared

    header = sent.path.read_bytes()[:33]
    assert (header[24], header[25]) == (8, 6)  # bits, and RGBA
    assert (sent.mime, sent.width, sent.height) == ("image/png", *SIZE)
    with Image.open(sent.path) as picture:
        assert picture.getchannel("A").tobytes() == clear_box().getchannel("A").tobytes()


def test_what_is_sent_carries_no_notes(write: Write, out: Path) -> None:
    notes = chunk(b"tEXt", b"Author\0Kim") + chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0")
    content = mask()
    sent = accept_mask(write(content[:33] + notes + content[33:]), out, max_bytes=LIMIT).prepared

    kinds = {b"tEXt", b"eXIf", b"iTXt", b"zTXt", b"iCCP"}
    assert not [kind for kind in kinds if kind in sent.path.read_bytes()]


def test_a_mask_is_turned_as_its_picture_is(write: Write, out: Path) -> None:
    notes = Image.Exif()
    notes[0x0112] = 6
    turned = accept_mask(write(encoded(clear_box(), "PNG", exif=notes)), out, max_bytes=LIMIT)

    assert (turned.facts.width, turned.facts.height) == (48, 64)
    assert (turned.prepared.width, turned.prepared.height) == (48, 64)


def test_colours_that_would_take_too_much_room_are_left_out(write: Write, out: Path) -> None:
    """A mask of 3.8 MB in grey has three times the bytes in colour."""
    noise = Image.effect_noise((1900, 1900), 200)
    noise.putalpha(Image.new("L", noise.size, 255))
    noise.putpixel((0, 0), (0, 0))
    heavy = encoded(noise, "PNG")
    assert 3_000_000 < len(heavy) < 4_000_000

    taken = accept_mask(write(heavy), out, max_bytes=LIMIT)

    assert taken.prepared.bytes < 4_000_000
    assert taken.facts.transparent_share == pytest.approx(1 / 1900**2)
