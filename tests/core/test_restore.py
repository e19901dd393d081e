from collections.abc import Sequence
from decimal import Decimal

import pytest
from sqlalchemy import text, update

from core import attempts, decisions, expiry, heartbeats, runs
from core.errors import Conflict, Rejected
from core.models import Attempt, Job, Run, Worker
from core.models import Session as SessionRow
from core.restore import after_restore
from core.stages import Outcome, Stage, Status
from tests.core.conftest import claim_all, claimed, filed
from tests.core.test_decisions import job_now, sent


def restored(sessions) -> int:
    with sessions.begin() as session:
        return after_restore(session)


def stage(sessions, job) -> str:
    with sessions() as session:
        return session.get_one(Run, job.id).stage


def attempts_of(sessions, job) -> Sequence[Attempt]:
    with sessions() as session:
        return attempts.of_job(session, job.id)


def test_fifty_waiting_jobs_that_may_be_paid_are_claimed_by_nobody(sessions, kim):
    jobs = [filed(sessions, kim) for _ in range(50)]

    assert restored(sessions) == 50

    assert claim_all(sessions, *Stage) == []
    assert {stage(sessions, job) for job in jobs} == {Stage.UNCERTAIN}
    assert job_now(sessions, jobs[0]).status == Status.RUNNING
    with sessions() as session:
        assert session.get_one(Run, jobs[0].id).waiting_for == "restored"


def test_what_was_being_sent_waits_too(sessions, kim):
    with_attempt, without = filed(sessions, kim), filed(sessions, kim)
    attempt = sent(sessions, claimed(sessions))
    claimed(sessions)

    assert restored(sessions) == 2

    assert stage(sessions, with_attempt) == stage(sessions, without) == Stage.UNCERTAIN
    with sessions() as session:
        assert session.get_one(Attempt, attempt.id).outcome == Outcome.UNKNOWN


def test_what_the_provider_has_taken_goes_on(sessions, kim):
    job = filed(sessions, kim)
    claim = claimed(sessions)
    attempt = sent(sessions, claim)
    with sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
        runs.accepted(session, claim, task_id="77", poll_in_s=0)
    halfway = filed(sessions, kim)
    recorded = sent(sessions, claimed(sessions))
    with sessions.begin() as session:
        attempts.settled(session, recorded.id, Outcome.ACCEPTED, task_id="78")

    assert restored(sessions) == 0

    assert stage(sessions, job) == Stage.GENERATING
    assert stage(sessions, halfway) == Stage.SUBMITTING


def test_a_person_decides_about_each(sessions, kim):
    again, given_up = filed(sessions, kim), filed(sessions, kim)
    restored(sessions)
    with sessions.begin() as session:
        decisions.send_again(session, kim, again.id)
        decisions.give_up(session, kim, given_up.id)

    assert [claim.job_id for claim in claim_all(sessions)] == [again.id]
    assert job_now(sessions, given_up).final_stage == Stage.ABANDONED


def test_what_may_have_been_sent_since_is_a_request_in_doubt(sessions, kim):
    job = filed(sessions, kim, estimate_usd=Decimal("0.04"))
    restored(sessions)

    (made,) = attempts_of(sessions, job)
    assert (made.outcome, made.observation) == (Outcome.UNKNOWN, "restored")
    assert made.cost_estimate_usd == Decimal("0.04")
    assert made.recheck_at is None


def test_sending_it_again_is_a_consent_and_begins_its_time_anew(sessions, kim):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        session.execute(update(Job).values(created_at=text("now() - interval '2 days'")))
    restored(sessions)
    with sessions.begin() as session:
        decisions.send_again(session, kim, job.id)

    (made,) = attempts_of(sessions, job)
    assert (made.outcome, made.consent_by) == (Outcome.SUPERSEDED, kim.id)
    with sessions() as session:
        assert expiry.passed(session) == []


def test_the_list_of_a_provider_proves_nothing_of_what_an_older_database_does_not_know(
    sessions, kim
):
    """It shows tasks that jobs made which nobody knows any more."""
    job = filed(sessions, kim, provider="hailuo", dialect="minimax_v2", model="MiniMax-H3")
    restored(sessions)

    assert attempts_of(sessions, job)[0].recheck_at is None
    with sessions.begin() as session, pytest.raises(Rejected, match="no way to tell"):
        decisions.check(session, kim, job.id)


def test_twice_is_once(sessions, kim):
    filed(sessions, kim)

    assert (restored(sessions), restored(sessions)) == (1, 0)


def test_it_refuses_while_a_worker_lives(sessions, kim):
    job = filed(sessions, kim)
    with sessions.begin() as session:
        heartbeats.beat(session, "w1", host="here", spool="here", in_hand=0)

    with pytest.raises(Conflict, match=r"Workers were seen in the last 30 s: w1\."):
        restored(sessions)
    assert stage(sessions, job) == Stage.READY

    with sessions.begin() as session:
        session.execute(update(Worker).values(seen_at=text("now() - interval '31 s'")))
    assert restored(sessions) == 1


def test_sessions_that_may_have_been_ended_since_are_ended(sessions, kim):
    with sessions.begin() as session:
        session.add(
            SessionRow(token_sha256=b"x", user_id=kim.id, expires_at=text("now() + interval '1 h'"))
        )
    restored(sessions)

    with sessions() as session:
        assert session.query(SessionRow).one().revoked_at is not None
