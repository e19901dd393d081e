"""Pictures that are not what they should be: refused in words, cheaply, harming nobody."""

import contextlib
import random
import struct
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import Image

from core.errors import MediaRejected
from core.media import accept_image, finish_image, inspect_image
from core.media.child import Answer
from core.media.refusals import SENTENCES
from tests.media.makers import (
    PNG_MAGIC,
    chunk,
    encoded,
    gradient,
    png,
    riff,
    segment,
    with_segments,
    zeros,
)

Write = Callable[[bytes], Path]
Ask = Callable[..., Answer]
MIB = 2**20
KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def refused(path: Path, mime: str) -> str:
    """Return which sentence refuses an upload."""
    with pytest.raises(MediaRejected) as caught:
        inspect_image(path, declared_mime=mime)
    return next(
        code for code, words in SENTENCES.items() if words.text == caught.value.message.text
    )


def blank_rows(width_bytes: int, height: int) -> Iterable[bytes]:
    """Return the rows of an empty picture."""
    return (bytes(width_bytes + 1) for _ in range(height))


class TestTooManyPixels:
    """Row 1: small files that unpack to gigabytes."""

    def test_a_48_kb_png_of_400_megapixels(self, write: Write, ask: Ask) -> None:
        bomb = png(20_000, 20_000, depth=1, colour=0, rows=blank_rows(2500, 20_000))
        path = write(bomb)
        assert len(bomb) < 64_000

        answer = ask("inspect_image", path, declared="image/png")

        assert answer.said["refused"] == "too_many_pixels"
        assert answer.said["peak_rss_bytes"] < 60 * MIB
        assert answer.said["cpu_s"] < 1
        with pytest.raises(MediaRejected, match=r"20000 × 20000 pixels; at most 100 megapixels"):
            inspect_image(path, declared_mime="image/png")

    @pytest.mark.parametrize(
        ("mime", "bomb"),
        [
            ("image/png", png(2**31 - 1, 1)),
            ("image/png", png(1, 100_000_001)),
            (
                "image/jpeg",
                encoded(Image.new("L", (8, 8)), "JPEG").replace(
                    b"\x08\x00\x08\x00\x08", b"\x08\xff\xdc\xff\xdc"
                ),
            ),
            (
                "image/webp",
                riff(
                    (b"VP8X", b"\x10\0\0\0" + b"\xff\xff\xff" + b"\xff\xff\x0f"),
                    (b"VP8 ", bytes(30)),
                ),
            ),
            (
                "image/webp",
                riff((b"VP8L", b"\x2f" + (0x3FFF | 0x3FFF << 14).to_bytes(4, "little"))),
            ),
            ("image/webp", riff((b"VP8 ", b"\0\0\0\x9d\x01\x2a" + b"\xff\x3f\xff\x3f"))),
        ],
        ids=["png wide", "png tall", "jpeg", "webp extended", "webp lossless", "webp lossy"],
    )
    def test_other_formats_and_shapes(self, write: Write, ask: Ask, mime: str, bomb: bytes) -> None:
        answer = ask("inspect_image", write(bomb), declared=mime)

        assert answer.said["refused"] == "too_many_pixels"
        assert answer.said["peak_rss_bytes"] < 60 * MIB

    def test_a_gif_of_gigapixels_in_frames(self, write: Write, ask: Ask, out: Path) -> None:
        frame = Image.new("P", (4000, 4000))
        bomb = encoded(frame, "GIF")
        picture = bomb[bomb.index(b",", 13) : -1]  # the image block, repeated
        path = write(bomb[:-1] + picture * 100 + b";")
        assert path.stat().st_size < 3_000_000

        answer = ask("finish_image", path, small=str(out / "small"))

        assert answer.said["refused"] == "too_many_frames"
        assert answer.said["peak_rss_bytes"] < 60 * MIB

    def test_an_apng_of_gigapixels_in_frames(self, write: Write, ask: Ask) -> None:
        control = struct.pack(">IIIIIHHBB", 0, 9000, 9000, 0, 0, 1, 1, 0, 0)
        before = chunk(b"acTL", struct.pack(">II", 50, 0)) + chunk(b"fcTL", control)
        bomb = png(9000, 9000, depth=1, colour=0, rows=blank_rows(1125, 9000), before=before)

        answer = ask("inspect_image", write(bomb), declared="image/png")

        assert answer.said["refused"] == "too_many_frames"
        assert answer.said["peak_rss_bytes"] < 60 * MIB

    def test_a_webp_of_many_frames(self, write: Write, ask: Ask) -> None:
        edge = (4000 - 1).to_bytes(3, "little")
        frame = encoded(Image.new("RGB", (4000, 4000)), "WEBP", lossless=True, method=0)[12:]
        header = bytes(6) + edge + edge + b"\1\0\0\0"
        bomb = riff(
            (b"VP8X", b"\x02\0\0\0" + edge + edge),
            (b"ANIM", bytes(6)),
            *[(b"ANMF", header + frame)] * 30,
        )

        answer = ask("inspect_image", write(bomb), declared="image/webp")

        assert answer.said["refused"] == "too_many_frames"

    def test_a_header_that_lies_small_gets_memory_for_small(self, write: Write, ask: Ask) -> None:
        """The frame inside is larger than the canvas that it is announced in."""
        inner = encoded(Image.new("RGB", (4000, 4000)), "WEBP", lossless=True, method=0)[12:]
        liar = riff((b"VP8X", b"\0\0\0\0" + b"\x07\0\0" + b"\x07\0\0")) + inner
        liar = liar[:4] + struct.pack("<I", len(liar) - 8) + liar[8:]

        answer = ask("inspect_image", write(liar), declared="image/webp")

        assert answer.said["refused"] in {"unreadable", "too_much_memory"}
        assert answer.said["peak_rss_bytes"] < 150 * MIB


