"""What may go round for ever, so that a job that can come to rest does not: invariant 8.

`every_job_gets_on` shows that from every state some way without a fault leads to rest.
That a job takes one needs a fair scheduler. This much is assumed of it, with faults,
pauses and people's decisions at an end:

- A move that stays possible is made at last, whoever makes it: weak fairness, of each
  name of a move.
- A move of `AT_LAST` is made at last if it is possible again and again: strong fairness.
  Pictures are fetched and the provider is reached at last, though not at every try, and
  a look sees at last what the provider has done.

Nothing is assumed of who is faster: a step that somebody undoes each time just before it
ends is a circle. How long it all takes the model does not say; the campaigns measure it.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from tests.model.graph import Graph

AT_LAST: Final = frozenset({"open_one", "send", "finished", "ended_failed", "ended_cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """States that a fair scheduler may never leave, and the moves between them."""

    states: AbstractSet[int]
    names: AbstractSet[str]


def circle(graph: Graph, restless: AbstractSet[int]) -> Circle | None:
    """Return one among these states, if there is any."""
    left = [restless]
    while left:
        for states in connected(graph, left.pop()):
            names = {name for it in states for name, to in graph.moves(it) if to in states}
            offered = {it: {name for name, _ in graph.moves(it)} for it in states}
            leaving = AT_LAST.intersection(set().union(*offered.values()) - names)
            if not names:
                continue  # one state, without a move to itself
            if leaving:  # it may still be gone round where none of these is possible
                left.append({it for it in states if not offered[it] & leaving})
            elif set.intersection(*offered.values()) <= names:
                return Circle(states=states, names=names)
    return None


def connected(graph: Graph, among: AbstractSet[int]) -> Iterator[AbstractSet[int]]:
    """Yield the strongly connected parts of these states. Tarjan's algorithm, without recursion."""
    order: dict[int, int] = {}
    lowest: dict[int, int] = {}  # the first in this order that a state leads back to
    waiting: list[int] = []

    def entered(number: int) -> tuple[int, Iterator[int]]:
        order[number] = lowest[number] = len(order)
        waiting.append(number)
        return number, iter(graph.after(number))

    for first in among:
        trail = [] if first in order else [entered(first)]
        while trail:
            here, following = trail[-1]
            to = next((it for it in following if it in among), None)
            if to is not None and to not in order:
                trail.append(entered(to))
            elif to is not None:
                lowest[here] = min(lowest[here], order[to])
            else:
                trail.pop()
                for before, _ in trail[-1:]:
                    lowest[before] = min(lowest[before], lowest[here])
                if lowest[here] == order[here]:
                    part = _taken_off(waiting, here)
                    order.update(dict.fromkeys(part, len(graph)))  # nothing leads back to them
                    yield part


def _taken_off(waiting: list[int], first: int) -> AbstractSet[int]:
    """Take everything from the first one on."""
    part: set[int] = set()
    while first not in part:
        part.add(waiting.pop())
    return part
