"""The real polling policy against what is best, on a fake clock.

The policy knows 200 samples of the true distribution and is judged by fresh ones.
"""

import random
from statistics import fmean

from tests.benchmarks.engine.inspection import Lognormal, fewest_looks, index_delay_s
from tests.benchmarks.engine.replays import (
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


def measure(figures: Figures) -> None:
    """Print every figure of polling."""
    figures.seeded("polling.seed", SEED)
    for sigma in SIGMAS:
        durations = Lognormal(sigma)
        _alone(figures, durations)
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
    figures.measured(f"polling.vs_optimum.sigma_{sigma}", mean.looks / optimum, "ratio", goal=1.05)
    figures.measured(f"polling.mean_delay.sigma_{sigma}", mean.delay_s, "s", goal=5)
    figures.told(f"polling.per_video.sigma_{sigma}", mean.looks, "polls")
    figures.told(f"polling.optimum.sigma_{sigma}", optimum, "polls")
    worst = max(each.delay_s for each in found)
    figures.told(f"polling.mean_delay_worst_history.sigma_{sigma}", worst, "s")
    learned = learning(durations, dice, unseen=400, videos=1600)
    figures.told(f"polling.learned.per_video.sigma_{sigma}", learned.looks, "polls")
    figures.told(f"polling.learned.mean_delay.sigma_{sigma}", learned.delay_s, "s")


def _called_back(figures: Figures, durations: Lognormal) -> None:
    sigma = durations.sigma
    dice = random.Random(SEED)
    mean = _mean(
        [
            with_callbacks(
                sampled(durations, dice), [durations.draw(dice) for _ in range(VIDEOS)], dice
            )
            for _ in range(HISTORIES)
        ]
    )
    figures.measured(f"polling.with_callbacks.delay.sigma_{sigma}", mean.delay_s, "s", goal=1)
    figures.measured(f"polling.with_callbacks.calls.sigma_{sigma}", mean.looks, "polls", goal=2)


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
