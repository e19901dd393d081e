from workers.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def started(pace: Pace, clock: Clock, *, seconds: int) -> int:
    """Return how many polls start when every second as many start as may."""
    total = 0
    for _ in range(seconds):
        turns = pace.turns()
        pace.take(turns)
        total += turns
        clock.now += 1
    return total


def test_a_minute_holds_so_many_polls_and_a_small_burst():
    clock = Clock()

    assert 60 <= started(Pace(60, clock=clock), clock, seconds=60) <= 62


def test_rest_is_not_saved_up():
    clock = Clock()
    pace = Pace(60, clock=clock)
    clock.now += 3600

    assert pace.turns() == 2


def test_workers_share_the_rate():
    clock = Clock()
    pace = Pace(60, clock=clock)
    pace.shared_by(4)

    assert 15 <= started(pace, clock, seconds=60) <= 17
