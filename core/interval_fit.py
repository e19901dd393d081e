"""The normal distribution behind draws of which only intervals are known. Pure.

Expectation, maximisation: each draw lies in its interval as the distribution found so far says,
and the next one has the mean and the spread of these. The middles of the intervals would be too
far apart: an interval that reaches far back hardly ever hides a draw in its middle.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, pstdev
from typing import Final

Interval = tuple[float, float]

_ROUNDS: Final = 10
_STANDARD: Final = NormalDist()
_IMPOSSIBLE: Final = 1e-9  # so unlikely an interval says nothing through its distribution


def fitted(intervals: Sequence[Interval], *, begin: Sequence[float], least: float) -> NormalDist:
    """Return what fits the intervals, searched from places inside them; its spread is >= least."""
    centre, spread = fmean(begin), max(pstdev(begin), least)
    for _ in range(_ROUNDS):
        found = [_moments(interval, centre, spread) for interval in intervals]
        centre, square = fmean(mean for mean, _ in found), fmean(square for _, square in found)
        spread = max(math.sqrt(max(square - centre**2, 0.0)), least)
    return NormalDist(centre, spread)


def _moments(interval: Interval, centre: float, spread: float) -> tuple[float, float]:
    """Return mean and mean square of a draw inside its interval."""
    low, high = ((end - centre) / spread for end in interval)
    likely = _STANDARD.cdf(high) - _STANDARD.cdf(low)
    if likely < _IMPOSSIBLE:
        middle = sum(interval) / 2
        return middle, middle**2
    at_low, at_high = _STANDARD.pdf(low), _STANDARD.pdf(high)
    mean = (at_low - at_high) / likely
    square = 1 + (low * at_low - high * at_high) / likely
    return centre + spread * mean, centre**2 + 2 * centre * spread * mean + spread**2 * square
