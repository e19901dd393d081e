"""Write the pictures that are made from another."""

import errno
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from core.decode.limits import max_output_bytes
from core.decode.refused import RefusedError
from core.sniff import JPEG, PNG, WEBP

SMALL_EDGE = 640  # pixels of the longer side
SMALL_OPTIONS = {"quality": 80, "method": 4}
JPEG_OPTIONS = {"quality": 95, "subsampling": "4:4:4"}
# Measured on 12 MP: level 2 takes 0.8 s for 15 MB, level 6 takes 3.7 s for 13.6 MB.
PNG_LEVELS = (2, 6)

Made = Mapping[str, Any]


def write_prepared(image: Image.Image, path: str, *, as_png: bool) -> Made:
    """Write a plain picture as it is shown and sent: JPEG where nothing is lost by it."""
    fits = _as_png(image, path) if as_png else _saved(image, path, "JPEG", JPEG_OPTIONS)
    if not fits:
        raise RefusedError("prepared_too_large", limit_mb=round(max_output_bytes() / 1e6))
    return {"mime": PNG if as_png else JPEG, **_size(image)}


def write_mask(image: Image.Image, path: str) -> Made:
    """Write a plain mask; where its colours do not fit, black: only the transparency counts."""
    if not _as_png(image, path) and not _as_png(_black(image), path):
        raise RefusedError("prepared_mask_too_large", limit_mb=round(max_output_bytes() / 1e6))
    return {"mime": PNG, **_size(image)}


def write_markup(image: Image.Image, path: str) -> Made:
    """Write a plain markup, whose colours count."""
    if not _as_png(image, path):
        raise RefusedError("prepared_markup_too_large", limit_mb=round(max_output_bytes() / 1e6))
    return {"mime": PNG, **_size(image)}


def _black(image: Image.Image) -> Image.Image:
    return Image.merge("RGBA", [*[Image.new("L", image.size)] * 3, image.getchannel("A")])


def _as_png(image: Image.Image, path: str) -> bool:
    """Write a PNG quickly, and carefully only if that is too large; False if it still is."""
    return any(_saved(image, path, "PNG", {"compress_level": level}) for level in PNG_LEVELS)


def _saved(image: Image.Image, path: str, format: str, options: Mapping[str, Any]) -> bool:
    """Write a file; False if it would be larger than this process may write."""
    try:
        image.save(path, format, **options)
    except OSError as error:
        if error.errno != errno.EFBIG:  # anything else is this machine's fault
            raise
        Path(path).unlink(missing_ok=True)
        return False
    return True


def write_small(image: Image.Image, path: str) -> Made:
    """Write a plain picture that is already small as a thumbnail or poster."""
    image.save(path, "WEBP", **SMALL_OPTIONS)
    return {"mime": WEBP, **_size(image)}


def small_or_note(make: Callable[[], Image.Image], path: str | None) -> Made:
    """Make and write the small picture of a file that is proved to be good.

    Answers "small", or where that fails a "note": the file is paid for, and kept without it.
    `path` is None once a process has died of that.
    """
    failed: Made = {"note": ("small_failed", {})}
    if path is None:
        return failed
    try:
        return {"small": write_small(make(), path)}
    except Exception as error:  # libraries raise anything, and memory may be short
        if isinstance(error, OSError) and error.errno is not None:  # this machine's fault
            raise
        return failed


def shrunk(image: Image.Image) -> Image.Image:
    """Return a copy with at most SMALL_EDGE pixels on the longer side; never a larger one."""
    size = small_size(image.width, image.height)
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return the size that fits SMALL_EDGE, at least one pixel each way."""
    share = min(1.0, SMALL_EDGE / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))


def _size(image: Image.Image) -> Made:
    return {"width": image.width, "height": image.height}
