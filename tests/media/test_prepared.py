"""The copy that is shown and sent: 8-bit sRGB, upright, and nothing but pixels."""

import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from core.errors import MediaRejected
from core.media import Accepted, Rendition, accept_image, child, inspect_image, prepare_image
from tests.media.makers import chunk, difference, encoded, gradient, png, segment, with_segments

Write = Callable[[bytes], Path]
SCRIPT = b"<script>alert(1)</script>"
PLACE = b"GPS 37.5665 126.9780"


def exif(orientation: int) -> bytes:
    """Return EXIF with an orientation, a place and a script, as a camera writes it."""
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes[0x010E] = (SCRIPT + PLACE).decode()
    notes.get_ifd(0x8825)[2] = (37.0, 33.0, 59.0)
    return notes.tobytes()


def opened(made: Rendition) -> Image.Image:
    with Image.open(made.path) as image:
        image.load()
        return image


def accepted(path: Path, out: Path, mime: str, *, as_png: bool = False) -> Accepted:
    return accept_image(path, out, declared_mime=mime, as_png=as_png)


class TestNothingButPixels:
    """Row 7 and its neighbours."""

    def dirty(self, format: str) -> bytes:
        picture = gradient()
        if format == "PNG":
            text = PngImagePlugin.PngInfo()
            text.add_text("Comment", SCRIPT.decode())
            text.add_itxt("XML:com.adobe.xmp", PLACE.decode())
            clean = encoded(picture, "PNG", pnginfo=text, exif=exif(1), dpi=(300, 300))
            return clean + SCRIPT + PLACE
        if format == "WEBP":
            return encoded(picture, "WEBP", exif=exif(1), xmp=SCRIPT + PLACE)
        clean = encoded(picture, "JPEG", exif=exif(1), comment=SCRIPT, dpi=(300, 300))
        notes = [
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PLACE),
            segment(0xED, b"Photoshop 3.0\x008BIM" + PLACE),
            segment(0xE9, SCRIPT + PLACE),
            segment(0xFE, SCRIPT + PLACE),
        ]
        return with_segments(clean, *notes) + SCRIPT + PLACE

    @pytest.mark.parametrize("as_png", [False, True])
    @pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
    def test_scripts_and_places_are_gone(
        self, write: Write, out: Path, format: str, as_png: bool
    ) -> None:
        dirty = self.dirty(format)
        assert SCRIPT in dirty

        made = accepted(write(dirty), out, f"image/{format.lower()}", as_png=as_png)

        for rendition in (made.prepared, made.thumbnail):
            content = rendition.path.read_bytes()
            assert b"script" not in content
            assert b"GPS" not in content
            assert b"Exif" not in content

    def test_a_jpeg_holds_only_what_decoding_needs(self, write: Write, out: Path) -> None:
        made = prepare_image(write(self.dirty("JPEG")), out, as_png=False)

        with Image.open(made.path) as image:
            assert isinstance(image, Image.Image)
            kinds = {kind for kind, _ in image.applist}  # type: ignore[attr-defined]
            assert kinds == {"APP0"}  # JFIF
            assert image.getexif() == {}
            assert "icc_profile" not in image.info

    def test_a_png_holds_only_what_decoding_needs(self, write: Write, out: Path) -> None:
        made = prepare_image(write(self.dirty("PNG")), out, as_png=False)

        assert _chunks(made.path.read_bytes()) == {b"IHDR", b"IDAT", b"IEND"}

    def test_a_webp_thumbnail_holds_only_pixels(self, write: Write, out: Path) -> None:
        made = accepted(write(self.dirty("JPEG")), out, "image/jpeg").thumbnail

        assert made.path.read_bytes()[12:16] == b"VP8 "


def _chunks(content: bytes) -> set[bytes]:
    kinds, at = set(), 8
    while at < len(content):
        kinds.add(content[at + 4 : at + 8])
        at += 12 + int.from_bytes(content[at : at + 4])
    return kinds


