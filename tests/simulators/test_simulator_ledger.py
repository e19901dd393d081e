"""The ledger: what is billed stays billed, whatever kills the simulator."""

import os
import signal
import threading
from pathlib import Path

import pytest
import requests

from deploy.local.simulators import ledger
from deploy.local.simulators.ledger import Ledger, LedgerDamagedError
from tests.simulators.conftest import Simulator, process

BILLED = {"at": 1.0, "event": "billed", "provider": "openai", "request_id": "req_1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.jsonl"


def test_entries_come_back_in_order_and_since_an_index(path: Path) -> None:
    with Ledger(path) as book:
        for number in range(3):
            book.append({**BILLED, "number": number})
        assert [entry["number"] for entry in book.entries()] == [0, 1, 2]
        assert [entry["number"] for entry in book.entries(since=2)] == [2]


@pytest.mark.parametrize("tail", [b'{"at":2.0,"ev', b"{", b"\0\0\0\0\n", b"\0\0\0"])
def test_a_torn_last_line_is_ignored_and_removed_at_the_next_start(path: Path, tail: bytes) -> None:
    with Ledger(path) as book:
        book.append(BILLED)
    whole = path.read_bytes()
    path.write_bytes(whole + tail)

    with Ledger(path) as book:
        assert path.read_bytes() == whole
        book.append({**BILLED, "request_id": "req_2"})
        assert [entry["request_id"] for entry in book.entries()] == ["req_1", "req_2"]


def test_a_line_that_is_still_being_written_is_not_read(path: Path) -> None:
    with Ledger(path) as book:
        book.append(BILLED)
        with path.open("ab") as writer:
            writer.write(b'{"at":2.0,')
            writer.flush()
            assert book.entries() == [BILLED]


def test_damage_in_the_middle_is_reported_not_skipped(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"event":"billed"}\nrubbish\n{"event":"billed"}\n')
    with Ledger(path) as book, pytest.raises(LedgerDamagedError, match="rubbish"):
        book.entries()


def test_two_simulators_cannot_share_a_ledger(path: Path) -> None:
    with Ledger(path), pytest.raises(BlockingIOError, match="Another simulator"):
        Ledger(path)


def test_anybody_may_read_a_ledger_that_is_in_use(path: Path) -> None:
    with Ledger(path) as book:
        book.append(BILLED)
        assert ledger.billed(ledger.read(path), request_id="req_1") == [BILLED]
        assert ledger.billed(ledger.read(path), request_id="req_2") == []
    assert ledger.read(path.with_name("missing")) == []


def test_threads_never_mix_their_lines(path: Path) -> None:
    with Ledger(path) as book:
        entry = {**BILLED, "long": "x" * 9000}
        writers = [threading.Thread(target=book.note, args=(entry,)) for _ in range(40)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert book.entries() == [entry] * 40


def test_no_byte_of_the_answer_leaves_before_the_bill_is_on_disk(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncing, may_go_on, fsync = threading.Event(), threading.Event(), os.fsync

    def slow(handle: int) -> None:
        syncing.set()
        assert may_go_on.wait(10)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", slow)
    answers: list[requests.Response] = []
    asking = threading.Thread(target=lambda: answers.append(simulator.edit(stream="true")))
    asking.start()
    assert syncing.wait(10)
    asking.join(0.3)
    assert not answers
    may_go_on.set()
    asking.join(10)
    assert answers[0].status_code == 200


def test_what_was_answered_is_in_the_ledger_after_kill_9_and_a_restart(tmp_path: Path) -> None:
    with process(tmp_path) as (running, simulator):
        request_id = simulator.edit().headers["x-request-id"]
        running.send_signal(signal.SIGKILL)
        running.wait(5)
    assert ledger.billed(ledger.read(tmp_path / "ledger.jsonl"), request_id=request_id)

    with process(tmp_path) as (_, simulator):
        assert ledger.billed(simulator.entries(), request_id=request_id)


def test_a_lost_answer_is_in_the_ledger_although_nobody_got_it(tmp_path: Path) -> None:
    with process(tmp_path) as (running, simulator):
        simulator.fault("reset_after_accept")
        with pytest.raises(requests.ConnectionError):
            simulator.edit(prompt="lost")
        running.send_signal(signal.SIGKILL)
        running.wait(5)
    assert len(ledger.billed(ledger.read(tmp_path / "ledger.jsonl"), prompt="lost")) == 1
