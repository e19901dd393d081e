"""Films: proved to play, shown by their first frame; hostile ones reach nobody."""

import re
import signal
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from core.errors import DecoderFailed, MediaRejected
from core.media import VideoFacts, finish_video
from core.media.child import Answer
from tests.media.conftest import Trap
from tests.media.makers import FTYP, box, difference, gradient, write_film
from tests.media.processes import dying

Write = Callable[[bytes], Path]
Ask = Callable[..., Answer]
Failing = Callable[[str, str], None]
MIB = 2**20


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_film(tmp_path_factory.mktemp("film") / "a.mp4").read_bytes()


@pytest.fixture(scope="module")
def giant(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "giant.mp4"
    return write_film(path, width=8192, height=8192, frames=1).read_bytes()


def without(film: bytes, kind: bytes) -> bytes:
    """Return a film without its outermost boxes of a kind."""
    kept, at = b"", 0
    while at < len(film):
        size = int.from_bytes(film[at : at + 4])
        if film[at + 4 : at + 8] != kind:
            kept += film[at : at + size]
        at += size
    return kept


class TestPlays:
    def test_facts_and_poster(self, write: Write, out: Path, film: bytes) -> None:
        done = finish_video(write(film), out)

        assert done.facts == VideoFacts(
            mime="video/mp4",
            width=320,
            height=192,
            duration_s=0.5,
            fps=24.0,
            has_audio=False,
            codec="h264",
        )
        assert done.note is None
        assert done.small is not None
        with Image.open(done.small.path) as poster:
            assert (poster.format, poster.size) == ("WEBP", (320, 192))
            assert difference(poster, gradient(320, 192)) < 6

    @pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "mpeg4"])
    def test_other_codecs(self, tmp_path: Path, out: Path, codec: str) -> None:
        path = write_film(tmp_path / "a", frames=2, codec=codec)

        done = finish_video(path, out)

        assert done.small is not None
        assert done.facts.width == 320

    def test_sound_is_told(self, tmp_path: Path, out: Path) -> None:
        path = write_film(tmp_path / "a", frames=3, sound=True)

        facts = finish_video(path, out).facts

        assert isinstance(facts, VideoFacts)
        assert facts.has_audio

    def test_the_index_may_come_last(self, tmp_path: Path, out: Path) -> None:
        path = write_film(tmp_path / "a", faststart=False)

        assert finish_video(path, out).small is not None

    def test_large_films_get_small_posters(self, tmp_path: Path, out: Path) -> None:
        path = write_film(tmp_path / "a", width=1920, height=1080, frames=2)

        small = finish_video(path, out).small

        assert small is not None
        assert (small.width, small.height) == (640, 360)

    @pytest.mark.parametrize(
        ("part", "error"),
        [
            ("Image.frombytes", "ValueError('not enough')"),
            ("Image.frombytes", "MemoryError"),
            ("Image.Image.save", "MemoryError"),
            ("Image.Image.save", "OSError('the encoder returned nothing')"),
            ("Image.frombytes", dying(signal.SIGSEGV)),
            ("Image.frombytes", dying(signal.SIGXCPU)),
            ("Image.Image.save", dying(signal.SIGKILL)),
        ],
    )
    def test_a_poster_that_cannot_be_made_is_a_note(
        self, write: Write, out: Path, film: bytes, failing: Failing, part: str, error: str
    ) -> None:
        failing(part, error)

        done = finish_video(write(film), out)

        assert (done.facts.width, done.facts.height, done.small) == (320, 192, None)
        assert "could not be made smaller" in str(done.note)

    def test_a_full_disk_is_no_fault_of_the_film(
        self, write: Write, out: Path, film: bytes, failing: Failing
    ) -> None:
        failing("Image.Image.save", "OSError(28, 'No space left on device')")

        with pytest.raises(DecoderFailed, match="No space left"):
            finish_video(write(film), out)

    @pytest.mark.parametrize(
        ("matrix", "turn"),
        [
            ((0, 1, -1, 0), Image.Transpose.ROTATE_270),
            ((0, -1, 1, 0), Image.Transpose.ROTATE_90),
            ((-1, 0, 0, -1), Image.Transpose.ROTATE_180),
        ],
        ids=["clockwise", "counter-clockwise", "upside down"],
    )
    def test_phones_hold_it_their_way(
        self,
        write: Write,
        out: Path,
        film: bytes,
        matrix: tuple[int, int, int, int],
        turn: Image.Transpose,
    ) -> None:
        seen = gradient(320, 192).transpose(turn)

        done = finish_video(write(turned(film, matrix)), out)

        assert (done.facts.width, done.facts.height) == seen.size
        assert done.small is not None
        with Image.open(done.small.path) as poster:
            assert difference(poster, seen) < 6


