"""What a job has cost, may have cost or will cost is told request by request."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import text

from core import attempts, callbacks, decisions, events, expiry, refusals, runs
from core.claims import Claim
from core.models import Job
from core.sentences import SENTENCES
from core.stages import Outcome, Stage
from tests.core.conftest import claimed, filed
from tests.pages.scenes import said, sent, unsure, view


def cost(open_page, job: Job) -> str:
    (ledger,) = re.findall(r"<dt>Cost</dt><dd>(.*?)</dd>", said(open_page("job", id=str(job.id))))
    return ledger


def test_what_was_cancelled_in_time_cost_nothing(open_page, services, kim):
    job = filed(services.sessions, kim, estimate_usd=Decimal("0.28"))
    assert cost(open_page, job) == "about $0.28"
    with services.sessions.begin() as session:
        decisions.cancel(session, kim, job.id)

    assert cost(open_page, job) == "$0.00"


def test_each_request_that_may_have_cost_is_counted(open_page, services, kim):
    job = filed(services.sessions, kim, estimate_usd=Decimal("0.28"))
    unsure(services, *sent(services))
    assert cost(open_page, job) == "may have cost about $0.28"
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    unsure(services, *sent(services))

    assert cost(open_page, job) == "may have cost about $0.56"


def test_what_was_sent_before_is_doubted_beside_what_is_to_come(open_page, sent_again):
    job, _ = sent_again
    assert cost(open_page, job) == "about $0.28; other requests may have cost about $0.28"


def cancelled(services, user, job: Job) -> None:
    with services.sessions.begin() as session:
        decisions.cancel(session, user, job.id)


def test_cancelling_in_time_says_that_it_cost_nothing(open_page, services, kim):
    job = filed(services.sessions, kim)
    cancelled(services, kim, job)

    sentence = view(open_page("job", id=str(job.id)))["sentence"]
    assert sentence == "Cancelled before it cost anything."


def test_cancelling_what_is_sent_again_leaves_the_doubt(open_page, services, kim, sent_again):
    job, _ = sent_again
    cancelled(services, kim, job)

    sentence = view(open_page("job", id=str(job.id)))["sentence"]
    before = "What was sent before may have been charged."
    assert sentence == f"Cancelled before it cost anything more. {before}"


def test_cancelling_beside_a_late_result_says_that_it_is_paid_for(
    open_page, services, kim, sent_again
):
    job, attempt = sent_again
    with services.sessions.begin() as session:
        events.record(session, job.id, "late_result_kept", by="worker", attempt_id=attempt.id)
    cancelled(services, kim, job)

    sentence = view(open_page("job", id=str(job.id)))["sentence"]
    assert sentence.endswith("What was sent before is paid for.")


@pytest.fixture
def turned_away(services, kim) -> Callable[..., Job]:
    """Let a job's request be turned away and the job end; its provider calls back all the same."""

    def end(act: Callable[[Job, Claim], None]) -> Job:
        job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v1")
        claim, attempt = sent(services, callback_token="t" * 43)
        with services.sessions.begin() as session:
            attempts.settled(session, attempt.id, Outcome.NOT_SENT)
        act(job, claim)
        with services.sessions.begin() as session:
            found = attempts.of_token(session, "t" * 43)
            assert found is not None
            callbacks.heard(session, found, "7")
        return job

    return end


def test_a_cancelled_request_may_cost_if_its_provider_calls_back_all_the_same(
    open_page, services, kim, turned_away
):
    def cancel(job: Job, claim: Claim) -> None:
        with services.sessions.begin() as session:
            runs.postponed(session, claim, due_in_s=60, why="overloaded")
        cancelled(services, kim, job)

    sentence = view(open_page("job", id=str(turned_away(cancel).id)))["sentence"]
    assert sentence.endswith("What was sent before may have been charged.")


def test_so_may_a_refused_one(open_page, services, turned_away):
    def refuse(_: Job, claim: Claim) -> None:
        with services.sessions.begin() as session:
            runs.ended(session, claim, Stage.REJECTED, code="invalid_request")

    shown = said(open_page("job", id=str(turned_away(refuse).id)))
    assert "The provider worked on it all the same, so it may have been charged." in shown


def expired(services, job: Job) -> None:
    """Let a job have waited for too long since it was filed and agreed to."""
    with services.sessions.begin() as session:
        session.execute(text("UPDATE jobs SET created_at = now() - interval '25 h'"))
        session.execute(text("UPDATE attempts SET consent_at = now() - interval '25 h'"))
        assert expiry.end(session, job.id, by="w1")


def test_what_waits_in_vain_was_not_charged(open_page, services, kim):
    job = filed(services.sessions, kim)
    expired(services, job)
    shown = said(open_page("job", id=str(job.id)))

    assert "did not come within a day" in shown
    assert "This request was not charged." in shown
    assert "sent before" not in shown


