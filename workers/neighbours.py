"""Workers of this host that have died: a lock tells at once what a lease tells in a minute.

A dead worker's steps that paid for nothing are free at once. A request that was sent keeps its
time: its answer may still come by another way. `workers.permits` tells them apart.
"""

import structlog

from core import claims
from workers.hands import Hands

log = structlog.get_logger(__name__)


class Neighbours:
    """The other workers that share this host's spool folder."""

    def __init__(self, hands: Hands) -> None:
        """Take this worker's own lock."""
        self._hands = hands
        self._locks = hands.spool.locks
        self._held = self._locks.hold(hands.worker)

    def leave(self) -> None:
        """Give the lock back: this worker ends and holds no lease."""
        self._locks.leave(self._hands.worker, self._held)

    def free_the_deads(self) -> int:
        """End the leases of dead workers' steps that paid for nothing. Return how many."""
        dead = self._locks.dead()
        if not dead:
            return 0
        unsent = self._hands.spool.permits.unsent()
        with self._hands.services.sessions.begin() as session:
            freed = claims.end_unpaid(session, dead, unsent=unsent)
        for worker in dead:
            self._locks.forget(worker)
        log.info("dead_neighbours", workers=len(dead), steps_freed=freed)
        return freed
