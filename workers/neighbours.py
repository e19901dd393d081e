"""Workers of this host that have died: a lock tells at once what a lease tells in a minute.

Each worker holds an flock on a file of its own; the system takes it back
whatever becomes of the process, and a paused process keeps it. A dead worker's
steps that paid for nothing are free at once. A request that was sent keeps its
time: its answer may still come by another way. `workers.permits` tells them apart.
"""

import fcntl
import os
from pathlib import Path

import structlog

from core import claims
from workers.hands import Hands

log = structlog.get_logger(__name__)


class Neighbours:
    """The lock files of one host's workers, in its spool folder."""

    def __init__(self, hands: Hands) -> None:
        """Take this worker's own lock."""
        self._hands = hands
        self._folder = hands.services.settings.spool_dir / "workers"
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._own = self._folder / hands.worker
        self._held = os.open(self._own, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Give the lock back: this worker ends and holds no lease."""
        self._own.unlink(missing_ok=True)
        os.close(self._held)

    def free_the_deads(self) -> int:
        """End the leases of dead workers' steps that paid for nothing. Return how many."""
        dead = [path for path in self._folder.iterdir() if path != self._own and _is_free(path)]
        if not dead:
            return 0
        owners, unsent = [path.name for path in dead], self._hands.spool.permits.unsent()
        with self._hands.services.sessions.begin() as session:
            freed = claims.end_unpaid(session, owners, unsent=unsent)
        for path in dead:
            path.unlink(missing_ok=True)
        log.info("dead_neighbours", workers=len(dead), steps_freed=freed)
        return freed


def _is_free(path: Path) -> bool:
    """Return whether the process that held this lock has ended."""
    try:
        tried = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(tried)
