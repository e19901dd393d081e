"""Every task there is: in memory, and rebuilt from the ledger at the start."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from deploy.local.simulators.ledger import Ledger
from deploy.local.simulators.minimax.tasks import Dialect, Task, TaskKey
from deploy.local.simulators.minimax.walk import WAITING, Phase, standing

# First digits of each kind of id, so that one is never taken for another.
SPACES = {"v1": "106", "v2": "424", "file": "176"}


class Register:
    """The tasks of both dialects. Safe to share between threads."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._admitting = threading.Lock()  # reads need not wait for the disk
        self._tasks: dict[TaskKey, Task] = {}  # in order of creation
        self._files: dict[str, Task] = {}
        self._deleted: set[TaskKey] = set()
        self._unfinished: set[TaskKey] = set()
        self._questions: Counter[str] = Counter()  # since the start
        for entry in ledger.entries():
            self._replay(entry)

    def _replay(self, entry: dict[str, Any]) -> None:
        event = entry["event"]
        if event == "billed":
            self._remember(Task.billed(entry))
            return
        if event not in {"cancelled", "deleted", "finished"}:
            return
        key: TaskKey = (entry["dialect"], entry["task_id"])
        if event == "cancelled":
            self._tasks[key] = _cancelled(self._tasks[key], entry["at"])
        elif event == "deleted":
            self._deleted.add(key)
        elif event == "finished":
            self._unfinished.discard(key)

    def _remember(self, task: Task) -> None:
        self._tasks[task.key] = task
        self._files[task.file_id] = task
        self._unfinished.add(task.key)

    def admitted(self, dialect: Dialect, at_most: int | None, make: Callable[[], Task]) -> Task:
        """Bill and keep the task that `make` returns; it is on disk when this returns.

        Raises:
            Crowded: already `at_most` tasks of this dialect are under way.
        """
        with self._admitting:
            if at_most is not None and self.under_way(dialect) >= at_most:
                raise Crowded
            task = make()
            self._ledger.append(task.billed_entry())
            with self._lock:
                self._remember(task)
            return task

    def new_id(self, space: str) -> str:
        """Return a number, as a string, that nothing else has."""
        while True:
            id = SPACES[space] + f"{secrets.randbelow(10**12):012}"
            taken = id in self._files or ("v1", id) in self._tasks or ("v2", id) in self._tasks
            if not taken:
                return id

    def task(self, key: TaskKey) -> Task | None:
        """Return a task that exists and was not deleted."""
        with self._lock:
            return None if key in self._deleted else self._tasks.get(key)

    def ever(self, key: TaskKey) -> Task:
        """Return a task as it stands now, deleted or not."""
        with self._lock:
            return self._tasks[key]

    def by_file(self, file_id: str) -> Task | None:
        """Return the v1 task whose result has this id."""
        task = self._files.get(file_id)
        return task if task is not None and task.dialect == "v1" else None

    def newest_first(self, dialect: Dialect) -> list[Task]:
        """Return all tasks that were not deleted."""
        with self._lock:
            keys = [key for key in self._tasks if key[0] == dialect and key not in self._deleted]
            return [self._tasks[key] for key in reversed(keys)]

    def unfinished(self) -> list[Task]:
        """Return the tasks whose end is not in the ledger yet."""
        with self._lock:
            return [self._tasks[key] for key in self._unfinished]

    def all(self) -> list[Task]:
        """Return every task ever billed, oldest first."""
        with self._lock:
            return list(self._tasks.values())

    def under_way(self, dialect: Dialect) -> int:
        """Return how many tasks are billed and not at their end."""
        with self._lock:
            return sum(key[0] == dialect for key in self._unfinished)

    def asked_for(self, task: Task) -> None:
        """Count a question about one task, or about its file."""
        with self._lock:
            self._questions[task.id] += 1

    def questions(self) -> dict[str, int]:
        """Return how often each task was asked for, by its id."""
        with self._lock:
            return dict(self._questions)

    def cancelled(self, task: Task, *, now: float) -> Task | None:
        """End a task that still waits. None if it does not wait any more."""
        with self._lock:
            current = self._tasks[task.key]
            if standing(current.walk, now).phase not in WAITING:
                return None
            self._ledger.append(task.event("cancelled", at=now))
            ended = _cancelled(current, now)
            self._tasks[task.key] = ended
            return ended

    def deleted(self, task: Task, *, now: float) -> None:
        """Forget a task; its result is gone too."""
        with self._lock:
            self._ledger.append(task.event("deleted", at=now))
            self._deleted.add(task.key)

    def finished(self, task: Task, end: Phase, *, at: float) -> None:
        """Note that a task is at its end, and what it cost after all. Twice is once."""
        with self._lock:
            if task.key not in self._unfinished:
                return
            self._unfinished.discard(task.key)
        cost_usd = task.charged_usd(end)
        self._ledger.note(task.event("finished", at=at, status=end.value, cost_usd=cost_usd))


class Crowded(Exception):
    """As many tasks as allowed are under way."""


def _cancelled(task: Task, at: float) -> Task:
    return replace(task, walk=replace(task.walk, cancelled_at=at))
