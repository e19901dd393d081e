"""What a dead worker leaves behind in the tables, taken up by the next one."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from core import attempts, callbacks, clock, runs
from core.models import Attempt, Job
from core.stages import Outcome, Stage
from tests.workers.left_behind import (
    V1,
    V2,
    answered,
    claimed,
    detail_of,
    die,
    intended,
    stage_of,
    wait_s,
)
from workers import recovery, sweep

pytestmark = pytest.mark.usefixtures("quick_videos")


def test_a_claim_without_an_attempt_is_simply_free_again(services, hands, kim, file_edit):
    job = file_edit()
    claimed(hands)
    die(services, job)

    assert sweep.sweep(hands) == 1
    assert stage_of(services, kim, job) is Stage.READY


def test_a_request_that_may_have_been_sent_waits_for_its_deadline(services, hands, kim, file_edit):
    job = file_edit()
    intended(services, claimed(hands), send_s=30)
    die(services, job)

    assert sweep.sweep(hands) == 0
    assert stage_of(services, kim, job) is Stage.SUBMITTING


def test_a_request_that_may_have_been_sent_waits_for_the_end_of_its_lease(
    services, hands, kim, file_edit
):
    """It may leave as late as its worker's own deadline allows."""
    job = file_edit()
    intended(services, claimed(hands), send_s=-60)

    assert sweep.sweep(hands) == 0
    assert stage_of(services, kim, job) is Stage.SUBMITTING


@pytest.mark.parametrize("stage", [Stage.READY, Stage.STORING])
def test_a_step_that_loses_its_worker_again_and_again_waits_longer_each_time(
    services, hands, kim, file_edit, monkeypatch, stage
):
    monkeypatch.setattr(sweep, "backoff_s", lambda lost: 100.0 * lost)
    job = file_edit()
    if stage is Stage.STORING:
        answered(services, hands, job)
        recovery.recover(hands)
    waited = []
    for _ in range(4):
        claimed(hands, stage)
        die(services, job)
        sweep.sweep(hands)
        waited.append(wait_s(services, job))

    assert waited == [0, 0, 200, 300]


def lost_in_poll(services, hands, job) -> float:
    """Let a worker die while it asks for a video; return how long the next one waits."""
    claimed(hands, Stage.GENERATING)
    die(services, job)
    sweep.sweep(hands)
    return wait_s(services, job)


def test_only_what_was_lost_since_it_last_went_well_is_counted(
    services, hands, kim, file_video, monkeypatch
):
    monkeypatch.setattr(sweep, "backoff_s", lambda lost: 100.0 * lost)
    job = generating(services, hands, file_video)
    assert [lost_in_poll(services, hands, job) for _ in range(3)] == [0, 0, 200]

    with services.sessions.begin() as session:
        runs.looked(
            session, claimed(hands, Stage.GENERATING), provider_status="running", poll_in_s=0
        )
    assert [lost_in_poll(services, hands, job) for _ in range(3)] == [0, 0, 200]


def test_a_video_whose_end_was_told_is_looked_at_at_once(
    services, hands, kim, file_video, monkeypatch
):
    monkeypatch.setattr(sweep, "backoff_s", lambda lost: 100.0 * lost)
    job = generating(services, hands, file_video)
    (attempt,) = detail_of(services, kim, job).attempts
    for _ in range(3):
        lost_in_poll(services, hands, job)
    with services.sessions.begin() as session:
        callbacks.heard(session, attempts.locked(session, attempt.id), attempt.provider_task_id)

    assert lost_in_poll(services, hands, job) == 0


def generating(services, hands, file_video) -> Job:
    """Return a video that its provider works on."""
    job = file_video(*V2)
    claim = claimed(hands)
    attempt = intended(services, claim)
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="77")
        runs.accepted(session, claim, task_id="77", poll_in_s=0)
    return job


def test_after_its_deadline_it_is_uncertain(services, hands, kim, file_edit):
    job = file_edit()
    intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)

    assert sweep.sweep(hands) == 1
    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.UNCERTAIN
    assert [attempt.outcome for attempt in detail.attempts] == [Outcome.UNKNOWN]


def age(services, job, hours: float) -> None:
    past = clock.now() - timedelta(hours=hours)
    with services.sessions.begin() as session:
        session.execute(update(Job).where(Job.id == job.id).values(created_at=past))
        session.execute(update(Attempt).where(Attempt.job_id == job.id).values(created_at=past))


def test_a_request_that_nobody_took_within_a_day_expires(services, hands, kim, file_edit):
    old, young = file_edit(), file_edit()
    age(services, old, 25)

    assert sweep.expire(hands) == 1
    assert stage_of(services, kim, old) is Stage.EXPIRED
    assert stage_of(services, kim, young) is Stage.READY


@pytest.mark.parametrize(("asked", "stage"), [(V1, Stage.GENERATING), (V2, Stage.EXPIRED)])
def test_only_the_second_api_drops_its_tasks(services, hands, kim, file_video, asked, stage):
    job = file_video(*asked)
    claim = claimed(hands)
    intended(services, claim)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="1", poll_in_s=0)
    age(services, job, 7 * 24 + 1)

    sweep.expire(hands)
    assert stage_of(services, kim, job) is stage
