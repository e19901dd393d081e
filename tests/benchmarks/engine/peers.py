"""Submit → claimed: our worker beside Procrastinate's and pgqueuer's, all three idle and listening.

From before the job is filed until a worker begins with it, its claim
committed; every commit is on disk before it is answered. The least that this
can take is the filing itself (insert and commit): ours is a ratio of it, too.
"""

import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.engine import contestants, ground
from tests.benchmarks.engine.contestants import LIMIT_S, Lane
from tests.benchmarks.figures import Figures, percentile

ROUNDS = 3
JOBS = 150
PAUSE_S = (0.02, 0.06)
WARM_UP = 10
SEED = 20251124
GOALS = {"procrastinate": 0.5, "pgqueuer": 0.8}
FILING_GOAL = 1.5
MS = 1e-6

Waits = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Round:
    """By queue, the milliseconds of each job: its filing, and that until its worker began."""

    filing: Waits
    claimed: Waits

    @property
    def after_commit(self) -> Waits:
        """What the filing had no part in."""
        return {
            queue: [
                claimed - filing
                for claimed, filing in zip(self.claimed[queue], self.filing[queue], strict=True)
            ]
            for queue in self.claimed
        }


def measure(figures: Figures) -> None:
    """Print p50 and p95 of each, and ours against theirs."""
    figures.seeded("submit_to_claimed.seed", SEED)
    dice = random.Random(SEED)
    with ground.ground() as databases, ExitStack() as stack:
        found = contestants.queues(databases)
        lanes = [stack.enter_context(contestants.lane(queue)) for queue in found]
        time.sleep(2)  # the last one may still be starting to listen
        _round(lanes, "warm", WARM_UP, dice)
        rounds = [_round(lanes, str(number), JOBS, dice) for number in range(ROUNDS)]
    _print(figures, [each.filing for each in rounds], "insert_and_commit")
    _print(figures, [each.claimed for each in rounds], "submit_to_claimed")
    _print(figures, [each.after_commit for each in rounds], "commit_to_claimed")
    _compare(figures, rounds)


def _compare(figures: Figures, rounds: Sequence[Round]) -> None:
    for peer, goal in GOALS.items():
        ratios = [
            percentile(each.claimed["ours"], 0.95) / percentile(each.claimed[peer], 0.95)
            for each in rounds
        ]
        figures.measured(f"submit_to_claimed.p95_vs_{peer}", median(ratios), "ratio", goal=goal)
    ratios = [
        percentile(each.claimed["ours"], 0.5) / percentile(each.filing["ours"], 0.5)
        for each in rounds
    ]
    name = "submit_to_claimed.p50_vs_insert_and_commit"
    figures.measured(name, median(ratios), "ratio", goal=FILING_GOAL)


def _round(lanes: Sequence[Lane], name: str, jobs: int, dice: random.Random) -> Round:
    """File spaced jobs with each in turn."""
    filed: dict[tuple[str, str], tuple[int, int]] = {}
    for number in range(jobs):
        for lane in dice.sample(lanes, len(lanes)):
            key = f"{name}-{number}"
            filed[lane.queue.name, key] = lane.submit(key)
            time.sleep(dice.uniform(*PAUSE_S))
    begun = {lane.queue.name: _all_begun(lane, f"{name}-{jobs - 1}") for lane in lanes}
    filing: Waits = {lane.queue.name: [] for lane in lanes}
    claimed: Waits = {lane.queue.name: [] for lane in lanes}
    for (queue, key), (before_ns, committed_ns) in filed.items():
        filing[queue].append((committed_ns - before_ns) * MS)
        claimed[queue].append((begun[queue][key] - before_ns) * MS)
    return Round(filing, claimed)


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