def lasting(film: bytes, *, units: int, per_second: int) -> bytes:
    """Return a film whose headers and sample table claim another length (8.2.2, 8.4.2, 8.6.1)."""
    made = bytearray(film.replace(b"edts", b"free"))  # the edit list tells a length too
    for kind in (b"mvhd", b"mdhd"):
        at = made.index(kind) + 4
        made[at + 12 : at + 20] = struct.pack(">II", per_second, units)
    at = made.index(b"stts") + 4
    count, _ = struct.unpack(">II", made[at + 8 : at + 16])
    made[at + 8 : at + 16] = struct.pack(">II", count, units // count)
    return bytes(made)


def turned(film: bytes, matrix: tuple[int, int, int, int]) -> bytes:
    """Return a film with another matrix in its track header (ISO/IEC 14496-12, 8.3.2)."""
    at = film.index(b"tkhd") + 4 + 40
    a, b, c, d = (value * 0x10000 for value in matrix)
    return film[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000) + film[at + 36 :]


class TestClaims:
    """A header may say anything; what cannot be is not believed."""

    @pytest.mark.parametrize("units", [86_400, 40_000_000, 2**31 - 1])
    def test_a_film_is_as_long_as_a_day_at_most(
        self, write: Write, out: Path, film: bytes, units: int
    ) -> None:
        facts = finish_video(write(lasting(film, units=units, per_second=1)), out).facts

        assert facts.duration_s == (units if units <= 86_400 else None)

    def test_nor_has_it_a_million_pictures_a_second(
        self, write: Write, out: Path, film: bytes
    ) -> None:
        facts = finish_video(write(lasting(film, units=12, per_second=1_000_000)), out).facts

        assert isinstance(facts, VideoFacts)
        assert facts.fps is None


class TestHostile:
    """Row 14 and its neighbours: nobody is called."""

    @pytest.mark.parametrize(
        "story",
        [
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}/secret.ts\n#EXT-X-ENDLIST\n",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}/list.m3u8\n",
            "<?xml version='1.0'?><MPD><Period><BaseURL>{url}/</BaseURL></Period></MPD>",
            "ffconcat version 1.0\nfile '{url}/a.mp4'\n",
            "[playlist]\nFile1={url}/a\n",
            "{url}/a.mp4",
            "<asx version='3.0'><entry><ref href='{url}/a'/></entry></asx>",
        ],
        ids=["hls", "hls master", "dash", "concat", "pls", "a url", "asx"],
    )
    @pytest.mark.parametrize("disguised", [False, True])
    def test_a_playlist_is_no_film(
        self, write: Write, out: Path, trap: Trap, story: str, disguised: bool
    ) -> None:
        text = story.format(url=trap.url).encode()
        path = write(FTYP + text if disguised else text).rename(out / "film.mp4")

        with pytest.raises(MediaRejected):
            finish_video(path, out)

        assert trap.asked == []

    @pytest.mark.parametrize("kind", [b"url ", b"alis", b"urn "])
    def test_a_track_that_lies_elsewhere_is_not_fetched(
        self, write: Write, out: Path, trap: Trap, film: bytes, kind: bytes
    ) -> None:
        """The box that says 'in this file' says 'over there' instead."""
        here = box(b"url ", b"\0\0\0\1")
        assert here in film
        there = box(kind, b"\0\0\0\0", f"{trap.url}/film.mp4".encode(), b"\0")

        with pytest.raises(MediaRejected):
            finish_video(write(grown(film, here, there)), out)

        assert trap.asked == []

    def test_a_reference_movie_is_not_followed(self, write: Write, out: Path, trap: Trap) -> None:
        rdrf = box(b"rdrf", bytes(4), b"url ", struct.pack(">I", 64), f"{trap.url}/a".encode())
        path = write(FTYP + box(b"moov", box(b"rmra", box(b"rmda", rdrf))))

        with pytest.raises(MediaRejected):
            finish_video(path, out)

        assert trap.asked == []

    def test_nor_is_a_playlist_as_a_picture(self, write: Write, out: Path, trap: Trap) -> None:
        with pytest.raises(MediaRejected):
            finish_video(write(f"<svg><image href='{trap.url}/a'/></svg>".encode()), out)

        assert trap.asked == []


def grown(film: bytes, old: bytes, new: bytes) -> bytes:
    """Return a film with a box replaced and every box around it told its new length."""
    at = film.index(old)
    more = len(new) - len(old)
    made = bytearray(film[:at] + new + film[at + len(old) :])
    for parent in re.finditer(rb"moov|trak|mdia|minf|dinf|dref", film[:at]):
        start = parent.start() - 4
        size = int.from_bytes(film[start : start + 4])
        if start + size > at:
            made[start : start + 4] = (size + more).to_bytes(4)
    return bytes(made)


