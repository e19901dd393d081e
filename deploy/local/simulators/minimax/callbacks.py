"""Callbacks: a challenge first, then a push at each change; and the note that a task has ended.

Everything is planned from the task's record and the ledger, so it goes on after a restart. A push
whose note was lost in a kill is sent again.
"""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from deploy.local.simulators.ledger import Ledger
from deploy.local.simulators.minimax import v1_answers, v2_answers
from deploy.local.simulators.minimax.agenda import Agenda
from deploy.local.simulators.minimax.posting import Senders, echoes_challenge, status_of_post
from deploy.local.simulators.minimax.register import Register
from deploy.local.simulators.minimax.tasks import Task, TaskKey
from deploy.local.simulators.minimax.walk import Change, changes, standing

STEP_S = 0.2  # between pushes that come in the wrong order


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One callback to come: what it says, and when."""

    word: str
    change: Change
    at: float


def pushes(task: Task) -> list[Push]:
    """Return every push of a task in the order of sending, oddities included. Pure."""
    told: list[Push] = []
    for change in changes(task.walk):
        word = _word(task, change)
        if word is not None and (not told or told[-1].word != word):
            told.append(Push(word=word, change=change, at=change.at))
    odd = task.callback_oddities
    if odd.out_of_order and told:
        last = told[-1].at
        told = [
            Push(word=each.word, change=each.change, at=last + STEP_S * index)
            for index, each in enumerate(reversed(told))
        ]
    return [Push(word=each.word, change=each.change, at=each.at + odd.delay_s) for each in told]


def _word(task: Task, change: Change) -> str | None:
    if task.dialect == "v1":
        return v1_answers.PUSHED.get(change.phase)
    return v2_answers.STATUSES[change.phase]


class Callbacks:
    """Follows every task to its end. Safe to share between threads."""

    def __init__(
        self, ledger: Ledger, register: Register, link: Callable[[Task], str | None]
    ) -> None:
        """`link` gives a fresh download link for a finished task."""
        self._ledger = ledger
        self._register = register
        self._link = link
        self._agenda = Agenda()
        self._senders = Senders()
        self._welcome: set[TaskKey] = set()  # the receiver has echoed the challenge
        self._closed = threading.Event()

    def resume(self) -> None:
        """Take up every task where the last process left it."""
        challenged, pushed = self._history()
        for task in self._register.unfinished():
            self._await_end(task)
        for task in self._register.all():
            if not _wants(task):
                continue
            if task.key not in challenged:
                self._senders.put(partial(self._challenge, task))
            elif challenged[task.key]:
                self._plan(task, told=pushed.get(task.key, set()))

    def begin(self, task: Task, *, at_once: bool = False) -> None:
        """Follow a new task. `at_once`: return only after the challenge and a first push."""
        self._await_end(task)
        if not _wants(task):
            return
        if not at_once:
            self._senders.put(lambda: self._challenge(task))
        elif self._echoed(task):
            first = pushes(task)[0]
            self._push(task.key, first.word)
            self._plan(task, told={first.word})

    def cancelled(self, task: Task) -> None:
        """Tell the receiver, if there is one, that `task` was cancelled."""
        if task.key in self._welcome:
            last = pushes(task)[-1]
            self._agenda.at(last.at, lambda: self._send(task, last))

    def close(self) -> None:
        """Send nothing any more."""
        self._closed.set()
        self._agenda.close()
        self._senders.close()

    def _history(self) -> tuple[dict[TaskKey, bool], dict[TaskKey, set[str]]]:
        """Return who passed the challenge and what was pushed, by the ledger."""
        challenged: dict[TaskKey, bool] = {}
        pushed: dict[TaskKey, set[str]] = {}
        for entry in self._ledger.entries():
            if entry["event"] == "challenged":
                challenged[entry["dialect"], entry["task_id"]] = entry["passed"]
            elif entry["event"] == "pushed":
                pushed.setdefault((entry["dialect"], entry["task_id"]), set()).add(entry["status"])
        return challenged, pushed

    def _await_end(self, task: Task) -> None:
        end = task.walk.ends_at
        if end is not None:
            self._agenda.at(end, lambda: self._ended(task.key, end))

    def _ended(self, key: TaskKey, at: float) -> None:
        task = self._register.ever(key)
        self._register.finished(task, standing(task.walk, at).phase, at=at)

    def _challenge(self, task: Task) -> None:
        if self._echoed(task):
            self._plan(task, told=set())

    def _echoed(self, task: Task) -> bool:
        assert task.callback_url is not None
        passed = echoes_challenge(task.callback_url) and not task.callback_oddities.wrong_echo
        self._note(task, "challenged", passed=passed)
        return passed

    def _plan(self, task: Task, told: Collection[str]) -> None:
        self._welcome.add(task.key)
        current = self._register.ever(task.key)  # it may have been cancelled meanwhile
        for push in pushes(current):
            if push.word not in told:
                self._agenda.at(push.at, partial(self._send, task, push))

    def _send(self, task: Task, push: Push) -> None:
        for _ in range(2 if task.callback_oddities.duplicate else 1):
            self._senders.put(lambda: self._push(task.key, push.word))

    def _push(self, key: TaskKey, word: str) -> None:
        """Send the push called `word`, unless it is not true any more: cancelled since."""
        task = self._register.ever(key)
        push = next((each for each in pushes(task) if each.word == word), None)
        if push is None or self._closed.is_set():
            return
        assert task.callback_url is not None
        status = status_of_post(task.callback_url, self._body(task, push.change))
        self._note(task, "pushed", status=word, http_status=status)

    def _body(self, task: Task, change: Change) -> dict[str, Any]:
        if task.dialect == "v1":
            return v1_answers.callback_body(task, change)
        return {"task": v2_answers.task_body(task, change, self._link(task))}

    def _note(self, task: Task, event: str, **more: object) -> None:
        if not self._closed.is_set():
            self._ledger.note(task.event(event, at=time.time(), **more))


def _wants(task: Task) -> bool:
    return task.callback_url is not None and not task.callback_oddities.never
