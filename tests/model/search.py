"""Breadth first through every state; the shortest way to a violation; and back from rest."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.model.invariants import restless, violated
from tests.model.moves import DECISIONS, FAULTS, moves, start
from tests.model.rules import Rules
from tests.model.shortcuts import canonical
from tests.model.state import State

NOT_BY_ITSELF = FAULTS | DECISIONS


@dataclass(slots=True, kw_only=True)
class Found:
    """What a search found."""

    rules: Rules
    states: int = 0
    moves: int = 0
    depth: int = 0
    invariant: str = ""  # the one that is violated, if any
    trace: Sequence[State] = ()
    names: set[str] = field(default_factory=set)  # of the moves that were made
    changes: set[tuple[str, str]] = field(default_factory=set)  # of the stage


def search(rules: Rules) -> Found:
    """Visit every reachable state, or stop at the first that violates an invariant."""
    return _Search(rules).run()


class _Search:
    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        first = canonical(start(rules))
        self._numbers: dict[State, int] = {first: 0}
        self._states = [first]
        self._parents = array("i", [-1])
        self._sources = array("i")  # the moves that need neither a fault nor a person
        self._targets = array("i")
        self._found = Found(rules=rules)

    def run(self) -> Found:
        found = self._found
        position = 0
        while position < len(self._states):
            bad = self._expand(position)
            if bad:
                return self._violated(len(self._states) - 1, bad)
            position += 1
        stuck = self._stuck()
        if stuck is not None:
            return self._violated(stuck, restless(self._states[stuck]))
        found.states = len(self._states)
        return found

    def _expand(self, position: int) -> str:
        found = self._found
        here = self._states[position]
        stage = here.job.stage
        for name, _, after in moves(here, self._rules):
            found.moves += 1
            found.names.add(name)
            if after.job.stage != stage:
                found.changes.add((stage, after.job.stage))
            state = canonical(after)
            number = self._numbers.get(state)
            if number is None:
                number = self._numbers[state] = len(self._states)
                self._states.append(state)
                self._parents.append(position)
                bad = violated(state)
                if bad:
                    return bad
            if name not in NOT_BY_ITSELF:
                self._sources.append(position)
                self._targets.append(number)
        return ""

    def _violated(self, number: int, invariant: str) -> Found:
        trace = []
        while number >= 0:
            trace.append(self._states[number])
            number = self._parents[number]
        self._found.states = len(self._states)
        self._found.invariant = invariant
        self._found.trace = trace[::-1]
        return self._found

    def _stuck(self) -> int | None:
        """Return the first state from which no way without faults leads to rest."""
        before = _reversed(self._sources, self._targets, len(self._states))
        resting = [number for number, state in enumerate(self._states) if not restless(state)]
        reached = bytearray(len(self._states))
        for number in resting:
            reached[number] = 1
        while resting:
            for number in before.of(resting.pop()):
                if not reached[number]:
                    reached[number] = 1
                    resting.append(number)
        stuck = reached.find(0)
        return None if stuck < 0 else stuck


class _Reversed:
    """Who leads to a state, packed: a list of lists would take ten times the memory."""

    def __init__(self, begins: array, sources: array) -> None:
        self._begins, self._sources = begins, sources

    def of(self, number: int) -> Sequence[int]:
        return self._sources[self._begins[number] : self._begins[number + 1]]


def _reversed(sources: array, targets: array, states: int) -> _Reversed:
    begins = array("i", bytes(4 * (states + 2)))
    for target in targets:
        begins[target + 2] += 1
    for number in range(2, states + 2):
        begins[number] += begins[number - 1]
    sorted_ = array("i", bytes(4 * len(sources)))
    for source, target in zip(sources, targets, strict=True):
        sorted_[begins[target + 1]] = source
        begins[target + 1] += 1
    return _Reversed(begins, sorted_)
