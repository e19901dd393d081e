import math
import random
from itertools import pairwise
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.survival import LONGEST_S, Observation, Survival, estimate

spans = st.tuples(
    st.floats(min_value=0, max_value=2 * LONGEST_S), st.floats(min_value=0, max_value=2 * LONGEST_S)
).map(lambda pair: Observation(min(pair), max(pair)))


def median_s(survival: Survival) -> float:
    place = next(place for place, share in enumerate(survival.share) if share < 0.5)
    return place * survival.step_s


@settings(deadline=None)
@given(st.lists(spans, max_size=40))
def test_a_survival_function_falls_from_one_to_nearly_nothing(seen):
    share = estimate(seen).share

    assert share[0] == 1.0
    assert all(0 <= after <= before for before, after in pairwise(share))
    assert share[-1] < 0.01


def test_without_history_the_prior_speaks():
    assert median_s(estimate([])) == pytest.approx(120, rel=0.03)


def test_two_hundred_say_it_themselves():
    dice = random.Random(1)
    seen = [dice.lognormvariate(5, 0.2) for _ in range(200)]  # median 148 s

    found = estimate([Observation(taken, taken) for taken in seen])

    assert median_s(found) == pytest.approx(148, rel=0.04)
    assert found.mean_s == pytest.approx(sum(seen) / len(seen), rel=0.03)


def test_five_move_the_prior_but_do_not_silence_it():
    found = median_s(estimate([Observation(30, 30)] * 5))

    assert 30 < found < 118


def test_looks_in_between_do_not_become_the_ends():
    """Looks every 30 s saw them end: the mass lies between the looks, not at them."""
    dice = random.Random(2)
    seen = []
    for _ in range(200):
        taken = dice.lognormvariate(4.79, 0.3)
        seen.append(Observation(taken // 30 * 30, taken // 30 * 30 + 30))

    found = estimate(seen)

    assert median_s(found) == pytest.approx(120, rel=0.04)
    steps = [before - after for before, after in pairwise(found.share)]
    inside = steps[round(100 / found.step_s) : round(140 / found.step_s)]
    assert max(inside) < 1.6 * min(inside)


@pytest.mark.parametrize(
    "looks", [[0, 105, 117, 129, 145, 170, 220, LONGEST_S], [*range(0, 401, 50), LONGEST_S]]
)
def test_what_ended_before_a_late_first_look_did_not_end_long_before_it(looks):
    """A first look after half a distribution does not make it wider."""
    true = NormalDist(math.log(120), 0.2)
    takes = [math.exp(true.inv_cdf((place + 0.5) / 200)) for place in range(200)]
    spans = list(pairwise(looks))

    found = estimate(
        [next(Observation(*span) for span in spans if taken <= span[1]) for taken in takes]
    )

    early = 1 - found.share[round(82 / found.step_s)]
    assert early == pytest.approx(true.cdf(math.log(82)), abs=0.02)  # 0.03


def test_a_provider_that_became_faster_is_looked_for_earlier():
    """All were found by the first look at 48 s: they ended before, nobody knows when."""
    found = estimate([Observation(0, 48)] * 50)

    assert median_s(found) < 40
