"""The pictures of a video: a slow move over the first frame, or over colours made of the prompt."""

import random
from collections.abc import Iterator

from PIL import Image, ImageOps

from deploy.local.simulators.minimax.shapes import Clip

ZOOM = 0.14  # how much of the picture has left the frame at the end
FADE_FROM = 0.4  # of the way: where the last frame begins to show
COLOURS = (6, 4)  # the grid of colours that a text becomes


def pictures(
    clip: Clip, seed: str, first: Image.Image | None, last: Image.Image | None, count: int
) -> Iterator[Image.Image]:
    """Yield `count` RGB pictures of the clip's size.

    The first equals `first` and the last `last` (scaled to fill the frame), where given.
    """
    dice = random.Random(seed.encode(errors="surrogatepass"))  # noqa: S311 - repeatable on purpose
    size = (clip.width, clip.height)
    start = _gradient(size, dice) if first is None else _fitted(first, size)
    end = None if last is None else _fitted(last, size)
    drift = (dice.random(), dice.random())
    for index in range(count):
        way = index / max(1, count - 1)
        picture = _moved(start, way, drift)
        if end is not None and way > FADE_FROM:
            picture = Image.blend(picture, end, (way - FADE_FROM) / (1 - FADE_FROM))
        yield picture


def _fitted(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return ImageOps.fit(image.convert("RGB"), size, Image.Resampling.BILINEAR)


def _gradient(size: tuple[int, int], dice: random.Random) -> Image.Image:
    columns, rows = COLOURS
    seeds = Image.frombytes("RGB", COLOURS, dice.randbytes(columns * rows * 3))
    return seeds.resize(size, Image.Resampling.BICUBIC)


def _moved(image: Image.Image, way: float, drift: tuple[float, float]) -> Image.Image:
    """Return the part that is seen after `way` (0..1) of the move, at full size."""
    hidden_x, hidden_y = image.width * ZOOM * way, image.height * ZOOM * way
    left, top = hidden_x * drift[0], hidden_y * drift[1]
    box = (left, top, left + image.width - hidden_x, top + image.height - hidden_y)
    return image.resize(image.size, Image.Resampling.BILINEAR, box=box)
