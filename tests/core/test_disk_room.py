import os
from pathlib import Path

import pytest

from core import disk_room

ROOM = 2**20


def taken(path: Path) -> int:
    return path.stat().st_blocks * 512


def test_room_is_taken_beyond_the_end_and_given_back(tmp_path):
    path = tmp_path / "answer"
    with path.open("wb") as file:
        if not disk_room.reserve(file, ROOM):
            pytest.skip("no Linux, or a file system that takes no room beforehand")
        assert path.stat().st_size == 0
        assert taken(path) >= ROOM

        file.write(b"short")
        disk_room.give_back(file)

    assert path.read_bytes() == b"short"
    assert taken(path) < ROOM


def test_room_that_no_disk_has_is_refused(tmp_path):
    with (tmp_path / "answer").open("wb") as file:
        if disk_room.reserve(file, ROOM):
            with pytest.raises(OSError, match=r"File too large|No space left"):
                disk_room.reserve(file, 2**62)


def test_what_is_no_file_has_no_room_to_take():
    with Path(os.devnull).open("wb") as file:
        assert not disk_room.reserve(file, ROOM)


def test_a_closed_file_is_a_mistake(tmp_path):
    with (tmp_path / "answer").open("wb") as file:
        pass
    with pytest.raises(ValueError, match="closed"):
        disk_room.reserve(file, ROOM)