class TestTooMuchText:
    """Row 2: a picture of one pixel round gigabytes of notes."""

    def pixel(self, before: bytes = b"", after: bytes = b"") -> bytes:
        return png(1, 1, rows=[b"\0\1\2\3"], before=before, after=after)

    def test_2_gb_of_compressed_text(self, write: Write, ask: Ask) -> None:
        path = write(self.pixel(chunk(b"zTXt", b"k\0\0" + zeros(2 * 1024 * MIB))))

        answer = ask("inspect_image", path, declared="image/png")

        assert answer.said["cpu_s"] < 2  # of the 5 s that it may take
        assert answer.said["refused"] == "too_much_text"
        assert answer.said["peak_rss_bytes"] < 150 * MIB

    @pytest.mark.parametrize(
        "notes",
        [
            chunk(b"iTXt", b"k\0\1\0\0\0" + zeros(64 * MIB)),
            chunk(b"iTXt", b"k\0\1\0en\0key\0" + zeros(64 * MIB)),
            chunk(b"iCCP", b"k\0\0" + zeros(64 * MIB)),
            chunk(b"zTXt", b"k\0\0" + zeros(MIB)) * 20,
            chunk(b"tEXt", b"k\0" + b"x" * 17 * MIB),
            chunk(b"eXIf", bytes(17 * MIB)),
            chunk(b"prVt", bytes(17 * MIB)),
            chunk(b"tEXt", b"k\0v") * 210_000,
        ],
        ids=["iTXt", "iTXt with languages", "iCCP", "zTXt", "tEXt", "eXIf", "private", "many"],
    )
    @pytest.mark.parametrize("place", ["before", "after"])
    def test_other_chunks(self, write: Write, ask: Ask, notes: bytes, place: str) -> None:
        path = write(self.pixel(**{place: notes}))

        answer = ask("inspect_image", path, declared="image/png")

        assert answer.said["refused"] == "too_much_text"
        assert answer.said["peak_rss_bytes"] < 150 * MIB
        assert answer.said["cpu_s"] < 3

    def test_a_jpeg_of_segments(self, write: Write) -> None:
        exif = segment(0xE1, b"Exif\0\0" + bytes(65_000))
        fat = with_segments(encoded(gradient(), "JPEG"), *([exif] * 300))

        assert refused(write(fat), "image/jpeg") == "too_much_text"

    def test_a_webp_with_a_long_story(self, write: Write) -> None:
        plain = encoded(gradient(), "WEBP")[12:]
        fat = riff((b"VP8X", b"\x04\0\0\0\x3f\0\0\x2f\0\0")) + plain
        fat += b"XMP " + struct.pack("<I", 17 * MIB) + bytes(17 * MIB)
        fat = fat[:4] + struct.pack("<I", len(fat) - 8) + fat[8:]

        assert refused(write(fat), "image/webp") == "too_much_text"

    def test_ordinary_notes_are_no_reason(self, write: Write) -> None:
        """A prompt, a workflow and a colour profile are what our users' files carry."""
        notes = chunk(b"tEXt", b"workflow\0" + b"{}" * 400_000) + chunk(
            b"zTXt", b"k\0\0" + zlib.compress(b"prompt" * 200_000)
        )
        assert inspect_image(write(self.pixel(notes)), declared_mime="image/png").width == 1


class TestTooSlow:
    """Little data that asks for much work."""

    def test_a_jpeg_of_thousands_of_scans(self, write: Write, ask: Ask) -> None:
        progressive = encoded(Image.new("L", (4000, 4000)), "JPEG", progressive=True)
        last = progressive[progressive.rindex(b"\xff\xda") : -2]
        path = write(progressive[:-2] + last * 3000 + progressive[-2:])

        answer = ask("inspect_image", path, declared="image/jpeg")

        assert answer.said["refused"] == "too_slow"
        assert answer.said["cpu_s"] < 2

    def test_what_follows_a_jpegs_end_is_not_counted(self, write: Write) -> None:
        """Phones append a film of seconds to a picture."""
        path = write(encoded(gradient(), "JPEG") + b"\xff\xda" * 1000)

        assert inspect_image(path, declared_mime="image/jpeg").frames == 1


