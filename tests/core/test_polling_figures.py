"""The figures of `tests/benchmarks/engine/polling.py`, cheaper and with more room for chance."""

import random

import pytest

from tests.benchmarks.engine.inspection import Lognormal, fewest_looks
from tests.benchmarks.engine.replays import (
    crowded,
    learning,
    one_by_one,
    sampled,
    with_callbacks,
)

# What `fewest_looks` and `index_delay_s` find; the benchmark computes them anew.
OPTIMUM = {0.557: 10.97, 0.2: 4.415}
INDEX_DELAY_S = {0.557: 19.33, 0.2: 9.50}

pytestmark = pytest.mark.parametrize("sigma", [0.557, 0.2])


def test_the_optimum_is_what_it_was(sigma):
    found = fewest_looks(Lognormal(sigma), delay_s=5.0, grid_s=1.0)

    assert found == pytest.approx(OPTIMUM[sigma], rel=0.02)


def test_alone_the_polls_are_near_the_optimum_and_five_seconds_late(sigma):
    durations, dice = Lognormal(sigma), random.Random(4)
    found = [
        one_by_one(sampled(durations, dice), [durations.draw(dice) for _ in range(150)])
        for _ in range(10)
    ]

    looks = sum(each.looks for each in found) / len(found)
    delay_s = sum(each.delay_s for each in found) / len(found)
    assert delay_s <= 5.3
    assert looks * delay_s <= 1.08 * OPTIMUM[sigma] * 5.0  # a second less costs a fifth more


def test_beside_callbacks_two_looks_are_enough_though_two_percent_get_lost(sigma):
    durations, dice = Lognormal(sigma), random.Random(5)
    found = [
        with_callbacks(
            sampled(durations, dice),
            [durations.draw(dice) for _ in range(500)],
            lost_share=0.02,
        )
        for _ in range(6)
    ]

    assert sum(each.looks for each in found) / len(found) <= 2.05
    assert sum(each.delay_s for each in found) / len(found) <= 1


def test_learned_from_looks_alone_the_polls_are_as_near_the_optimum(sigma):
    found = learning(Lognormal(sigma), random.Random(6), unseen=100, videos=300)

    assert found.delay_s <= 5.3
    assert found.looks * found.delay_s <= 1.12 * OPTIMUM[sigma] * 5.0


def test_fifty_share_a_poll_a_second_as_the_index_policy_would(sigma):
    found = crowded(Lognormal(sigma), in_flight=50, per_minute=60, videos=1500, seed=6)

    assert found.delay_s <= 1.08 * INDEX_DELAY_S[sigma]
