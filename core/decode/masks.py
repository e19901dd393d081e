"""Check a mask, or a markup, and write the copy of it that is shown and sent."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from core.decode import limits
from core.decode.normal import orientation, plain, upright
from core.decode.pictures import decoded, reading
from core.decode.refused import RefusedError
from core.decode.writing import shrunk, write_markup, write_mask, write_small
from core.sniff import HEAD_BYTES, NAMES, PNG, sniff

MODES = frozenset({"RGBA", "LA"})  # a palette's transparency is no channel


def accept(
    *,
    path: str,
    prepared: str,
    small: str,
    size: tuple[int, int] | None,
    max_bytes: int,
    called: str,
) -> Mapping[str, Any]:
    """Decode a mask, for a picture of a `size` if it is given, or refuse it.

    `called`: "mask" or "markup"; the codes of what is wrong begin with it.
    """
    _check_file(path, max_bytes, called)
    with decoded(path, declared=PNG, accepted=frozenset({PNG})) as picture:
        if picture.image.mode not in MODES:
            raise RefusedError(f"{called}_without_alpha")
        with reading():
            image = _plain(picture.image)
        if size is not None:
            _check_size(image, *size, called)
        share = _transparent_share(image)
        if share in {0, 1}:
            raise RefusedError(f"{called}_clear" if share else f"{called}_opaque")
        limits.restrict_output(max_bytes)
        write = write_mask if called == "mask" else write_markup
        return {
            "facts": {"width": image.width, "height": image.height, "transparent_share": share},
            "prepared": write(image, prepared),
            "small": write_small(shrunk(image), small),
        }


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


def _plain(image: Image.Image) -> Image.Image:
    """Return 8-bit RGBA, upright as its picture is: the provider refuses grey and 16 bits."""
    turn = orientation(image)
    return upright(plain(image), turn)


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
