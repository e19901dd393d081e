"""What was read of the tables stays true until somebody commits."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Engine, event

T = TypeVar("T")


class Remembered:
    """Answers of one engine's database. Most looks at it follow a step that has changed nothing.

    Only for these tests: one thread at a time runs, and all of them commit through this engine.
    """

    def __init__(self, engine: Engine) -> None:
        self._answers: dict[str, Any] = {}
        event.listen(engine, "commit", self._forget)

    def read(self, look: Callable[[], T]) -> T:
        """Return what `look` finds, or has found since the last commit."""
        name = look.__name__
        if name not in self._answers:
            self._answers[name] = look()
        found: T = self._answers[name]
        return found

    def _forget(self, _: Any) -> None:
        self._answers.clear()


remembered = cache(Remembered)  # one for an engine, however many examples play with it
