"""Results are real pictures of the input: right in size and format, honest about the mask."""

import base64
import time
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw

from deploy.local.simulators.openai import looks, masks, sizes
from tests.simulators.conftest import Simulator, image_part, mask, picture


def result(reply: Any, index: int = 0) -> Image.Image:
    image = Image.open(BytesIO(base64.b64decode(reply.json()["data"][index]["b64_json"])))
    image.load()
    return image


def changed(a: Image.Image, b: Image.Image) -> Image.Image:
    """Return 255 where two images differ."""
    bands = ImageChops.difference(a.convert("RGB"), b.convert("RGB")).split()
    most = ImageChops.lighter(ImageChops.lighter(*bands[:2]), bands[2])
    return most.point([0] + [255] * 255)


def share(mask: Image.Image, within: Image.Image) -> float:
    """Return which share of `within` (255) is also in `mask` (255)."""
    return ImageChops.multiply(mask, within).histogram()[255] / within.histogram()[255]


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
@pytest.mark.parametrize("size", ["1024x1024", "1536x1024", "640x1280"])
def test_size_and_format_are_exactly_those_asked_for(
    simulator: Simulator, format: str, size: str
) -> None:
    reply = simulator.edit(output_format=format, size=size)
    image = result(reply)
    assert sizes.text(image.size) == size
    assert str(image.format).lower() == format
    assert (reply.json()["size"], reply.json()["output_format"]) == (size, format)


def test_small_images_are_tiny_whatever_is_asked_for(simulator: Simulator) -> None:
    simulator.set(small_images=True)
    reply = simulator.edit(size="1536x1024")
    assert result(reply).size == (64, 64)
    assert reply.json()["size"] == "1536x1024"


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (100, 100, "1024x1024"),
        (300, 200, "1536x1024"),
        (100, 180, "1024x1536"),
        (115, 100, "1024x1024"),
    ],
)
def test_auto_takes_the_size_nearest_to_the_inputs_shape(
    simulator: Simulator, width: int, height: int, size: str
) -> None:
    reply = simulator.edit([("image", image_part(picture(width, height)))], size="auto")
    assert reply.json()["size"] == size
    assert sizes.text(result(reply).size) == size


def test_a_photo_taken_sideways_is_measured_upright(simulator: Simulator) -> None:
    exif, file = Image.Exif(), BytesIO()
    exif[0x0112] = 6
    Image.open(BytesIO(picture(300, 200))).save(file, "JPEG", exif=exif)
    reply = simulator.edit([("image", image_part(file.getvalue(), "image/jpeg"))])
    assert reply.json()["size"] == "1024x1536"


def test_the_same_request_gives_the_same_picture_and_another_prompt_another(
    simulator: Simulator,
) -> None:
    first, again, other = (
        result(simulator.edit(prompt=prompt)) for prompt in ("a lamp", "a lamp", "a lamb")
    )
    assert first.tobytes() == again.tobytes()
    assert changed(first, other).histogram()[255] > 0.5 * 1024 * 1024


def test_variants_differ_and_are_billed_as_one(simulator: Simulator) -> None:
    reply = simulator.edit(n="3")
    one, two, three = (result(reply, index).tobytes() for index in range(3))
    assert len({one, two, three}) == 3
    [billed] = simulator.entries("billed")
    assert billed["n"] == 3
    single = simulator.edit().json()["usage"]["output_tokens"]
    assert reply.json()["usage"]["output_tokens"] == 3 * single


def test_a_transparent_background_is_transparent(simulator: Simulator) -> None:
    image = result(simulator.edit(background="transparent", output_format="webp"))
    assert image.mode == "RGBA"
    assert image.getchannel("A").getextrema() == (0, 255)


def test_jpeg_compression_matters(simulator: Simulator) -> None:
    small, large = (
        len(simulator.edit(output_format="jpeg", output_compression=level).content)
        for level in ("10", "100")
    )
    assert small < large / 2


