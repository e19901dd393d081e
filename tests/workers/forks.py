"""Talks to the nursery: real workers, started in milliseconds."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings import Settings
from tests.stack import ROOT
from tests.workers.processes import END_LIMIT_S, environment

LOOK_S = 0.005


class Nursery:
    """The process that forks workers. One question at a time, from any thread."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._one_at_a_time = threading.Lock()

    def start(self, log: Path, env: Mapping[str, str]) -> int:
        """Start a worker with exactly this environment; return its number."""
        return int(self._ask({"start": {"log": str(log), "env": dict(env)}}))

    def send(self, pid: int, number: int) -> None:
        """Signal a worker."""
        self._ask({"signal": number, "pid": pid})

    def status(self, pid: int) -> int | None:
        """Return the exit status of a worker that has ended, once; None while it runs."""
        status: int | None = self._ask({"ended": pid})
        return status

    def _ask(self, question: Mapping[str, Any]) -> Any:
        talk = self._process
        assert talk.stdin is not None
        assert talk.stdout is not None
        with self._one_at_a_time:
            talk.stdin.write(json.dumps(question) + "\n")
            talk.stdin.flush()
            return json.loads(talk.stdout.readline())


@dataclass(frozen=True, slots=True)
class Fork:
    """A worker of the nursery."""

    nursery: Nursery
    pid: int

    def send(self, number: int = signal.SIGTERM) -> None:
        """Signal it."""
        self.nursery.send(self.pid, number)

    def ended(self) -> int:
        """Wait for its end and return its exit status."""
        ends_at = time.monotonic() + END_LIMIT_S
        while (status := self.nursery.status(self.pid)) is None:
            assert time.monotonic() < ends_at, f"The worker {self.pid} has not ended in time."
            time.sleep(LOOK_S)
        return status


@contextlib.contextmanager
def nursery() -> Iterator[Nursery]:
    """Keep a nursery; when it goes, so do all its workers."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.workers.nursery"],
        cwd=ROOT,
        env={"PATH": os.defpath},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Nursery(process)


def forked(nursery: Nursery, settings: Settings, folder: Path, **env: str) -> Fork:
    """Start a worker with exactly these settings."""
    log = folder / f"worker-{time.monotonic_ns()}.log"
    return Fork(nursery, nursery.start(log, {"PATH": os.defpath, **environment(settings), **env}))
