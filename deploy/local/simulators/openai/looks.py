"""What the simulated model paints: another light, other colours, strokes, all decided by a seed.

The same seed gives the same picture. A colour named in the prompt wins over the seed's.
"""

import colorsys
import math
import random
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

Colour = tuple[int, int, int]
Size = tuple[int, int]

NAMED = {  # hue in turns, for the words of a prompt in English and Korean
    0.0: ("red", "빨간", "빨강", "붉은"),
    0.08: ("orange", "sunset", "autumn", "주황", "노을", "가을"),
    0.14: ("yellow", "gold", "노란", "노랑", "금색"),
    0.36: ("green", "forest", "초록", "녹색", "숲"),
    0.50: ("teal", "turquoise", "mint", "청록", "민트"),
    0.60: ("blue", "night", "winter", "파란", "파랑", "밤", "겨울"),
    0.77: ("purple", "violet", "보라"),
    0.92: ("pink", "분홍", "핑크"),
}
DABS = 64  # of one stroke
STROKES_AT = 3  # strokes are drawn this much smaller and enlarged: softer, and a ninth of the work


def painted(base: Image.Image, prompt: str, seed: str) -> Image.Image:
    """Return `base` (RGB) as the model would hand it back."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    hue = _hue(prompt, chance)
    image = _regraded(base, chance)
    image = _tinted(image, hue, 0.28 + 0.2 * chance.random())
    image = chance.choice((_plain, _posterised, _soft))(image)
    image = _lit(image, hue, chance)
    _stroke(image, hue, chance)
    return image


def scenery(size: Size, prompt: str, seed: str) -> Image.Image:
    """Return a landscape of hills under a sky, for a request without an input image."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    hue = _hue(prompt, chance)
    sky = Image.linear_gradient("L").resize(size)
    image = ImageOps.colorize(sky, _colour(hue, 0.55, 0.75), _colour(hue + 0.1, 0.2, 1.0))
    draw = ImageDraw.Draw(image)
    radius = min(size) / 9
    x, y = size[0] * (0.2 + 0.6 * chance.random()), size[1] * 0.3
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(hue + 0.5, 0.15, 1))
    for layer in range(4):
        top = size[1] * (0.5 + 0.12 * layer)
        draw.polygon(_hill(size, top, chance), fill=_colour(hue + 0.3, 0.6, 0.7 - 0.14 * layer))
    return image


def _hill(size: Size, top: float, chance: random.Random) -> list[tuple[float, float]]:
    phase, waves = chance.random() * math.tau, 1 + 2 * chance.random()
    line = [
        (size[0] * step / 48, top + size[1] / 14 * math.sin(phase + waves * math.tau * step / 48))
        for step in range(49)
    ]
    return [(0, size[1]), *line, (size[0], size[1])]


def _hue(prompt: str, chance: random.Random) -> float:
    drawn = chance.random()
    words = prompt.lower()
    named = (hue for hue, names in NAMED.items() if any(name in words for name in names))
    return next(named, drawn)


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _regraded(image: Image.Image, chance: random.Random) -> Image.Image:
    """Turn all hues by up to a fifth of the circle and bend the tones."""
    turned = image.convert("RGB", _turn(chance.uniform(-1.2, 1.2)))
    strength = chance.uniform(0.1, 0.35)
    curve = [
        round(12 + 236 * (x + strength * math.sin(math.tau * x) / -math.tau))
        for x in (value / 255 for value in range(256))
    ]
    return turned.point(curve * 3)


def _turn(angle: float) -> tuple[float, ...]:
    """Return the colour matrix that turns hues and keeps brightness (as SVG's hueRotate)."""
    c, s = math.cos(angle), math.sin(angle)
    # fmt: off
    return (
        .213 + .787*c - .213*s, .715 - .715*c - .715*s, .072 - .072*c + .928*s, 0,
        .213 - .213*c + .143*s, .715 + .285*c + .140*s, .072 - .072*c - .283*s, 0,
        .213 - .213*c - .787*s, .715 - .715*c + .715*s, .072 + .928*c + .072*s, 0,
    )
    # fmt: on


