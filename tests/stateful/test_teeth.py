"""The random walk has teeth: an engine without one of its guards does not get through it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from core import claims, runs
from core.errors import Conflict, OutcomeUnknown, ProviderError
from core.models import Dialect, Run
from core.stages import Outcome
from tests.stateful.machine import PaidCalls, settings_for
from tests.stateful.pausing import IDLE, Worker
from tests.stateful.provider import BILLED, QUEUED
from workers import edits, finishing, recording, videos
from workers.locks import WorkerLocks
from workers.permits import Permits
from workers.spool import Spool

EXAMPLES = 40  # at most; of these starts about every second leads to the breach
STEPS = 8


class Alone(PaidCalls):
    """One job that has come to where the guard matters. Nobody decides and nobody calls back."""

    # The rules of the machine, which are not walked here.
    called_back = somebody_decides = None  # type: ignore[assignment]

    def begun(self, dialect: Dialect) -> Worker:
        """File a job; return the worker that has claimed it."""
        self.bench.file(dialect)
        worker = self.bench.workers[0]
        self.bench.claim(worker)
        return worker

    def on(self, worker: Worker, *, until: str, lost: bool = False) -> None:
        """Let a worker go on to a border; what it sends is taken."""
        while worker.at not in {until, IDLE}:
            for request in self.bench.requests:
                request.fate, request.task = BILLED, QUEUED
            worker.go(lost=lost)


class WithTwoWorkers(Alone):
    """A worker slept at some border, and another has taken its job over."""

    @initialize(dialect=st.sampled_from(Dialect), borders=st.integers(0, 2))
    def file(self, dialect, borders):
        sleeping = self.begun(dialect)
        for _ in range(borders):
            self._to_next_border(sleeping)
        self.bench.pass_time(2000)
        self.bench.clean_up()
        self.bench.claim(self.bench.workers[1])


class AfterALostReply(Alone):
    """A request was taken, and its reply was lost."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        self.on(self.begun(dialect), until=IDLE, lost=True)


class AfterAKilledSender(Alone):
    """A request was taken, and its worker was killed before the answer came."""

    @initialize(dialect=st.sampled_from(Dialect))
    def file(self, dialect):
        sender = self.begun(dialect)
        self.on(sender, until="sent")
        for request in self.bench.requests:
            request.fate = BILLED
        self.bench.kill(sender)


class WithAPausedSender(Alone):
    """An edit's answer has come in half when its worker is paused, for longer than its lease."""

    @initialize()
    def file(self):
        self.on(self.begun(Dialect.OPENAI), until="arriving")
        self.bench.pass_time(2000)
        self.bench.clean_up()


class WithAnAnswer(Alone):
    """An answer is in the spool, and its job is to be stored from there."""

    @initialize()
    def file(self):
        self.on(self.begun(Dialect.OPENAI), until="recorded")


def no_fence(monkeypatch: Any) -> None:
    """A worker that is stale does not notice."""

    def held(session: Any, claim: claims.Claim) -> Run:
        run = session.get(Run, claim.job_id, with_for_update=True, populate_existing=True)
        if run is None:
            raise claims.stale(claim)
        return run

    for module in (claims, runs, recording, edits, videos, finishing):
        monkeypatch.setattr(module, "held", held)


def unknown_is_not_sent(monkeypatch: Any) -> None:
    """A request without an answer is sent again."""
    real = recording._outcome

    def outcome(error: ProviderError) -> Outcome:
        return Outcome.NOT_SENT if isinstance(error, OutcomeUnknown) else real(error)

    monkeypatch.setattr(recording, "_outcome", outcome)
    monkeypatch.setitem(recording._MOVES, OutcomeUnknown, recording._after_not_sent)


def in_memory_alone(monkeypatch: Any) -> None:
    """An answer does not stay on the disk, so nobody finds it once its worker is gone."""
    real = Spool.complete

    def complete(self: Spool, attempt_id: Any, job_id: Any, answer: Any) -> Any:
        spooled = real(self, attempt_id, job_id, answer)
        self.remove(attempt_id)
        return spooled

    monkeypatch.setattr(Spool, "complete", complete)


def permits_are_kept(monkeypatch: Any) -> None:
    """A request leaves, and its permit stays."""
    monkeypatch.setattr(Permits, "tear_up", lambda _self, _attempt_id: None)


def nobody_is_paused(monkeypatch: Any) -> None:
    """Whoever's lease is over is taken for dead."""
    monkeypatch.setattr(WorkerLocks, "is_held", lambda _self, _worker: False)


Mutant = tuple[Callable[[Any], None], type[PaidCalls], str]
MUTANTS: Mapping[str, Mutant] = {
    # Or the table of moves is in the way.
    "no fence": (no_fence, WithTwoWorkers, "^4: stale|cannot become"),
    "unknown is treated as not sent": (unknown_is_not_sent, AfterALostReply, "^1:|^2:"),
    "a permit stays when its request leaves": (permits_are_kept, AfterAKilledSender, "^1:|^2:"),
    "a paused worker is taken for dead": (nobody_is_paused, WithAPausedSender, "^2: the answer"),
    "an answer in memory alone": (in_memory_alone, WithAnAnswer, "^2:"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_without_a_guard_breaks_a_promise(hands, kim, monkeypatch, name):
    maim, walk, promise = MUTANTS[name]
    maim(monkeypatch)

    with pytest.raises((AssertionError, Conflict), match=promise):
        run_state_machine_as_test(  # any callable does, though its type says a class
            lambda: walk(hands, kim, monkeypatch),  # type: ignore[arg-type]
            settings=settings_for(EXAMPLES, steps=STEPS, phases=[Phase.generate], derandomize=True),
        )
