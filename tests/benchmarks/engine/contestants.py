"""The processes of a queue, ours or a peer's, as the referee sees them."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.engine import ground
from tests.servers import Databases
from tests.stack import ROOT

PEERS_PYTHON = ROOT / ".venv-bench/bin/python"
OUR_PYTHON = ROOT / ".venv/bin/python"
QUEUES = "tests.benchmarks.engine.queues"
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One way to queue jobs, on a database of its own of the same server."""

    name: str
    python: Path
    module: str
    url: str

    @contextmanager
    def process(self, role: str, *more: str) -> "Iterator[Process]":
        """One of its processes, from the moment it is ready."""
        started = Process(
            [str(self.python), "-m", f"{QUEUES}.{self.module}", role, self.url, *more]
        )
        try:
            yield started
        finally:
            started.stop()


class Process:
    """A process that speaks as `speech` does."""

    def __init__(self, argv: Sequence[str]) -> None:
        """Start it and wait until it is ready."""
        self._process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "LOG_LEVEL": "ERROR"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.pid = self._process.pid
        self.said = self._answer("ready")

    def lines(self) -> Iterator[list[str]]:
        """Yield all it says from now on, as words."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield line.split()

    def ask(self, order: str, word: str) -> list[str]:
        """Give an order and return its answer: what follows `word`."""
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return self._answer(word)

    def _answer(self, word: str) -> list[str]:
        for said, *rest in self.lines():
            if said == word:
                return rest
        raise RuntimeError(f"{self._process.args!r} ended before it said {word!r}.")

    def stop(self) -> None:
        """End it; it has nothing to keep."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(slots=True)
class Lane:
    """A queue with its submitter and its waiting worker."""

    queue: Queue
    submitter: Process
    worker: Process
    begun_ns: dict[str, int] = field(default_factory=dict)

    def follow(self) -> None:
        """Note from now on when the worker begins with which job."""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for word, *rest in self.worker.lines():
            if word == "started":
                self.begun_ns[rest[0]] = int(rest[1])

    def submit(self, key: str) -> tuple[int, int]:
        """File a job; return when that began and when it was committed."""
        _, before, after = self.submitter.ask(key, "submitted")
        return int(before), int(after)


@contextmanager
def lane(queue: Queue) -> Iterator[Lane]:
    """A queue's submitter and worker, both idle."""
    with ExitStack() as stack:
        worker = stack.enter_context(queue.process("work"))
        made = Lane(queue, stack.enter_context(queue.process("submit")), worker)
        made.follow()
        yield made


def queues(databases: Databases) -> Sequence[Queue]:
    """Return ours and the peers, their tables made."""
    if not PEERS_PYTHON.exists():
        raise SystemExit("The peers are not installed; run 'make bench-engine'.")
    ours = ground.with_schema(databases, "queue_ours")
    peers = [
        Queue(
            name=name,
            python=PEERS_PYTHON,
            module=f"with_{name}",
            url=ground.plain(databases.create(f"queue_{name}")),
        )
        for name in ("procrastinate", "pgqueuer")
    ]
    for peer in peers:
        with peer.process("prepare"):
            pass
    return [Queue(name="ours", python=OUR_PYTHON, module="ours", url=ours), *peers]