def _tinted(image: Image.Image, hue: float, strength: float) -> Image.Image:
    duotone = ImageOps.colorize(
        image.convert("L"),
        _colour(hue + 0.08, 0.8, 0.16),
        _colour(hue - 0.04, 0.18, 1.0),
        mid=_colour(hue, 0.65, 0.62),
    )
    return Image.blend(image, duotone, strength)


def _plain(image: Image.Image) -> Image.Image:
    return image


def _posterised(image: Image.Image) -> Image.Image:
    return Image.blend(image, ImageOps.posterize(image, 3), 0.6)


def _soft(image: Image.Image) -> Image.Image:
    return Image.blend(image, ImageChops.screen(image, blurred(image, 24)), 0.4)


def blurred(image: Image.Image, times: int) -> Image.Image:
    """Return the image with only a `times` coarser resolution left; cheap at any size."""
    small = (max(2, image.width // times), max(2, image.height // times))
    coarse = image.resize(small, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.7))
    return coarse.resize(image.size, Image.Resampling.BICUBIC)


def _lit(image: Image.Image, hue: float, chance: random.Random) -> Image.Image:
    """Add a glow somewhere in the upper half, and darken the corners."""
    width, height = image.size
    dark = Image.radial_gradient("L").point([value * value // 255 for value in range(256)])
    shade = Image.new("RGB", image.size, _colour(hue + 0.05, 0.7, 0.08))
    image = Image.composite(
        shade, image, dark.point([v // 2 for v in range(256)]).resize(image.size)
    )
    reach = round(max(width, height) * chance.uniform(0.5, 0.8))
    light = ImageOps.invert(Image.radial_gradient("L")).point([max(0, v - 96) for v in range(256)])
    glow = light.resize((reach, reach), Image.Resampling.BILINEAR)
    x, y = (
        round(chance.random() * width - reach / 2),
        round(chance.random() * height / 2 - reach / 2),
    )
    image.paste(_colour(hue - 0.06, 0.25, 1.0), (x, y), glow)
    return image


def _stroke(image: Image.Image, hue: float, chance: random.Random) -> None:
    """Draw flowing strokes in neighbouring colours onto the image."""
    size = (max(1, image.width // STROKES_AT), max(1, image.height // STROKES_AT))
    layer = Image.new("RGBA", size, (*_colour(hue, 0.5, 0.9), 0))
    draw = ImageDraw.Draw(layer)
    for _ in range(chance.randint(9, 20)):
        shade = chance.uniform(0.35, 0.8), chance.uniform(0.6, 1)
        colour = _colour(hue + chance.uniform(-0.09, 0.09), *shade)
        fill = (*colour, chance.randint(50, 140))
        for dab in _dabs(size, chance):
            draw.ellipse(dab, fill=fill)
    layer = layer.filter(ImageFilter.GaussianBlur(1)).resize(image.size, Image.Resampling.BICUBIC)
    image.paste(layer, mask=layer)


def _dabs(size: Size, chance: random.Random) -> Iterator[tuple[float, float, float, float]]:
    """Yield the boxes of the dabs that make one stroke: bent, thin at both ends."""
    x, y, angle = chance.random() * size[0], chance.random() * size[1], chance.random() * math.tau
    bend, thickness = chance.uniform(-0.05, 0.05), min(size) * chance.uniform(0.004, 0.022)
    step = max(0.7, min(size) / 90)
    for dab in range(DABS + 1):
        angle += bend
        x, y = x + step * math.cos(angle), y + 0.6 * step * math.sin(angle)
        radius = 0.3 + thickness * math.sin(math.pi * dab / DABS)
        yield x - radius, y - radius, x + radius, y + radius
