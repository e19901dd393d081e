"""A click acts on the job it was made for, or on nothing."""

import time

from core import history
from core.models import Job
from pages.parts import clicks, run_again
from tests.core.conftest import filed
from tests.pages.scenes import sent, unsure
from tests.pages.test_run_again import VIDEO


def left_over(at, key: str) -> None:
    """Leave the second half of a double click, as the browser's next message does."""
    at.session_state[f"{clicks.KEPT}{key}"] = (True, time.monotonic())


def status(services, job: Job) -> str:
    with services.sessions() as session:
        return session.get_one(Job, job.id).status


def test_a_second_click_on_send_again_sends_no_other_job(open_page, services, kim):
    first = filed(services.sessions, kim)
    unsure(services, *sent(services))
    second = filed(services.sessions, kim)
    unsure(services, *sent(services))
    at = open_page("job", id=str(first.id))
    at.button(key=f"decide-again-{first.id}-1").click().run()
    left_over(at, f"decide-again-{first.id}-1")

    at.query_params["id"] = str(second.id)
    assert not at.run().exception
    assert (status(services, first), status(services, second)) == ("queued", "running")


def test_a_second_click_is_no_consent_to_a_third_request(open_page, services, kim):
    job = filed(services.sessions, kim)
    unsure(services, *sent(services))
    at = open_page("job", id=str(job.id))
    at.button(key=f"decide-again-{job.id}-1").click().run()
    left_over(at, f"decide-again-{job.id}-1")
    unsure(services, *sent(services))

    at.run()
    assert status(services, job) == "running"
    assert f"decide-again-{job.id}-2" in {button.key for button in at.button}


def test_a_run_of_the_page_forgets_what_it_had_no_button_for(open_page, services, kim):
    at = open_page("history")
    left_over(at, "decide-again-of-another-page")

    at.run()
    assert f"{clicks.KEPT}decide-again-of-another-page" not in at.session_state


def test_a_second_click_in_the_dialog_is_none_in_the_next_dialog(open_page, services, kim):
    first, second = (filed(services.sessions, kim, **VIDEO) for _ in range(2))
    at = open_page("job", id=str(second.id))
    left_over(at, f"run-again-go-{first.id}")
    left_over(at, f"run-again-go-{second.id}")

    at.button(key=f"job-rerun-{second.id}").click().run()
    assert run_again.SLOT not in at.session_state
    with services.sessions() as session:
        assert history.page(session, history.Filter()).total == 2
