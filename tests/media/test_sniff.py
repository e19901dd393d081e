import pytest
from PIL import Image

from core.media import HEAD_BYTES, UPLOADS, sniff
from tests.media.makers import box, encoded, gradient

PICTURE = gradient()


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (encoded(PICTURE, "PNG"), "image/png"),
        (encoded(PICTURE, "JPEG"), "image/jpeg"),
        (encoded(PICTURE, "WEBP"), "image/webp"),
        (encoded(PICTURE, "WEBP", lossless=True), "image/webp"),
        (encoded(gradient(mode="RGBA"), "WEBP"), "image/webp"),
        (encoded(PICTURE, "GIF"), "image/gif"),
        (encoded(PICTURE, "AVIF"), "image/avif"),
        (box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41"), "video/mp4"),
        (box(b"ftyp", b"mp42\0\0\0\0"), "video/mp4"),
        (box(b"ftyp", b"M4V \0\0\0\1"), "video/mp4"),
        (box(b"ftyp", b"XXXX\0\0\0\0isom"), "video/mp4"),
        (box(b"ftyp", b"qt  \0\0\2\0qt  "), "video/quicktime"),
    ],
)
def test_kinds_that_are_known(head: bytes, mime: str) -> None:
    assert sniff(head[:HEAD_BYTES]) == mime


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x89",
        b"\x89PNG\r\n\x1a",
        b"\xff\xd8",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"<!doctype html><script>alert(1)</script>",
        b"#EXTM3U\n#EXTINF:1,\nhttp://10.0.0.1/",
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"PK\x03\x04",
        b"8BPS\0\1",
        b"II*\0\x08\0\0\0",
        b"MM\0*\0\0\0\x08",
        b"BM\x36\0\0\0",
        b"\0\0\1\0\1\0",
        b"RIFF\x24\0\0\0AVI LIST",
        b"RIFF\x24\0\0\0WEBPVP9 ",
        b"\x1a\x45\xdf\xa3webm",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"\0\0\0\x0cftyp",
        b"\xff\xff\xff\xffftyp",
        b"\0\0\0\x00ftyp\0\0\0\0",
    ],
)
def test_everything_else_is_unknown(head: bytes) -> None:
    assert sniff(head[:HEAD_BYTES]) is None


def test_what_may_be_uploaded() -> None:
    assert {"image/png", "image/jpeg", "image/webp", "video/mp4"} == UPLOADS


@pytest.mark.parametrize("format", ["BMP", "TIFF", "ICO", "PPM", "TGA", "PCX", "EPS", "PDF"])
def test_formats_pillow_could_read_are_unknown(format: str) -> None:
    assert sniff(encoded(Image.new("RGB", (32, 32)), format)[:HEAD_BYTES]) is None
