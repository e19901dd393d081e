"""The process that forks decoders: what each end of server, owner and fork does to the others."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

import core.media.server
from core.errors import DecoderFailed
from core.media.child import Decoder
from core.media.server import ROOT
from tests.media.processes import gone, inspected, server_of, until

Misbehaving = Callable[..., Decoder]

WAITS = "import time; input(); time.sleep(600)"


@contextlib.contextmanager
def owner(code: str) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Run a process that owns a decoder; yield it and the numbers that it prints on one line."""
    with subprocess.Popen(
        [sys.executable, "-c", "from core.media.child import *;" + code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, [int(each) for each in process.stdout.readline().split()]


def failure(decoder: Decoder, picture: str) -> tuple[threading.Thread, list[str]]:
    """Start to decode what fails; return the thread and where its error's words will be."""
    words: list[str] = []

    def ask() -> None:
        try:
            decoder.run("inspect_image", path=picture)
        except DecoderFailed as error:
            words.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, words


def forks_of(decoder: Decoder) -> list[psutil.Process]:
    return server_of(decoder).children()


def libraries(process: psutil.Process) -> set[str]:
    """Return where in a process's memory its C library lies."""
    maps = Path(f"/proc/{process.pid}/maps").read_text().splitlines()
    return {line.split()[0] for line in maps if "/libc" in line}


class TestTheServersEnd:
    def test_one_that_was_killed_is_replaced(self, fresh: Decoder, picture: str) -> None:
        assert inspected(fresh, picture) == 64
        server = server_of(fresh)
        server.kill()
        assert until(partial(gone, server.pid))

        assert inspected(fresh, picture) == 64
        assert server_of(fresh) != server

    def test_what_it_was_doing_fails_at_once(self, misbehaving: Misbehaving, picture: str) -> None:
        """Not after the two minutes that a file may take."""
        decoder = misbehaving(WAITS, wait_s=60)
        began = time.monotonic()
        thread, words = failure(decoder, picture)
        assert until(lambda: bool(forks_of(decoder)))
        orphan = forks_of(decoder)[0]
        server_of(decoder).kill()
        thread.join()
        orphan.kill()

        assert "starts decoders ended" in words[0]
        assert time.monotonic() - began < 30

    def test_one_that_hangs_is_replaced(
        self, misbehaving: Misbehaving, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(core.media.server, "REPLY_S", 1)
        decoder = misbehaving("input(); print('{\"done\": {}}')")
        server = server_of(decoder)
        server.suspend()
        with pytest.raises(DecoderFailed, match="starts decoders"):
            decoder.run("look")
        assert until(partial(gone, server.pid))

        monkeypatch.undo()
        assert decoder.run("look") == {}

    def test_without_room_for_a_fork_it_says_so_and_lives(
        self, fresh: Decoder, picture: str
    ) -> None:
        inspected(fresh, picture)
        server = server_of(fresh)
        server.rlimit(psutil.RLIMIT_NOFILE, (4, 32))
        with pytest.raises(DecoderFailed, match="no room"):
            inspected(fresh, picture)
        server.rlimit(psutil.RLIMIT_NOFILE, (32, 32))

        assert inspected(fresh, picture) == 64
        assert server_of(fresh) == server

    def test_after_a_crash_forks_lie_elsewhere_in_memory(self, misbehaving: Misbehaving) -> None:
        """Else one crash after the other would tell where things are."""
        decoder = misbehaving("import os; 'crash' in input() and os.kill(os.getpid(), 11)")
        decoder.ask("look")
        server, before = server_of(decoder), libraries(server_of(decoder))
        decoder.ask("look")
        assert libraries(server) == before
        assert decoder.ask("crash").status == -signal.SIGSEGV
        decoder.ask("look")

        assert server_of(decoder) == server
        assert libraries(server)
        assert libraries(server).isdisjoint(before)
        assert server.environ() == {}
        assert until(lambda: server.num_fds() == 3)

    def test_a_crash_ends_no_other(self, misbehaving: Misbehaving, tmp_path: Path) -> None:
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        decoder = misbehaving(
            "import json, os; asked = json.loads(input()); path = asked['arguments']['gate'];"
            "asked['operation'] == 'crash' and os.kill(os.getpid(), 11);"
            "open(path).read(); print('{\"done\": {}}')"
        )
        answers: list[object] = []
        slow = threading.Thread(target=lambda: answers.append(decoder.run("look", gate=str(gate))))
        slow.start()
        with gate.open("w"):
            assert decoder.ask("crash", gate="").status == -signal.SIGSEGV
            assert answers == []
        slow.join()

        assert answers == [{}]

    def test_closing_leaves_nothing_and_is_no_end(self, fresh: Decoder, picture: str) -> None:
        inspected(fresh, picture)
        server = server_of(fresh)
        fresh.close()
        fresh.close()

        assert not server.is_running()
        assert inspected(fresh, picture) == 64

    def test_closing_ends_what_works(self, misbehaving: Misbehaving, picture: str) -> None:
        decoder = misbehaving(WAITS)
        thread, words = failure(decoder, picture)
        assert until(lambda: bool(forks_of(decoder)))
        fork = forks_of(decoder)[0]
        decoder.close()
        thread.join()

        assert until(partial(gone, fork.pid))
        assert len(words) == 1


class TestTheOwnersEnd:
    def test_it_takes_everything_with_it(self) -> None:
        """Killed, so that it can tidy nothing: the server goes, and a decoder at work."""
        code = (
            "forked = decoder._server.forked(b'p'); fork = forked.__enter__();"
            "print(fork.pid, decoder._server._running.process.pid, flush=True); input()"
        )
        with owner(code) as (process, pids):
            assert not any(map(gone, pids))
            process.kill()

            assert len(pids) == 2
            for pid in pids:
                assert until(partial(gone, pid))

    def test_an_asker_who_gives_up_takes_its_fork_only(self, fresh: Decoder, picture: str) -> None:
        with contextlib.suppress(KeyError), fresh._server.forked(b"p") as fork:
            raise KeyError

        assert until(partial(gone, fork.pid))
        assert inspected(fresh, picture) == 64

    def test_an_owners_fork_has_a_server_of_its_own(self, picture: str) -> None:
        code = f"""
import os
def server():
    decoder.run("inspect_image", path={picture!r}, declared=None)
    return decoder._server._running.process.pid
first = server()
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, str(server()).encode())
    os._exit(0)
os.wait()
print(first, os.read(reading, 99).decode(), server(), flush=True)
"""
        with owner("\n" + code) as (_, servers):
            ours, others, ours_later = servers

        assert ours == ours_later
        assert others != ours
        assert until(partial(gone, others))
        assert until(partial(gone, ours))

    def test_a_signal_to_its_group_loses_no_file(self, picture: str) -> None:
        """Ctrl-C reaches every process of a terminal; a worker goes on with what it holds."""
        code = (
            "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); decoder.warm();"
            "print(os.getpid(), flush=True); input();"
            f"done = decoder.run('inspect_image', path={picture!r}, declared=None);"
            "print(done['facts']['width'])"
        )
        with subprocess.Popen(
            [sys.executable, "-c", "import os; from core.media.child import *;" + code],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            os.killpg(int(process.stdout.readline()), signal.SIGINT)
            said, errors = process.communicate("\n")

        assert said == "64\n"
        assert not errors
