"""Every choice is shown with its price where it is asked for, and says what came of it."""

from decimal import Decimal

import pytest
from sqlalchemy import update

from core import decisions, rechecks, runs
from core.errors import Rejected, msg
from core.models import Attempt, Job
from core.stages import Stage
from tests.core.conftest import claimed, filed, person
from tests.pages.scenes import said, sent, unsure

FIRST_API = {"provider": "hailuo", "dialect": "minimax_v1"}
VIDEO = {"provider": "hailuo", "dialect": "minimax_v2", "model": "MiniMax-H3"}


def keys(at) -> set[str]:
    return {str(button.key) for button in at.button}


def toasts(at) -> list[str]:
    return [toast.value for toast in at.toast]


def uncertain(services, user, **changes) -> Job:
    return doubted(services, user, **changes)[0]


def doubted(services, user, **changes) -> tuple[Job, Attempt]:
    job = filed(services.sessions, user, estimate_usd=Decimal("0.28"), **changes)
    claim, attempt = sent(services)
    unsure(services, claim, attempt)
    return job, attempt


def at_work(services, user) -> Job:
    job = filed(services.sessions, user, **VIDEO)
    claim, _ = sent(services)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="7", poll_in_s=0)
    return job


class TestTheList:
    def test_it_holds_what_is_to_be_decided_with_reasons_choices_and_prices(
        self, open_page, services, kim
    ):
        filed(services.sessions, kim, prompt="not this one")
        claimed(services.sessions)
        job = uncertain(services, kim, prompt="a paper boat")
        at = open_page("history", status="decision")

        assert "a paper boat" in said(at)
        assert "not this one" not in said(at)
        assert "broke off before its end" in said(at)
        assert "About $0.28 more." in said(at)
        assert {f"decide-again-{job.id}-1", f"decide-give_up-{job.id}-1"} <= keys(at)

    def test_a_choice_made_there_is_done_and_said(self, open_page, services, kim):
        first, second = (uncertain(services, kim) for _ in range(2))
        at = open_page("history", status="decision")
        at.button(key=f"decide-give_up-{first.id}-1").click().run()

        assert toasts(at) == ["You gave up on it. If its result still turns up, it is kept here."]
        assert f"decide-give_up-{second.id}-1" in keys(at)
        assert f"decide-give_up-{first.id}-1" not in keys(at)

    def test_a_colleagues_job_is_shown_and_not_decided(self, open_page, services):
        job = uncertain(services, person(services.sessions, "lee"))
        at = open_page("history", status="decision", whose="all")

        assert "broke off before its end" in said(at)
        assert not [key for key in keys(at) if str(job.id) in key]


class TestChecking:
    def test_that_an_edit_cannot_be_checked_is_explained(self, open_page, services, kim):
        job = uncertain(services, kim)
        at = open_page("job", id=str(job.id))

        assert "Not possible: OpenAI cannot tell what became of a request." in said(at)
        assert f"decide-check-{job.id}-1" not in keys(at)

    @pytest.mark.parametrize(("token", "told"), [("t" * 43, True), (None, False)])
    def test_a_video_of_the_first_api_may_still_call_back_if_it_was_asked_to(
        self, open_page, services, kim, token, told
    ):
        job = filed(services.sessions, kim, **FIRST_API)
        unsure(services, *sent(services, callback_token=token))

        shown = said(open_page("job", id=str(job.id)))
        assert ("It may still call back." in shown) is told
        assert "Not possible: MiniMax" in shown

    def test_nothing_calls_back_about_a_request_that_a_restored_database_does_not_know(
        self, open_page, services, kim
    ):
        job = filed(services.sessions, kim, **FIRST_API)
        claim = claimed(services.sessions)
        with services.sessions.begin() as session:
            runs.unsure(session, claim, why="restored")

        assert "It may still call back." not in said(open_page("job", id=str(job.id)))

    def test_asking_is_said_at_once_and_stays_visible(self, open_page, services, kim):
        job = uncertain(services, kim, **VIDEO)
        at = open_page("job", id=str(job.id))
        at.button(key=f"decide-check-{job.id}-1").click().run()

        assert toasts(at) == ["The provider is being asked."]
        assert "It is being asked now." in said(at)

    def test_what_was_not_found_is_said_with_the_next_time(self, open_page, services, kim):
        job, attempt = doubted(services, kim, **VIDEO)
        with services.sessions.begin() as session:
            rechecks.later(session.get_one(Attempt, attempt.id), in_s=600)

        shown = said(open_page("job", id=str(job.id)))
        assert "Nothing was found so far; it is asked again by itself at" in shown

    def test_an_open_page_hears_that_nothing_was_found(self, services, kim, monkeypatch):
        job, attempt = doubted(services, kim, **VIDEO)
        heard = []
        monkeypatch.setattr("core.events.show_change", lambda _session, **told: heard.append(told))
        with services.sessions.begin() as session:
            rechecks.ever_more_rarely(session, session.get_one(Attempt, attempt.id), by="test")

        assert heard == [{"job_id": job.id, "user_id": kim.id}]

    def test_what_was_sent_again_before_is_not_asked_about(self, open_page, services, kim):
        job = uncertain(services, kim, **VIDEO)
        with services.sessions.begin() as session:
            decisions.send_again(session, kim, job.id)
            session.execute(update(Attempt).values(candidate_task_id="7"))
        claim = claimed(services.sessions)
        with services.sessions.begin() as session:
            runs.unsure(session, claim, why="worker_lost")

        assert f"decide-check-{job.id}-1" not in keys(open_page("job", id=str(job.id)))


class TestCancelling:
    def test_a_wish_that_waits_for_the_provider_is_shown_instead_of_the_button(
        self, open_page, services, kim
    ):
        job = at_work(services, kim)
        at = open_page("job", id=str(job.id))
        at.button(key=f"decide-cancel-{job.id}-1").click().run()

        assert toasts(at) == ["It is being cancelled."]
        assert "It is being cancelled at the provider." in said(at)
        assert f"decide-cancel-{job.id}-1" not in keys(at)

    def test_that_it_came_too_late_is_said_with_what_it_means_for_the_money(
        self, open_page, services, kim
    ):
        job = at_work(services, kim)
        with services.sessions.begin() as session:
            decisions.cancel(session, kim, job.id)
        claim = claimed(services.sessions, Stage.GENERATING)
        with services.sessions.begin() as session:
            runs.not_cancelled(session, claim)

        shown = said(open_page("job", id=str(job.id)))
        assert "the provider had begun. It is paid for, and its result will be kept." in shown

    def test_a_refusal_outlives_the_run_of_the_page_that_follows(
        self, open_page, services, kim, monkeypatch
    ):
        def claimed_meanwhile(*_):
            raise Rejected(msg("It has been sent already: it is paid for, and its result is kept."))

        job = filed(services.sessions, kim)
        at = open_page("job", id=str(job.id))
        monkeypatch.setattr(decisions, "cancel", claimed_meanwhile)
        at.button(key=f"decide-cancel-{job.id}-0").click().run()

        assert toasts(at) == ["It has been sent already: it is paid for, and its result is kept."]
