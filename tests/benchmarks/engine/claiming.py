"""The worker's own claiming, without the step that would follow."""

import os

from core import jobs, runs
from core.claims import Claim
from core.models import User
from core.services import Services
from core.stages import Stage
from tests.benchmarks.engine import ground
from workers.dispatch import Lane
from workers.hands import Hands
from workers.spool import Spool


class Claiming(Lane):
    """A lane of the dispatcher that keeps what it claims instead of beginning with it."""

    def __init__(self, hands: Hands, *, size: int) -> None:
        super().__init__(hands, Stage.READY, size)
        self._taken: list[Claim] = []

    def _start(self, claim: Claim, *, deadline: float) -> None:
        self._taken.append(claim)

    def take(self) -> list[Claim]:
        """Claim up to `size` jobs."""
        self._taken = []
        self.fill()
        return self._taken


def hands_of(services: Services) -> Hands:
    """Return what a worker's steps work with."""
    return Hands(
        services=services, spool=Spool(services.settings.spool_dir), worker=f"bench:{os.getpid()}"
    )


def file(services: Services, user: User, count: int = 1) -> None:
    """File jobs, all in one commit."""
    with services.sessions.begin() as session:
        for _ in range(count):
            jobs.queue(session, user, ground.order())


def end(services: Services, taken: list[Claim]) -> None:
    """Complete claimed jobs, all in one commit."""
    with services.sessions.begin() as session:
        for claim in taken:
            runs.ended(session, claim, Stage.REJECTED)
