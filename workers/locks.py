"""Which workers of this host live: each holds an flock on a file of its own.

The system takes the lock back whatever becomes of the process; a paused process keeps it.
"""

import fcntl
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


class WorkerLocks:
    """The lock files of one host's workers, in a folder of its spool."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hold(self, worker: str) -> int:
        """Take a worker's lock for this process; return the descriptor that keeps it."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            held = os.open(self._path(worker), os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX)
            if _is_at(held, self._path(worker)):
                return held
            os.close(held)  # who took it for a dead worker's, before it was locked, removed it

    def leave(self, worker: str, held: int) -> None:
        """Give a lock back: its worker ends and holds no lease."""
        self._path(worker).unlink(missing_ok=True)
        os.close(held)

    def forget(self, worker: str) -> None:
        """Remove the file of a dead worker: not of one that was only about to take its lock."""
        if _is_held(self._path(worker), then=self._path(worker).unlink):
            log.warning("worker_lives_after_all", worker=worker)

    def dead(self) -> Sequence[str]:
        """Return the workers that ended without giving back their lock."""
        return [path.name for path in self._folder.iterdir() if _is_held(path) is False]

    def is_held(self, worker: str) -> bool:
        """Return whether a worker of this host lives. One of another host does not."""
        return _is_held(self._path(worker)) is True

    def _path(self, worker: str) -> Path:
        return self._folder / worker


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _is_held(path: Path, *, then: Callable[[], None] = lambda: None) -> bool | None:
    """Return whether a lock is held; None where there is none. If it is not, do something first.

    Meanwhile nobody else can take it.
    """
    try:
        tried = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(tried, path):
            then()
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(tried)
