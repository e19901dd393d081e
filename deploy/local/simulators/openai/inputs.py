"""Whether the files of an edit are what they should be. Decodes them all, one at a time.

Pillow is imported on first use: a simulator that only waits stays small.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from deploy.local.simulators.openai.refusals import malformed, unusable

if TYPE_CHECKING:
    from PIL.Image import Image

    from deploy.local.simulators.openai.forms import Form, Upload
    from deploy.local.simulators.openai.sizes import Size

TYPES = ("image/jpeg", "image/png", "image/webp")
MODES = frozenset({"RGB", "RGBA", "L", "LA"})
MASK_LIMIT = 4 * 1024 * 1024
PIXEL_LIMIT = 89_000_000  # below Pillow's own, which would only warn
BIT_DEPTH_AT = 24  # in a PNG's first chunk
ORIENTATION = 0x0112  # EXIF
SIDEWAYS = frozenset({5, 6, 7, 8})  # orientations that exchange width and height

DECODING = threading.Semaphore(2)  # bounds memory, whatever number of requests arrives at once


def checked(form: Form) -> tuple[Size, ...]:
    """Return the size of each input image, after orientation. Raises Refused."""
    for upload in form.images:
        _check_type(upload)
    with DECODING:
        found = [_measured(upload, number) for number, upload in enumerate(form.images, 1)]
    first_size, first_format = found[0]
    if form.mask:
        _check_type(form.mask)
        _check_mask(form.mask, first_size, first_format)
    if form.markup:
        _check_type(form.markup)
        _check_markup(form.markup, first_size)
    return tuple(size for size, _ in found)


def opened(upload: Upload) -> Image:
    """Return the decoded image, without its orientation applied.

    Raises:
        ValueError: it is no PNG, JPEG or WebP in a mode that can be edited, or is damaged.
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - see the module's docstring

    _check_depth(upload)
    upload.file.seek(0)
    try:
        image = Image.open(upload.file, formats=("PNG", "JPEG", "WEBP"))
        _check_mode(image)
        image.load()
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
    ) as error:
        raise ValueError(str(error)) from error
    return image


def _check_type(upload: Upload) -> None:
    if upload.content_type not in TYPES:
        raise malformed(
            f"Invalid file '{upload.label}': unsupported mimetype ('{upload.content_type}'). "
            "Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.",
            param=upload.label,
            code="unsupported_file_mimetype",
        )


def _measured(upload: Upload, number: int) -> tuple[Size, str]:
    """Return size and format of one input image."""
    try:
        with opened(upload) as image:
            return _seen_size(image), str(image.format)
    except ValueError as error:
        raise unusable(
            f"Invalid image file or mode for image {number}, please check your image file.",
            param="image",
            code="invalid_image_file",
        ) from error


def _seen_size(image: Image) -> Size:
    sideways = image.getexif().get(ORIENTATION) in SIDEWAYS
    return (image.height, image.width) if sideways else (image.width, image.height)


def _check_mode(image: Image) -> None:
    if image.mode not in MODES:
        raise ValueError(f"Mode {image.mode} cannot be edited.")
    if image.width * image.height > PIXEL_LIMIT:
        raise ValueError(f"{image.width}x{image.height} pixels are too many.")


def _check_depth(upload: Upload) -> None:
    """Refuse a 16-bit PNG, which Pillow reads as if it were an 8-bit one."""
    upload.file.seek(0)
    start = upload.file.read(BIT_DEPTH_AT + 1)
    if start.startswith(b"\x89PNG") and start[BIT_DEPTH_AT:] == b"\x10":
        raise ValueError("16 bits per channel are too many.")


def _check_mask(mask: Upload, first_size: Size, first_format: str) -> None:
    if mask.size_bytes >= MASK_LIMIT:
        raise _bad_mask("mask image must be smaller than 4 MB")
    with _opened_png(mask, "mask") as image:
        # The provider answers a greyscale mask with the message about sizes.
        if image.size != first_size or image.mode == "L":
            raise _bad_mask("mask size does not match image size")
        if image.mode != "RGBA":
            raise _bad_mask("mask image missing alpha channel")
    if first_format != "PNG":
        raise _bad_mask("mask and image must have the same format")


def _check_markup(markup: Upload, first_size: Size) -> None:
    with _opened_png(markup, "markup") as image:
        if image.size != first_size:
            raise unusable("Invalid markup image - size does not match image size", param="markup")
        if image.mode != "RGBA" or image.getchannel("A").getextrema()[0] == 255:
            raise unusable(
                "Invalid markup image - it must contain transparent pixels", param="markup"
            )


def _opened_png(upload: Upload, name: str) -> Image:
    try:
        image = opened(upload)
    except ValueError as error:
        raise unusable(
            f"Invalid {name} image file.", param=name, code="invalid_image_file"
        ) from error
    if image.format != "PNG":
        raise unusable(f"Invalid {name} image format - {name} must be a PNG", param=name)
    return image


def _bad_mask(problem: str) -> Exception:
    return unusable(f"Invalid mask image format - {problem}", param="mask")
