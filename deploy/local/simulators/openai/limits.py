"""How much may be asked for per minute, and the headers that tell a client where it stands."""

import math
import threading
import time
from collections import deque

from deploy.local.simulators.control import Settings
from deploy.local.simulators.openai.refusals import Refused

UNLIMITED = {"requests": 500, "tokens": 800_000, "input-images": 50_000}  # what headers then say
COUNTED = {"requests": "requests_per_min", "input-images": "input_images_per_min"}


class Limits:
    """A sliding window per model over requests and input images. Safe to share between threads.

    Settings: `requests_per_min` and `input_images_per_min` (null: no limit), and `window_s`, the
    length of that minute.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._admitted: dict[str, deque[tuple[float, int]]] = {}

    def admit(self, model: str, input_images: int) -> None:
        """Count a request, or refuse it (429) and count nothing."""
        with self._lock:
            for family, amount in (("requests", 1), ("input-images", input_images)):
                self._check(family, model, amount)
            self._recent(model).append((time.monotonic(), input_images))

    def headers(self, model: str) -> dict[str, str]:
        """Return the `x-ratelimit-*` headers as they stand for one model."""
        found = {}
        with self._lock:
            for family, unlimited in UNLIMITED.items():
                limit = self._limit(family)
                used = 0 if limit is None else self._used(family, model)
                reset = 0.001 if limit is None else self._free_in_s(family, model, limit)
                cap = unlimited if limit is None else limit
                found[f"x-ratelimit-limit-{family}"] = str(cap)
                found[f"x-ratelimit-remaining-{family}"] = str(max(0, cap - used))
                found[f"x-ratelimit-reset-{family}"] = duration(reset)
        return found

    def _check(self, family: str, model: str, amount: int) -> None:
        limit = self._limit(family)
        if limit is None or self._used(family, model) + amount <= limit:
            return
        wait_s = self._free_in_s(family, model, amount)
        raise limited(
            family,
            f"Rate limit reached for {model} (for limit gpt-image) in organization org-simulated "
            f"on {family} per min: Limit {limit}, Used {self._used(family, model)}, Requested "
            f"{amount}. Please try again in {duration(wait_s)}.",
            wait_s,
        )

    def _limit(self, family: str) -> int | None:
        limit: int | None = self._settings[COUNTED[family]] if family in COUNTED else None
        return limit

    def _recent(self, model: str) -> deque[tuple[float, int]]:
        """Return what was admitted within the window, oldest first."""
        recent = self._admitted.setdefault(model, deque())
        oldest = time.monotonic() - self._settings["window_s"]
        while recent and recent[0][0] <= oldest:
            recent.popleft()
        return recent

    def _used(self, family: str, model: str) -> int:
        return sum(self._weight(family, images) for _, images in self._recent(model))

    def _free_in_s(self, family: str, model: str, amount: int) -> float:
        """Return in how many seconds `amount` fits, or the whole window if it never will."""
        window_s: float = self._settings["window_s"]
        free = (self._limit(family) or 0) - self._used(family, model)
        if free >= amount:
            return 0.001
        for at, images in self._recent(model):
            free += self._weight(family, images)
            if free >= amount:
                return max(0.001, at + window_s - time.monotonic())
        return window_s

    def _weight(self, family: str, images: int) -> int:
        return images if family == "input-images" else 1


def limited(
    family: str,
    message: str,
    wait_s: float,
    *,
    code: str = "rate_limit_exceeded",
    status: int = 429,
) -> Refused:
    """Return the 429 of one family of limits, with when to come back."""
    return Refused(
        message,
        status=status,
        type=family,
        code=code,
        headers={
            "retry-after": str(math.ceil(wait_s)),
            "retry-after-ms": str(round(wait_s * 1000)),
        },
    )


def duration(seconds: float) -> str:
    """Return a duration as the provider writes it: 120ms, 58.891s, 6m0s."""
    if seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{int(seconds // 60)}m{seconds % 60:.0f}s"
