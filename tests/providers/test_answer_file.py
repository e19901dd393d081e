"""Images out of spooled answers: the right bytes, little memory, again and again."""

import base64
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from core import disk_room
from core.errors import BadResult, NotSent, OutcomeUnknown
from core.providers import answer_file
from core.providers.answer_file import read_answer, scan, spooling
from core.providers.long_strings import Unreadable
from tests.providers.answers import (
    RESOLVED,
    USAGE,
    answer,
    b64,
    completed,
    document,
    error_event,
    partial,
)
from tests.providers.conftest import png

BIG = b"\x89PNG\r\n\x1a\n" + os.urandom(1_500_001)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "0190.body"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestReading:
    @pytest.mark.parametrize("image", [png(), BIG])
    def test_the_image_comes_out_as_it_was(self, spool, image):
        spool.write_text(json.dumps(document(image)))
        result = read_answer(spool, answer())
        assert [path.name for path in result.images] == ["0190.body-0.png"]
        assert result.images[0].read_bytes() == image
        assert result.actual == RESOLVED
        assert result.usage == USAGE
        assert result.unusable == 0

    def test_every_image_has_its_place(self, spool):
        images = [png(), BIG, b"\xff\xd8\xff\xe0jpeg", b"RIFF\0\0\0\0WEBPVP8 ", b"GIF89a12"]
        spool.write_text(json.dumps(document(*images)))
        result = read_answer(spool, answer())
        assert [path.read_bytes() for path in result.images] == images
        assert [path.suffix for path in result.images] == [".png", ".png", ".jpg", ".webp", ".gif"]

    def test_it_may_be_repeated_after_a_crash(self, spool):
        spool.write_text(json.dumps(document(png(), BIG)))
        first = read_answer(spool, answer())
        second = read_answer(spool, answer())
        assert first == second
        assert names(spool.parent) == ["0190.body", "0190.body-0.png", "0190.body-1.png"]

    def test_two_may_read_it_at_once(self, spool, monkeypatch):
        """Two workers: neither writes into the file that the other has finished."""
        spool.write_text(json.dumps(document(BIG)))
        really = answer_file._image_kind

        def meanwhile(head: bytes) -> str:
            monkeypatch.setattr(answer_file, "_image_kind", really)
            assert read_answer(spool, answer()).images[0].read_bytes() == BIG
            return really(head)

        monkeypatch.setattr(answer_file, "_image_kind", meanwhile)
        assert read_answer(spool, answer()).images[0].read_bytes() == BIG
        assert names(spool.parent) == ["0190.body", "0190.body-0.png"]

    @pytest.mark.parametrize("escape", ["\\/", "\\u002f"])
    def test_escaped_slashes_are_read(self, spool, escape):
        spool.write_text(json.dumps(document(BIG)).replace("/", escape))
        assert read_answer(spool, answer()).images[0].read_bytes() == BIG

    def test_a_stream_gives_its_last_event(self, spool):
        spool.write_bytes(partial(png(), 0) + partial(BIG, 1) + completed(BIG) + b"data: [DONE]\n")
        result = read_answer(spool, answer(streamed=True))
        assert result.images[0].read_bytes() == BIG
        assert result.actual == RESOLVED
        assert result.usage == USAGE

    def test_missing_members_are_no_mistake(self, spool):
        spool.write_text(json.dumps({"data": [{"b64_json": b64(png())}]}))
        result = read_answer(spool, answer())
        assert (result.actual, result.usage) == ({}, {})

    def test_one_good_image_among_bad_ones_is_kept(self, spool):
        spool.write_text(json.dumps(document(None, png(), b"<html>")))
        result = read_answer(spool, answer())
        assert [path.name for path in result.images] == ["0190.body-1.png"]
        assert result.unusable == 2


HTML = b"<html><body>Bad gateway</body></html>"
BAD: list[tuple[Any, str]] = [
    (document(), "empty_result"),
    ({"created": 1}, "empty_result"),
    ({"data": None}, "empty_result"),
    ({"data": "x"}, "empty_result"),
    ({"data": ["x", 1, None]}, "empty_result"),
    ({"data": [{"url": "https://example.com/a.png"}]}, "empty_result"),
    ([], "empty_result"),
    (document(None), "empty_result"),
    (document(""), "empty_result"),
    (document(17), "empty_result"),
    (document(HTML), "not_an_image"),
    (document(HTML.decode()), "not_an_image"),
    (document(HTML * 1000), "not_an_image"),
    (document("ünïcode" * 5000), "not_an_image"),
    (document(b64(BIG)[:-3]), "not_an_image"),
    (document("data:image/png;base64," + b64(BIG)), "not_an_image"),
    (document("\n".join([b64(BIG)[:40], b64(BIG)[40:]])), "not_an_image"),
]


