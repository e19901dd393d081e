"""The limited process: what it may do, how it ends, and that nobody else is harmed."""

import functools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from core.errors import DecoderFailed, MediaRejected
from core.media.child import Decoder
from core.media.server import ROOT
from tests.media.makers import encoded
from tests.media.processes import gone, inspected, sleeps, until

Write = Callable[[bytes], Path]
Misbehaving = Callable[..., Decoder]
MIB = 2**20


class TestLimits:
    @pytest.fixture
    def ready(self, fresh: Decoder) -> Iterator[psutil.Process]:
        """A process that has set its limits and waits."""
        with fresh._server.forked(b"p") as fork:
            process = psutil.Process(fork.pid)
            last = Path(f"/proc/{fork.pid}/oom_score_adj")
            assert until(lambda: last.read_text() == "1000\n")
            assert until(lambda: sleeps(process))
            yield process

    def test_they_stand_before_anything_is_read(self, ready: psutil.Process) -> None:
        memory, hard_memory = ready.rlimit(psutil.RLIMIT_AS)

        assert memory < 400 * MIB
        assert hard_memory == 3500 * MIB
        assert ready.rlimit(psutil.RLIMIT_CPU) == (5, 60)
        assert ready.rlimit(psutil.RLIMIT_NOFILE) == (32, 32)
        assert ready.rlimit(psutil.RLIMIT_CORE) == (0, 0)

    def test_it_knows_no_secret_and_holds_no_file_of_ours(self, ready: psutil.Process) -> None:
        assert ready.environ() == {}
        assert ready.open_files() == []
        assert ready.net_connections() == []
        held = {fd.name: fd.readlink().name[:5] for fd in Path(f"/proc/{ready.pid}/fd").iterdir()}
        assert held == {"0": "pipe:", "1": "pipe:", "2": "null"}

    def test_it_is_in_a_session_of_its_own_and_the_first_to_go(self, ready: psutil.Process) -> None:
        assert os.getsid(ready.pid) == ready.pid
        assert Path(f"/proc/{ready.pid}/oom_score_adj").read_text() == "1000\n"

    def test_they_hold(self, misbehaving: Misbehaving) -> None:
        """Whatever the server had in use before, a fork may not take much more."""
        code = """
import json, os
from core.decode import limits
limits.restrict()
input()
met, opened = [], []
try:
    bytearray(200 * limits.MIB)
except MemoryError:
    met.append("memory")
try:
    for _ in range(limits.FILES):
        opened.append(open(os.devnull))
except OSError as error:
    met.append(error.strerror)
names = [each for each in os.environ if each != "LC_CTYPE"]  # Python sets it
found = {"met": met, "opened": len(opened), "names": names}
os.write(1, json.dumps({"done": found}).encode())
"""
        done = misbehaving(code).run("look")

        assert done == {"met": ["memory", "Too many open files"], "opened": 29, "names": []}

    def test_output_is_limited(
        self, misbehaving: Misbehaving, picture: str, tmp_path: Path
    ) -> None:
        """The rule holds for whatever it writes, not for pictures only."""
        code = (
            "import json, sys; sys.path.insert(0, '.');"
            "from core.decode import limits; limits.restrict_output(1000);"
            f"open({str(tmp_path / 'large')!r}, 'wb').write(bytes(2000))"
        )
        with pytest.raises(DecoderFailed):
            misbehaving(code).run("inspect_image", path=picture)

        assert (tmp_path / "large").stat().st_size <= 1000

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_24_megapixels_of_webp_fit(
        self, fresh: Decoder, write: Write, out: Path, mode: str
    ) -> None:
        """The costliest of what is allowed: turned, in another colour space, made PNG."""
        turned = Image.Exif()
        turned[0x0112] = 6
        large = Image.new(mode, (6000, 4000), (200, 100, 50, 128)[: len(mode)])
        path = write(encoded(large, "WEBP", lossless=True, method=0, exif=turned.tobytes()))

        done = fresh.ask(
            "accept_image",
            path=str(path),
            declared="image/webp",
            prepared=str(out / "a"),
            small=str(out / "b"),
            as_png=True,
        ).said

        assert done["done"]["prepared"]["height"] == 6000
        assert done["peak_rss_bytes"] < 600 * MIB


