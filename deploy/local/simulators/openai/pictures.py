"""From an order to image files of exactly the size and format that were asked for.

Import it only when a picture is wanted: it brings Pillow along.
"""

import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageChops, ImageOps

from deploy.local.simulators.openai import inputs, looks, masks
from deploy.local.simulators.openai.forms import Upload
from deploy.local.simulators.openai.orders import Order
from deploy.local.simulators.openai.sizes import Size

SHOWN_REFERENCES = 3  # of the further input images, this many are seen in the result
BLUR = (40, 16, 6)  # of the partial images, in pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Encoded images: the results, and of the first one its sharper and sharper previews."""

    results: tuple[bytes, ...]
    partials: tuple[bytes, ...]


def rendered(order: Order, partials: int) -> Rendered:
    """Paint everything the order asks for. Waits while two others are being painted."""
    with inputs.DECODING:
        base = _base(order)
        images = [_result(order, base, variant) for variant in range(order.n)]
        blurs = BLUR[-partials:] if partials else ()
        return Rendered(
            results=tuple(_encoded(image, order) for image in images),
            partials=tuple(_encoded(looks.blurred(images[0], blur), order) for blur in blurs),
        )


def fitted(image: Image.Image, size: Size) -> Image.Image:
    """Return the middle of the image at that size; unchanged if it has it already."""
    return ImageOps.fit(image, size, Image.Resampling.BICUBIC)


def _base(order: Order) -> Image.Image:
    if not order.images:
        return looks.scenery(order.size, order.prompt, _seed(order, 0))
    base = fitted(_flat(order.images[0]), order.size)
    if order.markup:
        drawn = fitted(inputs.opened(order.markup), order.size)
        base.paste(drawn, mask=drawn.getchannel("A").point([value // 3 for value in range(256)]))
    return base


def _result(order: Order, base: Image.Image, variant: int) -> Image.Image:
    seed = _seed(order, variant)
    image = base
    for upload in order.images[1 : 1 + SHOWN_REFERENCES]:
        image = Image.blend(image, fitted(_flat(upload), order.size), 0.22)
    image = looks.painted(image, order.prompt, seed)
    area = _area(order)
    if area:
        image = masks.kept_outside(base, image, area, seed)
    if order.background == "transparent":
        image.putalpha(_cut_out(order.size, area))
    return image


def _area(order: Order) -> Image.Image | None:
    if order.mask is None:
        return None
    alpha = inputs.opened(order.mask).getchannel("A")
    return masks.area(ImageOps.fit(alpha, order.size, Image.Resampling.NEAREST))


def _cut_out(size: Size, area: Image.Image | None) -> Image.Image:
    """Return the alpha of a transparent background: the corners go, what is protected stays."""
    alpha = Image.radial_gradient("L").point([255] * 190 + [0] * 66).resize(size)
    return alpha if area is None else ImageChops.lighter(alpha, ImageChops.invert(area))


def _flat(upload: Upload) -> Image.Image:
    """Return an input as seen: upright, and on white where it is transparent."""
    image = ImageOps.exif_transpose(inputs.opened(upload))
    if image.mode not in {"RGBA", "LA"}:
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return white


def _seed(order: Order, variant: int) -> str:
    return hashlib.sha256(f"{order.prompt}\n{variant}".encode(errors="replace")).hexdigest()


def _encoded(image: Image.Image, order: Order) -> bytes:
    """Return the file. Fast settings: the sizes are those of real results all the same."""
    quality = max(1, order.output_compression)
    options: dict[str, dict[str, Any]] = {
        "png": {"compress_level": 1},
        "jpeg": {"quality": min(95, quality)},
        "webp": {"quality": quality, "method": 0},
    }
    file = BytesIO()
    image.save(file, order.output_format, **options[order.output_format])
    return file.getvalue()
