"""Breadth first through every state; the shortest way to a violation; back from rest; and round."""

from array import array
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.model.circles import circle
from tests.model.graph import Graph
from tests.model.invariants import restless, violated
from tests.model.moves import by_itself, moves, start
from tests.model.rules import Rules
from tests.model.shortcuts import canonical
from tests.model.state import State


@dataclass(slots=True, kw_only=True)
class Found:
    """What a search found."""

    rules: Rules
    states: int = 0
    moves: int = 0
    depth: int = 0
    invariant: str = ""  # the one that is violated, if any
    trace: Sequence[State] = ()
    circle: Sequence[str] = ()  # the moves that may go on for ever from there
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
        self._graph = Graph()  # of the moves that are made by themselves
        self._found = Found(rules=rules)

    def run(self) -> Found:
        found = self._found
        position = 0
        while position < len(self._states):
            bad = self._expand(position)
            if bad:
                return self._violated(len(self._states) - 1, bad)
            position += 1
        without_rest = {number for number, state in enumerate(self._states) if restless(state)}
        stuck = self._stuck(without_rest)
        if stuck is not None:
            return self._violated(stuck, restless(self._states[stuck]))
        forever = circle(self._graph, without_rest)
        if forever is not None:
            found.circle = sorted(forever.names)
            return self._violated(min(forever.states), "every_job_comes_to_rest")
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
            if by_itself(name, here):
                self._graph.add(name, number)
        self._graph.end()
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

    def _stuck(self, without_rest: AbstractSet[int]) -> int | None:
        """Return the first state from which no way without faults leads to rest."""
        graph = self._graph.reversed()
        stuck = set(without_rest)
        reached = [number for number in range(len(self._states)) if number not in stuck]
        while reached:
            before = stuck.intersection(graph.before(reached.pop()))
            stuck -= before
            reached += before
        return min(stuck, default=None)
