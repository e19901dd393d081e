"""Turns of threads at the same thing, so that what is slow and heavy is done once."""

import contextlib
import threading
from collections.abc import Hashable, Iterator


class Turns:
    """A lock for each key that somebody holds or waits for; none for the others."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def of(self, key: Hashable) -> Iterator[None]:
        """Wait until no other thread of this process is at `key`."""
        lock = self._joined(key)
        try:
            with lock:
                yield
        finally:
            self._left(key)

    def _joined(self, key: Hashable) -> threading.Lock:
        with self._guard:
            lock, waiting = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, waiting + 1)
            return lock

    def _left(self, key: Hashable) -> None:
        with self._guard:
            lock, waiting = self._locks.pop(key)
            if waiting > 1:
                self._locks[key] = (lock, waiting - 1)
