"""Moves between numbered states, packed: lists of lists would take ten times the memory."""

from array import array
from collections.abc import Iterator, Sequence


class Graph:
    """The moves of one state after the other, in the order of their numbers."""

    def __init__(self) -> None:
        self._begins = array("i", [0])
        self._targets = array("i")
        self._named = array("B")
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}  # of the names

    def __len__(self) -> int:
        """How many states have their moves."""
        return len(self._begins) - 1

    def add(self, name: str, target: int) -> None:
        """Add a move of the state that is being added."""
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
        self._named.append(self._numbers[name])
        self._targets.append(target)

    def end(self) -> None:
        """That was the last move of this state; what is added now is the next one's."""
        self._begins.append(len(self._targets))

    def after(self, number: int) -> Sequence[int]:
        """Return the states that a state's moves lead to."""
        return self._targets[self._begins[number] : self._begins[number + 1]]

    def moves(self, number: int) -> Iterator[tuple[str, int]]:
        """Yield a state's moves: name and target."""
        for position in range(self._begins[number], self._begins[number + 1]):
            yield self._names[self._named[position]], self._targets[position]

    def reversed(self) -> "Reversed":
        """Return who leads to each state."""
        begins = array("i", bytes(4 * (len(self) + 2)))
        for target in self._targets:
            begins[target + 2] += 1
        for number in range(2, len(self) + 2):
            begins[number] += begins[number - 1]
        sources = array("i", bytes(4 * len(self._targets)))
        for source in range(len(self)):
            for target in self.after(source):
                sources[begins[target + 1]] = source
                begins[target + 1] += 1
        return Reversed(begins, sources)


class Reversed:
    """Who leads to a state."""

    def __init__(self, begins: array, sources: array) -> None:
        self._begins, self._sources = begins, sources

    def before(self, number: int) -> Sequence[int]:
        """Return the states whose moves lead to this one."""
        return self._sources[self._begins[number] : self._begins[number + 1]]
