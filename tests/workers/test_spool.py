"""The folder itself: a worker that starts on a full disk, and what is left to be tidied."""

import errno
import os
from pathlib import Path

import pytest

from core.errors import Unreachable
from core.ids import new_id
from workers.spool import Spool


@pytest.fixture
def full_disk(monkeypatch) -> None:
    def write_text(*_args, **_kwargs) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_text)


def test_a_worker_starts_again_on_a_disk_that_is_full_since(tmp_path, request):
    before = Spool(tmp_path)
    request.getfixturevalue("full_disk")

    assert Spool(tmp_path).host == before.host


def test_a_new_folder_on_a_full_disk_is_waited_for(tmp_path, full_disk):
    with pytest.raises(Unreachable, match="No space left"):
        Spool(tmp_path)

    assert list(tmp_path.glob("host*")) == []


def test_what_belongs_to_no_answer_any_more_is_tidied_after_a_day(tmp_path):
    spool, whole, gone = Spool(tmp_path), new_id(), new_id()
    spool.body(whole).write_bytes(b"{}")
    kept = [tmp_path / f"{whole}.json", tmp_path / f"{whole}.body-0.png"]
    left = [tmp_path / f"{gone}.json", tmp_path / f"{gone}.body-0.png"]
    for path in (*kept, *left):
        path.write_bytes(b"{}")
    spool.tidy()
    assert all(path.exists() for path in left)

    for path in (*kept, *left):
        os.utime(path, (0, 0))
    spool.tidy()
    assert [path.exists() for path in (*kept, *left)] == [True, True, False, False]
