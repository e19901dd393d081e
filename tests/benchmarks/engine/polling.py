"""The real polling policy against what is best, on a fake clock.

The policy knows 200 samples of the true distribution and is judged by fresh ones; or it has
learned from its own looks alone, as a bench does that no callback reaches.
"""

import random
from statistics import fmean

from tests.benchmarks.engine.inspection import Lognormal, fewest_looks, index_delay_s
from tests.benchmarks.engine.replays import (
    INTERNET_S,
    LOCAL_S,
    Replayed,
    crowded,
    learning,
    one_by_one,
    sampled,
    with_callbacks,
)
from tests.benchmarks.figures import Figures

SIGMAS = (0.557, 0.2)  # everything together; one model, resolution and length
SEED = 20251123
HISTORIES = 40
VIDEOS = 600
IN_FLIGHT = 50
PER_MINUTE = 60
LEARNERS, UNSEEN, LEARNED = 6, 400, 1600
NEAR_OPTIMUM = 1.05
# What we promise, and what no net of two looks holds at a spread of 0.557: with 3 % lost these
# would have to be found 27 s after their end, and the best plan of two looks takes 35.
LOST = 0.02
DELAY_GOAL_S = 1.0
LOST_BEYOND = 0.03
CALLS_GOAL = 2  # about one video, with callbacks
# Calls to the provider beside the looks. No plan holds both goals with the first API: with one
# look less, the few whose callback is lost are found so late that the mean delay is 1.5 to 3.5 s.
BESIDE_LOOKS = {"v1": 1, "v2": 0}


def measure(figures: Figures) -> None:
    """Print every figure of polling."""
    figures.seeded("polling.seed", SEED)
    figures.told("polling.with_callbacks.way_assumed", LOCAL_S + INTERNET_S, "s")
    for sigma in SIGMAS:
        durations = Lognormal(sigma)
        _alone(figures, durations)
        _learned(figures, durations)
        _called_back(figures, durations)
        _crowded(figures, durations)


def _alone(figures: Figures, durations: Lognormal) -> None:
    sigma = durations.sigma
    optimum = fewest_looks(durations, delay_s=5.0)
    dice = random.Random(SEED)
    found = [
        one_by_one(sampled(durations, dice), [durations.draw(dice) for _ in range(VIDEOS)])
        for _ in range(HISTORIES)
    ]
    mean = _mean(found)
    figures.measured(
        f"polling.vs_optimum.sigma_{sigma}", mean.looks / optimum, "ratio", goal=NEAR_OPTIMUM
    )
    figures.measured(f"polling.mean_delay.sigma_{sigma}", mean.delay_s, "s", goal=5)
    figures.told(f"polling.per_video.sigma_{sigma}", mean.looks, "looks")
    figures.told(f"polling.optimum.sigma_{sigma}", optimum, "looks")
    worst = max(each.delay_s for each in found)
    figures.told(f"polling.mean_delay_worst_history.sigma_{sigma}", worst, "s")


def _learned(figures: Figures, durations: Lognormal) -> None:
    """Judge it at its own mean delay: learned from intervals, it is a little early."""
    mean = _mean(
        [
            learning(durations, random.Random(SEED + turn), unseen=UNSEEN, videos=LEARNED)
            for turn in range(LEARNERS)
        ]
    )
    name, sigma = "polling.learned", f"sigma_{durations.sigma}"
    optimum = fewest_looks(durations, delay_s=mean.delay_s)
    figures.measured(f"{name}.vs_optimum.{sigma}", mean.looks / optimum, "ratio", goal=NEAR_OPTIMUM)
    figures.measured(f"{name}.mean_delay.{sigma}", mean.delay_s, "s", goal=5)
    figures.told(f"{name}.per_video.{sigma}", mean.looks, "looks")


def _called_back(figures: Figures, durations: Lognormal) -> None:
    name, sigma = "polling.with_callbacks", f"sigma_{durations.sigma}"
    promised = _beneath_callbacks(durations, LOST)
    lost = f"{100 * LOST:g}_percent_lost"
    figures.measured(f"{name}.{lost}.delay.{sigma}", promised.delay_s, "s", goal=DELAY_GOAL_S)
    # The way is partly assumed: this is how long it may be before the goal is missed.
    spare_s = (DELAY_GOAL_S - promised.delay_s) / (1 - LOST)
    figures.told(f"{name}.{lost}.longest_way.{sigma}", LOCAL_S + INTERNET_S + spare_s, "s")
    figures.told(f"{name}.{lost}.looks.{sigma}", promised.looks, "looks")
    for api, more in BESIDE_LOOKS.items():
        calls = promised.looks + more
        figures.measured(f"{name}.{lost}.calls.{api}.{sigma}", calls, "calls", goal=CALLS_GOAL)
    beyond = _beneath_callbacks(durations, LOST_BEYOND)
    lost = f"{100 * LOST_BEYOND:g}_percent_lost"
    figures.told(f"{name}.{lost}.delay.{sigma}", beyond.delay_s, "s")
    figures.told(f"{name}.{lost}.looks.{sigma}", beyond.looks, "looks")


def _beneath_callbacks(durations: Lognormal, lost_share: float) -> Replayed:
    dice = random.Random(SEED)
    return _mean(
        [
            with_callbacks(
                sampled(durations, dice),
                [durations.draw(dice) for _ in range(VIDEOS)],
                lost_share=lost_share,
            )
            for _ in range(HISTORIES)
        ]
    )


def _crowded(figures: Figures, durations: Lognormal) -> None:
    ours = _mean(
        [
            crowded(
                durations, in_flight=IN_FLIGHT, per_minute=PER_MINUTE, videos=8000, seed=SEED + turn
            )
            for turn in range(4)
        ]
    )
    index_s = index_delay_s(
        durations, in_flight=IN_FLIGHT, per_minute=PER_MINUTE, videos=32_000, seed=SEED
    )
    name = f"polling.n50.delay_vs_index.sigma_{durations.sigma}"
    figures.measured(name, ours.delay_s / index_s, "ratio", goal=1.03)
    figures.told(f"polling.n50.delay.sigma_{durations.sigma}", ours.delay_s, "s")
    figures.told(f"polling.n50.index_delay.sigma_{durations.sigma}", index_s, "s")


def _mean(found: list[Replayed]) -> Replayed:
    return Replayed(
        looks=fmean(each.looks for each in found), delay_s=fmean(each.delay_s for each in found)
    )
