"""Submit → claimed: our worker beside Procrastinate's and pgqueuer's, all three idle and listening.

From before the job is filed until a worker begins with it, its claim
committed; every commit is on disk before it is answered.
"""

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median

from tests.benchmarks.engine import contestants, ground
from tests.benchmarks.engine.contestants import LIMIT_S, Lane
from tests.benchmarks.figures import Figures, percentile

ROUNDS = 3
JOBS = 150
PAUSE_S = (0.02, 0.06)
WARM_UP = 10
GOALS = {"procrastinate": 0.5, "pgqueuer": 0.8}
MS = 1e-6

Waits = dict[str, list[float]]


def measure(figures: Figures) -> None:
    """Print p50 and p95 of each, and ours against theirs."""
    with ground.ground() as databases, ExitStack() as stack:
        found = contestants.queues(databases)
        lanes = [stack.enter_context(contestants.lane(queue)) for queue in found]
        time.sleep(2)  # the last one may still be starting to listen
        _round(lanes, "warm", WARM_UP)
        rounds = [_round(lanes, str(number), JOBS) for number in range(ROUNDS)]
    _print(figures, [waits for waits, _ in rounds], "submit_to_claimed")
    _print(figures, [waits for _, waits in rounds], "commit_to_claimed")
    for peer, goal in GOALS.items():
        ratios = [
            percentile(waits["ours"], 0.95) / percentile(waits[peer], 0.95) for waits, _ in rounds
        ]
        figures.measured(f"submit_to_claimed.p95_vs_{peer}", median(ratios), "ratio", goal=goal)


def _round(lanes: Sequence[Lane], name: str, jobs: int) -> tuple[Waits, Waits]:
    """File spaced jobs with each in turn; return ms from the filing's begin and from its commit."""
    filed: dict[tuple[str, str], tuple[int, int]] = {}
    for number in range(jobs):
        for lane in random.sample(lanes, len(lanes)):
            key = f"{name}-{number}"
            filed[lane.queue.name, key] = lane.submit(key)
            time.sleep(random.uniform(*PAUSE_S))
    begun = {lane.queue.name: _all_begun(lane, f"{name}-{jobs - 1}") for lane in lanes}
    whole: Waits = {lane.queue.name: [] for lane in lanes}
    after: Waits = {lane.queue.name: [] for lane in lanes}
    for (queue, key), (before_ns, committed_ns) in filed.items():
        whole[queue].append((begun[queue][key] - before_ns) * MS)
        after[queue].append((begun[queue][key] - committed_ns) * MS)
    return whole, after


def _all_begun(lane: Lane, last: str) -> Mapping[str, int]:
    deadline = time.monotonic() + LIMIT_S
    while last not in lane.begun_ns:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{lane.queue.name} never began with {last!r}.")
        time.sleep(0.01)
    return lane.begun_ns


def _print(figures: Figures, rounds: Sequence[Waits], name: str) -> None:
    for queue in rounds[0]:
        for share in (0.5, 0.95):
            value = median(percentile(waits[queue], share) for waits in rounds)
            figures.told(f"{name}.{queue}.p{round(100 * share)}", value, "ms")
