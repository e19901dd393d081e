"""What every step works with."""

from dataclasses import dataclass, field

from core.models import Dialect
from core.providers import Progress, Ready
from core.services import Services
from workers.looks import Looks
from workers.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """One per worker process. Safe to share between threads."""

    services: Services
    spool: Spool
    worker: str  # this process's name in leases, events and heartbeats
    looks: Looks = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "looks", Looks(self.services.settings))

    def progress(self, dialect: str, task_id: str) -> Progress:
        """Ask the provider how a task stands; the caller has counted one question.

        Raises:
            ProviderError: nothing happened; try again later.
        """
        found = self.services.videos[dialect].progress(task_id)
        if dialect == Dialect.MINIMAX_V1 and isinstance(found, Ready):
            self.looks.pace.take(1)  # for its file
        return found
