"""Every state of the paid-call protocol, and not one that violates an invariant."""

from dataclasses import replace
from functools import cache

import pytest

from core.stages import NEXT, Stage
from tests.model.search import Found, search
from tests.model.searches import EDIT, EVERY_RUN
from tests.model.story import TOLD, told

# What a mutant alone may do.
FORBIDDEN = {"again_unasked", "answer_lost", "deadline_passes", "index_refuses", "settled"}
FORBIDDEN |= {"library_sends_again"}

# The table allows more than the protocol does: what a provider does to a task while its result
# is being copied, say.
UNUSED = {
    (Stage.STORING, Stage.FAILED),
    (Stage.STORING, Stage.EXPIRED),
}

# About what is found today. A search that finds much less has lost a move, or forgets too much.
LEAST = {
    "edit": 16_000,
    "v1 with callbacks": 58_000,
    "v1 without callbacks, every step": 32_000,
    "v1 with late callbacks, no consent": 12_000,
    "v2 with the list": 56_000,
    "v2 with callbacks and the list, no consent": 1_500,
    "v2 with an equal job beside it, no consent": 4_300,
    "v2 that may be cancelled": 19_000,
}


@cache
def searched(name: str) -> Found:
    return search(EVERY_RUN[name])


@pytest.mark.parametrize("name", EVERY_RUN)
def test_no_state_violates_an_invariant(name):
    found = searched(name)

    print(f"model {name!r}: {found.states} states, {found.moves} moves")
    assert not found.invariant, told(found)
    assert "no_room" not in found.names, "the search is too small"
    assert found.states >= LEAST[name]


def test_every_move_that_can_be_told_is_made():
    made = set().union(*(searched(name).names for name in EVERY_RUN))

    assert made == TOLD.keys() - FORBIDDEN


def test_every_change_of_stage_that_the_table_allows_is_made():
    made = set().union(*(searched(name).changes for name in EVERY_RUN))
    allowed = {(source, to) for source, following in NEXT.items() for to in following}

    assert made == {(source.value, to.value) for source, to in allowed - UNUSED}


def test_the_unique_index_is_a_second_lock():
    found = search(replace(EDIT, one_live_attempt=False))

    assert not found.invariant, told(found)
