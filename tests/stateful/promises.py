"""Section 5 of the design, asked of the tables; the provider's ledger is the oracle."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from core.models import AssetKind, Attempt
from core.stages import FINAL, LIVE_OUTCOMES, Outcome, Stage
from tests.stateful.bench import Bench, Row
from tests.stateful.provider import BILLED, CANCELLED, FAILED, Request
from workers.refetching import TRIES

MAY_BE_SEEN = {Stage.SUBMITTING, Stage.UNCERTAIN, Stage.ABANDONED}


class Watched:
    """What must not change from one look to the next."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._before: dict[UUID, Row] = {}

    def look(self) -> None:
        """Check every promise. Raises AssertionError with its number."""
        on_disk = self._bench.on_disk()
        kept = self._kept()
        for job_id, row in self._bench.rows().items():
            self._goes_forward(row, self._before.get(job_id, row))
            self._before[job_id] = row
            self._is_paid_for(job_id, row)
            self._has_what_it_ended_with(job_id, row)
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

    def _kept(self) -> frozenset[UUID]:
        """Return the attempts of which something is kept, where their rows say."""
        kept = self._bench.kept().values()
        for it in kept:
            assert self._bench.bucket.objects.get(it.key) == (it.bytes, it.sha256), "3: no object"
        return frozenset(it.attempt_id for it in kept)

    def _has_what_it_ended_with(self, job_id: UUID, row: Row) -> None:
        live = next((it for it in row.attempts if it.outcome in LIVE_OUTCOMES), None)
        if row.stage is Stage.STORED:
            cover = self._bench.kept()[row.cover] if row.cover else None
            own = cover and live and cover.attempt_id == live.id
            assert own, "3: another result is in the place of the job's own"
        if row.stage is Stage.BAD_RESULT:
            request = self._request(live) if live else None
            has_flaw = request is not None and request.flaw is not None
            assert has_flaw, "2: a result that was not useless was given up"
        results = self._results()
        came = [it for it in row.attempts if it.id in results]
        price = self._bench.price(job_id)
        assert (row.cost_usd or 0) == len(came) * price, "a result costs once"

    def _results(self) -> frozenset[UUID]:
        kept = self._bench.kept().values()
        return frozenset(it.attempt_id for it in kept if it.kind == AssetKind.RESULT)

    def _request(self, attempt: Attempt) -> Request | None:
        made = self._bench.providers[attempt.dialect].requests
        return next((it for it in made if it.attempt_id == attempt.id), None)

    def a_sweep_knows(self, before: Mapping[UUID, Row], unsent: frozenset[UUID]) -> None:
        """Check what a host has concluded that saw these permits."""
        for job_id, row in self._bench.rows().items():
            was = {it.id: it.outcome for it in before[job_id].attempts}
            freed = {it.id for it in row.attempts if was[it.id] != it.outcome == Outcome.NOT_SENT}
            assert freed <= unsent, "1: a request was called not sent without its permit"
            assert not self._is_forgotten(row), "8: nobody doubts what became of a request"

    def _is_forgotten(self, row: Row) -> bool:
        """Whether it is being sent although no answer can come any more."""
        if row.stage is not Stage.SUBMITTING or row.lease[1] is None:
            return False
        sent = (it.send_deadline for it in row.attempts if it.outcome == Outcome.OPEN)
        settle = timedelta(seconds=self._bench.services.settings.settle_s)
        return max([row.lease[1], *(it + settle for it in sent)]) < datetime.now(UTC)

    def _requests_to_pay(self) -> list[Request]:
        return [it for each in self._bench.providers.values() for it in each.billed()]

    def _has_its_own_task(self, attempt: Attempt) -> None:
        if attempt.provider_task_id is None:
            return
        request = self._bench.providers[attempt.dialect].named(attempt.provider_task_id)
        assert request is not None, f"2: nobody made {attempt.provider_task_id}"
        assert request.attempt_id == attempt.id, "2: an attempt has somebody else's task"

    def everything_came_to_rest(self) -> None:
        """8: with faults stopped, each job has ended or waits for a person; results are kept.

        Or it waits, like its answer, for a host that is down.
        """
        kept, waiting = self._kept(), self._bench.waiting()
        left = frozenset[UUID]().union(*(host.on_disk() for host in self._bench.up))
        assert not left, "8: what has come still lies on the disk"
        for row in self._bench.rows().values():
            waits = row.stage is Stage.UNCERTAIN or waiting & {it.id for it in row.attempts}
            assert row.stage in FINAL or waits, f"8: still {row.stage}"
            for attempt in row.attempts:
                if attempt.id in waiting:
                    continue
                if attempt.outcome == Outcome.ACCEPTED or attempt.provider_task_id:
                    nothing_came = self._ended_without_result(attempt)
                    assert attempt.id in kept or nothing_came, f"2: {attempt.outcome}, not kept"

    def _ended_without_result(self, attempt: Attempt) -> bool:
        request = self._bench.providers[attempt.dialect].named(attempt.provider_task_id)
        if request is None:
            return False
        return request.task in {FAILED, CANCELLED} or request.late_cuts == TRIES


def _attempt(row: Row, request: Request) -> Attempt:
    return next(it for it in row.attempts if it.id == request.attempt_id)


def _is_superseded(row: Row, request: Request) -> bool:
    return _attempt(row, request).outcome == Outcome.SUPERSEDED


def _is_visible(row: Row, attempt: Attempt) -> bool:
    """Whether a person can see that it may have cost something."""
    if attempt.outcome == Outcome.SUPERSEDED:
        return True
    return attempt.outcome in {Outcome.OPEN, Outcome.UNKNOWN} and row.stage in MAY_BE_SEEN
