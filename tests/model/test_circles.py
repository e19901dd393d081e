"""What a fair scheduler leaves, and what it may go round for ever."""

import pytest

from tests.model.circles import circle
from tests.model.graph import Graph

REST = 9  # a state that no graph below goes on from


def graph(*moves: tuple[int, str, int]) -> Graph:
    made = Graph()
    for number in range(REST + 1):
        for source, name, target in moves:
            if source == number:
                made.add(name, target)
        made.end()
    return made


ROUND = [(0, "claim", 1), (1, "freed", 0)]


@pytest.mark.parametrize(
    ("moves", "states"),
    [
        (ROUND, {0, 1}),
        ([(0, "looked", 0)], {0}),
        ([*ROUND, (1, "stored", REST)], {0, 1}),
        ([*ROUND, (0, "claim", REST)], {0, 1}),
        ([*ROUND, (1, "stored", REST), (1, "stored", 0), (0, "stored", REST)], {0, 1}),
        ([*ROUND, (1, "send", 2), (2, "freed", 1), (2, "claim", 2)], {0, 1, 2}),
        ([*ROUND, (0, "looked", 2), (2, "looked", 0), (2, "send", REST)], {0, 1}),
        ([(0, "looked", 1), (1, "looked", 2), (2, "looked", 3), (3, "looked", 1)], {1, 2, 3}),
    ],
    ids=[
        "there and back",
        "on the spot",
        "past what is not possible all the time",
        "by a move that leads on elsewhere",
        "by a move that leads on from everywhere",
        "through a move that happens at last",
        "beside a move that happens at last",
        "after a way there",
    ],
)
def test_this_may_be_gone_round_for_ever(moves, states):
    found = circle(graph(*moves), set(range(REST)))

    assert found is not None
    assert found.states == states
    assert found.names == {name for source, name, to in moves if {source, to} <= states}


@pytest.mark.parametrize(
    "moves",
    [
        [(0, "claim", 1), (1, "stored", REST)],
        [*ROUND, (0, "made", REST), (1, "made", REST)],
        [*ROUND, (1, "send", REST)],
        [*ROUND, (1, "send", 2), (2, "lost_sight", REST)],
        [(0, "claim", REST), (REST, "found", 0)],
    ],
    ids=[
        "straight on",
        "what stays possible is made",
        "what is possible again and again happens at last",
        "into another part",
        "through rest",
    ],
)
def test_this_is_left_at_last(moves):
    assert circle(graph(*moves), set(range(REST))) is None
