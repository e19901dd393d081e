"""When to ask next how a video stands. Pure: ages and counts in, seconds out.

A look has a price, in seconds of delay that it must save, and the highest of three decides: the
one at which the mean delay reaches 5 s; where polls per minute are scarce, the one at which
everything in flight asks for just these, in order of due time (which comes near the index policy:
whose next look is overdue at the highest price); and where a callback tells us anyway, the one
at which polls are but a net beneath it.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.inspection import LONGEST_STEP_S, SHORTEST_STEP_S, Plan, plan
from core.survival import Observation, Survival, estimate

MEAN_DELAY_S: Final = 4.9  # from the provider's end to our look; promised: 5
# A net of so many looks, with the one that finds it: callback or not, a video costs as many. Two
# are allowed, and an estimate is not exact.
LOOKS_BESIDE_CALLBACKS: Final = 1.92
STALLED_S: Final = 30 * 60.0
STALLED_STEP_S: Final = 600.0
LONGEST_FIRST: Final = 10  # times the longest step: how late the first look may be
ASKED_FOR: Final = 1.3  # times the shared rate: a short queue of due looks lets no turn pass unused

_CHEAPEST_S: Final = 0.01
_RATIO: Final = 1.03
_RUNGS: Final = 400  # up to about 1 400 s a look


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What all polling keeps to; the longest pause is there to be shortened by tests."""

    polls_per_minute: int
    longest_pause_s: float = 3600.0

    @property
    def shortest_step_s(self) -> float:
        """How soon after a look another one makes sense."""
        return min(SHORTEST_STEP_S, self.longest_pause_s)

    def turn_s(self, in_flight: int) -> float:
        """Return how long it takes until each of so many videos has had one poll."""
        return max(in_flight, 1) * 60.0 / self.polls_per_minute


@dataclass(frozen=True, slots=True)
class Schedule:
    """The plans of one kind of video at rising prices, each made when it is first needed.

    Safe to share between threads: at worst a plan is made twice.
    """

    survival: Survival
    _plans: dict[int, Plan] = field(default_factory=dict)

    def at(self, rung: int) -> Plan:
        """Return the plan at a rung of the ladder of prices."""
        if rung not in self._plans:
            self._plans[rung] = plan(self.survival, price_s=_CHEAPEST_S * _RATIO**rung)
        return self._plans[rung]

    def highest(self, within: Callable[[Plan], bool]) -> int:
        """Return the highest rung whose plan is within a bound that rising prices leave."""
        low, high = 0, _RUNGS
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if within(self.at(middle)) else (low, middle - 1)
        return low


def is_stalled(since: datetime, *, at: datetime) -> bool:
    """Return whether a provider has worked for far longer than any video takes."""
    return (at - since).total_seconds() >= STALLED_S


def schedule_of(observations: Sequence[Observation]) -> Schedule:
    """Return the schedule that fits what was seen of the last videos of a kind.

    All kinds of which nothing was seen have one: its plans take 10 to 30 ms to make.
    """
    return Schedule(estimate(observations)) if observations else _of_the_unknown()


@functools.cache
def _of_the_unknown() -> Schedule:
    return Schedule(estimate(()))


def next_look_s(
    schedule: Schedule,
    *,
    age_s: float,
    in_flight: int,
    limits: Limits,
    callback_expected: bool = False,
) -> float:
    """Return the seconds from a look at `age_s` (0: from the start) to the next one.

    At least 3 s and at most 60 s, but for the first look, for what the shared rate forbids, and
    for stalled videos: they are asked for ever more rarely, down to once in ten minutes.
    """
    turn_s = limits.turn_s(in_flight)
    if age_s >= STALLED_S:
        return min(max(_stalled_s(age_s), turn_s), limits.longest_pause_s)
    plan = _plan(schedule, turn_s, callback_expected=callback_expected)
    longest_s = max(LONGEST_STEP_S, 2 * turn_s)
    if age_s < plan.first_s:
        longest_s *= LONGEST_FIRST
    longest_s = min(longest_s, limits.longest_pause_s)
    # Beyond the top of the ladder there is less than one poll for each video: they take turns.
    crowding = max(1.0, turn_s / (ASKED_FOR * plan.pace_s))
    return min(max(plan.wait_s(age_s) * crowding, limits.shortest_step_s), longest_s)


def _plan(schedule: Schedule, turn_s: float, *, callback_expected: bool) -> Plan:
    rungs = [
        schedule.highest(lambda plan: plan.delay_s <= MEAN_DELAY_S),
        schedule.highest(lambda plan: plan.pace_s <= turn_s / ASKED_FOR),
    ]
    if callback_expected:
        rungs.append(schedule.highest(lambda plan: plan.looks >= LOOKS_BESIDE_CALLBACKS))
    return schedule.at(max(rungs))


def _stalled_s(age_s: float) -> float:
    return min(LONGEST_STEP_S * (age_s / STALLED_S) ** 2, STALLED_STEP_S)
