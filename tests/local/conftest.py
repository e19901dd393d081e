"""A stack as a person in a terminal has it: a process, its output, signals."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from deploy.local.home import ROOT, Home
from deploy.local.processes import birth
from deploy.local.running import State

START_S = 30.0
# What must not leak into a test from whoever runs it.
CLEAN = ("DATABASE_URL", "S3_", "OPENAI_", "MINIMAX_", "AUTH_", "WEB_", "PROOFSHEET_", "PG")


class Terminal:
    """One `up` and what it has printed so far."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def shows(self, pattern: str, *, within_s: float = START_S) -> str:
        """Wait for a line; return it."""
        wait_until(lambda: re.search(pattern, self.text, re.MULTILINE) or not self.alive, within_s)
        found = re.search(pattern, self.text, re.MULTILINE)
        assert found, f"{pattern!r} is not in:\n{self.text}"
        return found[0]

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ends(self, *, within_s: float = START_S) -> int:
        """Wait for its end; return the exit status."""
        status = self.process.wait(within_s)
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it as Ctrl-C does; return the exit status."""
        self.process.send_signal(number)
        return self.ends()


class Stack:
    """One home and everything that was started in it."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = Home(path=home)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(CLEAN)}
        port = ports.remembered(home.parent / f"{home.name}-port", "127.0.0.1", ("web",))["web"]
        self.env = {**kept, "PROOFSHEET_HOME": str(home), "WEB_PORT": str(port), **env}
        self.terminals: list[Terminal] = []

    def open(self, parts: str = "", **env: str) -> Terminal:
        """Type `up`, with stand-ins for the pages and the worker."""
        argv = [sys.executable, "-m", "tests.local.stand_in", parts]
        terminal = Terminal(argv, {**self.env, **env})
        self.terminals.append(terminal)
        return terminal

    def up(self, parts: str = "", **env: str) -> Terminal:
        """Type it and wait until everything is ready."""
        terminal = self.open(parts, **env)
        terminal.shows(r"Ctrl-C (stops|here)")
        return terminal

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type `down` or `status` in another terminal."""
        argv = [sys.executable, "-m", "deploy.local", command]
        return subprocess.run(
            argv, env=self.env, cwd=ROOT, capture_output=True, text=True, check=False
        )

    def pid(self, name: str) -> int:
        """Return the process of one part."""
        state = State.load(self.home)
        assert state is not None
        return state.children[name].pid

    def log(self, name: str) -> str:
        return self.home.log(name).read_text(encoding="utf-8")

    def close(self) -> None:
        """End everything, whatever state it is in."""
        state = State.load(self.home)
        for terminal in self.terminals:
            if terminal.alive:
                terminal.process.kill()
            terminal.ends()
        for seen in state.children.values() if state else ():
            seen.send(signal.SIGKILL)


def wait_until(condition: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait for a condition; a test fails afterwards if it has not come."""
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.02)


def gone(pid: int) -> bool:
    """Return whether no such process runs any more."""
    return not birth(pid)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="proofsheet-local-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


@pytest.fixture
def stack(folder: Path) -> Iterator[Stack]:
    """A stack that has not been started."""
    made = Stack(folder / "home")
    yield made
    made.close()
