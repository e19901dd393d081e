"""A job that waits or is uncertain says why, and what there is to decide."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, text

from core import attempts, decisions, events, expiry, heartbeats, runs
from core.models import Job
from core.stages import Stage
from tests.core.conftest import claimed, filed
from tests.pages.scenes import said, sent, unsure, view


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
