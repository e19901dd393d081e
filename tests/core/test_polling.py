import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.polling import STALLED_S, Limits, Schedule, next_look_s, schedule_of
from core.survival import Observation

DAY_S = 24 * 3600.0
PRIOR = schedule_of([])
NARROW = schedule_of([Observation(100 + n, 101 + n) for n in range(50)])
ALONE = Limits(polls_per_minute=60)

ages = st.floats(min_value=0, max_value=7 * DAY_S)
crowds = st.integers(min_value=0, max_value=20_000)
limits_of = st.builds(
    Limits,
    polls_per_minute=st.integers(min_value=1, max_value=6000),
    longest_pause_s=st.floats(min_value=0.05, max_value=600),
)


def looks(
    schedule: Schedule, *, until_s: float, in_flight: int = 1, called: bool = False
) -> list[float]:
    """Return the ages at which a video that does not end is looked at."""
    found = [0.0]
    while found[-1] < until_s:
        wait_s = next_look_s(
            schedule,
            age_s=found[-1],
            in_flight=in_flight,
            limits=ALONE,
            callback_expected=called,
        )
        found.append(found[-1] + wait_s)
    return found[1:]


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([PRIOR, NARROW]), ages, crowds, limits_of, st.booleans())
def test_the_next_look_is_always_ahead_and_within_the_limits(
    schedule, age_s, in_flight, limits, called
):
    wait_s = next_look_s(
        schedule, age_s=age_s, in_flight=in_flight, limits=limits, callback_expected=called
    )

    assert 0 < limits.shortest_step_s <= wait_s <= limits.longest_pause_s


@settings(deadline=None, max_examples=25)  # each makes a dozen plans
@given(
    st.lists(st.floats(min_value=0.5, max_value=5000), max_size=60),
    st.floats(min_value=0, max_value=STALLED_S - 1),
)
def test_alone_a_look_comes_after_three_seconds_to_a_minute(took, age_s):
    schedule = schedule_of([Observation(taken, taken) for taken in took])
    first_s = next_look_s(schedule, age_s=0, in_flight=1, limits=ALONE)

    wait_s = next_look_s(schedule, age_s=age_s, in_flight=1, limits=ALONE)

    assert 3 <= first_s <= 600
    assert 3 <= wait_s <= (60 if age_s > first_s else 600)


def test_the_first_look_waits_until_one_may_have_ended():
    assert 40 < looks(PRIOR, until_s=1)[0] < 60
    assert 90 < looks(NARROW, until_s=1)[0] < 120


def test_a_stalled_video_is_looked_at_ever_more_rarely_but_for_ever():
    found = [age_s for age_s in looks(PRIOR, until_s=DAY_S) if age_s >= STALLED_S]
    waits = [round(after - before, 6) for before, after in pairwise(found)]

    assert waits == sorted(waits)
    assert waits[0] >= 60
    assert waits[-1] == pytest.approx(600)


@pytest.mark.parametrize("in_flight", [20, 50, 100, 1000])
def test_a_crowd_asks_for_hardly_more_than_the_shared_rate(in_flight):
    """Followed from 0 to its end, a video takes its share of the turns and little more."""
    dice = random.Random(3)
    polls = in_flight_s = 0.0
    for _ in range(300):
        taken = dice.lognormvariate(4.787, 0.557)
        found = looks(PRIOR, until_s=taken, in_flight=in_flight)
        polls += len(found)
        in_flight_s += found[-1]

    assert 0.75 <= in_flight * polls / in_flight_s <= 1.45  # per second; allowed: 1


def test_beside_callbacks_polls_are_a_net():
    net = looks(PRIOR, until_s=300, called=True)

    assert len(net) <= 6
    assert net[0] > 100
