"""When to look at something that ends at an unknown time: optimal inspection. Pure.

Each look has a price, in seconds of delay that it has to save. The plan with the least expected
delay + price × looks is found backwards over the survival function (Barlow, Hunter, Proschan
1963, as a dynamic programme).
"""

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from core.survival import Survival

SHORTEST_STEP_S: Final = 3.0
LONGEST_STEP_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When to look first, how long to wait from each age on, and what that brings on average."""

    first_s: float
    grid_s: float
    steps: tuple[int, ...]  # how many grid_s to wait, at the ages 0, grid_s, 2 grid_s ...
    looks: float
    delay_s: float
    pace_s: float  # how long a task is in flight for each look at it

    def wait_s(self, age_s: float) -> float:
        """Return how long after a look at this age the next one comes."""
        if age_s < self.first_s:
            return max(self.first_s - age_s, SHORTEST_STEP_S)
        place = min(round(age_s / self.grid_s), len(self.steps) - 1)
        return self.steps[place] * self.grid_s


def plan(survival: Survival, *, price_s: float) -> Plan:
    """Return the best plan at a price per look, in seconds of delay.

    The longest step grows with the price, where LONGEST_STEP_S would be in its way; the first
    wait is as long as it pays.
    """
    share, grid_s = survival.share, survival.step_s
    last = len(share) - 1
    shortest = max(1, math.ceil(SHORTEST_STEP_S / grid_s))
    longest = max(shortest, math.floor(max(LONGEST_STEP_S, 2 * price_s) / grid_s))
    # Waiting from i to j costs (j - i) grid S(i) - (work(j) - work(i)): what has ended waits.
    work = [0.0, *accumulate((a + b) * grid_s / 2 for a, b in pairwise(share))]
    beyond = share[last] * (price_s + LONGEST_STEP_S / 2)
    later = [beyond - work[last]] * (last + longest + 1)  # cost from j on, less work(j)
    steps = [longest] * (last + 1)
    for place in range(last - 1, -1, -1):
        pace = share[place] * grid_s
        # Fewer are at work later on, so a later look is never followed by an earlier next one.
        reach = min(longest, steps[place + 1] + 1) if place else max(longest, last)
        best, step = min(
            (later[place + ahead] + ahead * pace, ahead) for ahead in range(shortest, reach + 1)
        )
        steps[place] = step
        later[place] = best + price_s * share[place]
    return _plan(survival, steps)


def _plan(survival: Survival, steps: list[int]) -> Plan:
    share, grid_s = survival.share, survival.step_s
    looks, waited_s, place = 0.0, 0.0, 0
    while place < len(share):
        looks += share[place]
        waited_s += share[place] * steps[place] * grid_s
        place += steps[place]
    delay_s = max(0.0, waited_s - survival.mean_s)
    return Plan(
        first_s=steps[0] * grid_s,
        grid_s=grid_s,
        steps=tuple(steps),
        looks=looks,
        delay_s=delay_s,
        pace_s=(survival.mean_s + delay_s) / looks,
    )
