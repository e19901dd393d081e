"""The real polling policy on a fake clock: one video after the other, or many at a time."""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from core.polling import Limits, Schedule, next_look_s, schedule_of
from core.survival import Observation
from tests.benchmarks.engine.inspection import Lognormal
from workers.pace import Pace

LIMITS = Limits(polls_per_minute=60)
# A callback's way, from the provider's end to our look: `calling_back` measures what this machine
# has of it; the rest, a new TLS connection from far away, is assumed.
LOCAL_S = 0.1
INTERNET_S = 0.1


@dataclass(frozen=True, slots=True)
class Replayed:
    """Looks per video and seconds from its end to the look that found it, on average.

    A look is one call to the provider; with the first API of MiniMax the last look is two.
    """

    looks: float
    delay_s: float


def sampled(durations: Lognormal, dice: random.Random, size: int = 200) -> Schedule:
    """Return the schedule that follows from so many videos, seen exactly."""
    seen = [durations.draw(dice) for _ in range(size)]
    return schedule_of([Observation(taken, taken) for taken in seen])


def one_by_one(schedule: Schedule, takes: Sequence[float]) -> Replayed:
    """Poll videos that have the provider for themselves."""
    seen = [(taken, *_looked_at(schedule, taken)) for taken in takes]
    return Replayed(
        looks=fmean(looks for _, looks, _, _ in seen),
        delay_s=fmean(latest - taken for taken, _, _, latest in seen),
    )


def _looked_at(
    schedule: Schedule, taken: float, *, callback_expected: bool = False
) -> tuple[int, float, float]:
    """Return the looks at one video, and the ages at the last two of them."""
    looks, earliest, latest = 0, 0.0, 0.0
    while latest < taken:
        earliest = latest
        latest += next_look_s(
            schedule,
            age_s=latest,
            in_flight=1,
            limits=LIMITS,
            callback_expected=callback_expected,
        )
        looks += 1
    return looks, earliest, latest


def learning(durations: Lognormal, dice: random.Random, *, unseen: int, videos: int) -> Replayed:
    """Start without history, learn from what looks have seen; the first `unseen` do not count."""
    seen: list[Observation] = []
    counts, delays = [], []
    schedule = schedule_of(seen)
    for number in range(unseen + videos):
        if number % 20 == 0:
            schedule = schedule_of(seen[-200:])
        taken = durations.draw(dice)
        looks, earliest, latest = _looked_at(schedule, taken)
        seen.append(Observation(earliest, latest))
        counts.append(looks)
        delays.append(latest - taken)
    return Replayed(looks=fmean(counts[unseen:]), delay_s=fmean(delays[unseen:]))


def with_callbacks(schedule: Schedule, takes: Sequence[float], *, lost_share: float) -> Replayed:
    """Look as a net beneath callbacks, of which a share gets lost.

    Each video counts as lost by that share, which leaves less to chance than dice would. The look
    that a callback causes is instead of the one that would have found it: none is saved.
    """
    looks, delays = [], []
    for taken in takes:
        count, _, found = _looked_at(schedule, taken, callback_expected=True)
        looks.append(count)
        late_s = found - taken
        delays.append(lost_share * late_s + (1 - lost_share) * min(late_s, LOCAL_S + INTERNET_S))
    return Replayed(looks=fmean(looks), delay_s=fmean(delays))


def crowded(
    durations: Lognormal, *, in_flight: int, per_minute: int, videos: int, seed: int
) -> Replayed:
    """Keep so many videos in flight and look in order of due time, as turns come."""
    dice = random.Random(seed)
    schedule = sampled(durations, dice)
    limits = Limits(polls_per_minute=per_minute)
    now = 0.0
    pace = Pace(per_minute, clock=lambda: now)
    due: list[tuple[float, float, float]] = []  # next look, beginning, duration

    def plan(began: float, taken: float) -> None:
        wait_s = next_look_s(schedule, age_s=now - began, in_flight=in_flight, limits=limits)
        heapq.heappush(due, (now + wait_s, began, taken))

    for _ in range(in_flight):
        plan(now, durations.draw(dice))
    delays: list[float] = []
    looks: list[int] = [0]
    while len(delays) < videos * 1.2:
        now = max(now, due[0][0])
        if not pace.turns():
            now += 0.05
            continue
        pace.take(1)
        looks[-1] += 1
        _, began, taken = heapq.heappop(due)
        if now - began < taken:
            plan(began, taken)
            continue
        delays.append(now - began - taken)
        looks.append(0)
        plan(now, durations.draw(dice))
    return Replayed(looks=sum(looks[-videos - 1 :]) / videos, delay_s=fmean(delays[-videos:]))
