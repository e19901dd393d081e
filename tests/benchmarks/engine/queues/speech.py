"""How a queue's process talks with the referee: lines, and times of the one monotonic clock.

Also the peers' environment imports this, so it knows nothing of the application.
"""

import sys
import time
from collections.abc import Iterator


def say(*words: object) -> None:
    """Tell the referee something, at once."""
    print(*words, flush=True)


def orders() -> Iterator[str]:
    """Yield what the referee asks for, line by line, until it has nothing more to ask."""
    for line in sys.stdin:
        yield line.strip()


def started(key: str) -> None:
    """Tell that a worker has begun with a job, whose claim is committed."""
    say("started", key, time.monotonic_ns())


def submitted(key: str, before_ns: int) -> None:
    """Tell when the filing of a job began and that it is committed."""
    say("submitted", key, before_ns, time.monotonic_ns())


def drained(jobs: int, began_ns: int) -> None:
    """Tell how long it took to claim and complete some jobs."""
    say("drained", jobs, time.monotonic_ns() - began_ns)