class TestOrientation:
    @pytest.mark.parametrize("turn", range(1, 9))
    @pytest.mark.parametrize(("format", "as_png"), [("JPEG", False), ("PNG", True), ("WEBP", True)])
    def test_it_is_applied(
        self, write: Write, out: Path, format: str, as_png: bool, turn: int
    ) -> None:
        """Stored lying or mirrored as cameras do, it comes out as it was seen."""
        seen = gradient(96, 64)
        undo = {
            1: None,
            2: Image.Transpose.FLIP_LEFT_RIGHT,
            3: Image.Transpose.ROTATE_180,
            4: Image.Transpose.FLIP_TOP_BOTTOM,
            5: Image.Transpose.TRANSPOSE,
            6: Image.Transpose.ROTATE_90,
            7: Image.Transpose.TRANSVERSE,
            8: Image.Transpose.ROTATE_270,
        }[turn]
        stored = seen if undo is None else seen.transpose(undo)
        path = write(encoded(stored, format, exif=exif(turn), quality=95))

        made = accepted(path, out, f"image/{format.lower()}", as_png=as_png)

        assert (made.facts.width, made.facts.height) == (96, 64)
        for rendition in (made.prepared, made.thumbnail):
            assert (rendition.width, rendition.height) == (96, 64)
            assert difference(opened(rendition), seen) < 6

    @pytest.mark.parametrize("turn", [0, 9, 255, 65535])
    def test_nonsense_is_ignored(self, write: Write, turn: int) -> None:
        path = write(encoded(gradient(96, 64), "JPEG", exif=exif(turn)))

        assert inspect_image(path, declared_mime="image/jpeg").width == 96

    @pytest.mark.parametrize(
        "broken",
        [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40],
    )
    def test_broken_notes_do_not_cost_the_picture(
        self, write: Write, out: Path, broken: bytes
    ) -> None:
        path = write(
            with_segments(encoded(gradient(), "JPEG"), segment(0xE1, b"Exif\0\0" + broken))
        )

        assert accepted(path, out, "image/jpeg").facts.width == 64