@pytest.mark.parametrize(
    ("word", "band"), [("red", 0), ("초록색", 1), ("a forest", 1), ("파란", 2)]
)
def test_a_colour_in_the_prompt_is_seen(word: str, band: int) -> None:
    grey = Image.new("RGB", (64, 64), "grey")
    means = [
        sum(i * n for i, n in enumerate(c.histogram()))
        for c in looks.painted(grey, word, "s").split()
    ]
    assert means[band] == max(means)


class TestMask:
    @pytest.mark.parametrize("edge", [64, 320, 960])
    def test_most_pixels_outside_stay_exactly_and_those_inside_change(
        self, simulator: Simulator, edge: int
    ) -> None:
        original = picture(1024, 1024)
        parts = [("image", image_part(original)), ("mask", image_part(hole(edge)))]
        image = result(simulator.edit(parts, size="1024x1024"))
        moved = changed(image, Image.open(BytesIO(original)))
        inside = masks.area(Image.open(BytesIO(hole(edge))).getchannel("A"))
        identical = 1 - share(moved, ImageChops.invert(inside))
        assert 0.90 <= identical <= 0.999, identical
        assert share(moved, inside) > 0.95

    def test_a_resized_input_keeps_its_outside_too(self, simulator: Simulator) -> None:
        parts = [("image", image_part(picture(96, 96))), ("mask", image_part(mask(96, 96)))]
        image = result(simulator.edit(parts))
        resized = Image.open(BytesIO(picture(96, 96))).resize(
            (1024, 1024), Image.Resampling.BICUBIC
        )
        corner = (0, 0, 200, 200)
        same = 1 - changed(image.crop(corner), resized.crop(corner)).histogram()[255] / 40_000
        assert same > 0.9

    @pytest.mark.parametrize("painted", [0, 255])
    def test_a_mask_of_nothing_or_everything_is_survived(self, painted: int) -> None:
        base, other = Image.new("RGB", (320, 256), "white"), Image.new("RGB", (320, 256), "black")
        kept = masks.kept_outside(base, other, Image.new("L", base.size, painted), "seed")
        moved = changed(kept, base).histogram()[255] / (320 * 256)
        assert moved == 1 if painted else 0.001 <= moved <= 0.1

    def test_half_transparent_is_not_painted(self) -> None:
        alpha = Image.new("L", (3, 1))
        alpha.putdata([0, 1, 255])
        assert masks.area(alpha).tobytes() == b"\xff\x00\x00"


def hole(edge: int) -> bytes:
    image = Image.new("RGBA", (1024, 1024), "black")
    ImageDraw.Draw(image).rectangle((40, 40, 39 + edge, 39 + edge), fill=(0, 0, 0, 0))
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class TestDuration:
    def test_a_fixed_one_is_kept_to_from_the_requests_arrival(self, simulator: Simulator) -> None:
        simulator.edit()  # whatever is loaded once is loaded now
        simulator.set(fixed_s=0.6)
        began = time.monotonic()
        simulator.edit(size="1536x1024")
        assert 0.59 < time.monotonic() - began < 1.2

    def test_it_is_looked_up_by_model_and_quality_and_multiplied_by_the_speed(
        self, simulator: Simulator
    ) -> None:
        simulator.set(
            duration_s={"gpt-image-2": 9, "gpt-image-2:low": 30}, speed=0.01, tail_share=0
        )
        began = time.monotonic()
        simulator.edit(model="gpt-image-2", quality="low")
        assert 0.29 < time.monotonic() - began < 1.2

    def test_partials_come_evenly_over_it(self, simulator: Simulator) -> None:
        simulator.edit()
        simulator.set(fixed_s=2.4)
        with simulator.http.post(
            f"{simulator.url}/v1/images/edits",
            data={"prompt": "x", "model": "gpt-image-2", "stream": "true", "partial_images": "3"},
            files={"image": image_part()},
            headers={"Authorization": "Bearer sk"},
            stream=True,
            timeout=10,
        ) as reply:
            began = time.monotonic()
            lines = reply.iter_lines(65536)
            times = [time.monotonic() - began for line in lines if line.startswith(b"event:")]
        assert len(times) == 4
        assert times[0] < 1.5
        assert 2.3 < times[3] < 4.8
