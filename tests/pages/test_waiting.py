"""A job that waits or is uncertain says why, and what was paid for it so far."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, text

from core import attempts, callbacks, decisions, events, expiry, heartbeats, refusals, runs
from core.claims import Claim
from core.models import Attempt, Job
from core.sentences import SENTENCES
from core.stages import Outcome, Stage
from tests.core.conftest import claimed, filed


def said(at) -> str:
    return "\n".join(html.proto.body for html in at.get("html"))


def sent(services, worker: str = "w1", callback_token: str | None = None):
    """Claim the next job and write down that it is being sent."""
    claim = claimed(services.sessions, worker=worker)
    with services.sessions.begin() as session:
        attempt = attempts.open_one(
            session,
            claim,
            key_id="key",
            send_s=60,
            callback_token=callback_token,
            estimate_usd=None,
        )
    return claim, attempt


def unsure(services, claim, attempt) -> None:
    with services.sessions.begin() as session:
        attempts.settled(session, attempt.id, Outcome.UNKNOWN, request_id="req_lost")
        runs.unsure(session, claim, why="answer_cut")


def test_a_job_that_was_put_back_says_once_why_it_waits(open_page, services, kim):
    job = filed(services.sessions, kim)
    claim = claimed(services.sessions)
    with services.sessions.begin() as session:
        heartbeats.beat(session, "w1", host="here", spool="here", in_hand=0)
        runs.postponed(session, claim, due_in_s=60, why="unreachable")
    at = open_page("job", id=str(job.id))

    why = "OpenAI could not be reached, so nothing was sent and nothing was charged."
    assert view(at)["sentence"].count(why) == 1
    assert said(at).count(why) == said(at).count(f"<td>{why}") == 1  # in the log


def test_a_task_that_can_be_asked_again_waits_for_nothing(services, kim):
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v1")
    claim, _ = sent(services)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    with services.sessions.begin() as session:
        runs.retry(
            session, claimed(services.sessions, Stage.GENERATING), due_in_s=0, why="check_failed"
        )
    with services.sessions.begin() as session:
        looking = claimed(services.sessions, Stage.GENERATING)
        runs.looked(session, looking, provider_status="Processing", poll_in_s=9)

    with services.sessions() as session:
        assert runs.locked(session, job.id).waiting_for is None


def view(at) -> dict:
    (found,) = (e for e in at.get("bidi_component") if "job_view" in e.proto.component_name)
    return json.loads(found.proto.json)


def at_work_for(services, minutes: int) -> None:
    """Have a video at work since some minutes, and looked at now."""
    claim, _ = sent(services)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    with services.sessions.begin() as session:
        run = runs.locked(session, claim.job_id)
        run.stage_since -= timedelta(minutes=minutes)
        run.looked_at = func.now()


@pytest.mark.parametrize(("minutes", "stalled"), [(29, False), (31, True)])
def test_a_task_that_takes_far_too_long_says_so_and_that_nothing_is_lost(
    open_page, services, kim, minutes, stalled
):
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v1")
    at_work_for(services, minutes)
    a_worker_runs(services)
    at = open_page("job", id=str(job.id))

    assert ("we look ever more rarely. Nothing is lost." in view(at)["sentence"]) is stalled


def test_one_that_its_provider_will_drop_says_when(open_page, services, kim):
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v2")
    at_work_for(services, 31)
    a_worker_runs(services)
    with services.sessions() as session:
        (attempt,) = attempts.of_job(session, job.id)
    sentence = view(open_page("job", id=str(job.id)))["sentence"]

    day = f"{attempt.created_at + expiry.V2_TASK:%b %-d, %Y}"
    assert f"MiniMax keeps it until {day}" in sentence
    assert "lost" not in sentence


def a_worker_runs(services) -> None:
    with services.sessions.begin() as session:
        heartbeats.beat(session, "w1", host="here", spool="here", in_hand=0)


@pytest.mark.parametrize(
    ("locale", "alone", "everywhere", "otherwise"),
    [
        ("en", "no worker is running to fetch", "No worker is running: ", "You can close this tab"),
        ("ko", "가져올 워커가 실행되고", "실행 중인 워커가 없습니다.", "탭을 닫아도 됩니다"),
    ],
)
def test_a_video_that_nobody_will_fetch_says_so_instead_and_so_does_every_page(
    open_page, services, kim, locale, alone, everywhere, otherwise
):
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v2")
    at_work_for(services, 31)
    with services.sessions.begin() as session:
        runs.locked(session, job.id).waiting_for = "check_failed"
    at = open_page("job", locale=locale, id=str(job.id))

    assert alone in view(at)["sentence"]
    assert otherwise not in view(at)["sentence"]
    assert "by itself" not in said(at)  # why it failed before would say that it is asked again
    assert everywhere in said(at)
    assert everywhere in said(open_page("history", locale=locale))

    a_worker_runs(services)
    at = open_page("job", locale=locale, id=str(job.id))
    assert otherwise in view(at)["sentence"]
    assert everywhere not in said(at)


@pytest.mark.parametrize(("minutes", "told"), [(29, 0), (31, 1)])
def test_an_open_page_hears_that_a_task_is_stalled(services, kim, monkeypatch, minutes, told):
    filed(services.sessions, kim, provider="hailuo", dialect="minimax_v1")
    at_work_for(services, minutes)
    heard = []
    monkeypatch.setattr("core.events.show_change", lambda _session, **job: heard.append(job))
    for _ in range(2):
        heard.clear()
        with services.sessions.begin() as session:
            looking = claimed(services.sessions, Stage.GENERATING)
            runs.looked(session, looking, provider_status="Processing", poll_in_s=0)

    assert len(heard) == told


def test_an_uncertain_job_says_what_is_known_and_offers_its_choices(open_page, services, kim):
    job = filed(services.sessions, kim)
    unsure(services, *sent(services))
    at = open_page("job", id=str(job.id))

    assert "broke off before its end" in said(at)
    offered = {str(b.key).removesuffix(f"-{job.id}-1") for b in at.button}
    assert {"decide-again", "decide-give_up"} <= offered


def test_every_paid_request_is_listed_with_what_became_of_it_and_who_agreed(
    open_page, services, kim
):
    job = filed(services.sessions, kim)
    unsure(services, *sent(services))
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    sent(services)
    table = said(open_page("job", id=str(job.id)))

    assert "<td>1</td>" in table
    assert "Unknown; sent again with consent</td><td>Kim · " in table
    assert "req_lost" in table
    assert "On its way" in table
    assert "Task id" not in table


def test_giving_up_ends_it(open_page, services, kim):
    job = filed(services.sessions, kim)
    claim = claimed(services.sessions)
    with services.sessions.begin() as session:
        runs.unsure(session, claim, why="no_answer")
    at = open_page("job", id=str(job.id))
    at.button(key=f"decide-give_up-{job.id}-0").click().run()

    with services.sessions() as session:
        assert session.get_one(Job, job.id).final_stage == "abandoned"


def test_each_choice_says_what_it_may_cost(open_page, services, kim):
    with_price = filed(services.sessions, kim, estimate_usd=Decimal("0.28"))
    unsure(services, *sent(services))
    shown = said(open_page("job", id=str(with_price.id)))

    assert "About $0.28 more. 1 earlier request may have cost about $0.28 too." in shown
    assert "Nothing more. 1 request may have cost about $0.28; should its result" in shown


def choices_of_twice_sent(open_page, services, job: Job) -> list[str]:
    """Return what is told of the choices at the job and in the list, once that is uncertain too."""
    unsure(services, *sent(services))
    return [said(open_page("job", id=str(job.id))), said(open_page("history", status="decision"))]


def test_a_further_consent_is_asked_for_with_all_that_may_have_cost_before(
    open_page, services, sent_again
):
    job, _ = sent_again
    for shown in choices_of_twice_sent(open_page, services, job):
        assert "About $0.28 more. 2 earlier requests may have cost about $0.56 too." in shown
        assert "Nothing more. 2 requests may have cost about $0.56; should a result" in shown


def test_a_further_consent_counts_no_request_whose_cost_is_known(open_page, services, sent_again):
    job, attempt = sent_again
    with services.sessions.begin() as session:
        events.record(session, job.id, "late_result_kept", by="worker", attempt_id=attempt.id)
    for shown in choices_of_twice_sent(open_page, services, job):
        assert "About $0.28 more. 1 earlier request may have cost about $0.28 too." in shown


def test_a_further_consent_without_a_price_counts_all_the_same(open_page, services, sent_again):
    job, _ = sent_again
    with services.sessions.begin() as session:
        session.get_one(Job, job.id).estimate_usd = None
    for shown in choices_of_twice_sent(open_page, services, job):
        assert "Its full price more. 2 earlier requests may have been billed too." in shown
        assert "Nothing more. 2 requests may have been billed; should a result" in shown


def test_every_page_tells_that_a_decision_is_waited_for(open_page, services, kim):
    assert "a decision" not in said(open_page("video"))
    filed(services.sessions, kim)
    unsure(services, *sent(services))

    at = open_page("video")
    assert "1 of your jobs needs a decision" in said(at)
    (link,) = at.get("page_link")
    assert link.proto.query_string == "status=decision"


def test_a_stalled_video_can_be_given_up(open_page, services, kim):
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v1")
    claim, _ = sent(services)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=60)
    stop = f"decide-stop_waiting-{job.id}-1"
    assert stop not in {b.key for b in open_page("job", id=str(job.id)).button}
    with services.sessions.begin() as session:
        session.execute(text("UPDATE runs SET stage_since = now() - interval '1 hour'"))
    at = open_page("job", id=str(job.id)).button(key=stop).click().run()

    assert not at.exception
    assert "You gave up on it." in at.toast[0].value
    with services.sessions() as session:
        assert session.get_one(Job, job.id).final_stage == "abandoned"


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


@pytest.fixture
def sent_again(services, kim) -> tuple[Job, Attempt]:
    """A job in the queue once more, and its first request, of which nobody knows."""
    job = filed(services.sessions, kim, estimate_usd=Decimal("0.28"))
    claim, attempt = sent(services)
    unsure(services, claim, attempt)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    return job, attempt


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
