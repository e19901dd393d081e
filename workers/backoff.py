"""How long to wait before something that only read, or was never taken, is tried again."""

from random import SystemRandom

FIRST_S = 2.0
LONGEST_S = 120.0
RAREST_S = 3600.0  # where only an operator can help
_random = SystemRandom()


def backoff_s(failures: int, *, longest_s: float = LONGEST_S) -> float:
    """Return full jitter: anywhere up to a bound that doubles with each failure."""
    return _random.uniform(0.1, min(longest_s, FIRST_S * 2 ** min(failures, 11)))


def jittered(seconds: float) -> float:
    """Return a time near `seconds`, so that many workers do not ask in step."""
    return seconds * _random.uniform(0.9, 1.1)
