"""The real stack of `make run`, started for a test or benchmark in a home of its own."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.services import Services, build
from core.settings import Settings
from deploy.local.ports import HIGHEST, LOWEST, free
from deploy.local.simulators import ledger

ROOT = Path(__file__).parents[1]
START_LIMIT_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running stack."""

    home: Path
    port: int
    started_in_s: float
    process: subprocess.Popen[bytes]
    root: Path = ROOT

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://127.0.0.1:{self.port}"

    def child(self, name: str) -> psutil.Process:
        """Return the process of one part ('web', 'worker', 'postgres' …)."""
        state = json.loads((self.home / "running.json").read_text())
        return psutil.Process(state["children"][name]["pid"])

    def environment(self) -> Mapping[str, str]:
        """Return what the web process was given."""
        return self.child("web").environ()

    def services(self) -> Services:
        """Return services on the same stores, as a third process beside web and worker."""
        return build(Settings.from_env(self.environment()), application="bench")

    def password(self, login: str) -> str:
        """Return a demo account's password."""
        kept = json.loads((self.home / "demo-passwords").read_text())
        return str(kept[login]["password"])

    def simulator(self, name: str) -> str:
        """Return a simulator's address."""
        ports = json.loads((self.home / "ports.json").read_text())
        return f"http://127.0.0.1:{ports[name]}"

    def control(self, name: str, path: str, *, method: str, body: Any = None) -> Any:
        """Call a simulator's control endpoint."""
        request = urllib.request.Request(
            f"{self.simulator(name)}/_control/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def ledger(self, name: str) -> list[dict[str, Any]]:
        """Return a simulator's own account, read from its file."""
        return list(ledger.read(self.home / "simulators" / name / "ledger.jsonl"))


@contextlib.contextmanager
def running(
    home: Path, *, env: Mapping[str, str] | None = None, root: Path = ROOT
) -> Iterator[Stack]:
    """Start everything and stop it in the end; data stay in `home`."""
    port = free_port()
    started = time.monotonic()
    process = subprocess.Popen(
        [root / ".venv/bin/python", "-m", "deploy.local", "up"],
        cwd=root,
        env={**os.environ, "PROOFSHEET_HOME": str(home), "WEB_PORT": str(port), **(env or {})},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health", process, started)
        took = _wait_until_told(home, process, started)
        yield Stack(home=home, port=port, started_in_s=took, process=process, root=root)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], started: float) -> float:
    """Return the seconds from `started` until `url` answers 200."""
    while time.monotonic() - started < START_LIMIT_S:
        if process.poll() is not None:
            raise RuntimeError(f"The stack ended with status {process.returncode}.")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as answer:
            if answer.status == 200:
                return time.monotonic() - started
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer in {START_LIMIT_S} s.")


def _wait_until_told(home: Path, process: subprocess.Popen[bytes], started: float) -> float:
    """Return the seconds from `started` until the supervisor itself says that all is ready."""
    while time.monotonic() - started < START_LIMIT_S:
        with contextlib.suppress(FileNotFoundError):
            state = json.loads((home / "running.json").read_text())
            if state["ready"] and state["supervisor"]["pid"] == process.pid:
                return time.monotonic() - started
        time.sleep(0.05)
    raise TimeoutError(f"The stack in {home} was not ready in {START_LIMIT_S} s.")


def free_port() -> int:
    """Return a port nobody listens on now, and which no outgoing connection will take."""
    while True:
        port = secrets.choice(range(LOWEST, HIGHEST))
        if free("127.0.0.1", port):
            return port
