"""What every step works with."""

from dataclasses import dataclass, field

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
