"""Open a hostile picture and decode it to its end, or refuse it."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from PIL import (
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from core.decode import limits
from core.decode.notes import check_notes
from core.decode.refused import RefusedError
from core.decode.scans import check_scans
from core.sniff import GIF, HEAD_BYTES, JPEG, NAMES, PNG, WEBP, sniff

FORMATS = {
    PNG: PngImagePlugin.PngImageFile.format,
    JPEG: JpegImagePlugin.JpegImageFile.format,
    WEBP: WebPImagePlugin.WebPImageFile.format,
    GIF: GifImagePlugin.GifImageFile.format,
}

Image.MAX_IMAGE_PIXELS = None  # `_admit` says it in words; later frames meet Pillow's check
PngImagePlugin.MAX_TEXT_CHUNK = limits.MAX_NOTES_BYTES  # the sum is checked before
PngImagePlugin.MAX_TEXT_MEMORY = limits.MAX_NOTES_BYTES
warnings.simplefilter("ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture whose every frame has been decoded; `image` stands at the first."""

    image: Image.Image
    mime: str
    frames: int


@contextlib.contextmanager
def decoded(path: str, *, declared: str | None, accepted: frozenset[str]) -> Iterator[Picture]:
    """Yield a picture. `declared` is what the file was said to be, None if nothing was.

    Raises:
        RefusedError: it is of another kind, damaged, or larger than the limits.
    """
    with Path(path).open("rb") as file, contextlib.ExitStack() as held:
        head = file.read(HEAD_BYTES)
        mime = type_of(head, declared=declared, accepted=accepted)
        with reading():
            check_notes(file, mime)
            if mime == JPEG:
                check_scans(file)
            if mime == WEBP:  # its decoder takes memory for the whole canvas when it is opened
                _admit(_webp_size(head), frames=1, file_bytes=_size(file))
            image = Image.open(file, formats=[FORMATS[mime]])
            _admit(image.size, frames=1, file_bytes=_size(file))
            Image.MAX_IMAGE_PIXELS = limits.MAX_PIXELS // 2  # it raises at twice this
            frames = _frames(image)
            _admit(image.size, frames=frames, file_bytes=_size(file))
            held.enter_context(limits.one_large_at_a_time(image.width * image.height))
            _decode(image, frames)
        yield Picture(image=image, mime=mime, frames=frames)


def type_of(head: bytes, *, declared: str | None, accepted: frozenset[str]) -> str:
    """Return a file's type by its first bytes, or refuse it."""
    found = sniff(head)
    if not head:
        raise RefusedError("empty")
    if found is None:
        raise RefusedError("unknown_type")
    if found not in accepted:
        names = ", ".join(sorted(NAMES[mime] for mime in accepted))
        raise RefusedError("type_not_accepted", found=NAMES[found], accepted=names)
    if declared not in {None, found}:
        said = NAMES.get(declared or "", declared or "")
        raise RefusedError("other_type", declared=said, found=NAMES[found])
    return found


@contextlib.contextmanager
def reading(otherwise: str = "unreadable") -> Iterator[None]:
    """Turn whatever a decoder raises into a refusal: which it is depends on the file alone."""
    try:
        yield
    except RefusedError:
        raise
    except (MemoryError, Image.DecompressionBombError) as error:
        raise RefusedError("too_much_memory") from error
    except Exception as error:  # decoders raise anything, from KeyError to struct.error
        raise RefusedError(otherwise) from error


def _admit(size: tuple[int, int], *, frames: int, file_bytes: int) -> None:
    """Check a size before anything of it is decoded, and allow what it takes."""
    width, height = size
    pixels = width * height
    if pixels > limits.MAX_PIXELS:
        megapixels = limits.MAX_PIXELS // 1_000_000
        raise RefusedError(
            "too_many_pixels", width=width, height=height, limit_megapixels=megapixels
        )
    if frames > limits.MAX_FRAMES or frames * pixels > limits.MAX_TOTAL_PIXELS:
        raise RefusedError("too_many_frames", frames=frames, width=width, height=height)
    limits.allow(pixels, frames=frames, file_bytes=file_bytes)


def _frames(image: Image.Image) -> int:
    """Return the frames of an animation. A phone's JPEG may carry further pictures: not frames."""
    if isinstance(image, JpegImagePlugin.JpegImageFile | MpoImagePlugin.MpoImageFile):
        return 1
    return int(getattr(image, "n_frames", 1))


def _decode(image: Image.Image, frames: int) -> None:
    """Decode every frame: `verify()` lets a file pass that was cut in half."""
    for frame in range(1, frames):
        image.seek(frame)
        image.load()
    image.seek(0)
    image.load()


def _webp_size(head: bytes) -> tuple[int, int]:
    """Return the canvas of a WebP from its first 30 bytes (RFC 9649, 2.5 to 2.7)."""
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
    return width & 0x3FFF, height & 0x3FFF


def _size(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
