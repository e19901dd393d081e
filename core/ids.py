"""Time-ordered ids, made here because Postgres before 18 has none."""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0  # 60 bits: unix milliseconds and a 12-bit sequence


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562 5.7); ids of one process are strictly increasing."""
    global _last  # noqa: PLW0603  (the sequence is per process by definition)
    with _lock:
        _last = max(_last + 1, time.time_ns() // 1_000_000 << 12)
        stamp = _last
    random = int.from_bytes(os.urandom(8)) & (1 << 62) - 1
    return UUID(int=stamp >> 12 << 80 | 7 << 76 | (stamp & 0xFFF) << 64 | 2 << 62 | random)


def floor_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment: ids from then on are not below it."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62)


def made_at(id: UUID) -> datetime:
    """Return when a UUIDv7 was made, by the clock of who made it."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
