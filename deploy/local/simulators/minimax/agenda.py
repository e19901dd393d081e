"""One thread that sleeps until the next thing is due, and does nothing else."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

Action = Callable[[], object]


class Agenda:
    """Runs quick actions at their time, in one thread. Idle, it costs nothing."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Action]] = []
        self._numbers = itertools.count()  # actions due at the same time keep their order
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="agenda", daemon=True)
        self._thread.start()

    def at(self, due: float, action: Action) -> None:
        """Run `action` at Unix time `due`, or at once if that has passed."""
        with self._changed:
            heapq.heappush(self._due, (due, next(self._numbers), action))
            self._changed.notify()

    def close(self) -> None:
        """Forget what is to come, and wait for what is going on."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout=1)

    def _run(self) -> None:
        while (action := self._next()) is not None:
            action()

    def _next(self) -> Action | None:
        """Wait for the next action that is due. None once closed."""
        with self._changed:
            while not self._closed:
                wait_s = self._due[0][0] - time.time() if self._due else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait_s)
            return None
