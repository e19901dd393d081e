import math
import random

import pytest

from core.interval_fit import fitted


def test_exact_draws_have_their_own_mean_and_spread():
    found = fitted([(2, 2), (4, 4), (6, 6)], begin=[2, 4, 6], least=0.1)

    assert found.mean == pytest.approx(4)
    assert found.stdev == pytest.approx(math.sqrt(8 / 3))


def test_intervals_are_as_good_where_they_show_both_sides():
    dice = random.Random(1)
    draws = [dice.gauss(50, 10) for _ in range(4000)]
    intervals = [(draw // 8 * 8, draw // 8 * 8 + 8) for draw in draws]

    found = fitted(intervals, begin=[low + 4 for low, _ in intervals], least=0.1)

    assert found.mean == pytest.approx(50, abs=0.6)
    assert found.stdev == pytest.approx(10, rel=0.04)


def test_an_interval_that_reaches_far_back_hides_its_draws_near_its_end():
    dice = random.Random(2)
    draws = [dice.gauss(50, 10) for _ in range(4000)]
    intervals = [(-1000, 45) if draw < 45 else (draw, draw) for draw in draws]

    found = fitted(intervals, begin=[high for _, high in intervals], least=0.1)

    assert found.mean == pytest.approx(50, abs=0.6)
    assert found.stdev == pytest.approx(10, rel=0.06)


def test_the_spread_is_never_less_than_asked():
    assert fitted([(3, 3), (3, 3)], begin=[3, 3], least=1.0).stdev == 1.0


def test_an_interval_where_nothing_is_expected_counts_by_its_middle():
    found = fitted([(0, 0)] * 99 + [(1000, 1010)], begin=[0] * 100, least=1.0)

    assert found.mean == pytest.approx(10, abs=0.1)
