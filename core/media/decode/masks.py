"""Check a mask, or a markup, against its picture."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from core.media.decode.pictures import decoded
from core.media.decode.refused import RefusedError
from core.media.sniff import HEAD_BYTES, NAMES, PNG, sniff


def check(*, path: str, width: int, height: int, max_bytes: int, called: str) -> Mapping[str, Any]:
    """Decode a mask for a picture of `width` x `height`, or refuse it.

    `called`: "mask" or "markup"; the codes of what is wrong begin with it.
    """
    _check_file(path, max_bytes, called)
    with decoded(path, declared=PNG, accepted=frozenset({PNG})) as picture:
        _check_size(picture.image, width, height, called)
        if picture.image.mode not in {"RGBA", "LA"}:
            raise RefusedError(f"{called}_without_alpha")
        share = _transparent_share(picture.image)
    if share in {0, 1}:
        raise RefusedError(f"{called}_clear" if share else f"{called}_opaque")
    return {"facts": {"width": width, "height": height, "transparent_share": share}}


def _check_file(path: str, max_bytes: int, called: str) -> None:
    """Say what is wrong in a mask's own words before the picture's rules apply."""
    with Path(path).open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
        size = os.fstat(file.fileno()).st_size
    if found is not None and found != PNG:
        raise RefusedError(f"{called}_not_png", found=NAMES[found])
    if size > max_bytes:
        raise RefusedError(
            f"{called}_too_large", size_mb=round(size / 1e6, 1), limit_mb=round(max_bytes / 1e6, 1)
        )


def _check_size(image: Image.Image, width: int, height: int, called: str) -> None:
    if image.size != (width, height):
        raise RefusedError(
            f"{called}_of_other_size",
            mask_width=image.width,
            mask_height=image.height,
            width=width,
            height=height,
        )


def _transparent_share(image: Image.Image) -> float:
    """Return the share of pixels with alpha 0: those are what the model may change."""
    clear = image.getchannel("A").histogram()[0]
    return clear / (image.width * image.height)
