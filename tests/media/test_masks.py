from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.errors import MediaRejected
from core.media import accept_mask
from tests.media.makers import encoded, png

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
def test_a_mask_tells_how_much_may_change(write: Write, mode: str) -> None:
    facts = accept_mask(write(mask(mode=mode)), width=64, height=48, max_bytes=LIMIT)

    assert (facts.width, facts.height) == SIZE
    assert facts.transparent_share == pytest.approx(100 / (64 * 48))


def test_one_transparent_pixel_is_enough_and_one_opaque_too(write: Write) -> None:
    one = accept_mask(write(mask((0, 0, 1, 1))), width=64, height=48, max_bytes=LIMIT)
    all_but_one = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    all_but_one.putpixel((63, 47), (0, 0, 0, 255))
    rest = accept_mask(write(encoded(all_but_one, "PNG")), width=64, height=48, max_bytes=LIMIT)

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
def test_what_is_wrong_is_said(write: Write, content: bytes, sentence: str) -> None:
    with pytest.raises(MediaRejected, match=sentence):
        accept_mask(write(content), width=64, height=48, max_bytes=LIMIT)


def test_a_markup_is_told_in_its_own_words(write: Write) -> None:
    empty = write(encoded(Image.new("RGBA", SIZE, (0, 0, 0, 0)), "PNG"))

    with pytest.raises(MediaRejected, match="The markup is empty"):
        accept_mask(empty, width=64, height=48, max_bytes=LIMIT, called="markup")


def test_4_mb_are_too_much(write: Write) -> None:
    heavy = encoded(Image.new("RGBA", (1000, 1000), (0, 0, 0, 0)), "PNG", compress_level=0)
    assert len(heavy) > 4_000_000

    with pytest.raises(
        MediaRejected, match=r"The mask has 4\.0 MB; it must have less than 4\.0 MB"
    ):
        accept_mask(write(heavy), width=1000, height=1000, max_bytes=LIMIT)
