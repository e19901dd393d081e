"""What came of a request, recorded late, twice, or by a worker that no longer has the job."""

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError

from core import attempts, claims, decisions, elapsed, runs
from core.errors import NotAccepted, NotSent, OutcomeUnknown, Refused
from core.models import AssetKind, Attempt
from core.stages import Outcome, Stage
from tests.workers.conftest import billed, fault, look_now
from tests.workers.left_behind import (
    V1,
    V2,
    claimed,
    detail_of,
    die,
    intended,
    limits,
    stage_of,
    video_request,
)
from tests.workers.processes import until
from workers import recording, sending, sweep

pytestmark = pytest.mark.usefixtures("quick_videos")


@pytest.fixture
def known_too_late(services, hands, file_video):
    """An uncertain job whose worker was paused with the answer and has recorded it now."""
    job = file_video(*V1)
    claim = claimed(hands)
    attempt = intended(services, claim, send_s=-services.settings.settle_s - 1)
    taken = services.videos["minimax_v1"].submit(video_request(services, job), limits=limits())
    die(services, job)
    sweep.sweep(hands)

    def settle(session):
        return attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id=taken.task_id)

    def move(session, _):
        runs.accepted(session, claim, task_id=taken.task_id, poll_in_s=0)

    with pytest.raises(claims.Stale):
        recording.recorded(services, claim, settle, move)
    return job


def looked_and_fetched(services, hands, kim, job) -> bool:
    look_now(hands)
    return bool(detail_of(services, kim, job).of_kind(AssetKind.RESULT))


def test_a_task_that_was_recorded_too_late_moves_its_job_on(
    services, hands, kim, known_too_late, settle
):
    look_now(hands)
    until(lambda: stage_of(services, kim, known_too_late) is not Stage.UNCERTAIN)

    assert settle(known_too_late).stage is Stage.STORED


def test_it_is_fetched_too_if_somebody_gives_up_first(services, hands, kim, known_too_late):
    with services.sessions.begin() as session:  # a recheck has looked, and has gone away
        session.execute(update(Attempt).values(recheck_at=None))
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, known_too_late.id)

    until(lambda: looked_and_fetched(services, hands, kim, known_too_late))
    assert stage_of(services, kim, known_too_late) is Stage.ABANDONED


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (NotSent("no route", code="unreachable"), Stage.READY),
        (NotAccepted("busy", code="rate_limited", scope="model", retry_after_s=1), Stage.READY),
        (Refused("no", code="invalid_request", closes_model=False), Stage.REJECTED),
        (OutcomeUnknown("cut", code="answer_cut"), Stage.UNCERTAIN),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
def test_a_worker_that_is_late_to_say_what_came_ends_the_doubt(
    services, hands, kim, file_edit, error, stage
):
    job = file_edit()
    claim = claimed(hands)
    attempt = intended(services, claim, send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)

    with pytest.raises(claims.Stale):
        recording.not_done(hands, claim, attempt, error)

    assert stage_of(services, kim, job) is stage


def test_one_that_is_late_leaves_what_was_sent_since_alone(services, hands, kim, file_edit):
    job = file_edit()
    claim = claimed(hands)
    attempt = intended(services, claim, send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    intended(services, claimed(hands), send_s=-services.settings.settle_s - 1)
    die(services, job)
    sweep.sweep(hands)

    with pytest.raises(claims.Stale):
        recording.not_done(hands, claim, attempt, NotSent("no route", code="unreachable"))

    assert stage_of(services, kim, job) is Stage.UNCERTAIN


def test_a_task_that_an_error_names_is_asked_for(services, hands, kim, file_video, settle):
    job = file_video(*V1)
    claim = claimed(hands)
    attempt = intended(services, claim)
    taken = services.videos["minimax_v1"].submit(video_request(services, job), limits=limits())
    error = OutcomeUnknown("an error and a task at once", code="unexpected_answer")
    error.named_task = taken.task_id

    recording.not_done(hands, claim, attempt, error)
    assert stage_of(services, kim, job) is Stage.UNCERTAIN
    look_now(hands)

    assert settle(job).stage is Stage.STORED


def test_a_task_of_another_request_ends_in_doubt_and_holds_up_no_other(
    services, hands, kim, file_video, minimax_simulator
):
    file_video(*V2)
    sending.submit(hands, claimed(hands), deadline=elapsed.now() + 60)
    fault(minimax_simulator, "task_id_duplicate")
    job = file_video(*V2)
    sending.submit(hands, claimed(hands), deadline=elapsed.now() + 60)

    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.UNCERTAIN
    assert detail.run.waiting_for == "answer_unreadable"
    assert hands.spool.noted() == []


@pytest.mark.parametrize("written", [True, False])
def test_an_intent_of_which_nobody_knows_whether_it_was_written_is_handed_back(
    services, hands, kim, file_edit, settle, monkeypatch, openai_simulator, written
):
    job = file_edit()
    claim = claimed(hands)
    really = attempts.open_one

    def open_one(session, *args, **kwargs):
        if written:
            with services.sessions.begin() as another:
                really(another, *args, **kwargs)
        raise OperationalError("COMMIT", None, Exception("the server closed the connection"))

    monkeypatch.setattr(attempts, "open_one", open_one)
    with pytest.raises(claims.Stale, match="could not be written"):
        sending.submit(hands, claim, deadline=elapsed.now() + 60)
    monkeypatch.undo()

    detail = settle(job)
    assert detail.stage is Stage.STORED
    outcomes = [attempt.outcome for attempt in detail.attempts]
    assert outcomes == [Outcome.NOT_SENT] * written + [Outcome.ACCEPTED]
    assert len(billed(openai_simulator)) == 1


def test_a_sender_whose_attempt_was_forgotten_leaves_its_answer_to_whoever_finds_it(
    services, hands, kim, file_video, settle, monkeypatch, minimax_simulator
):
    job = file_video(*V1)
    claim = claimed(hands)
    really = recording.recorded

    def recorded(*args):
        """An older database is back when the answer comes."""
        with services.sessions.begin() as session:
            session.execute(text("DELETE FROM job_events WHERE attempt_id IS NOT NULL"))
            session.execute(text("DELETE FROM attempts"))
            runs.freed(session, runs.locked(session, job.id), by="test")
        return really(*args)

    monkeypatch.setattr(recording, "recorded", recorded)
    with pytest.raises(claims.Stale):
        sending.submit(hands, claim, deadline=elapsed.now() + 60)
    monkeypatch.undo()

    until(lambda: settle(job).stage is Stage.STORED)
    assert len(billed(minimax_simulator)) == 1
