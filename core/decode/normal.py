"""Bring a decoded picture to 8-bit sRGB, upright, with nothing but pixels."""

import contextlib
from io import BytesIO

from PIL import Image, ImageCms

from core.decode.limits import MIB

ORIENTATION = 0x0112  # EXIF
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
MAX_PROFILE_BYTES = 4 * MIB
SRGB = ImageCms.createProfile("sRGB")


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where the notes are broken."""
    with contextlib.suppress(Exception):  # the pixels are fine, only the notes are not
        value = image.getexif().get(ORIENTATION, 1)
        return value if value in UPRIGHT else 1
    return 1


def shown_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height after orientation."""
    turned = orientation(image) >= 5
    return (image.height, image.width) if turned else (image.width, image.height)


def has_alpha(image: Image.Image) -> bool:
    """Return whether any pixel may be transparent."""
    return image.has_transparency_data


def upright(image: Image.Image, turn: int) -> Image.Image:
    """Return the picture as `turn` says it is meant."""
    return image.transpose(UPRIGHT[turn]) if turn in UPRIGHT else image


def plain(image: Image.Image) -> Image.Image:
    """Return RGB, or RGBA where there is transparency, in sRGB, without metadata."""
    mode = "RGBA" if has_alpha(image) else "RGB"
    profile = image.info.get("icc_profile")
    image = _eight_bits(image)
    if isinstance(profile, bytes) and len(profile) <= MAX_PROFILE_BYTES:
        image = _in_srgb(image, profile, mode)
    if image.mode != mode:
        image = image.convert(mode)
    image.info = {}
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit: Pillow's own conversion cuts everything above 255 to white.

    The higher byte counts, as Pillow does it for 16-bit colour.
    """
    if not image.mode.startswith("I"):
        return image
    return image.point(lambda value: value * (1 / 256)).convert("L")


def _in_srgb(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    """Return the picture with its colours converted; as it is where the profile is no use."""
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space == "RGB" and not _is_srgb(source):
            return _from_rgb(image.convert(mode) if image.mode != mode else image, source)
        if space == "GRAY" and image.mode in {"1", "L", "LA"}:
            return _from_grey(image, source)
        if space == "CMYK" and image.mode == "CMYK":
            return _through(image, source)
    return image


def _is_srgb(source: ImageCms.ImageCmsProfile) -> bool:
    return str(source.profile.profile_description or "").startswith("sRGB")


def _from_rgb(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    """Convert in place, which spares a copy; alpha stays as it is."""
    ImageCms.profileToProfile(image, source, SRGB, inPlace=True)
    return image


def _from_grey(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    coloured = _through(image.convert("L"), source)
    if image.mode == "LA":
        coloured.putalpha(image.getchannel("A"))
    return coloured


def _through(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image:
    made = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
    if made is None:  # only in place
        raise ValueError("No picture came back.")
    return made
