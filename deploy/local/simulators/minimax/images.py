"""Input images: fetched from their URL, really decoded, measured against the provider's limits."""

import base64
import binascii
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from urllib.request import Request, urlopen

from PIL import Image

from deploy.local.simulators.minimax.parameters import is_web_url
from deploy.local.simulators.minimax.refusals import invalid

MIB = 1024 * 1024
FETCH_TIMEOUT_S = 10.0
SHAPES = (0.4, 2.5)  # width / height, both APIs
PIXELS = 50_000_000  # our own protection; no document gives a limit for v1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one API accepts. Sides in pixels, both ends included."""

    max_bytes: int
    short_side: int
    long_side: int


V1_LIMITS = Limits(max_bytes=20 * MIB - 1, short_side=301, long_side=100_000)
V2_LIMITS = Limits(max_bytes=30 * MIB, short_side=256, long_side=5760)
FORMATS = ("JPEG", "PNG", "WEBP")  # v2 takes HEIC as well, which cannot be decoded here


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An input image that has been decoded once."""

    role: str
    data: bytes
    width: int
    height: int

    @property
    def sha256(self) -> str:
        """Return the hash of the bytes as they were sent."""
        return hashlib.sha256(self.data).hexdigest()


def read_picture(url: object, field: str, role: str, limits: Limits) -> Picture:
    """Return the image behind an http(s) or data URL. Raises Refused naming `field`."""
    data = read_url(url, field, kinds=("image",), max_bytes=limits.max_bytes)
    width, height = _decoded_size(data, field, limits)
    return Picture(role=role, data=data, width=width, height=height)


def read_url(url: object, field: str, *, kinds: Iterable[str], max_bytes: int) -> bytes:
    """Return the bytes behind a URL. Raises Refused naming `field`.

    The media type that a data URL declares must be of one of `kinds`, but need not be the true
    one: the vendor's own client calls every image a JPEG.
    """
    if not isinstance(url, str) or not url:
        raise invalid(f"{field} must be a URL or a base64 data URL")
    if url.startswith("data:"):
        data = _from_data_url(url, field, kinds)
    elif is_web_url(url):
        data = _fetched(url, field, max_bytes)
    else:
        raise invalid(f"{field} must be an http(s) URL or a data URL, {url[:40]!r} was not found")
    if len(data) > max_bytes:
        raise invalid(f"{field} is too large, at most {max_bytes} bytes are allowed")
    return data


def _from_data_url(url: str, field: str, kinds: Iterable[str]) -> bytes:
    head, comma, payload = url.partition(",")
    media, _, encoding = head.removeprefix("data:").partition(";")
    if not comma or encoding != "base64" or media.partition("/")[0] not in kinds:
        raise invalid(f"{field} is not a data:{'|'.join(kinds)}/...;base64 URL")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{field} is not valid base64") from error


def _fetched(url: str, field: str, max_bytes: int) -> bytes:
    request = Request(url, headers={"User-Agent": "simulator"})  # noqa: S310 - http(s) only: checked
    try:
        with urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310 - as above
            data: bytes = answer.read(max_bytes + 1)
    except (OSError, HTTPException, ValueError) as error:
        raise invalid(f"{field} could not be downloaded") from error
    return data


def _decoded_size(data: bytes, field: str, limits: Limits) -> tuple[int, int]:
    """Return width and height after decoding every pixel: a header alone proves nothing."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _measured(image.width, image.height, field, limits)
            image.load()
            return image.size
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise invalid(f"{field} is not a readable JPG, PNG or WebP image") from error


def _measured(width: int, height: int, field: str, limits: Limits) -> None:
    size = f"{width}x{height}"
    if min(width, height) < limits.short_side:
        raise invalid(f"{field} is {size}, the short side must be {limits.short_side} px or more")
    if max(width, height) > limits.long_side or width * height > PIXELS:
        raise invalid(f"{field} is {size}, which is too many pixels")
    if not SHAPES[0] <= width / height <= SHAPES[1]:
        raise invalid(f"{field} is {size}, the aspect ratio must be between 2:5 and 5:2")
