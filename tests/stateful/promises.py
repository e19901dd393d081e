"""Section 5 of the design, asked of the tables; the provider's ledger is the oracle."""

from uuid import UUID

from core.models import Attempt
from core.stages import FINAL, LIVE_OUTCOMES, Outcome, Stage
from tests.stateful.bench import Bench, Row
from tests.stateful.provider import BILLED, CANCELLED, FAILED, Request

MAY_BE_SEEN = {Stage.SUBMITTING, Stage.UNCERTAIN, Stage.ABANDONED}


class Watched:
    """What must not change from one look to the next."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._before: dict[UUID, Row] = {}

    def look(self) -> None:
        """Check every promise. Raises AssertionError with its number."""
        kept, on_disk = self._bench.kept(), self._bench.on_disk()
        for job_id, row in self._bench.rows().items():
            self._goes_forward(row, self._before.get(job_id, row))
            self._before[job_id] = row
            self._is_paid_for(job_id, row)
        for request in self._requests_to_pay():
            row = self._before[request.job_id]
            attempt = _attempt(row, request)
            known = attempt.provider_task_id or request.attempt_id in kept | on_disk
            asked_for = attempt.candidate_task_id and attempt.recheck_at
            assert known or asked_for or _is_visible(row, attempt), f"2: {request} is lost"
            assert known or not request.answered, f"2: the answer to {request} is gone"
        for row in self._before.values():
            for attempt in row.attempts:
                self._has_its_own_task(attempt)

    def _goes_forward(self, row: Row, before: Row) -> None:
        assert before.stage not in FINAL or row.stage is before.stage, "6: a final stage was left"
        if row.stage not in FINAL:
            assert row.lease[2] >= before.lease[2], "7: a token went back"
        assert [it.n for it in row.attempts] == list(range(1, len(row.attempts) + 1)), "7"
        assert len(row.attempts) >= len(before.attempts), "7: an attempt is gone"

    def _is_paid_for(self, job_id: UUID, row: Row) -> None:
        asked = [it for it in self._requests_to_pay() if it.job_id == job_id]
        assert not any(it.unasked for it in asked), "1: its provider works on another, and said so"
        to_pay = [it for it in asked if it.fate == BILLED]  # of the others nobody could know
        billed = len(to_pay)
        again = [it for it in to_pay if it.after_consent or not _is_superseded(row, it)]
        assert len(again) <= 1, "1: a consent covers one request more, and this is another"
        consents = sum(it.consent_at is not None for it in row.attempts)
        assert billed <= 1 + consents, f"1: billed {billed} times with {consents} consents"
        alive = sum(it.outcome in LIVE_OUTCOMES for it in row.attempts)
        assert alive <= 1, f"5: {alive} live attempts"

    def _requests_to_pay(self) -> list[Request]:
        return [it for each in self._bench.providers.values() for it in each.billed()]

    def _has_its_own_task(self, attempt: Attempt) -> None:
        if attempt.provider_task_id is None:
            return
        request = self._bench.providers[attempt.dialect].named(attempt.provider_task_id)
        assert request is not None, f"2: nobody made {attempt.provider_task_id}"
        assert request.attempt_id == attempt.id, "2: an attempt has somebody else's task"

    def everything_came_to_rest(self) -> None:
        """8: with faults stopped, each job has ended or waits for a person; results are kept."""
        kept = self._bench.kept()
        for row in self._bench.rows().values():
            assert row.stage in FINAL or row.stage is Stage.UNCERTAIN, f"8: still {row.stage}"
            for attempt in row.attempts:
                if attempt.outcome == Outcome.ACCEPTED or attempt.provider_task_id:
                    nothing_came = self._ended_without_result(attempt)
                    assert attempt.id in kept or nothing_came, f"2: {attempt.outcome}, not kept"

    def _ended_without_result(self, attempt: Attempt) -> bool:
        request = self._bench.providers[attempt.dialect].named(attempt.provider_task_id)
        return request is not None and request.task in {FAILED, CANCELLED}


def _attempt(row: Row, request: Request) -> Attempt:
    return next(it for it in row.attempts if it.id == request.attempt_id)


def _is_superseded(row: Row, request: Request) -> bool:
    return _attempt(row, request).outcome == Outcome.SUPERSEDED


def _is_visible(row: Row, attempt: Attempt) -> bool:
    """Whether a person can see that it may have cost something."""
    if attempt.outcome == Outcome.SUPERSEDED:
        return True
    return attempt.outcome in {Outcome.OPEN, Outcome.UNKNOWN} and row.stage in MAY_BE_SEEN
