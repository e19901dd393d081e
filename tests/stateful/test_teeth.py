"""The random walk has teeth: an engine without one of its guards does not get through it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
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
from tests.stateful.pausing import IDLE
from workers import results, sending
from workers.spool import Spool

EXAMPLES = 60  # at most
STEPS = 10


class FromTheMiddle(PaidCalls):
    """The same with one job, on which a worker has come to some border: shorter, and as real.

    Nobody decides and nobody calls back: what is left of the rules meets more often.
    """

    called_back = somebody_decides = None  # type: ignore[assignment]

    @initialize(dialect=st.sampled_from(Dialect), borders=st.integers(1, 10))
    def file(self, dialect, borders):
        self.bench.file(dialect)
        worker = self.bench.workers[0]
        for _ in range(borders):
            if worker.at == IDLE:
                self.bench.pass_time(40)
                self.bench.claim(worker)
            else:
                self._to_next_border(worker)


def no_fence(monkeypatch: Any) -> None:
    """A worker that is stale does not notice."""

    def held(session: Any, claim: claims.Claim) -> Run:
        run = session.get(Run, claim.job_id, with_for_update=True, populate_existing=True)
        if run is None:
            raise claims.stale(claim)
        return run

    for module in (claims, runs, sending, results):
        monkeypatch.setattr(module, "held", held)


def unknown_is_not_sent(monkeypatch: Any) -> None:
    """A request without an answer is sent again."""
    real = sending._outcome

    def outcome(error: ProviderError) -> Outcome:
        return Outcome.NOT_SENT if isinstance(error, OutcomeUnknown) else real(error)

    monkeypatch.setattr(sending, "_outcome", outcome)
    monkeypatch.setitem(sending._MOVES, OutcomeUnknown, sending._after_not_sent)


def no_mark(monkeypatch: Any) -> None:
    """An answer is not marked as whole, so nobody finds it in the spool."""

    def complete(self: Spool, attempt_id: Any, job_id: Any, answer: Any) -> Any:
        content = {"job_id": str(job_id), "answer": asdict(answer)}
        return self._spooled(attempt_id, content)

    monkeypatch.setattr(Spool, "complete", complete)


MUTANTS: Mapping[str, tuple[Callable[[Any], None], str]] = {
    "no fence": (no_fence, "^4: stale|cannot become"),  # or the table of moves is in the way
    "unknown is treated as not sent": (unknown_is_not_sent, "^1:|^2:"),
    "no mark in the spool": (no_mark, "^2:"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_an_engine_without_a_guard_breaks_a_promise(hands, kim, monkeypatch, name):
    maim, promise = MUTANTS[name]
    maim(monkeypatch)

    with pytest.raises((AssertionError, Conflict), match=promise):
        run_state_machine_as_test(
            lambda: FromTheMiddle(hands, kim, monkeypatch),  # type: ignore[arg-type]
            settings=settings_for(EXAMPLES, steps=STEPS, phases=[Phase.generate], derandomize=True),
        )