def test_what_is_sent_again_in_vain_leaves_the_doubt(open_page, services, sent_again):
    job, _ = sent_again
    expired(services, job)
    shown = said(open_page("job", id=str(job.id)))

    assert "This request was not charged. What was sent before may have been charged." in shown


def moderated(services, stage: Stage, outcome: Outcome) -> None:
    """Let the next job end because its prompt or a picture was refused."""
    claim, attempt = sent(services)
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, outcome, observation="moderation_input")
        if outcome is Outcome.ACCEPTED:
            runs.accepted(session, claim, task_id="7", poll_in_s=0)
    if outcome is Outcome.ACCEPTED:
        claim = claimed(services.sessions, Stage.GENERATING)
    with services.sessions.begin() as session:
        runs.ended(session, claim, stage, code="moderation_input")


def test_a_refused_prompt_costs_nothing_wherever_that_is_told(open_page, services, kim):
    job = filed(services.sessions, kim)
    moderated(services, Stage.REJECTED, Outcome.REJECTED)

    assert cost(open_page, job) == "$0.00"
    shown = said(open_page("job", id=str(job.id)))
    assert "This request was not charged." in shown
    assert "Refused; it costs nothing" in shown


def test_a_prompt_refused_when_the_task_was_taken_may_cost(open_page, services, kim):
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v2")
    moderated(services, Stage.FAILED, Outcome.ACCEPTED)

    assert cost(open_page, job) == "unknown; it may have cost something"
    assert "This request may have been charged." in said(open_page("job", id=str(job.id)))


@pytest.mark.parametrize(
    ("code", "known"),
    [
        ("result_deleted", "about $0.28"),
        ("generation_failed", "may have cost about $0.28"),
    ],
)
def test_a_video_that_was_finished_and_deleted_there_is_paid_for(
    open_page, services, kim, code, known
):
    estimate = Decimal("0.28")
    job = filed(
        services.sessions, kim, provider="hailuo", dialect="minimax_v2", estimate_usd=estimate
    )
    claim, attempt = sent(services)
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.ACCEPTED, task_id="7")
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    with services.sessions.begin() as session:
        runs.ended(session, claimed(services.sessions, Stage.GENERATING), Stage.FAILED, code=code)

    assert cost(open_page, job) == known


def test_a_late_result_is_paid_for_and_in_doubt_no_more(open_page, services, sent_again):
    job, attempt = sent_again
    with services.sessions.begin() as session:
        events.record(session, job.id, "late_result_kept", by="worker", attempt_id=attempt.id)
        runs.add_cost(session.get_one(Job, job.id), Decimal("0.30"), "v")

    assert cost(open_page, job) == "about $0.58"
    assert "<td>Taken; it costs</td>" in said(open_page("job", id=str(job.id)))


def test_a_refusal_that_came_late_ends_the_doubt(open_page, services, sent_again):
    job, attempt = sent_again
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.REJECTED, observation="invalid_request")

    assert cost(open_page, job) == "about $0.28"
    assert "<td>Refused; it costs nothing</td>" in said(open_page("job", id=str(job.id)))


def test_a_price_that_nobody_estimated_is_told_by_what_came(open_page, services, sent_again):
    job, attempt = sent_again
    claim, second = sent(services)
    unsure(services, claim, second)
    with services.sessions.begin() as session:
        events.record(session, job.id, "late_result_kept", by="worker", attempt_id=attempt.id)
        changed = session.get_one(Job, job.id)
        runs.add_cost(changed, Decimal("0.30"), "v")
        changed.estimate_usd = None

    assert cost(open_page, job) == "$0.30; other requests may have cost about $0.30"


def test_a_withheld_result_is_not_called_free(open_page, services, kim):
    job = filed(services.sessions, kim)
    claim, attempt = sent(services)
    with services.sessions.begin() as session:
        attempts.settled(
            session, attempt.id, Outcome.REJECTED, observation="moderation_output", http_status=400
        )
        runs.ended(session, claim, Stage.REJECTED, code="moderation_output")
    shown = said(open_page("job", id=str(job.id)))

    assert "Whether it was charged is not known." in shown
    assert "Refused; it may have cost" in shown
    assert "costs nothing" not in shown


@pytest.mark.parametrize(
    ("stage", "code", "denied"),
    [
        (Stage.REJECTED, "input_missing", "The provider"),
        (Stage.BAD_RESULT, "answer_lost", "is kept"),
        (Stage.EXPIRED, "task_expired", "before"),
    ],
)
def test_the_sentence_of_a_stage_leaves_the_reason_to_its_code(stage, code, denied):
    assert denied not in str(SENTENCES[stage])
    assert code in refusals.SENTENCES
