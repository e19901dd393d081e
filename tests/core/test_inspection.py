import itertools
import math

import pytest

from core import inspection
from core.inspection import plan
from core.survival import Observation, Survival, estimate

TINY = Survival(step_s=10.0, share=[1.0, 1.0, 0.7, 0.65, 0.2, 0.05, 0.0])


def cost(survival: Survival, looks: tuple[int, ...], price_s: float) -> float:
    """Return delay + price × looks of looking at these grid points, by its definition."""
    share, step_s = survival.share, survival.step_s
    total, before = 0.0, 0
    for look in looks:
        total += price_s * share[before]
        for place in range(before, look):  # what ends within a grid step does so in its middle
            ended = share[place] - share[place + 1]
            total += ended * (look - place - 0.5) * step_s
        before = look
    return total


@pytest.mark.parametrize("price_s", [0.5, 2.0, 5.0, 9.0, 20.0, 100.0])
def test_the_plan_is_the_best_of_all_there_are(price_s):
    last = len(TINY.share) - 1
    every = (
        (*looks, last)
        for count in range(last)
        for looks in itertools.combinations(range(1, last), count)
    )
    least = min(cost(TINY, looks, price_s) for looks in every)

    found = plan(TINY, price_s=price_s)

    assert found.delay_s + price_s * found.looks == pytest.approx(least)


@pytest.mark.parametrize("price_s", [0.05, 2.0, 20.0])
def test_no_step_would_have_been_better_than_the_one_taken(price_s):
    """The search leaves steps out; this one tries them all, where a plan goes on as it does."""
    seen = [Observation(took, took * 1.1) for took in (*range(30, 60), *range(150, 250, 2))]
    survival = estimate(seen)
    found = plan(survival, price_s=price_s)
    share, step_s, last = survival.share, survival.step_s, len(survival.share) - 1
    left_s = [sum(share[place + 1 :]) + share[place] / 2 for place in range(last + 1)]

    def cost_s(place: int, step: int) -> float:  # of one look, and of waiting for the next
        ahead = min(place + step, last)
        ended_s = (left_s[place] - left_s[ahead]) * step_s
        return price_s * share[place] + step * step_s * share[place] - ended_s + then_s[ahead]

    shortest, longest = (math.ceil(3 / step_s), math.floor(max(60, 2 * price_s) / step_s))
    then_s = [share[last] * (price_s + 30)] * (last + 1)
    for place in range(last - 1, 0, -1):
        costs_s = [cost_s(place, step) for step in range(shortest, longest + 1)]
        then_s[place] = cost_s(place, found.steps[place])
        assert then_s[place] == pytest.approx(min(costs_s), abs=1e-9)


@pytest.mark.parametrize("price_s", [0.01, 0.5, 20.0, 300.0])
def test_steps_stay_within_their_bounds(price_s):
    found = plan(estimate([]), price_s=price_s)
    longest_s = max(inspection.LONGEST_STEP_S, 2 * price_s)

    for age_s in range(int(found.first_s), 1800, 7):
        assert inspection.SHORTEST_STEP_S <= found.wait_s(age_s) <= longest_s


def test_a_dearer_look_is_taken_more_rarely():
    plans = [plan(estimate([]), price_s=price_s) for price_s in (0.1, 0.5, 2, 8, 32)]

    looks = [found.looks for found in plans]
    delays = [found.delay_s for found in plans]
    assert looks == sorted(looks, reverse=True)
    assert delays == sorted(delays)


def test_nothing_is_asked_in_a_gap_where_nothing_ends():
    seen = [Observation(took, took) for took in [20.0 + n / 10 for n in range(60)]]
    seen += [Observation(took, took) for took in [200.0 + n / 10 for n in range(60)]]

    found = plan(estimate(seen), price_s=1.0)

    assert found.wait_s(32) == pytest.approx(inspection.LONGEST_STEP_S, rel=0.05)
