"""The workers of a campaign, on several hosts: killed, and started again at once."""

import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.services import HOST as MACHINE
from tests.workers.forks import LOOK_S, Nursery


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process. A host is a spool folder: that is all that tells hosts apart."""

    slot: int
    pid: int

    @property
    def prefix(self) -> str:
        """How its name in leases, attempts and events begins."""
        return f"{MACHINE}:{self.pid}:"


class Fleet:
    """So many slots, each with a worker in it. Not safe to share between threads."""

    def __init__(
        self, nursery: Nursery, env: Mapping[str, str], folder: Path, *, workers: int, hosts: int
    ) -> None:
        self._nursery = nursery
        self._env = env
        self._folder = folder
        self._hosts = hosts
        self._size = workers
        self.workers: dict[int, Worker] = {}
        self._leaving: set[int] = set()

    def start(self) -> None:
        """Fill every slot."""
        for slot in range(self._size):
            self._fill(slot)

    def of_name(self, name: str) -> Worker | None:
        """Return the worker that calls itself so, if it is one of now."""
        return next((each for each in self.workers.values() if name.startswith(each.prefix)), None)

    def kill(self, worker: Worker) -> None:
        """kill -9, and wait until nothing of it runs."""
        self._nursery.send(worker.pid, signal.SIGKILL)
        while self._nursery.status(worker.pid) is None:
            threading.Event().wait(LOOK_S)

    def dismiss(self, worker: Worker) -> None:
        """Ask it to leave; it finishes what it has in hand."""
        self._nursery.send(worker.pid, signal.SIGTERM)
        self._leaving.add(worker.pid)

    def replace(self, worker: Worker) -> None:
        """Put a new worker in the slot of one that was killed or dismissed."""
        self._fill(worker.slot)

    def died(self) -> list[Worker]:
        """Return the workers that ended although nobody asked them to."""
        return [
            each for each in self.workers.values() if self._nursery.status(each.pid) is not None
        ]

    def still_leaving(self) -> int:
        """Return how many dismissed workers still run."""
        self._leaving = {pid for pid in self._leaving if self._nursery.status(pid) is None}
        return len(self._leaving)

    def _fill(self, slot: int) -> None:
        host = slot % self._hosts
        env = {**self._env, "SPOOL_DIR": str(self._folder / f"spool-{host}")}
        pid = self._nursery.start(self._folder / f"logs/worker-{slot}", env)
        self.workers[slot] = Worker(slot=slot, pid=pid)
