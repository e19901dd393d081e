"""Decisions of people, also while a worker is at the same job: real transactions, no deadlock."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from core import attempts, callbacks, claims, decisions, rechecks, runs
from core.claims import Claim
from core.errors import Conflict, NotFound, Rejected
from core.models import Attempt, Job, Role, Run
from core.stages import Outcome, Stage, Status
from tests.core.conftest import KEYS, LEASES, claimed, filed, person


@pytest.fixture
def waits(sessions):
    """Run something in a transaction of its own; return once it waits for a lock."""
    pool = ThreadPoolExecutor(1)

    def start(action: Callable[..., object]) -> Future:
        def run() -> object:
            with sessions.begin() as session:
                return action(session)

        future = pool.submit(run)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not future.done():
            with sessions() as session:
                if session.scalar(
                    select(func.count()).select_from(text("pg_locks")).where(text("NOT granted"))
                ):
                    return future
            threading.Event().wait(0.02)
        raise AssertionError("It never waited.")

    yield start
    pool.shutdown()


def sent(sessions, claim: Claim, token: str | None = None) -> Attempt:
    with sessions.begin() as session:
        return attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=token, estimate_usd=None
        )


def uncertain(sessions, user) -> tuple[Job, Attempt]:
    job = filed(sessions, user)
    claim = claimed(sessions)
    attempt = sent(sessions, claim)
    with sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.UNKNOWN)
        runs.unsure(session, claim, why="no_answer")
    return job, attempt


def job_now(sessions, job: Job) -> Job:
    with sessions() as session:
        return session.get_one(Job, job.id)


class TestWhoMayDecide:
    def test_foreign_and_missing_jobs_look_the_same(self, sessions, kim):
        job, lee = filed(sessions, kim), person(sessions, "lee")
        for id in (job.id, uuid4()):
            with pytest.raises(NotFound, match="not yours to change"), sessions.begin() as session:
                decisions.cancel(session, lee, id)

    def test_an_administrator_may(self, sessions, kim):
        job, boss = filed(sessions, kim), person(sessions, "boss", Role.ADMIN)
        with sessions.begin() as session:
            decisions.cancel(session, boss, job.id)

        assert job_now(sessions, job).final_stage == Stage.CANCELLED

    def test_who_cancels_too_late_is_told_what_is_known_of_the_cost(self, sessions, kim):
        job = filed(sessions, kim)
        claim = claimed(sessions)
        attempt = sent(sessions, claim)
        refused = {
            Stage.SUBMITTING: "being sent at this moment",
            Stage.UNCERTAIN: "may have been billed",
            Stage.GENERATING: "is paid for",
        }
        for stage, words in refused.items():
            with sessions.begin() as session:
                if stage is Stage.UNCERTAIN:
                    runs.unsure(session, claim, why="no_answer")
                if stage is Stage.GENERATING:
                    attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
                    runs.found(session, runs.locked(session, job.id), task_id="77", by="w1")
            with pytest.raises(Rejected, match=words), sessions.begin() as session:
                decisions.cancel(session, kim, job.id)

    def test_what_is_over_has_moved_on(self, sessions, kim):
        job = filed(sessions, kim)
        with sessions.begin() as session:
            decisions.cancel(session, kim, job.id)
        for decide in (
            decisions.cancel,
            decisions.send_again,
            decisions.give_up,
            decisions.stop_waiting,
        ):
            with pytest.raises(Conflict, match="has moved on"), sessions.begin() as session:
                decide(session, kim, job.id)


class TestStopWaiting:
    @pytest.fixture
    def taken(self, sessions, kim) -> tuple[Job, Attempt]:
        """A video that the first API has had for an hour."""
        job = filed(sessions, kim, provider="hailuo", dialect="minimax_v1")
        claim = claimed(sessions)
        attempt = sent(sessions, claim)
        with sessions.begin() as session:
            attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
            runs.accepted(session, claim, task_id="77", poll_in_s=0)
            session.execute(text("UPDATE runs SET stage_since = now() - interval '1 hour'"))
        return job, attempt

    def test_a_stalled_video_is_given_up_and_its_task_still_asked_about(self, sessions, kim, taken):
        job, attempt = taken
        with sessions.begin() as session:
            decisions.stop_waiting(session, kim, job.id)

        ended = job_now(sessions, job)
        assert (ended.final_stage, ended.error_code) == (Stage.ABANDONED, "stopped_waiting")
        with sessions() as session:
            found = rechecks.load(session, attempt.id)
        assert found.is_extra
        assert found.attempt.recheck_at is not None

    def test_so_is_a_finished_one_that_never_arrives(self, sessions, kim, taken):
        job, _ = taken
        claim = claimed(sessions, Stage.GENERATING)
        with sessions.begin() as session:
            runs.finished(session, claim, lease_s=0)
            session.execute(text("UPDATE runs SET stage_since = now() - interval '1 hour'"))
        with sessions.begin() as session:
            decisions.stop_waiting(session, kim, job.id)

        assert job_now(sessions, job).final_stage == Stage.ABANDONED

    @pytest.mark.parametrize(
        "change", ["stage_since = now() - interval '29 minutes'", "dialect = 'minimax_v2'"]
    )
    def test_one_that_is_still_at_work_or_ends_by_itself_is_not(self, sessions, kim, taken, change):
        job, _ = taken
        with sessions.begin() as session:
            session.execute(text(f"UPDATE runs SET {change}"))

        with pytest.raises(Rejected, match="still at work"), sessions.begin() as session:
            decisions.stop_waiting(session, kim, job.id)


class TestTrash:
    def test_a_job_that_waits_is_cancelled_first(self, sessions, kim):
        job = filed(sessions, kim)
        with sessions.begin() as session:
            assert decisions.trash(session, kim, job.id)

        now = job_now(sessions, job)
        assert now.deleted_at is not None
        assert now.final_stage == Stage.CANCELLED

    def test_one_that_has_ended_just_goes(self, sessions, kim):
        job = filed(sessions, kim)
        with sessions.begin() as session:
            decisions.cancel(session, kim, job.id)
        with sessions.begin() as session:
            assert not decisions.trash(session, kim, job.id)

        assert job_now(sessions, job).deleted_at is not None

    def test_what_goes_on_and_costs_stays_in_sight(self, sessions, kim):
        job = filed(sessions, kim)
        claimed(sessions)
        with pytest.raises(Rejected, match="being made"), sessions.begin() as session:
            decisions.trash(session, kim, job.id)

        assert job_now(sessions, job).deleted_at is None

    def test_what_needs_a_decision_stays_in_sight(self, sessions, kim):
        job, _ = uncertain(sessions, kim)
        with pytest.raises(Rejected, match="decision first"), sessions.begin() as session:
            decisions.trash(session, kim, job.id)

        assert job_now(sessions, job).deleted_at is None

    def test_a_job_that_a_release_before_hid_is_not_waited_for(self, sessions, kim):
        job, _ = uncertain(sessions, kim)
        with sessions.begin() as session:
            assert decisions.awaited(session, kim) == 1
            session.get_one(Job, job.id).deleted_at = func.now()
            session.flush()
            assert decisions.awaited(session, kim) == 0


class TestAtTheSameTime:
    def test_cancelling_while_a_worker_claims_says_that_it_is_sent(self, sessions, kim, waits):
        job = filed(sessions, kim)
        with sessions.begin() as session:
            session.get_one(Run, job.id, with_for_update=True)
            cancelling = waits(lambda other: decisions.cancel(other, kim, job.id))
            claims.claim(
                session, worker="w1", stages=[Stage.READY], leases=LEASES, host="here", keys=KEYS
            )

        with pytest.raises(Rejected, match="being sent at this moment"):
            cancelling.result(10)
        assert job_now(sessions, job).status == Status.RUNNING

    def test_deciding_while_the_answer_comes_lets_the_answer_win(self, sessions, kim, waits):
        job, attempt = uncertain(sessions, kim)
        with sessions.begin() as session:
            attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
            again = waits(lambda other: decisions.send_again(other, kim, job.id))
            run = runs.locked(session, job.id)
            runs.found(session, run, task_id="77", by="w1")

        with pytest.raises(Conflict, match="has moved on"):
            again.result(10)
        assert job_now(sessions, job).provider_task_id == "77"

    def test_a_job_read_before_its_run_was_free_is_read_again(self, sessions, kim, waits):
        job = filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            claims.held(session, claim)
            again = waits(lambda other: decisions.send_again(other, kim, job.id))
            runs.unsure(session, claim, why="no_answer")

        again.result(10)
        assert job_now(sessions, job).status == Status.QUEUED

    def test_a_callback_waits_for_the_worker_that_records(self, sessions, kim, waits):
        job, token = filed(sessions, kim), "t" * 43
        claim = claimed(sessions)
        attempt = sent(sessions, claim, token)

        def hear(session):
            found = attempts.of_token(session, token)
            assert found
            callbacks.heard(session, found, "77")

        with sessions.begin() as session:
            claims.held(session, claim)
            hearing = waits(hear)
            attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
            runs.accepted(session, claim, task_id="77", poll_in_s=60)

        hearing.result(10)
        assert job_now(sessions, job).provider_task_id == "77"

    def test_a_worker_that_records_waits_for_the_callback(self, sessions, kim, waits):
        job, token = filed(sessions, kim), "t" * 43
        claim = claimed(sessions)
        attempt = sent(sessions, claim, token)

        def record(session):
            attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
            runs.accepted(session, claim, task_id="77", poll_in_s=60)

        with sessions.begin() as session:
            found = attempts.of_token(session, token)
            assert found
            recording = waits(record)
            callbacks.heard(session, found, "77")

        recording.result(10)
        assert job_now(sessions, job).status == Status.RUNNING


def test_a_person_hears_that_a_decision_is_waited_for_and_that_it_was_made(
    sessions, kim, monkeypatch
):
    heard: list[UUID] = []

    def hear(_session: Session, *, job_id: UUID, user_id: UUID, news: bool = False) -> None:
        heard.extend([user_id] * news)

    monkeypatch.setattr("core.events.show_change", hear)
    job, _ = uncertain(sessions, kim)
    assert heard == [kim.id]
    with sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    assert heard == [kim.id, kim.id]