class TestColours:
    @pytest.mark.parametrize(
        ("mode", "format"),
        [
            ("1", "PNG"),
            ("L", "PNG"),
            ("L", "JPEG"),
            ("P", "PNG"),
            ("LA", "PNG"),
            ("RGB", "PNG"),
            ("RGBA", "PNG"),
            ("RGB", "WEBP"),
            ("RGBA", "WEBP"),
            ("CMYK", "JPEG"),
            ("I;16", "PNG"),
        ],
    )
    def test_every_mode_becomes_rgb_or_rgba(
        self, write: Write, out: Path, mode: str, format: str
    ) -> None:
        base = gradient(mode="RGBA" if "A" in mode else "RGB")
        picture = base.convert("L").convert("I").point(lambda v: v * 257).convert("I;16")
        if mode != "I;16":
            picture = base.convert(mode)

        made = accepted(write(encoded(picture, format)), out, f"image/{format.lower()}")

        assert opened(made.prepared).mode == ("RGBA" if "A" in mode else "RGB")
        assert made.facts.has_alpha is ("A" in mode)
        seen = base.convert("L") if mode == "I;16" else picture
        assert difference(opened(made.prepared), seen) < 8

    def test_16_bit_colour_and_alpha(self, write: Write, out: Path) -> None:
        row = b"\0" + struct.pack(">8H", 0, 32768, 65535, 65535, 65535, 257, 0, 32768)
        path = write(png(2, 1, depth=16, colour=6, rows=[row]))

        made = opened(prepare_image(path, out, as_png=True))

        assert made.getpixel((0, 0)) == (0, 128, 255, 255)
        assert made.getpixel((1, 0)) == (255, 1, 0, 128)

    def test_16_bit_grey_is_not_cut_to_white(self, write: Write, out: Path) -> None:
        path = write(
            png(3, 1, depth=16, colour=0, rows=[b"\0" + struct.pack(">3H", 0, 32768, 65535)])
        )

        made = opened(prepare_image(path, out, as_png=True))

        assert [made.getpixel((x, 0)) for x in range(3)] == [(0,) * 3, (128,) * 3, (255,) * 3]

    @pytest.mark.parametrize("colour", [0, 2])
    def test_a_transparent_colour_of_16_bits_does_no_harm(
        self, write: Write, out: Path, colour: int
    ) -> None:
        values = 3 if colour else 1
        key = chunk(b"tRNS", struct.pack(f">{values}H", *[40_000] * values))
        row = b"\0" + struct.pack(f">{values}H", *[40_000] * values)
        path = write(png(1, 1, depth=16, colour=colour, rows=[row], before=key))

        assert opened(prepare_image(path, out, as_png=True)).mode == "RGBA"

    def test_a_palette_with_transparency_keeps_it(self, write: Write, out: Path) -> None:
        picture = Image.new("P", (2, 1))
        picture.putpalette([255, 0, 0, 0, 255, 0])
        picture.putpixel((1, 0), 1)

        made = prepare_image(write(encoded(picture, "PNG", transparency=1)), out, as_png=False)

        assert opened(made).getpixel((0, 0)) == (255, 0, 0, 255)
        assert opened(made).getpixel((1, 0))[3] == 0  # type: ignore[index]

    def test_colours_of_another_space_are_converted(self, write: Write, out: Path) -> None:
        """(200, 100, 50) of a wide space is a stronger red in sRGB."""
        stored = Image.new("RGB", (64, 64), (200, 100, 50))
        meant = ImageCms.profileToProfile(
            stored, ImageCms.ImageCmsProfile(io.BytesIO(wide())), ImageCms.createProfile("sRGB")
        )
        assert meant is not None

        made = accepted(write(encoded(stored, "PNG", icc_profile=wide())), out, "image/png")

        assert difference(opened(made.prepared), meant) == 0
        assert difference(opened(made.thumbnail), meant) < 4
        assert difference(stored, meant) > 10

    def test_srgb_is_left_alone(self, write: Write, out: Path) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        path = write(encoded(gradient(), "PNG", icc_profile=profile))

        assert difference(opened(prepare_image(path, out, as_png=True)), gradient()) == 0

    @pytest.mark.parametrize("broken", [b"x", b"\0" * 128, bytes(range(256)) * 4])
    @pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
    def test_a_broken_profile_does_not_cost_the_picture(
        self, write: Write, out: Path, broken: bytes, format: str
    ) -> None:
        path = write(encoded(gradient(), format, icc_profile=broken))

        made = accepted(path, out, f"image/{format.lower()}")

        assert difference(opened(made.prepared), gradient()) < 8

    def test_a_profile_of_another_kind_of_picture_is_ignored(self, write: Write, out: Path) -> None:
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        path = write(encoded(gradient(), "PNG", icc_profile=lab))

        assert difference(opened(prepare_image(path, out, as_png=True)), gradient()) == 0

    def test_alpha_survives_a_conversion(self, write: Write, out: Path) -> None:
        picture = Image.new("RGBA", (8, 8), (200, 100, 50, 77))
        path = write(encoded(picture, "PNG", icc_profile=wide()))

        assert opened(prepare_image(path, out, as_png=True)).getpixel((3, 3))[3] == 77  # type: ignore[index]


