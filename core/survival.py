"""How long a kind of task takes: a survival function from what was seen of the last ones. Pure.

Nobody tells when a task has ended, only that it had not at one look and had at the next. Each
observation is therefore an interval. Its mass is spread inside it as the other observations
suggest, and smoothed (expectation, maximisation, smoothing: Silverman et al. 1990); ends taken
for exact would gather at the looks, and the next looks at them. It begins with one heap, the
lognormal distribution that fits best: from a wider one a few rounds do not get narrow again.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist
from typing import Final

from core.interval_fit import Interval, fitted

# Before there is any history: median 120 s, p95 300 s.
PRIOR_MEDIAN_S: Final = 120.0
PRIOR_SPREAD: Final = 0.557
ENOUGH: Final = 20  # so many observations outweigh the prior; it counts as what is missing
_STILL_HEARD: Final = 0.3  # a tail for what no observation has shown yet

SHORTEST_S: Final = 0.25
LONGEST_S: Final = 6 * 3600.0
_BIN: Final = 0.02  # of the logarithm of an age
_BINS: Final = math.ceil(math.log(LONGEST_S / SHORTEST_S) / _BIN)
_FAR: Final = math.log(2) / _BIN
_ROUNDS: Final = 8
_WIDEST: Final = 1.0 / _BIN  # a spread beyond this is no single heap
_PRIOR: Final = NormalDist(math.log(PRIOR_MEDIAN_S / SHORTEST_S) / _BIN, PRIOR_SPREAD / _BIN)
_UNLIKELY: Final = 0.001  # later ends than all but these are not planned for
_POINTS: Final = 500
_FINEST_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Observation:
    """A task ended between these two ages, in seconds since it was accepted."""

    earliest_s: float
    latest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """The share of tasks still at work at the ages 0, step_s, 2 step_s ..."""

    step_s: float
    share: Sequence[float]

    @property
    def mean_s(self) -> float:
        """Return how long a task takes on average."""
        return self.step_s * (sum(self.share) - (self.share[0] + self.share[-1]) / 2)


def estimate(observations: Sequence[Observation]) -> Survival:
    """Return what the last observations of a kind say; with few of them, mostly the prior."""
    prior = _masses(_PRIOR)
    if len(observations) < 2:
        return _survival(prior)
    ends = [(_place(seen.earliest_s), _place(seen.latest_s)) for seen in observations]
    middles = [_middle(first, last) for first, last in ends]
    heap = fitted(ends, begin=middles, least=1.0)
    spans, kernel = _prepared(ends, middles, heap)
    weight = max(_STILL_HEARD, float(ENOUGH - len(observations)))
    found = _masses(heap)
    for _ in range(_ROUNDS):
        smooth = _smoothed(_spread(spans, found), kernel)
        total = sum(smooth) + weight
        found = [(seen + weight * told) / total for seen, told in zip(smooth, prior, strict=True)]
    return _survival(found)


def _prepared(
    ends: Sequence[Interval], middles: Sequence[float], heap: NormalDist
) -> tuple[list[tuple[int, int]], list[float]]:
    """Return each observation as a span of bins, and the kernel to smooth them by.

    Smoothing widens a distribution, so the observations are first drawn together by as much.
    """
    # Silverman's rule, by the shortest half: two separate heaps are not smeared into one.
    width = min(heap.stdev, _shortest_half(middles) / 1.349, _WIDEST) * len(middles) ** -0.2
    narrower = heap.stdev / math.hypot(heap.stdev, width)

    def drawn(place: float) -> int:
        return min(math.floor(heap.mean + (place - heap.mean) * narrower), _BINS - 1)

    return [(drawn(first), drawn(last)) for first, last in ends], _kernel(max(width, 1.0))


def _shortest_half(places: Sequence[float]) -> float:
    """Return the length of the shortest stretch that holds half of the places."""
    ordered = sorted(places)
    half = max(1, (len(ordered) - 1) // 2)
    return min(ordered[place + half] - ordered[place] for place in range(len(ordered) - half))


def _middle(first: float, last: float) -> float:
    """Return where to begin with a span; a first look does not say how much earlier it ended."""
    return (max(first, last - _FAR) + last) / 2


def _place(age_s: float) -> float:
    return min(math.log(max(age_s, SHORTEST_S) / SHORTEST_S) / _BIN, _BINS)


def _masses(normal: NormalDist) -> list[float]:
    """Return the share of a distribution of places that each bin has."""
    edges = [normal.cdf(place) for place in range(_BINS + 1)]
    masses = [after - before for before, after in pairwise(edges)]
    total = sum(masses)
    return [mass / total for mass in masses]


def _spread(spans: Sequence[tuple[int, int]], density: Sequence[float]) -> list[float]:
    """Return one unit of mass per observation, shared out inside its span as `density` says."""
    masses = [0.0] * _BINS
    for first, last in spans:
        inside = sum(density[first : last + 1])
        if inside <= 0:
            masses[(first + last) // 2] += 1
            continue
        for place in range(first, last + 1):
            masses[place] += density[place] / inside
    return masses


def _kernel(width: float) -> list[float]:
    """Return normal weights round a bin; `width` (sigma) is in bins."""
    reach = math.ceil(3 * width)
    weights = [math.exp(-0.5 * (place / width) ** 2) for place in range(-reach, reach + 1)]
    total = sum(weights)
    return [weight / total for weight in weights]


def _smoothed(masses: Sequence[float], kernel: Sequence[float]) -> list[float]:
    reach = len(kernel) // 2
    smooth = [0.0] * (_BINS + 2 * reach)
    for place, mass in enumerate(masses):
        if mass > 0:
            for offset, weight in enumerate(kernel):
                smooth[place + offset] += mass * weight
    return smooth[reach : reach + _BINS]


def _survival(density: Sequence[float]) -> Survival:
    """Return the survival function on an even grid that ends where hardly a task is left."""
    left = [1.0]
    for mass in density:
        left.append(max(0.0, left[-1] - mass))
    end = next((place for place, share in enumerate(left) if share < _UNLIKELY), _BINS)
    horizon_s = SHORTEST_S * math.exp(end * _BIN)
    step_s = max(_FINEST_S, horizon_s / _POINTS)
    points = max(2, math.ceil(horizon_s / step_s) + 1)
    return Survival(step_s=step_s, share=[_at(left, place * step_s) for place in range(points)])


def _at(left: Sequence[float], age_s: float) -> float:
    if age_s <= SHORTEST_S:
        return 1.0
    exact = _place(age_s)
    place = min(math.floor(exact), _BINS - 1)
    part = min(exact - place, 1.0)
    return left[place] + part * (left[place + 1] - left[place])
