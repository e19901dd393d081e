"""The life of a task, on a clock that is only a number."""

import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.simulators.minimax import models
from deploy.local.simulators.minimax.walk import (
    FINAL,
    Phase,
    Walk,
    changes,
    drawn,
    standing,
)

WALK = Walk(created_at=100, queueing_at=105, processing_at=120, ends_at=200)


def phases(walk: Walk) -> list[Phase]:
    return [each.phase for each in changes(walk)]


@pytest.mark.parametrize(
    ("now", "phase", "since"),
    [
        (99, Phase.PREPARING, 100),  # a clock that was set back
        (100, Phase.PREPARING, 100),
        (104.9, Phase.PREPARING, 100),
        (105, Phase.QUEUEING, 105),
        (120, Phase.PROCESSING, 120),
        (199.9, Phase.PROCESSING, 120),
        (200, Phase.SUCCESS, 200),
        (10**9, Phase.SUCCESS, 200),
    ],
)
def test_the_time_alone_says_where_a_task_stands(now, phase, since):
    change = standing(WALK, now)

    assert (change.phase, change.at) == (phase, since)


def test_a_code_makes_the_end_a_failure():
    assert phases(replace(WALK, fail_code=1027))[-1] is Phase.FAIL


def test_a_stuck_task_processes_for_ever():
    assert standing(replace(WALK, ends_at=None), 10**12).phase is Phase.PROCESSING


def test_a_phase_of_no_length_is_skipped():
    skipping = replace(WALK, processing_at=105)

    assert phases(skipping) == [Phase.PREPARING, Phase.PROCESSING, Phase.SUCCESS]


def test_a_cancelled_task_goes_no_further():
    cancelled = replace(WALK, cancelled_at=110)

    assert phases(cancelled) == [Phase.PREPARING, Phase.QUEUEING, Phase.CANCELLED]
    assert standing(cancelled, 300).phase is Phase.CANCELLED


def test_the_same_seed_draws_the_same_life():
    one, two = (drawn("106", now=5, median_s=150, spread=0.5) for _ in range(2))

    assert one == two
    assert one != drawn("107", now=5, median_s=150, spread=0.5)


def test_a_fixed_length_is_kept_exactly():
    assert drawn("106", now=5, median_s=150, spread=0.5, fixed_s=3).ends_at == 8


def test_drawn_lengths_have_the_median_and_the_tail_of_the_lognormal():
    walks = [drawn(str(seed), now=0, median_s=100, spread=0.557) for seed in range(2000)]
    lengths = sorted(walk.ends_at or 0 for walk in walks)

    assert statistics.median(lengths) == pytest.approx(100, rel=0.05)
    assert lengths[1900] == pytest.approx(250, rel=0.15)


def test_some_tasks_skip_the_queue():
    walks = [drawn(str(seed), now=0, median_s=100, spread=0.5) for seed in range(200)]

    skipping = sum(Phase.QUEUEING not in phases(walk) for walk in walks)
    assert 30 < skipping < 90


@given(st.integers(), st.floats(0, 1e6), st.lists(st.floats(0, 2e6), min_size=2))
def test_a_task_never_goes_back(seed, median_s, times):
    walk = drawn(str(seed), now=0, median_s=median_s, spread=0.557)
    order = [*Phase]

    seen = [order.index(standing(walk, now).phase) for now in sorted(times)]

    assert seen == sorted(seen)
    assert changes(walk)[-1].phase in FINAL


@pytest.mark.parametrize(
    ("wanted", "model", "resolution", "duration_s", "median_s"),
    [
        (models.MEDIANS_S, "MiniMax-Hailuo-2.3", "768P", 6, 150),
        (models.MEDIANS_S, "MiniMax-Hailuo-2.3", "768P", 10, 250),
        (models.MEDIANS_S, "MiniMax-H3", "2K", 5, 417),
        (models.MEDIANS_S, "MiniMax-H3", "2K", 10, 834),
        (models.MEDIANS_S, "T2V-01", "720P", 6, models.MEDIAN_UNLISTED_S),
        ({"median": 7}, "MiniMax-H3", "2K", 15, 7),
    ],
)
def test_longer_clips_take_longer(wanted, model, resolution, duration_s, median_s):
    assert models.median_s(wanted, model, resolution, duration_s) == median_s
