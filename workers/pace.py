"""How fast one worker may ask a provider: its share of the polls per minute that a key has."""

import threading
import time
from collections.abc import Callable

BURST_S = 2.0  # the claim loop may come a second late without losing a turn


class Pace:
    """A bucket of turns. Safe to share between threads."""

    def __init__(self, per_minute: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_minute / 60
        self._clock = clock
        self._workers = 1
        self._turns = self._most
        self._at = clock()
        self._lock = threading.Lock()

    @property
    def _rate(self) -> float:
        return self._per_s / self._workers

    @property
    def _most(self) -> float:
        return max(2.0, self._rate * BURST_S)

    def shared_by(self, workers: int) -> None:
        """Leave their shares to the other workers that live."""
        with self._lock:
            self._fill()
            self._workers = max(1, workers)

    def turns(self) -> int:
        """Return how many polls may start now."""
        with self._lock:
            self._fill()
            # A clock may come a hair short of the moment it was waited for.
            return int(self._turns + 1e-6)

    def in_debt(self) -> bool:
        """Whether more has been asked lately than there were turns for."""
        with self._lock:
            self._fill()
            return self._turns < 0

    def take(self, turns: int) -> None:
        """Count polls that have started."""
        with self._lock:
            self._turns -= turns

    def _fill(self) -> None:
        now = self._clock()
        self._turns = min(self._most, self._turns + (now - self._at) * self._rate)
        self._at = now