class TestEnds:
    def test_a_crash_is_the_files_fault(self, misbehaving: Misbehaving, picture: str) -> None:
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS):
            code = f"import os; input(); os.kill(os.getpid(), {int(number)})"
            decoder = misbehaving(code)
            with pytest.raises(MediaRejected, match="damaged"):
                decoder.run("inspect_image", path=picture)

    def test_endless_work_is_the_files_fault(self, misbehaving: Misbehaving, picture: str) -> None:
        code = (
            "import resource; input(); resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\n"
            "while True: pass"
        )
        decoder = misbehaving(code)
        with pytest.raises(MediaRejected, match="takes far longer"):
            decoder.run("inspect_image", path=picture)

    def test_being_killed_is_not(self, misbehaving: Misbehaving, picture: str) -> None:
        decoder = misbehaving("import os; input(); os.kill(os.getpid(), 9)")
        with pytest.raises(DecoderFailed, match="memory shortage"):
            decoder.run("inspect_image", path=picture)

    def test_nor_is_hanging_and_nothing_is_left_hanging(
        self, misbehaving: Misbehaving, picture: str, tmp_path: Path
    ) -> None:
        """A process that waits, with a child of its own that waits longer."""
        pids = tmp_path / "pids"
        code = (
            "import os, time; input(); child = os.fork();"
            f"child and open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child}}');"
            "time.sleep(600)"
        )
        decoder = misbehaving(code, wait_s=1)
        began = time.monotonic()
        with pytest.raises(DecoderFailed, match="did not end in 1 s"):
            decoder.run("inspect_image", path=picture)

        assert time.monotonic() - began < 15
        for pid in map(int, pids.read_text().split()):
            assert until(functools.partial(gone, pid))

    @pytest.mark.parametrize(
        "said",
        [
            "",
            "nothing of sense",
            "[" * 60_000,
            "[]",
            '{"done": 1}',
            '{"refused": "no such sentence", "values": {}}',
            '{"refused": "empty", "values": 1}',
            '{"refused": ["empty"], "values": {}}',
            "{} " + "x" * 10_000_000,
        ],
        ids=lambda said: said[:12],
    )
    def test_an_answer_of_no_sense_is_not_believed(
        self, misbehaving: Misbehaving, picture: str, said: str
    ) -> None:
        code = f"input(); print({said[:60_100]!r} + 'x' * {max(0, len(said) - 60_100)})"
        decoder = misbehaving(code)
        with pytest.raises(DecoderFailed):
            decoder.run("inspect_image", path=picture)

    @pytest.mark.parametrize(
        "values",
        [
            {"width": 1, "height": 1},
            {"width": 1, "height": 1, "limit_megapixels": [1]},
            {"width": 1, "height": 1, "limit_megapixels": {"__class__": 1}},
        ],
    )
    def test_values_that_do_not_fit_a_sentence_are_not_said(
        self, misbehaving: Misbehaving, picture: str, values: dict[str, object]
    ) -> None:
        said = json.dumps({"refused": "too_many_pixels", "values": values})
        with pytest.raises(DecoderFailed):
            misbehaving(f"input(); print({said!r})").run("inspect_image", path=picture)

    def test_the_words_that_people_read_are_ours(
        self, misbehaving: Misbehaving, picture: str
    ) -> None:
        values = {"declared": "{0.__class__}" + "x" * 10_000, "found": "PNG", "more": 1}
        said = json.dumps({"refused": "other_type", "values": values})
        with pytest.raises(MediaRejected, match=r"announced as \{0.__class__\}xxx") as caught:
            misbehaving(f"input(); print({said!r})").run("inspect_image", path=picture)

        assert len(str(caught.value)) < 200

    def test_a_folder_that_takes_no_file_is_this_machines_fault(
        self, fresh: Decoder, picture: str, tmp_path: Path
    ) -> None:
        with pytest.raises(DecoderFailed, match="FileNotFoundError"):
            fresh.run("finish_image", path=picture, small=str(tmp_path / "gone" / "small"))

    def test_a_missing_file_is_this_machines_fault(self, fresh: Decoder, tmp_path: Path) -> None:
        with pytest.raises(DecoderFailed, match="FileNotFoundError"):
            inspected(fresh, str(tmp_path / "gone"))


def test_large_pictures_take_turns(fresh: Decoder, write: Write) -> None:
    """Who holds the turn keeps the others of this machine waiting, and only the large ones."""
    large = str(write(encoded(Image.new("L", (4100, 4000)), "PNG")))
    code = (
        "from core.decode.limits import one_large_at_a_time\n"
        "with one_large_at_a_time(10**9): print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        widths: list[int] = []
        waiting = threading.Thread(target=lambda: widths.append(inspected(fresh, large)))
        waiting.start()
        waiting.join(0.5)
        assert widths == []
        holder.stdin.write(b"\n")
        holder.stdin.close()
        waiting.join(20)

    assert widths == [4100]


def test_the_parent_pays_nothing_for_a_hostile_file(fresh: Decoder, write: Write) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = str(write(encoded(Image.new("RGB", (5000, 5000)), "PNG")))
    made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    inspected(fresh, path)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - made < 2048  # kB
    assert made >= before
