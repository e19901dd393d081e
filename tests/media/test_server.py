"""The process that forks decoders: what it shares with them, and who waits for whom."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from core.errors import MediaRejected
from core.media.child import Decoder
from core.media.server import ROOT
from tests.media.processes import gone, inspected, server_of, sleeps, until

Misbehaving = Callable[..., Decoder]


class TestForking:
    def test_a_call_costs_little_beside_the_decoding(self, fresh: Decoder, picture: str) -> None:
        """6 ms measured; 60 ms is the promise."""
        inspected(fresh, picture)
        took = []
        for _ in range(5):
            began = time.perf_counter()
            inspected(fresh, picture)
            took.append(time.perf_counter() - began)

        assert min(took) < 0.06  # the rest is what else this machine does

    def test_each_file_gets_a_process_of_its_own(self, fresh: Decoder, picture: str) -> None:
        server = server_of(fresh)
        with fresh._server.forked(b"p") as one:
            assert psutil.Process(one.pid).ppid() == server.pid
            one.end()
        assert gone(one.pid)
        inspected(fresh, picture)

        assert server_of(fresh) == server
        assert server.children() == []

    def test_it_opens_no_file_and_knows_no_secret(self, fresh: Decoder, picture: str) -> None:
        inspected(fresh, picture)
        server = server_of(fresh)

        assert server.environ() == {}
        assert until(lambda: server.num_fds() == 3)
        assert server.num_threads() == 1
        assert os.getsid(server.pid) == server.pid  # no Ctrl-C reaches it
        assert server.rlimit(psutil.RLIMIT_NOFILE) == (32, 32)
        assert server.rlimit(psutil.RLIMIT_CORE) == (0, 0)

    def test_no_fork_holds_anything_of_another(self, fresh: Decoder) -> None:
        """Not even its lifeline: whoever kept that would keep it alive."""
        with (
            fresh._server.forked(b"p") as one,
            fresh._server.forked(b"p") as other,
        ):
            for fork in (one, other):
                process = psutil.Process(fork.pid)
                assert until(partial(sleeps, process))
                assert process.num_fds() == 3
            ends = [
                Path(f"/proc/{each.pid}/fd/{fd}").readlink()
                for each in (one, other)
                for fd in (0, 1)
            ]

        assert len(set(ends)) == 4

    def test_films_are_loaded_for_films_only(self, fresh: Decoder, picture: str) -> None:
        def loaded() -> bool:
            return "libavcodec" in Path(f"/proc/{server_of(fresh).pid}/maps").read_text()

        inspected(fresh, picture)
        assert not loaded()
        with pytest.raises(MediaRejected):
            fresh.run("finish_video", path=picture, small="small")
        assert loaded()
        assert inspected(fresh, picture) == 64

    def test_nothing_is_started_by_importing(self) -> None:
        code = (
            "import core.media, sys, psutil;"
            "assert not psutil.Process().children();"
            "assert not {'PIL', 'av', 'numpy'} & set(sys.modules)"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

    def test_no_descriptor_is_left_open(self, fresh: Decoder, picture: str) -> None:
        inspected(fresh, picture)
        before = psutil.Process().num_fds()
        for _ in range(5):
            inspected(fresh, picture)

        assert psutil.Process().num_fds() == before


class TestThreads:
    def test_they_share_it(self, picture: str) -> None:
        decoder = Decoder(at_once=8)
        widths: list[int] = []
        threads = [
            threading.Thread(
                target=lambda: widths.extend(inspected(decoder, picture) for _ in "abcde")
            )
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server = server_of(decoder)
        decoder.close()

        assert widths == [64] * 40
        assert not server.is_running()

    def test_a_slow_file_holds_up_no_other(
        self, misbehaving: Misbehaving, picture: str, tmp_path: Path
    ) -> None:
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        decoder = misbehaving(
            "import json; asked = json.loads(input())['arguments'];"
            "'gate' in asked and open(asked['gate']).read(); print('{\"done\": {}}')"
        )
        answers: list[object] = []
        slow = threading.Thread(target=lambda: answers.append(decoder.run("look", gate=str(gate))))
        slow.start()
        with gate.open("w"):  # once it has come so far
            assert decoder.run("look") == {}
            assert answers == []
        slow.join()

        assert answers == [{}]

    def test_no_more_than_two_work_at_once(
        self, misbehaving: Misbehaving, picture: str, tmp_path: Path
    ) -> None:
        """Each notes when it begins and ends; no third begins before one has ended."""
        notes = tmp_path / "notes"
        code = (
            "import os, sys, time; sys.stdin.readline();"
            f"f = os.open({str(notes)!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT);"
            "os.write(f, b'+'); time.sleep(0.05); os.write(f, b'-')"
        )
        decoder = misbehaving(code)

        def ask() -> None:
            decoder.ask("inspect_image", path=picture)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        at_work = [
            notes.read_text()[:n].count("+") - notes.read_text()[:n].count("-") for n in range(13)
        ]
        assert max(at_work) <= 2
        assert notes.read_text().count("-") == 6