class TestTooLarge:
    """Row 15."""

    def test_67_megapixels_cost_a_poster_and_no_memory(
        self, write: Write, ask: Ask, out: Path, giant: bytes
    ) -> None:
        answer = ask("finish_video", write(giant), small=str(out / "small"))

        assert answer.said["peak_rss_bytes"] < 150 * MIB
        assert answer.said["cpu_s"] < 2

    def test_the_result_is_kept_with_a_note(self, write: Write, out: Path, giant: bytes) -> None:
        done = finish_video(write(giant), out)

        assert (done.facts.width, done.facts.height) == (8192, 8192)
        assert done.small is None
        assert str(done.note) == (
            "No poster was made: the video is 8192 × 8192 pixels, over 40 megapixels."
        )

    def test_a_header_that_lies_small_gains_nothing(
        self, write: Write, ask: Ask, out: Path, giant: bytes
    ) -> None:
        """The container says 64 × 64 in both places, the pictures inside are as large."""
        liar = bytearray(giant)
        entry = liar.index(b"avc1", liar.index(b"stsd")) + 4
        liar[entry + 24 : entry + 28] = struct.pack(">HH", 64, 64)
        header = liar.index(b"tkhd") + 4
        liar[header + 76 : header + 84] = struct.pack(">II", 64 << 16, 64 << 16)

        answer = ask("finish_video", write(bytes(liar)), small=str(out / "small"))

        assert answer.said["peak_rss_bytes"] < 150 * MIB
        assert "small" not in answer.said.get("done", {})


class TestCut:
    """Row 16 and its neighbours."""

    def test_a_film_without_its_index(self, write: Write, out: Path, film: bytes) -> None:
        with pytest.raises(MediaRejected, match="cut short"):
            finish_video(write(without(film, b"moov")), out)

    def test_a_film_without_its_pictures(self, write: Write, out: Path, film: bytes) -> None:
        with pytest.raises(MediaRejected, match="not an MP4 video that can be read"):
            finish_video(write(without(film, b"mdat")), out)

    @pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
    @pytest.mark.parametrize("faststart", [True, False])
    def test_a_film_cut_anywhere(
        self, tmp_path: Path, out: Path, share: float, faststart: bool
    ) -> None:
        path = write_film(tmp_path / "a", faststart=faststart)
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])

        with pytest.raises(MediaRejected, match=r"cut short|not an MP4"):
            finish_video(path, out)

    def test_an_index_of_zeros(self, write: Write, out: Path, film: bytes) -> None:
        at = film.index(b"moov") + 4
        size = int.from_bytes(film[at - 8 : at - 4]) - 8

        with pytest.raises(MediaRejected, match="no picture track"):
            finish_video(write(film[:at] + bytes(size) + film[at + size :]), out)

    def test_pictures_of_zeros(self, write: Write, out: Path, film: bytes) -> None:
        at = film.index(b"mdat") + 4

        with pytest.raises(MediaRejected, match="not an MP4"):
            finish_video(write(film[:at] + bytes(len(film) - at)), out)

    def test_sound_alone_is_no_video(self, tmp_path: Path, out: Path) -> None:
        path = write_film(tmp_path / "a", frames=0, sound=True)

        with pytest.raises(MediaRejected, match="holds no picture track"):
            finish_video(path, out)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\0",
            FTYP,
            FTYP + box(b"moov"),
            FTYP + box(b"moov") + box(b"mdat", bytes(1000)),
            b"\x1a\x45\xdf\xa3" + bytes(100),
            box(b"ftyp", b"qt  \0\0\2\0qt  ") + box(b"moov"),
            FTYP + struct.pack(">I4sQ", 1, b"mdat", 2**63 + 5),
            FTYP + struct.pack(">I4s", 7, b"moov"),
            FTYP + box(b"free") * 300_000,
        ],
    )
    def test_what_is_no_film(self, write: Write, out: Path, content: bytes) -> None:
        with pytest.raises(MediaRejected) as caught:
            finish_video(write(content), out)

        assert str(caught.value)

    def test_what_follows_a_whole_film_does_no_harm(
        self, write: Write, out: Path, film: bytes
    ) -> None:
        """Some writers pad their files."""
        assert finish_video(write(film + bytes(100)), out).small is not None

    def test_an_unknown_codec_keeps_the_result_with_a_note(
        self, write: Write, out: Path, film: bytes
    ) -> None:
        strange = film.replace(b"avc1\0\0\0\0\0\0\0\1", b"xxxx\0\0\0\0\0\0\0\1")
        assert strange != film

        done = finish_video(write(strange), out)

        assert done.small is None
        assert "no decoder" in str(done.note)
