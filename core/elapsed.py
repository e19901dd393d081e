"""The clock of deadlines that a process keeps for itself: steady, and awake while we sleep.

A lease ends by the database's clock whether this machine runs or not. `time.monotonic` stands
still while Linux is suspended; a request whose time had long been up would then leave.
"""

import time
from typing import Final

# Linux alone has it (clock_gettime(2)); elsewhere the usual one has to do.
_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Return seconds since some moment of this boot; comparable within one machine only."""
    return time.clock_gettime(_CLOCK)
