"""What polling is measured against: the best plan, and the best order, for a known distribution.

Written apart from `core.inspection` and with the true distribution in hand: a finer grid, no
shortest or longest step, and no histogram between.
"""

import math
import random
from dataclasses import dataclass
from statistics import NormalDist, fmean

import numpy as np
from numpy.typing import NDArray

MEDIAN_S = 120.0
_SURE = 0.9999
_TAIL_STEP_S = 60.0


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Durations with a median of 120 s; `sigma` 0.557 has its p95 at 300 s."""

    sigma: float

    def draw(self, dice: random.Random) -> float:
        """Return one duration, in seconds."""
        return MEDIAN_S * math.exp(dice.gauss(0, self.sigma))

    def survival(self, grid_s: float) -> NDArray[np.float64]:
        """Return the share still at work at 0, grid_s, 2 grid_s ..."""
        normal = NormalDist(math.log(MEDIAN_S), self.sigma)
        points = math.ceil(math.exp(normal.inv_cdf(_SURE)) / grid_s) + 1
        later = [1 - normal.cdf(math.log(place * grid_s)) for place in range(1, points)]
        return np.array([1.0, *later])


@dataclass(frozen=True, slots=True)
class Best:
    """The best plan at one price: its steps in grid points from each age, looks and delay."""

    steps: NDArray[np.int64]
    looks: float
    delay_s: float


def best(share: NDArray[np.float64], grid_s: float, price_s: float) -> Best:
    """Return the plan with the least delay + price × looks, by dynamic programming."""
    last = len(share) - 1
    work = np.concatenate([[0.0], np.cumsum((share[:-1] + share[1:]) * grid_s / 2)])
    later = np.full(2 * last + 2, share[-1] * (price_s + _TAIL_STEP_S / 2) - work[-1])
    steps = np.full(last + 1, round(_TAIL_STEP_S / grid_s))
    ahead_s = np.arange(1, last + 1) * grid_s
    for place in range(last - 1, -1, -1):
        costs = later[place + 1 : place + 1 + last] + ahead_s * share[place]
        step = int(costs.argmin())
        steps[place] = step + 1
        later[place] = costs[step] + price_s * share[place]
    looks = waited_s = 0.0
    place = 0
    while place <= last:
        looks += share[place]
        waited_s += share[place] * steps[place] * grid_s
        place += int(steps[place])
    return Best(steps, looks, waited_s - work[-1])


def fewest_looks(durations: Lognormal, *, delay_s: float, grid_s: float = 0.5) -> float:
    """Return how few looks a video needs at a mean delay: mixing the plans on either side."""
    share = durations.survival(grid_s)
    low, high = math.log(0.01), math.log(100)
    for _ in range(18):
        middle = (low + high) / 2
        late = best(share, grid_s, math.exp(middle)).delay_s > delay_s
        low, high = (low, middle) if late else (middle, high)
    under, over = (best(share, grid_s, math.exp(price)) for price in (low, high))
    part = (delay_s - under.delay_s) / (over.delay_s - under.delay_s)
    return under.looks + part * (over.looks - under.looks)


def index_delay_s(
    durations: Lognormal, *, in_flight: int, per_minute: int, videos: int, seed: int
) -> float:
    """Return the mean delay of the index policy in a closed system of `in_flight` videos.

    At each turn it looks at the video whose next look is overdue at the highest price.
    """
    grid_s = 1.0
    share = durations.survival(grid_s)
    prices = 0.02 * 1.05 ** np.arange(200)
    waits_s = np.array([best(share, grid_s, price).steps for price in prices]) * grid_s
    dice = random.Random(seed)
    began = np.zeros(in_flight)
    takes = np.array([durations.draw(dice) for _ in range(in_flight)])
    due = np.repeat(waits_s[None, :, 0], in_flight, axis=0)
    delays: list[float] = []
    now = 0.0
    while len(delays) < videos * 1.2:
        now += 60 / per_minute
        rank = (due <= now).sum(axis=1)
        top = int(rank.max())
        if top == 0:
            continue
        first = int(np.where(rank == top, due[:, top - 1], np.inf).argmin())
        age_s = now - began[first]
        if age_s >= takes[first]:
            delays.append(age_s - takes[first])
            began[first], takes[first], age_s = now, durations.draw(dice), 0.0
        place = min(round(age_s / grid_s), len(share) - 1)
        due[first] = now + waits_s[:, place]
    return fmean(delays[-videos:])
