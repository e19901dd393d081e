"""How often v1 may be asked for a video."""

import threading
import time
from collections import deque

from deploy.local.simulators.control import Settings
from deploy.local.simulators.minimax.refusals import Refused


class Limits:
    """A sliding window over created v1 tasks. Safe to share between threads.

    Settings: `rpm` (null: no limit) and `window_s`, the length of that minute. v2 is limited by
    tasks under way (`max_concurrent`), which the register counts.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._admitted: deque[float] = deque()

    def admit(self) -> None:
        """Count a creation. Raises Refused (1002) and counts nothing if there were too many."""
        limit = self._settings["rpm"]
        now = time.monotonic()
        with self._lock:
            while self._admitted and self._admitted[0] <= now - self._settings["window_s"]:
                self._admitted.popleft()
            if limit is not None and len(self._admitted) >= limit:
                raise Refused(1002)
            self._admitted.append(now)
