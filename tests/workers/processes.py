"""Real worker processes for tests: `python -m workers` on a test's own stores and simulators."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from core.settings import Settings
from tests.stack import ROOT

START_LIMIT_S = 60
END_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker that has started."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self, event: str) -> int:
        """Return how often its log names an event."""
        return self.log.read_text(encoding="utf-8").count(f"event={event}")

    def send(self, number: int = signal.SIGTERM) -> None:
        """Signal it."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end and return its exit status."""
        try:
            return self.process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # its log then shows where each thread was
            self.process.wait()
            raise AssertionError(self.log.read_text(encoding="utf-8")) from None


@contextlib.contextmanager
def worker(settings: Settings, folder: Path, **env: str) -> Iterator[WorkerProcess]:
    """Start a worker with exactly these settings; it does not outlive the test."""
    log = folder / f"worker-{time.monotonic_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "workers"],
            cwd=ROOT,
            env={"PATH": os.defpath, **environment(settings), **env},
            stdout=output,
            stderr=output,
        )
    started = WorkerProcess(process, log)
    try:
        until(lambda: bool(started.said("worker_started")), within_s=START_LIMIT_S)
        yield started
    finally:
        process.kill()
        process.wait()


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that `Settings.from_env` would read these settings from."""
    return {
        setting.name.upper(): _text(getattr(settings, setting.name)) for setting in fields(settings)
    }


def _text(value: Any) -> str:
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def until(condition: Callable[[], bool], *, within_s: float = 20) -> None:
    """Wait for a condition; fail when it does not come true."""
    ends_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends_at, "It has not come true in time."
        time.sleep(0.05)
