"""What a start consists of: children that stay, errands and chores that end."""

from collections.abc import Callable
from dataclasses import dataclass
from signal import SIGTERM

from deploy.local.processes import Command


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process that stays. The functions block for a moment and are called in threads.

    `prepare` runs before every start, `settle` after every one, before others
    may use it; `again` names errands to repeat after a restart. `passing` are
    phrases in its log that mean "try again in a moment", within `start_limit_s`.
    """

    name: str
    title: str
    command: Command
    ready: Callable[[], bool]
    needs: tuple[str, ...] = ()
    detail: str = ""
    prepare: Callable[[], None] = nothing
    settle: Callable[[], None] = nothing
    again: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    start_limit_s: float = 60.0
    stop_signal: int = SIGTERM
    grace_s: float = 10.0  # from the stop signal to SIGKILL
    lingers: bool = False  # never killed by a *later* start: it finishes paid work and ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A program that runs to its end; anything but exit status 0 stops the start."""

    name: str
    title: str
    command: Command
    needs: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """A function of ours."""

    name: str
    title: str
    run: Callable[[], None]
    needs: tuple[str, ...] = ()
    detail: str = ""


Step = Child | Errand | Chore


def depth(name: str, steps: dict[str, Step]) -> int:
    """Return how many steps must come before: what is deeper is stopped earlier."""
    return max((1 + depth(need, steps) for need in steps[name].needs), default=0)
