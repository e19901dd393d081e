"""What every step works with."""

from dataclasses import dataclass

from core.services import Services
from workers.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """One per worker process. Safe to share between threads."""

    services: Services
    spool: Spool
    worker: str  # this process's name in leases, events and heartbeats
