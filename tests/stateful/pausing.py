"""Workers that stop at every border between a commit and a side effect, until they are told.

The real steps run in threads of their own. `core.failpoints.reach` names the borders, and the
provider of these tests adds its own: the test decides who goes on, and who is killed where.
"""

import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any

IDLE = "idle"


class Killed(BaseException):
    """What a worker meets in the place of `kill -9`. No handler of the engine takes it."""


class Worker:
    """One thread of a worker process, with at most one step in hand."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at = IDLE  # or the border where it waits
        self.claim: Any = None
        self.words: Mapping[str, Any] = {}  # what it was told with its last go
        self._go: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._reports: SimpleQueue[str | BaseException] = SimpleQueue()

    def begin(self, claim: Any, step: Callable[[], None]) -> None:
        """Do a step up to its first border."""
        self.claim = claim
        thread = threading.Thread(target=self._run, args=(step,), name=self.name, daemon=True)
        thread.start()
        self._wait()

    def go(self, **words: Any) -> None:
        """Go on to the next border, or to the end of the step."""
        self._go.put(words)
        self._wait()

    def kill(self) -> None:
        """Die where it waits. Nothing that it knew is left but what is on disk."""
        self._go.put(None)
        self._wait()

    def pause(self, border: str) -> None:
        """Wait here; called by the thread itself. Raises Killed."""
        self._reports.put(border)
        words = self._go.get()
        if words is None:
            raise Killed
        self.words = words

    def _run(self, step: Callable[[], None]) -> None:
        _workers[threading.get_ident()] = self
        try:
            step()
        except Killed:
            self._reports.put(IDLE)
        except BaseException as error:  # noqa: BLE001  (it is raised again in the test)
            self._reports.put(error)
        else:
            self._reports.put(IDLE)
        finally:
            del _workers[threading.get_ident()]

    def _wait(self) -> None:
        report = self._reports.get(timeout=30)
        if isinstance(report, BaseException):
            self.at = IDLE
            raise report
        self.at = report


_workers: dict[int, Worker] = {}


def current() -> Worker | None:
    """Return whose thread this is; None for the test's own."""
    return _workers.get(threading.get_ident())


class Borders:
    """Takes the place of the armed failpoints: every one of them is a border."""

    def __contains__(self, name: str) -> bool:
        worker = current()
        if worker is not None:
            worker.pause(name)
        return False  # nothing is killed by a signal
