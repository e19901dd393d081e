"""A callback about a request that was turned away: nobody knows then whether it costs."""

import pytest
from sqlalchemy import update

from core import attempts, callbacks, decisions, elapsed, runs
from core.claims import Stale
from core.errors import NotSent
from core.models import AssetKind, Attempt, Job, Run
from core.restore import after_restore
from core.stages import Outcome, Stage
from tests.workers.conftest import billed, look_now
from tests.workers.left_behind import (
    claimed,
    detail_of,
    die,
    intended,
    limits,
    stage_of,
    video_request,
)
from tests.workers.processes import until
from workers import recording, recovery, steps, sweep, videos

V2 = ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"})

pytestmark = pytest.mark.usefixtures("quick_videos")


@pytest.fixture
def turned_away(file_video, services, hands):
    """An attempt that was not taken; its job is claimed again."""
    file_video(*V2)
    attempt = intended(services, claimed(hands))
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.NOT_SENT)
        session.execute(update(Run).values(stage=Stage.READY, lease_owner=None, lease_until=None))
    return attempt, claimed(hands)


def test_what_was_sent_again_meanwhile_goes_on_beside_it(turned_away, services):
    attempt, claim = turned_away
    second = intended(services, claim)
    with services.sessions.begin() as session:
        first = attempts.locked(session, attempt.id)
        callbacks.heard(session, first, "12345")

        assert first.recheck_at is not None
        assert session.get_one(Run, claim.job_id).stage == Stage.SUBMITTING
        assert session.get_one(Attempt, second.id).outcome == Outcome.OPEN


def test_nothing_is_sent_when_the_callback_comes_between_claim_and_intent(
    turned_away, services, hands, kim, minimax_simulator
):
    attempt, claim = turned_away
    with services.sessions.begin() as session:
        callbacks.heard(session, attempts.locked(session, attempt.id), "12345")
        job = session.get_one(Job, claim.job_id)

    steps.take(hands, claim, deadline=elapsed.now() + 60)
    assert billed(minimax_simulator) == []
    detail = detail_of(services, kim, job)
    assert (detail.stage, detail.run.waiting_for) == (Stage.UNCERTAIN, "called_back")


def worked_on_all_the_same(services, attempt, claim) -> Job:
    """Let the provider have worked on a request that it had turned away, and have said so."""
    with services.sessions.begin() as session:
        job = session.get_one(Job, claim.job_id)
    taken = services.videos["minimax_v2"].submit(video_request(services, job), limits=limits())
    with services.sessions.begin() as session:
        callbacks.heard(session, attempts.locked(session, attempt.id), taken.task_id)
    return job


def turned_away_too(services, claim, second) -> None:
    """Let nothing have become of the second request either: the job doubts the first one again."""
    with services.sessions.begin() as session:
        attempts.settled(session, second.id, Outcome.NOT_SENT)
        runs.postponed(session, claim, due_in_s=0, why="overloaded")


@pytest.mark.parametrize("known", [True, False], ids=["asked already", "not asked yet"])
def test_no_third_is_sent_when_the_second_is_turned_away_too(
    turned_away, services, hands, kim, minimax_simulator, known
):
    attempt, claim = turned_away
    second = intended(services, claim)
    job = worked_on_all_the_same(services, attempt, claim)
    if known:
        look_now(hands)
    turned_away_too(services, claim, second)

    assert stage_of(services, kim, job) is Stage.UNCERTAIN
    look_now(hands)
    detail = detail_of(services, kim, job)
    assert (detail.stage, detail.attempts[0].outcome) == (Stage.GENERATING, Outcome.ACCEPTED)
    assert len(billed(minimax_simulator)) == 1


def test_a_late_result_that_becomes_the_jobs_own_is_counted_once(
    turned_away, settle, services, hands, kim
):
    attempt, claim = turned_away
    second = intended(services, claim)
    job = worked_on_all_the_same(services, attempt, claim)

    def kept() -> bool:
        look_now(hands)
        return bool(detail_of(services, kim, job).late_attempts)

    until(kept)
    once = detail_of(services, kim, job).job.cost_usd
    turned_away_too(services, claim, second)
    look_now(hands)
    detail = settle(job)

    assert detail.stage is Stage.STORED
    assert (detail.job.cost_usd, len(detail.of_kind(AssetKind.RESULT))) == (once, 1)
    assert once > 0


def test_a_late_result_that_the_job_has_stored_meanwhile_is_no_late_one(
    turned_away, settle, services, hands, kim
):
    attempt, claim = turned_away
    second = intended(services, claim)
    job = worked_on_all_the_same(services, attempt, claim)
    turned_away_too(services, claim, second)
    look_now(hands)
    stored = settle(job)
    ready = services.videos["minimax_v2"].progress(stored.job.provider_task_id)

    videos.store_late(hands, job.id, attempt.id, ready)  # a look that began before took longer
    detail = detail_of(services, kim, job)

    assert stored.stage is detail.stage is Stage.STORED
    assert detail.job.cost_usd == stored.job.cost_usd
    assert detail.late_attempts == frozenset()


def test_a_consent_to_one_request_is_none_to_another(turned_away, services, kim):
    attempt, claim = turned_away
    second = intended(services, claim)
    with services.sessions.begin() as session:
        callbacks.heard(session, attempts.locked(session, attempt.id), "12345")
        attempts.settled(session, second.id, Outcome.UNKNOWN)
        runs.unsure(session, claim, why="no_answer")
        job = session.get_one(Job, claim.job_id)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)

    detail = detail_of(services, kim, job)
    assert (detail.stage, detail.run.waiting_for) == (Stage.UNCERTAIN, "called_back")
    assert [it.outcome for it in detail.attempts] == [Outcome.UNKNOWN, Outcome.SUPERSEDED]


@pytest.fixture
def never_left(file_video, services, hands):
    """A request that the sweep had freed, unsent, before a callback named a task for it."""
    job = file_video(*V2)
    claim = claimed(hands)
    attempt = intended(services, claim)
    hands.spool.permits.write(attempt.id)
    die(services, job)
    assert sweep.sweep(hands) == 1
    with services.sessions.begin() as session:
        callbacks.heard(session, attempts.locked(session, attempt.id), "12345")
    assert recovery.recover(hands) == 0
    return job, claim, attempt


def test_its_permit_ends_the_doubt_once_the_task_is_known_to_be_anothers(
    never_left, services, hands, kim
):
    job, _, _ = never_left
    assert stage_of(services, kim, job) is Stage.UNCERTAIN

    look_now(hands)
    assert recovery.recover(hands) == 1
    assert stage_of(services, kim, job) is Stage.READY


@pytest.mark.parametrize("asked", [True, False], ids=["asked already", "not asked yet"])
def test_its_sender_ends_the_doubt_when_it_wakes_up_unless_the_task_may_be_its_own(
    never_left, services, hands, kim, asked
):
    job, claim, attempt = never_left
    if asked:
        look_now(hands)
    with pytest.raises(Stale):
        recording.not_done(hands, claim, attempt, NotSent("taken over", code="too_late"))

    detail = detail_of(services, kim, job)
    expected = (Stage.READY, Outcome.NOT_SENT) if asked else (Stage.UNCERTAIN, Outcome.UNKNOWN)
    assert (detail.stage, detail.attempts[0].outcome) == expected


def test_after_a_restore_nothing_ends_the_doubt(never_left, services, hands, kim):
    job, _, _ = never_left
    look_now(hands)
    with services.sessions.begin() as session:
        after_restore(session)

    assert recovery.recover(hands) == 0
    assert stage_of(services, kim, job) is Stage.UNCERTAIN
