"""How long to wait before something that only read, or was never taken, is tried again."""

from random import SystemRandom

FIRST_S = 2.0
LONGEST_S = 120.0
_random = SystemRandom()


def backoff_s(failures: int) -> float:
    """Return full jitter: anywhere up to a bound that doubles with each failure."""
    return _random.uniform(0.1, min(LONGEST_S, FIRST_S * 2 ** min(failures, 10)))


def jittered(seconds: float) -> float:
    """Return a time near `seconds`, so that many workers do not ask in step."""
    return seconds * _random.uniform(0.9, 1.1)