def wide() -> bytes:
    """Return a profile with wider primaries than sRGB: ours with its red and green pulled out."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for index in range(int.from_bytes(profile[128:132])):
        entry = 132 + index * 12
        kind, at = bytes(profile[entry : entry + 4]), int.from_bytes(profile[entry + 4 : entry + 8])
        if kind == b"desc":
            at_text = bytes(profile).index(b"\0s\0R\0G\0B", at)
            profile[at_text : at_text + 8] = b"\0W\0i\0d\0e"
        if kind in _WIDE:
            profile[at + 8 : at + 20] = struct.pack(">3i", *(int(v * 65536) for v in _WIDE[kind]))
    return bytes(profile)


_WIDE = {
    b"rXYZ": (0.60974, 0.31111, 0.01947),
    b"gXYZ": (0.20528, 0.62567, 0.06087),
    b"bXYZ": (0.14919, 0.06322, 0.74457),
}


class TestWhatIsMade:
    def test_a_jpeg_stays_one_at_high_quality(self, write: Write, out: Path) -> None:
        made = prepare_image(write(encoded(gradient(), "JPEG")), out, as_png=False)

        with Image.open(made.path) as image:
            assert (made.mime, image.format) == ("image/jpeg", "JPEG")
            assert {sampling[1:3] for sampling in image.layer} == {(1, 1)}  # type: ignore[attr-defined]  # 4:4:4
            assert max(image.quantization[0]) <= 12  # type: ignore[attr-defined]  # quality 95

    @pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
    def test_everything_can_become_png(self, write: Write, out: Path, format: str) -> None:
        made = prepare_image(write(encoded(gradient(), format)), out, as_png=True)

        assert (made.mime, opened(made).format) == ("image/png", "PNG")

    @pytest.mark.parametrize("format", ["PNG", "WEBP"])
    def test_of_an_animation_the_first_frame(self, write: Write, out: Path, format: str) -> None:
        frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
        content = encoded(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)

        made = accepted(write(content), out, f"image/{format.lower()}")

        assert made.facts.frames == 3
        assert opened(made.prepared).convert("RGB").getpixel((5, 5)) == (255, 0, 0)

    def test_what_is_said_of_a_file_is_measured(self, write: Write, out: Path) -> None:
        made = accepted(write(encoded(gradient(1000, 500), "PNG")), out, "image/png")

        for rendition in (made.prepared, made.thumbnail):
            content = rendition.path.read_bytes()
            assert rendition.bytes == len(content)
            assert rendition.sha256 == hashlib.sha256(content).hexdigest()
            assert opened(rendition).size == (rendition.width, rendition.height)
        assert (made.thumbnail.width, made.thumbnail.height) == (640, 320)
        assert made.thumbnail.mime == "image/webp"

    @pytest.mark.parametrize(
        ("size", "small"),
        [((100, 50), (100, 50)), ((641, 641), (640, 640)), ((3, 9000), (1, 640)), ((1, 1), (1, 1))],
    )
    def test_thumbnails_shrink_and_never_grow(
        self, write: Write, out: Path, size: tuple[int, int], small: tuple[int, int]
    ) -> None:
        made = accepted(write(encoded(Image.new("RGB", size), "PNG")), out, "image/png")

        assert (made.thumbnail.width, made.thumbnail.height) == small

    def test_the_same_bytes_make_the_same_file(self, write: Write, out: Path) -> None:
        """Thumbnails are stored by their content."""
        path = write(encoded(gradient(800, 600), "JPEG"))

        first, second = (accepted(path, out, "image/jpeg") for _ in range(2))

        assert first.thumbnail.sha256 == second.thumbnail.sha256
        assert first.prepared.sha256 == second.prepared.sha256
        assert first.prepared.path != second.prepared.path

    def test_a_copy_that_is_too_large_is_refused(
        self, write: Write, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Noise of 0.8 megapixels is 2.4 MB as PNG, however it is packed."""
        assert child.OUTPUT_BYTES == 50_000_000 - 1
        monkeypatch.setattr(child, "OUTPUT_BYTES", 2_000_000 - 1)
        noise = Image.frombytes("RGB", (900, 900), hashlib.shake_256(b"noise").digest(2_430_000))
        path = write(encoded(noise, "PNG"))

        with pytest.raises(MediaRejected, match="more than 2 MB"):
            prepare_image(path, out, as_png=True)

        assert list(out.iterdir()) == []
