"""Everything that may happen next, by name, and how to tell it to a reader."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.model import leasing, listing, reading, sending, sweeping, world
from tests.model import state as s
from tests.model.rules import Rules
from tests.model.shortcuts import shortened
from tests.model.state import State

Move = tuple[str, int, State]  # its name, the worker or -1, and what is then

_STEPS: Final[Mapping[str, Callable[[State, int, Rules], leasing.Steps]]] = {
    s.IDLE: leasing.claim,
    s.CLAIMED: sending.from_claimed,
    s.INTENDED: sending.from_intended,
    s.WAITING: sending.from_waiting,
    s.HOLDS_ANSWER: sending.from_answer,
    s.HOLDS_REFUSAL: sending.from_refusal,
    s.HOLDS_NOT_SENT: sending.from_not_sent,
    s.HOLDS_NOTHING: sending.from_nothing,
    s.SPOOLED: sending.from_spooled,
    s.UNMARKED: sending.from_unmarked,
    s.LOOKING: reading.from_looking,
    s.CANCELLING: reading.from_cancelling,
    s.COPYING: reading.from_copying,
}

# What only a fault brings about, and what only a person or a limit does: with faults
# stopped, and nobody deciding anything, a job has to get on without them.
FAULTS: Final = frozenset(
    {"crash", "power_cut", "reply_lost", "not_taken", "forged_callback", "late_callback", "retry"}
)
DECISIONS: Final = frozenset(
    {"send_again", "give_up", "stop_waiting", "cancel", "expire", "ask_to_cancel"}
)


def by_itself(name: str, before: State) -> bool:
    """Whether a move needs neither a fault nor a person.

    A lease that ends while its holder could go on is a pause, and that is a fault.
    """
    if name == "lease_ends":
        return not any(worker.current and not worker.late for worker in before.workers)
    return name not in FAULTS and name not in DECISIONS


def moves(state: State, rules: Rules) -> Iterator[Move]:
    """Yield every next move of everybody."""
    for name, number, after in _all(state, rules):
        yield name, number, shortened(after, rules)


def _all(state: State, rules: Rules) -> Iterator[Move]:
    seen: set[s.Worker] = set()
    for number, worker in enumerate(state.workers):
        if worker in seen:
            continue  # the same step by a worker just like another
        seen.add(worker)
        for name, after in _STEPS[worker.at](state, number, rules):
            yield name, number, after
        if worker.at != s.IDLE:
            yield "crash", number, leasing.idle(state, number)
    for name, after in _of_nobody(state, rules):
        yield name, -1, after


def _of_nobody(state: State, rules: Rules) -> sweeping.Moves:
    yield from world.time_passes(state, rules)
    yield from world.requests_arrive(state, rules)
    yield from world.people_decide(state, rules)
    yield from sweeping.sweep(state, rules)
    yield from sweeping.recover(state, rules)
    yield from sweeping.permits(state, rules)
    yield from world.power_fails(state, rules)
    if rules.is_edit:
        return
    yield from sweeping.recheck(state, rules)
    yield from world.videos_are_made(state)
    if rules.callbacks:
        yield from world.callbacks_come(state, rules)
    if rules.lists:
        yield from listing.read(state, rules)
        yield from listing.match(state, rules)
    if rules.neighbour:
        yield from world.neighbour_goes_on(state)


def start(rules: Rules) -> State:
    """Return the state after `runs.create`."""
    return State(workers=(s.Worker(),) * rules.workers)