class TestDamaged:
    """Row 3: what `verify()` lets pass."""

    @pytest.mark.parametrize("format", KINDS)
    @pytest.mark.parametrize("share", [0.5, 0.95])
    def test_files_cut_short(self, write: Write, format: str, share: float) -> None:
        whole = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), format)
        path = write(whole[: int(len(whole) * share)])

        assert refused(path, KINDS[format]) == "unreadable"

    @pytest.mark.parametrize("format", [*KINDS, "GIF"])
    def test_results_cut_short(self, write: Write, out: Path, format: str) -> None:
        whole = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), format)

        with pytest.raises(MediaRejected, match="damaged or cut short"):
            finish_image(write(whole[: len(whole) // 2]), out, expected_mime=None)

    @pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
    def test_animations_cut_in_a_later_frame(self, write: Write, out: Path, format: str) -> None:
        # The same noise each time: a GIF that is cut just between two frames is whole.
        noise = [
            Image.frombytes("RGB", (100, 100), random.Random(n).randbytes(30_000)) for n in range(6)
        ]
        whole = encoded(noise[0], format, save_all=True, append_images=noise[1:])

        with pytest.raises(MediaRejected):
            finish_image(write(whole[: len(whole) * 2 // 3]), out, expected_mime=None)

    @pytest.mark.parametrize("size", [0, 1])
    def test_next_to_nothing(self, write: Write, size: int) -> None:
        """Row 9, at this door."""
        code = refused(write(b"\x89"[:size]), "image/png")

        assert code == ("unknown_type" if size else "empty")

    @pytest.mark.parametrize("format", KINDS)
    def test_only_the_first_bytes(self, write: Write, format: str) -> None:
        whole = encoded(gradient(), format)

        for size in (16, 30, 40):
            assert refused(write(whole[:size]), KINDS[format]) == "unreadable"

    @pytest.mark.parametrize("format", [*KINDS, "GIF"])
    def test_no_damage_harms_anybody(self, write: Write, out: Path, format: str) -> None:
        """Whatever a flipped byte does, it ends in a picture or in a refusal."""
        whole = encoded(gradient(), format)
        chance = random.Random(format)
        for _ in range(6):
            broken = bytearray(whole)
            for _ in range(chance.randint(1, 8)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            with contextlib.suppress(MediaRejected):
                assert finish_image(write(bytes(broken)), out, expected_mime=None).facts.width

    def test_a_size_of_zero(self, write: Write) -> None:
        assert refused(write(png(0, 5)), "image/png") == "unreadable"


class TestOfAnotherKind:
    """Rows 5, 6 and 8."""

    @pytest.mark.parametrize(
        "content",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
            b"<?xml version='1.0'?><svg/>",
            b"<!doctype html><script>alert(1)</script>",
            b"#!/bin/sh\nrm -rf /",
            b"%PDF-1.7",
        ],
    )
    @pytest.mark.parametrize("mime", KINDS.values())
    def test_documents_are_unknown(self, write: Write, content: bytes, mime: str) -> None:
        assert refused(write(content), mime) == "unknown_type"

    @pytest.mark.parametrize("format", ["TIFF", "ICO", "BMP", "PPM", "TGA", "EPS", "PDF"])
    def test_formats_pillow_could_read_are_unknown(self, write: Write, format: str) -> None:
        assert refused(write(encoded(gradient(), format)), "image/png") == "unknown_type"

    def test_a_photoshop_file_is_unknown(self, write: Write) -> None:
        psd = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 4, 4, 8, 3) + bytes(200)

        assert refused(write(psd), "image/png") == "unknown_type"

    @pytest.mark.parametrize("format", ["TIFF", "BMP", "EPS", "ICO"])
    def test_a_disguise_does_not_open_another_decoder(self, write: Write, format: str) -> None:
        """The first bytes say PNG, all others something else: only PNG's decoder looks."""
        whole = encoded(gradient(), format)
        disguised = PNG_MAGIC + whole[len(PNG_MAGIC) :]

        assert refused(write(disguised), "image/png") == "unreadable"

    @pytest.mark.parametrize("format", ["GIF", "AVIF"])
    def test_pictures_that_are_not_for_upload(self, write: Write, format: str) -> None:
        with pytest.raises(MediaRejected, match=rf"is {format}, .* JPEG, PNG, WebP"):
            inspect_image(write(encoded(gradient(), format)), declared_mime="image/png")

    @pytest.mark.parametrize("format", KINDS)
    def test_a_wrong_announcement_is_named(self, write: Write, format: str) -> None:
        declared = "image/png" if format != "PNG" else "image/jpeg"

        assert refused(write(encoded(gradient(), format)), declared) == "other_type"

    def test_an_announcement_that_is_no_type_is_shown_as_it_is(self, write: Write) -> None:
        with pytest.raises(MediaRejected, match="image/svg"):
            inspect_image(write(encoded(gradient(), "PNG")), declared_mime="image/svg+xml")


def test_a_refused_upload_writes_nothing_usable(write: Write, out: Path) -> None:
    cut = encoded(gradient(), "JPEG")[:-200]

    with pytest.raises(MediaRejected):
        accept_image(write(cut), out, declared_mime="image/jpeg", as_png=False)

    assert list(out.iterdir()) == []