@pytest.mark.parametrize(("body", "code"), BAD)
def test_an_answer_without_an_image_is_a_bad_result_and_stays(spool, body, code):
    data = json.dumps(body).encode()
    spool.write_bytes(data)
    with pytest.raises(BadResult) as caught:
        read_answer(spool, answer())
    assert caught.value.code == code
    assert (caught.value.http_status, caught.value.request_id) == (200, "req_1")
    assert names(spool.parent) == ["0190.body"]
    assert spool.read_bytes() == data


@pytest.mark.parametrize(
    ("data", "streamed"),
    [
        (HTML, False),
        (b"", False),
        (json.dumps(document(BIG)).encode()[:-2], False),
        (partial(png()), True),
        (HTML, True),
    ],
)
def test_an_unreadable_answer_found_later_is_a_bad_result(spool, data, streamed):
    spool.write_bytes(data)
    with pytest.raises(BadResult):
        read_answer(spool, answer(streamed=streamed))


class TestScanning:
    def test_a_cut_document_is_unreadable(self, spool):
        whole = json.dumps(document(BIG)).encode()
        for cut in (1, 200, 1_000_000, len(whole) - 1):
            spool.write_bytes(whole[:cut])
            with pytest.raises(Unreadable):
                scan(spool, streamed=False)

    def test_a_cut_stream_has_no_final_event(self, spool):
        whole = partial(png()) + completed(BIG)
        spool.write_bytes(whole[:-10])
        found = scan(spool, streamed=True)
        assert (found.final, found.error) == (None, None)

    def test_a_final_event_without_its_blank_line_is_whole(self, spool):
        spool.write_bytes(completed(BIG).rstrip())
        assert scan(spool, streamed=True).final

    @pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
    def test_both_line_ends_are_understood(self, spool, ending):
        spool.write_bytes((partial(png()) + completed(png())).replace(b"\n", ending))
        assert scan(spool, streamed=True).final

    def test_an_error_event_is_found(self, spool):
        spool.write_bytes(partial(png()) + error_event(message="no", code="moderation_blocked"))
        found = scan(spool, streamed=True)
        assert found.final is None
        assert found.error == {"message": "no", "code": "moderation_blocked"}


def test_values_that_no_database_takes_are_left_out(spool):
    odd = {"size": "8\0x8", "usage": {"total_tokens": 82, "note": "\ud800"}}
    spool.write_bytes(json.dumps({**document(png()), **odd}).encode())
    found = read_answer(spool, answer())

    assert found.actual["size"] == "8x8"
    assert found.usage == {"total_tokens": 82, "note": "?"}


class TestWriting:
    @pytest.mark.parametrize("size_bytes", [0, 5, 2**20])
    def test_what_is_written_stays(self, spool, size_bytes):
        with spooling(spool, size_bytes=size_bytes) as file:
            file.write(b"an answer")
        assert spool.read_bytes() == b"an answer"

    def test_a_place_that_cannot_be_written_is_known_before_anything_is_sent(self, tmp_path):
        with pytest.raises(NotSent) as caught, spooling(tmp_path / "missing" / "a.body"):
            pass
        assert caught.value.code == "spool_unwritable"

    def test_room_that_is_not_there_is_known_before_anything_is_sent(self, spool):
        with spool.open("wb") as file:
            if not disk_room.reserve(file, 1):
                return
        with pytest.raises(NotSent) as caught, spooling(spool, size_bytes=2**62):
            pass
        assert caught.value.code == "spool_unwritable"
        assert names(spool.parent) == []

    def test_an_empty_file_goes(self, spool):
        with pytest.raises(NotSent), spooling(spool):
            raise NotSent("nothing", code="unreachable")
        assert names(spool.parent) == []

    def test_a_full_disk_is_an_unknown_outcome(self):
        full = Path("/dev/full")
        if not full.exists():
            return
        with pytest.raises(OutcomeUnknown) as caught, spooling(full) as file:
            file.write(b"x" * 100_000)
        assert caught.value.code == "answer_not_saved"
        assert full.exists()


@pytest.mark.parametrize("streamed", [False, True])
def test_memory_does_not_grow_with_the_image(tmp_path, streamed):
    image = b"\x89PNG\r\n\x1a\n" + os.urandom(30_000_000)
    spool = tmp_path / "big.body"
    text = base64.b64encode(image)
    if streamed:
        spool.write_bytes(completed("@").replace(b"@", text))
    else:
        spool.write_bytes(json.dumps(document("@", "@")).encode().replace(b"@", text))
    tracemalloc.start()
    read_answer(spool, answer(streamed=streamed))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000  # for images of 30 MB
